package recipe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Problem is a znode of another kind than the recipe expects at its Path. What is the kind of the
// znode and the consequence, and Remedy the command for zkCli. The roles report it and go on as
// well as they can. A person has to remove it, because a role never deletes the znode of another
// process.
type Problem = obstacle.Problem

// masterProblem is the Problem of a /master that is no ephemeral of a session.
func (l layout) masterProblem(stat zkapi.Stat) Problem {
	return obstacle.NotAlive(l.master(), stat, "no master leads, and none can be elected")
}

func (l layout) workerProblem(w string, stat zkapi.Stat) Problem {
	return obstacle.NotAlive(l.worker(w), stat, "the worker counts as lost, and no worker can register under that name")
}

func (l layout) progressProblem(t string, stat zkapi.Stat) Problem {
	return obstacle.NotAlive(l.progress(t), stat, "it does not show that a worker executes the task")
}

// claimProblem is the Problem of a znode whose version is a claim. If a server deletes it,
// the versions begin at 0 again, and old claims would be valid again.
func claimProblem(path string, stat zkapi.Stat) Problem {
	return obstacle.NotPersistent(path, stat, "its version is a claim, and the claim is lost when the server deletes the znode. Stop the masters and workers that use it first")
}

// renewals is how many writes of its own claim a worker must be able to make after it has
// registered: it says that it retires, and which epoch it has seen.
const renewals = 1000

// versionProblem returns why a claim cannot be taken by raising this version, or false if it
// can. The holder can raise it again that often.
func (l layout) versionProblem(path string, version, again int32) (Problem, bool) {
	why, bad := obstacle.NoVersion(version, again)
	if !bad {
		return Problem{}, false
	}
	if path == l.assign() {
		return Problem{
			Path: path, What: why + "no master is elected",
			Remedy: fmt.Sprintf("deleteall %s, when all masters and workers have been stopped and their sessions are over; epochs begin at 1 again, so reset the tokens that external systems remember", path),
		}, true
	}
	return Problem{
		Path: path, What: why + "no worker registers under this name, and it gets no tasks", Remedy: fmt.Sprintf("get -s %s; start the worker under another name", path),
	}, true
}

// claimable returns why a claim cannot be taken at a znode. The holder can raise its version again
// that often.
func (l layout) claimable(path string, again int32) func(zkapi.Stat) error {
	return func(stat zkapi.Stat) error {
		if stat.Owner() != zkapi.OwnerNone {
			return &obstacle.Error{Problem: claimProblem(path, stat)}
		}
		if problem, bad := l.versionProblem(path, stat.Version, again); bad {
			return &obstacle.Error{Problem: problem}
		}
		return nil
	}
}

// parentProblem says why nothing can live below a parent, or reports false.
func parentProblem(path string, stat zkapi.Stat) (Problem, bool) {
	return obstacle.NotPersistent(path, stat, "no znode can be created below it"), stat.Alive()
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
	return obstacle.NotPersistent(path, stat, "the server deletes it when it has no children, and the next process that starts creates it again")
}

// ErrObstructed means that a znode of another kind is in the way, so the call cannot succeed.
// The error names the znode and the remedy.
var ErrObstructed = errors.New("a znode is in the way")

// taskProblem says why a znode below /tasks is not executed as a task.
func (l layout) taskProblem(t string, stat zkapi.Stat) Problem {
	return obstacle.NotPersistent(l.task(t), stat, "the server may delete it at any time, so it does not count as a task")
}

// optionsProblem says that the options of a task cannot be read.
func (l layout) optionsProblem(t string, err error) Problem {
	path := l.task(t)
	return Problem{Path: path, What: fmt.Sprintf("has options that cannot be read (%s): the task is not executed", observe.Clip(oneLine(err))), Remedy: "set " + path + ` '#ringmaster {"priority":9} payload'`}
}

// mistypedProblem says what is probably wrong in the data of a task.
func (l layout) mistypedProblem(t, what string) Problem {
	return Problem{Path: l.task(t), What: what, Remedy: "get " + l.task(t) + "; if that is wrong, delete the task and submit it again"}
}

// attemptsProblem says that a record leaves no number for the next attempt.
func (l layout) attemptsProblem(t string, n int32) Problem {
	path := l.attempt(t, n)
	return Problem{Path: path, What: "leaves no number for the next attempt: the task is not executed", Remedy: "delete " + path}
}

// numberProblem is about a record of an attempt whose number cannot be one.
func (l layout) numberProblem(t, name string) Problem {
	path := l.task(t) + "/" + name
	return Problem{Path: path, What: fmt.Sprintf("is ignored: the number of an attempt is 1 to %d, without zeros in front", maxAttempt-1), Remedy: "delete " + path}
}

// capacityProblem is about a claim record that cannot be read, or has a negative capacity.
func (l layout) capacityProblem(w, what string) Problem {
	return Problem{Path: l.inbox(w), What: what, Remedy: "get " + l.inbox(w) + "; start the worker again"}
}

// assignmentRecordProblem is about an assignment that no master can have made.
func (l layout) assignmentRecordProblem(w, t, what string) Problem {
	return Problem{Path: l.assignment(w, t), What: what + ", so no master has made it", Remedy: "delete " + l.assignment(w, t)}
}

// wordProblem is about a status with a word that the recipe does not use, or false.
func (l layout) wordProblem(t string, s Status) (Problem, bool) {
	path := l.status(t)
	known := s.State == Done || s.State == Failed || s.State == Cancelled
	return Problem{
		Path: path, What: fmt.Sprintf("has the state %q, which is none of done, failed and cancelled: the task has ended, and has no result", brief(string(s.State))),
		Remedy: "get " + path + "; delete it, and the task is executed",
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
	return Problem{Path: path, What: "has children that the recipe did not create, so it cannot be deleted", Remedy: "deleteall " + path}
}

// noticeProblem is the Problem of a notice that is not persistent.
func noticeProblem(path string, stat zkapi.Stat) Problem {
	return notPersistentLeaf(path, stat, "the notice is lost when the server deletes the znode. A master then creates it again")
}

// notPersistentLeaf is a problem with a znode that has no children.
func notPersistentLeaf(path string, stat zkapi.Stat, follows string) Problem {
	p := obstacle.NotPersistent(path, stat, follows)
	p.Remedy = strings.Replace(p.Remedy, "deleteall", "delete", 1)
	return p
}
