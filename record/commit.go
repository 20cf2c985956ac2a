package record

import "time"

// Commit is one transaction in the logs of ZooKeeper's servers. A file of commits
// (committed.ndjson of a run) has a header line like a history, then one Commit a line
// in ascending order of Zxid. That is the order in which they took effect.
//
// A Commit is stronger evidence than any participant or proxy can give. A write that is
// missing here was not applied, even if a participant believes so. A write that is here
// was applied, even if no participant heard of it. Refused writes are here too, with
// Error, if the server gave them a place in the order; their paths are not in the logs.
//
// The log of one server may lack transactions that it learnt from a snapshot. The file
// is the union of all servers' logs. [Evidence] says up to which zxid it goes and which
// ranges it leaves out.
//
// In memory the server itself records the commits: without openings of sessions,
// without times, and without names of servers.
type Commit struct {
	Zxid    int64         `json:"zxid"`
	Session string        `json:"session"`           // 0x..., as in the history: the session that asked for it
	Xid     int32         `json:"xid,omitempty"`     // of the request, on its connection
	At      time.Duration `json:"at,omitempty"`      // by the leader's wall clock, since the Unix epoch, in ns: for the reader, never for order
	Servers []string      `json:"servers,omitempty"` // the servers that have it in their logs: zk1, ...
	Kind    string        `json:"kind"`              // write, open (a session), close (a session), or refused
	Error   Refusal       `json:"error,omitempty"`   // of a refused write
	// Ops are the parts of a write, in order. Paths have no namespace, and sequential
	// names are complete. Data is kept whole. Version is the version that a check found;
	// the version that a set or a delete demanded is not in the logs.
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
