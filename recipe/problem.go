package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Problem is a znode of another kind than the recipe expects at its path. The roles report it
// and go on as well as they can. A person has to remove it, because a role never deletes the
// znode of another process.
type Problem struct {
	Path   string // of the znode
	What   string // the kind of the znode, and the consequence
	Remedy string // the command for zkCli
}

// String prints the Problem in one line.
func (p Problem) String() string { return fmt.Sprintf("%s %s; in zkCli: %s", p.Path, p.What, p.Remedy) }

// problemError is a Problem that makes a step impossible until it is gone.
type problemError struct{ Problem }

// Error implements error.
func (e *problemError) Error() string { return e.String() }

// notAlive is the problem of a znode that should be the ephemeral of a session and is not.
func notAlive(path string, stat zkapi.Stat, consequence string) Problem {
	remedy := "delete " + path
	if stat.NumChildren > 0 {
		remedy = "deleteall " + path
	}
	return Problem{path, fmt.Sprintf("is %s, but only an ephemeral of a session counts here: %s", article(stat.Owner()), consequence), remedy}
}

// notPersistent is the problem of a znode that should be persistent and that the server will
// delete.
func notPersistent(path string, stat zkapi.Stat, follows string) Problem {
	return Problem{path, fmt.Sprintf("is %s, but must be persistent: %s", article(stat.Owner()), follows), "deleteall " + path}
}

func article(o zkapi.Owner) string {
	switch o {
	case zkapi.OwnerNone:
		return "persistent"
	case zkapi.OwnerSession:
		return "an ephemeral"
	}
	return "a " + o.String() + " znode"
}

// masterProblem is the Problem of a /master that is no ephemeral of a session.
func (l layout) masterProblem(stat zkapi.Stat) Problem {
	return notAlive(l.master(), stat, "no master leads, and none can be elected")
}

func (l layout) workerProblem(w string, stat zkapi.Stat) Problem {
	return notAlive(l.worker(w), stat, "the worker counts as lost, and no worker can register under that name")
}

func (l layout) progressProblem(t string, stat zkapi.Stat) Problem {
	return notAlive(l.progress(t), stat, "it does not show that a worker executes the task")
}

// candidateProblem says why a znode is not in the queue of candidates, or reports false if it
// is.
func (l layout) candidateProblem(name string, stat zkapi.Stat) (Problem, bool) {
	switch path := l.candidate(name); {
	case !stat.Alive():
		return notAlive(path, stat, "it is not in the queue of candidates"), true
	case sequence(name) < 0:
		return Problem{path, "has no sequence number at the end of its name: it is not in the queue of candidates", "delete " + path}, true
	}
	return Problem{}, false
}

// claimProblem is the Problem of a znode whose version is a claim. If a server deletes it,
// the versions begin at 0 again, and old claims would be valid again.
func claimProblem(path string, stat zkapi.Stat) Problem {
	return notPersistent(path, stat, "its version is a claim, and the claim is lost when the server deletes the znode. Stop the masters and workers that use it first")
}

// renewals is how many writes of its own claim a worker must be able to make after it has
// registered: it says that it retires, and which epoch it has seen.
const renewals = 1000

// versionProblem returns why a claim cannot be taken by raising this version, or false if it
// can. The holder can raise it again that often.
func (l layout) versionProblem(path string, version, again int32) (Problem, bool) {
	if fence.CanRise(version, 1) && fence.CanRise(version+1, again) {
		return Problem{}, false
	}
	what := "is too close to 2147483647, the highest one"
	if version < 0 {
		what = "is negative, because ZooKeeper's counter has passed 2147483647"
	}
	what = fmt.Sprintf("has version %d, which %s: it cannot be a claim, so ", version, what)
	if path == l.assign() {
		return Problem{path, what + "no master is elected",
			fmt.Sprintf("deleteall %s, when all masters and workers have been stopped and their sessions are over; epochs begin at 1 again, so reset the tokens that external systems remember", path)}, true
	}
	return Problem{path, what + "no worker registers under this name, and it gets no tasks", fmt.Sprintf("get -s %s; start the worker under another name", path)}, true
}

// parentProblem says why nothing can live below a parent, or reports false.
func parentProblem(path string, stat zkapi.Stat) (Problem, bool) {
	return notPersistent(path, stat, "no znode can be created below it"), stat.Alive()
}

// ensureProblem is the problem of a parent, or a notice, that is not persistent.
func (l layout) ensureProblem(path string, stat zkapi.Stat) Problem {
	problem, obstructs := parentProblem(path, stat)
	switch {
	case path == l.assign():
		return claimProblem(path, stat)
	case path == l.backlog() || path == l.quarantine() || path == l.format():
		return noticeProblem(path, stat)
	case obstructs:
		return problem
	}
	return notPersistent(path, stat, "the server deletes it when it has no children, and the next process that starts creates it again")
}

// ErrObstructed means that a znode of another kind is in the way, so the call cannot succeed.
// The error names the znode and the remedy.
var ErrObstructed = errors.New("a znode is in the way")

// notices remembers the reported problems, so that each is reported once.
type notices struct {
	mu       sync.Mutex
	reported map[string]int64 // czxid by path
}

// report warns of a problem with a znode, unless it has warned of that very znode.
func (n *notices) report(ctx context.Context, log *slog.Logger, p Problem, stat zkapi.Stat) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if czxid, known := n.reported[p.Path]; known && czxid == stat.Czxid {
		return
	}
	if n.reported == nil {
		n.reported = map[string]int64{}
	}
	const most = 1000 // remembered; then all are forgotten and reported again
	if len(n.reported) >= most {
		clear(n.reported)
	}
	n.reported[p.Path] = stat.Czxid
	log.WarnContext(ctx, "a znode is in the way", "znode", p.Path, "problem", p.What, "remedy", p.Remedy)
}

