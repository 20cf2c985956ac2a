package judge

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a run in the terms of the primitives.
type facts struct {
	*checker.Case
	calls   []*call
	stays   []record.Operation
	tenures []record.Operation
	entries []*checker.Write // of the ledger, that were applied; in ZooKeeper's order if it is known

	// By the commits; empty if their order is not known.
	rounds []*round
	gone   map[string]int64 // when each participant's znode ended, by path
	closed map[string]bool  // participants whose znode went with its session
	set    []span           // when the barrier was set
}

// call is one call of a user.
type call struct {
	record.Operation
	asked   history.Asked
	told    history.Told
	applied []*checker.Write // writes of the call that changed its object
	open    bool             // it may have changed its object, and the record does not say
}

// done reports whether the user was told that the call is done.
func (c *call) done() bool { return c.Outcome() == record.OK }

// object is what the call is about.
func (c *call) object() string { return c.Invoke.Object() }

// round is one round of the double barrier.
type round struct {
	number  int32
	zxid    int64
	members []string // paths of the participants' znodes
	missing string   // a member that was not there when the round began
	beside  string   // a participant of an earlier round that was still there
}

// span is a time in ZooKeeper's order; until is 0 if it has not ended.
type span struct {
	from, until  int64
	began, ended *checker.Write
}

// gather reads a run.
func gather(c *checker.Case) *facts {
	f := &facts{Case: c, stays: record.Operations(c.Events, history.Stay), tenures: record.Operations(c.Events, history.Tenure), gone: map[string]int64{}, closed: map[string]bool{}}
	byLife := map[record.Life][]*checker.Write{}
	for i := range c.Writes {
		w := &c.Writes[i]
		byLife[w.Invoke.Alive()] = append(byLife[w.Invoke.Alive()], w)
		if w.Outcome() == record.OK && slices.ContainsFunc(w.Invoke.Ops(), isEntry) {
			f.entries = append(f.entries, w)
		}
	}
	for _, op := range record.Operations(c.Events, history.Call) {
		one := &call{Operation: op, asked: data[history.Asked](op.Invoke)}
		if one.done() {
			one.told = data[history.Told](op.Done)
		}
		one.find(byLife[op.Invoke.Alive()])
		f.calls = append(f.calls, one)
	}
	if c.Ordered() {
		slices.SortStableFunc(f.entries, func(a, b *checker.Write) int { return int(a.Zxid - b.Zxid) })
		f.follow()
	}
	return f
}

// data is that of an event.
func data[T any](e record.Event) T {
	d, err := record.OwnData[T](e)
	if err != nil {
		panic(err) // the verdict says then that these judges failed
	}
	return d
}

// isEntry reports whether a part of a write makes an entry in the ledger.
func isEntry(op record.Op) bool {
	return op.Path == history.Ledger && (op.Kind == "set" || op.Kind == "create")
}

// find finds the writes of a call that change its object. A user makes one call about an object at a
// time.
func (c *call) find(writes []*checker.Write) {
	for _, w := range writes {
		within := w.Invoke.Seq > c.Invoke.Seq && (c.Done.Seq == 0 || w.Invoke.Seq < c.Done.Seq)
		if !within || !history.Changes(w.Invoke.Ops(), c.object()) {
			continue
		}
		switch w.Outcome() {
		case record.OK:
			c.applied = append(c.applied, w)
		case record.Fail:
		default:
			c.open = true
		}
	}
}

// about are the calls of some verbs.
func (f *facts) about(verbs ...string) (all []*call) {
	for _, c := range f.calls {
		if slices.Contains(verbs, c.asked.Verb) {
			all = append(all, c)
		}
	}
	return all
}

// isParticipant reports whether a znode is a participant of the double barrier.
func isParticipant(path string) bool {
	name, below := strings.CutPrefix(path, history.Round+"/")
	return below && name != "ready" && !strings.Contains(name, "/")
}

// follow goes through the commits: who was in the double barrier, and when the barrier was set.
func (f *facts) follow() {
	there := map[string]string{} // the session of each participant
	var last *round
	written := map[int64]*checker.Write{}
	for i := range f.Writes {
		written[f.Writes[i].Zxid] = &f.Writes[i]
	}
	for _, commit := range f.Index.Commits {
		if commit.Kind == record.CommitClose {
			for path, session := range there {
				if session == commit.Session {
					delete(there, path)
					f.gone[path], f.closed[path] = commit.Zxid, true
				}
			}
		}
		if commit.Kind != record.CommitWrite {
			continue
		}
		for _, op := range commit.Ops {
			switch {
			case op.Path == history.Gate && op.Kind == "create":
				f.set = append(f.set, span{from: commit.Zxid, began: written[commit.Zxid]})
			case op.Path == history.Gate && op.Kind == "delete" && len(f.set) > 0:
				f.set[len(f.set)-1].until, f.set[len(f.set)-1].ended = commit.Zxid, written[commit.Zxid]
			case isParticipant(op.Path) && op.Kind == "create":
				there[op.Path] = commit.Session
			case isParticipant(op.Path) && op.Kind == "delete":
				delete(there, op.Path)
				f.gone[op.Path] = commit.Zxid
			case op.Path == history.Round+"/ready" && op.Kind == "create":
				r := newRound(op.Data, commit.Zxid)
				for _, m := range r.members {
					if _, is := there[m]; !is {
						r.missing = m
					}
				}
				if last != nil {
					for _, m := range last.members {
						if _, is := there[m]; is {
							r.beside = m
						}
					}
				}
				f.rounds, last = append(f.rounds, r), r
			}
		}
	}
}

// newRound reads the data of the ready znode.
func newRound(text string, zxid int64) *round {
	var ready struct {
		Round   int32    `json:"round"`
		Members []string `json:"members"`
	}
	if err := json.Unmarshal([]byte(text), &ready); err != nil {
		panic(err) // the verdict says then that these judges failed
	}
	r := &round{number: ready.Round, zxid: zxid}
	for _, m := range ready.Members {
		r.members = append(r.members, history.Round+"/"+m)
	}
	return r
}
