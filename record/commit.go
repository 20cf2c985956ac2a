package record

import "time"

// Commit is one transaction as ZooKeeper's servers have it in their logs. A file of
// them (committed.ndjson of a run) has a header line as a history has, then one Commit
// a line, in the order of Zxid, which is the order in which they took effect.
//
// It is stronger evidence than what any participant or proxy can know: a write that
// is not here was not applied, whoever believes it; a write that is here was applied,
// whoever heard of it. Writes that were refused are here too where the server gave
// them a place in the order, with Error; the paths of those are not in the logs.
//
// A server's log may lack what it learnt from a snapshot; what is here is the union of
// all servers', and [Evidence] says up to which zxid it goes and what it leaves out.
//
// In memory it is what the server has recorded: there are no openings of sessions, no
// times, and no servers.
type Commit struct {
	Zxid    int64         `json:"zxid"`
	Session string        `json:"session"`           // 0x..., as in the history, who asked for it
	Xid     int32         `json:"xid,omitempty"`     // of the request, on its connection
	At      time.Duration `json:"at,omitempty"`      // by the leader's wall clock, since the Unix epoch, in ns: for the reader, never for order
	Servers []string      `json:"servers,omitempty"` // those that have it in their logs: zk1, ...
	Kind    string        `json:"kind"`              // write, open (a session), close (a session), or refused
	Error   Refusal       `json:"error,omitempty"`   // of a refused write
	// Ops are the parts of a write, in order, with paths without the namespace and the
	// names that the server has completed. Data is kept whole. Version is what a check
	// found; what a set or a delete demanded is not in the logs.
	Ops []Op `json:"ops,omitempty"`
}

// The kinds of a [Commit].
const (
	CommitWrite   = "write"
	CommitOpen    = "open"
	CommitClose   = "close"
	CommitRefused = "refused"
)

// WriteCommits writes a file of commits.
func WriteCommits(path string, commits []Commit) error { return writeFile(path, commits) }

// ReadCommits reads a file of commits; see [Commit].
func ReadCommits(path string) ([]Commit, error) { return readFile[Commit](path) }
