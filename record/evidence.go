package record

import (
	"encoding/json"
	"fmt"
	"os"
)

// Evidence is the state found after a run, when all faults were healed and all work was
// drained. It resolves outcomes that participants could not know.
type Evidence struct {
	// Healed is false if the ensemble did not come back; Problem says why. Then liveness
	// cannot be judged.
	Healed bool `json:"healed"`
	// Drained is false if something was left undone at the deadline: a task without a status.
	Drained bool   `json:"drained"`
	Problem string `json:"problem,omitempty"`
	// Undone says whose work that was: the participants that still waited, and the paths below which
	// there was work left. It is nil if that is not known.
	Undone []string `json:"undone,omitempty"`
	// Nodes is the final tree, by path; nil if it could not be read.
	Nodes []Node `json:"nodes"`

	// Order names the source that says which writes were applied, and in which order.
	// Weaker says why that source is not the servers' logs.
	Order  Source `json:"order,omitempty"`
	Weaker string `json:"weaker,omitempty"`
	// Last is the zxid up to which the logs were read, the zxid of the final tree. Gaps
	// are the ranges before it for which the logs do not say which writes were committed.
	Last int64       `json:"last,omitempty"`
	Gaps []ZxidRange `json:"gaps,omitempty"`
	// Servers is the state of each server, if the logs could be read.
	Servers []ServerState `json:"servers,omitempty"`
	// Conflicts are the zxids under which two servers have logged different transactions.
	Conflicts []string `json:"conflicts,omitempty"`
}

// Source is the source of the order of writes.
type Source string

// The sources, strongest first. Without a source, only the answers that participants
// heard show which writes were applied.
const (
	FromLogs   Source = "transaction logs"
	FromMemory Source = "the server in memory" // its own record
	FromTree   Source = "final tree"           // writes that show in the tree were applied; they are ordered by time
)

// ZxidRange is a range of zxids, both ends included.
type ZxidRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Contains reports whether a zxid is in the range.
func (r ZxidRange) Contains(zxid int64) bool { return r.From <= zxid && zxid <= r.To }

// ServerState is the state on one server's disk, and the state that it serves. Digests
// are digests of the whole tree after the same zxid, without the parts that each server
// keeps to itself.
type ServerState struct {
	Name         string `json:"name"`
	First        int64  `json:"first"` // zxid, in its logs
	Last         int64  `json:"last"`  // zxid, in its logs and snapshots
	Transactions int    `json:"transactions"`
	Uncommitted  int    `json:"uncommitted,omitempty"` // transactions in its logs that are in no committed history
	Replayed     string `json:"replayed,omitempty"`    // digest of the tree that its files give
	Served       string `json:"served,omitempty"`      // digest of the tree that a client reads from it
	Problem      string `json:"problem,omitempty"`     // why one of these is not known

	// LeftOut are the snapshots on its disk that could not be read, each with the reason.
	// Replayed is without them.
	LeftOut []string `json:"left_out,omitempty"`
}

// Node is one znode.
type Node struct {
	Path    string `json:"path"`
	Data    string `json:"data,omitempty"`
	Czxid   int64  `json:"czxid"`
	Mzxid   int64  `json:"mzxid"`
	Version int32  `json:"version"`
	Owner   string `json:"owner,omitempty"` // session of an ephemeral
}

// ReadEvidence reads stored evidence.
func ReadEvidence(path string) (*Evidence, error) {
	data, err := ReadRegular(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	var e Evidence
	if err := decodeJSON(data, &e); err != nil {
		return nil, fmt.Errorf("record: %s: %w", path, err)
	}
	return &e, nil
}

// Save stores the evidence.
func (e *Evidence) Save(path string) error {
	data, err := json.MarshalIndent(e, "", " ")
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}
