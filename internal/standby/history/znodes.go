package history

import (
	"encoding/json"
	"path"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The znodes of the group. The lock and the epoch are those of a master, so that one reader of
// records serves every recipe that elects one.
const (
	Lock       = record.MasterPath
	Epoch      = record.AssignPath
	Breadcrumb = "/breadcrumb"
	Candidates = "/candidates"
	Request    = "/failover"
)

// Group is the object of a run.
const Group = "group"

// ObjectOf is the object that a znode belongs to; empty for none. The epoch's znode is not among
// them: each write of an active checks it.
func ObjectOf(at string) string {
	if at == Lock || at == Breadcrumb || at == Request {
		return Group
	}
	return ""
}

// Asked is the data of the request to hand over.
type Asked struct {
	To        string `json:"to"`
	ID        string `json:"id"`
	Candidate string `json:"candidate"` // of a request that was accepted: the name of the target's znode
	Epoch     int32  `json:"epoch"`     // since when it is accepted; 0: it is not
}

// ParseAsked reads the data of the request; false if it is none of the recipe.
func ParseAsked(data string) (a Asked, is bool) {
	return a, json.Unmarshal([]byte(data), &a) == nil
}

// Change is what a write did to the group.
type Change struct {
	Takes    bool    // it creates the lock
	Gives    bool    // it deletes the lock
	Leaves   *string // it writes this breadcrumb
	Removes  bool    // it deletes the breadcrumb
	Asks     *Asked  // it makes this request
	Accepts  *Asked  // it accepts this request
	Joins    string  // it makes the znode of this candidate
	Quits    string  // it deletes the znode of this candidate
	Enters   bool    // it makes an entry in the ledger
	Withdraw bool    // it deletes the request
}

// ChangeOf reads a write.
func ChangeOf(ops []record.Op) (c Change) {
	for _, op := range ops {
		writes := op.Kind == "create" || op.Kind == "set"
		switch {
		case op.Path == Lock && op.Kind == "create":
			c.Takes = true
		case op.Path == Lock && op.Kind == "delete":
			c.Gives = true
		case op.Path == Breadcrumb && writes:
			data := op.Data
			c.Leaves = &data
		case op.Path == Breadcrumb && op.Kind == "delete":
			c.Removes = true
		case op.Path == Request && writes:
			if asked, is := ParseAsked(op.Data); is && asked.Epoch > 0 {
				c.Accepts = &asked
			} else if is {
				c.Asks = &asked
			}
		case op.Path == Request && op.Kind == "delete":
			c.Withdraw = true
		case path.Dir(op.Path) == Candidates && op.Kind == "create":
			c.Joins = path.Base(op.Path)
		case path.Dir(op.Path) == Candidates && op.Kind == "delete":
			c.Quits = path.Base(op.Path)
		}
	}
	return c
}