// reporter returns a function that reports problems of znodes without a known Stat.
func (n *notices) reporter(ctx context.Context, log *slog.Logger) func(Problem) {
	return func(p Problem) { n.report(ctx, log, p, zkapi.Stat{}) }
}

// unobstructed repeats a step while a Problem makes it impossible. It reports the znode once.
func (n *notices) unobstructed(ctx context.Context, env zkapi.Env, log *slog.Logger, again *retry.Step, session retry.Endable, step func() error) error {
	for {
		err := again.OnDisconnect(ctx, session, step)
		p, ok := errors.AsType[*problemError](err)
		if !ok {
			return err
		}
		if err := n.reportAndWait(ctx, env, session, log, p); err != nil {
			return err
		}
	}
}

// reportAndWait reports a problem, and waits a while before the step is tried again.
func (n *notices) reportAndWait(ctx context.Context, env zkapi.Env, session retry.Endable, log *slog.Logger, p *problemError) error {
	n.report(ctx, log, p.Problem, zkapi.Stat{})
	_, err := env.Wait(ctx, session.Done(), env.Timer(resyncInterval))
	if err == nil && session.Done().Fired() {
		err = session.Cause()
	}
	return err
}

// taskProblem says why a znode below /tasks is not executed as a task.
func (l layout) taskProblem(t string, stat zkapi.Stat) Problem {
	return notPersistent(l.task(t), stat, "the server may delete it at any time, so it does not count as a task")
}

// optionsProblem says that the options of a task cannot be read.
func (l layout) optionsProblem(t string, err error) Problem {
	path := l.task(t)
	return Problem{path, fmt.Sprintf("has options that cannot be read (%s): the task is not executed", observe.Clip(oneLine(err))), "set " + path + ` '#ringmaster {"priority":9} payload'`}
}

// mistypedProblem says what is probably wrong in the data of a task.
func (l layout) mistypedProblem(t, what string) Problem {
	return Problem{l.task(t), what, "get " + l.task(t) + "; if that is wrong, delete the task and submit it again"}
}

// attemptsProblem says that a record leaves no number for the next attempt.
func (l layout) attemptsProblem(t string, n int32) Problem {
	path := l.attempt(t, n)
	return Problem{path, "leaves no number for the next attempt: the task is not executed", "delete " + path}
}

// numberProblem is about a record of an attempt whose number cannot be one.
func (l layout) numberProblem(t, name string) Problem {
	path := l.task(t) + "/" + name
	return Problem{path, fmt.Sprintf("is ignored: the number of an attempt is 1 to %d, without zeros in front", maxAttempt-1), "delete " + path}
}

// capacityProblem is about a claim record that cannot be read, or has a negative capacity.
func (l layout) capacityProblem(w, what string) Problem {
	return Problem{l.inbox(w), what, "get " + l.inbox(w) + "; start the worker again"}
}

// assignmentRecordProblem is about an assignment that no master can have made.
func (l layout) assignmentRecordProblem(w, t, what string) Problem {
	return Problem{l.assignment(w, t), what + ", so no master has made it", "delete " + l.assignment(w, t)}
}

// wordProblem is about a status with a word that the recipe does not use, or false.
func (l layout) wordProblem(t string, s Status) (Problem, bool) {
	path := l.status(t)
	known := s.State == Done || s.State == Failed || s.State == Cancelled
	return Problem{
		path, fmt.Sprintf("has the state %q, which is none of done, failed and cancelled: the task has ended, and has no result", brief(string(s.State))), "get " + path + "; delete it, and the task is executed",
	}, !known
}

// oneLine is the text of an error in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// statusProblem is the Problem of a status that is not persistent.
func (l layout) statusProblem(t string, stat zkapi.Stat) Problem {
	return notPersistentLeaf(l.status(t), stat, "it does not count as a result, and the master ignores the task until the znode is deleted")
}

// assignmentProblem is the Problem of an assignment that is not persistent.
func (l layout) assignmentProblem(w, t string, stat zkapi.Stat) Problem {
	return notPersistentLeaf(l.assignment(w, t), stat, "the worker does not execute it, because the master would assign the task to another worker when the server deletes the znode")
}

// belowProblem returns why a znode below a task does not count, or counts only as long as it
// exists; or false.
func (l layout) belowProblem(t, name string, stat zkapi.Stat) (Problem, bool) {
	_, attempt := attemptNumber(name)
	switch {
	case name == "progress":
		return l.progressProblem(t, stat), !stat.Alive()
	case name == "status":
		return l.statusProblem(t, stat), stat.Owner() != zkapi.OwnerNone
	case attempt:
		return recordProblem(l.task(t)+"/"+name, stat), stat.Owner() != zkapi.OwnerNone
	}
	return Problem{}, false
}

// recordProblem is the Problem of a record below a task that is not persistent.
func recordProblem(path string, stat zkapi.Stat) Problem {
	return notPersistentLeaf(path, stat, "the record is lost when the server deletes the znode")
}

// childrenProblem is the Problem of a znode that must be deleted and cannot be.
func childrenProblem(path string) Problem {
	return Problem{path, "has children that the recipe did not create, so it cannot be deleted", "deleteall " + path}
}

// noticeProblem is the Problem of a notice that is not persistent.
func noticeProblem(path string, stat zkapi.Stat) Problem {
	return notPersistentLeaf(path, stat, "the notice is lost when the server deletes the znode. A master then creates it again")
}

// notPersistentLeaf is a problem with a znode that has no children.
func notPersistentLeaf(path string, stat zkapi.Stat, follows string) Problem {
	p := notPersistent(path, stat, follows)
	p.Remedy = strings.Replace(p.Remedy, "deleteall", "delete", 1)
	return p
}
