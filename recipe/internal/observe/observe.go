// Package observe has what every recipe tells its owner: lines in a log, and measurements. The
// recipes' own packages say in their Config which of them a user can set.
package observe

import (
	"fmt"
	"log/slog"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Metrics receives measurements. Its methods must be safe for concurrent use and must not block.
type Metrics interface {
	// SessionOpened and SessionEnded: a nil cause means that the owner closed the session.
	SessionOpened(role string)
	SessionEnded(role string, cause error)
	// Retried: a step has failed and is tried again, after a pause. refused says that the
	// server has refused it.
	Retried(step string, refused bool)
	// Unknown: a write was not answered, and found is its fate.
	Unknown(operation string, found zkapi.Fate)
	// WaitBegan and WaitEnded: a process waits for another one.
	WaitBegan(what string)
	WaitEnded(what string)
	// Fenced: a write was refused because another process holds the claim.
	Fenced(role string)
	// WentBack: the ensemble shows an older state than before.
	WentBack(role string)
}

// Observer is told what happens. Both fields are set.
type Observer struct {
	Logger  *slog.Logger
	Metrics Metrics
}

// To is an Observer with that log. If it is nil, nothing is logged. Nothing is measured.
func To(log *slog.Logger) Observer {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return Observer{log, nothing{}}
}

// nothing measures nothing.
type nothing struct{}

func (nothing) SessionOpened(string)       {}
func (nothing) SessionEnded(string, error) {}
func (nothing) Retried(string, bool)       {}
func (nothing) Unknown(string, zkapi.Fate) {}
func (nothing) WaitBegan(string)           {}
func (nothing) WaitEnded(string)           {}
func (nothing) Fenced(string)              {}
func (nothing) WentBack(string)            {}

// WaitForSession is what a role waits for until a server grants a session.
const WaitForSession = "session"

// SessionText is a session's id as the logs of ZooKeeper have it.
func SessionText(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }

// Clip shortens a text from elsewhere, such as an error, for the log and for a znode.
func Clip(text string) string {
	const limit = 1 << 10
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return text
}
