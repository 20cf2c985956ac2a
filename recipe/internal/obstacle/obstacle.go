// Package obstacle has znodes of another kind than a recipe expects at their path, such as a
// persistent one that a person has made where only an ephemeral counts. A recipe reports each
// of them once, with the command that removes it, and goes on as well as it can: it never
// deletes the znode of another process.
package obstacle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Problem is a znode of another kind than the recipe expects at its path.
type Problem struct {
	Path   string // of the znode
	What   string // the kind of the znode, and the consequence
	Remedy string // the command for zkCli
}

// String prints the Problem in one line.
func (p Problem) String() string { return fmt.Sprintf("%s %s; in zkCli: %s", p.Path, p.What, p.Remedy) }

// Error is a Problem that makes a step impossible until it is gone.
type Error struct{ Problem }

// Error implements error.
func (e *Error) Error() string { return e.String() }

// NotAlive is the problem of a znode that should be the ephemeral of a session and is not.
func NotAlive(path string, stat zkapi.Stat, consequence string) Problem {
	remedy := "delete " + path
	if stat.NumChildren > 0 {
		remedy = "deleteall " + path
	}
	return Problem{path, fmt.Sprintf("is %s, but only an ephemeral of a session counts here: %s", article(stat.Owner()), consequence), remedy}
}

// NotPersistent is the problem of a znode that should be persistent and that the server will
// delete.
func NotPersistent(path string, stat zkapi.Stat, follows string) Problem {
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

// NoVersion says why a claim cannot be taken by raising this version, and its holder cannot
// raise it again that often. It returns false if both are possible.
func NoVersion(version, again int32) (why string, bad bool) {
	if fence.CanRise(version, 1) && fence.CanRise(version+1, again) {
		return "", false
	}
	what := "is too close to 2147483647, the highest one"
	if version < 0 {
		what = "is negative, because ZooKeeper's counter has passed 2147483647"
	}
	return fmt.Sprintf("has version %d, which %s: it cannot be a claim, so ", version, what), true
}

// interval is how often a step is tried again while a znode is in the way.
const interval = 2 * time.Second

// Notices remembers the reported problems, so that each is reported once.
type Notices struct {
	mu       sync.Mutex
	reported map[string]int64 // czxid by path
}

// Report warns of a problem with a znode, unless it has warned of that very znode.
func (n *Notices) Report(ctx context.Context, log *slog.Logger, p Problem, stat zkapi.Stat) {
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

// Reporter returns a function that reports problems of znodes without a known Stat.
func (n *Notices) Reporter(ctx context.Context, log *slog.Logger) func(Problem) {
	return func(p Problem) { n.Report(ctx, log, p, zkapi.Stat{}) }
}

// Unobstructed repeats a step while a Problem makes it impossible. It reports the znode once.
func (n *Notices) Unobstructed(ctx context.Context, env zkapi.Env, log *slog.Logger, again *retry.Step, session retry.Endable, step func() error) error {
	for {
		err := again.OnDisconnect(ctx, session, step)
		p, ok := errors.AsType[*Error](err)
		if !ok {
			return err
		}
		if err := n.ReportAndWait(ctx, env, session, log, p); err != nil {
			return err
		}
	}
}

// ReportAndWait reports a problem, and waits a while before the step is tried again.
func (n *Notices) ReportAndWait(ctx context.Context, env zkapi.Env, session retry.Endable, log *slog.Logger, p *Error) error {
	n.Report(ctx, log, p.Problem, zkapi.Stat{})
	_, err := env.Wait(ctx, session.Done(), env.Timer(interval))
	if err == nil && session.Done().Fired() {
		err = session.Cause()
	}
	return err
}
