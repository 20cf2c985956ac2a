package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// scene is a run looked up by what a story needs.
type scene struct {
	run                                        record.Run
	end                                        time.Duration
	writes                                     []write // in the order of their invocation
	byTask                                     map[string][]int
	elections                                  []election
	executions, awaits, submits, terms, faults []record.Operation
	tasks                                      map[string]bool
	ids                                        map[string]string // of tasks
}

// write is a write with all that is known of it.
type write struct {
	record.Operation
	at      time.Duration // when it was answered, or sent
	zxid    int64
	wired   time.Duration // when its answer went over the wire; 0 where that is not known
	outcome record.Type   // after what the wire and the servers' logs have
	refusal string
}

// election is a write that begins an epoch.
type election struct {
	write
	epoch int32
}

// survey reads a run.
func survey(run record.Run) *scene {
	s := &scene{
		run: run, byTask: map[string][]int{}, tasks: map[string]bool{}, ids: map[string]string{},
		executions: record.Operations(run.Events, record.Execute), submits: record.Operations(run.Events, record.Submit),
		awaits: slices.Concat(record.Operations(run.Events, record.Await), record.Operations(run.Events, record.Cancel)),
		terms:  record.Operations(run.Events, record.Lead), faults: record.Operations(run.Events, record.Fault),
	}
	for _, e := range run.Events {
		s.end = max(s.end, e.At)
		if e.Task() != "" {
			s.tasks[e.Task()] = true
			if e.ID() != "" {
				s.ids[e.Task()] = e.ID()
			}
		}
	}
	wires := record.IndexWires(run.Exchanges)
	for _, op := range record.Operations(run.Events, record.Write) {
		w := s.known(op, wires)
		for i, part := range op.Invoke.Ops() {
			task := record.TaskOf(part.Path)
			if task == "" {
				continue
			}
			s.tasks[task] = true
			if !slices.ContainsFunc(op.Invoke.Ops()[:i], func(before record.Op) bool { return record.TaskOf(before.Path) == task }) {
				s.byTask[task] = append(s.byTask[task], len(s.writes))
			}
		}
		if epoch, elects := begins(w); elects {
			s.elections = append(s.elections, election{w, epoch})
		}
		s.writes = append(s.writes, w)
	}
	if run.Evidence != nil {
		for _, n := range run.Evidence.Nodes {
			if task := record.TaskOf(n.Path); task != "" {
				s.tasks[task] = true
			}
		}
	}
	return s
}

// known says of a write what became of it.
func (s *scene) known(op record.Operation, wires *record.Wires) write {
	w := write{Operation: op, at: op.Invoke.At, outcome: op.Outcome(), refusal: op.Done.Remark()}
	if op.Done.Type == record.OK || op.Done.Type == record.Fail {
		w.at = op.Done.At
	}
	if i := wires.Of(op); i >= 0 {
		x := s.run.Exchanges[i]
		w.zxid, w.wired = x.Zxid, x.Answered
		if x.Error != "" {
			w.refusal = string(x.Error)
		}
		if w.outcome == record.Info && x.Answered > 0 {
			w.at, w.outcome = x.Answered, record.OK
			if x.Error != "" {
				w.outcome = record.Fail
			}
		}
		if w.outcome == record.Info {
			s.committed(&w, x)
		}
	} else if w.outcome == record.Info && s.run.Exchanges != nil {
		w.outcome, w.refusal = record.Fail, "it reached no server"
	}
	return w
}

// committed looks in the servers' logs for a write that was never answered.
func (s *scene) committed(w *write, x record.Exchange) {
	if s.run.Commits == nil {
		return
	}
	if s.run.Evidence == nil || len(s.run.Evidence.Gaps) == 0 { // else it may be in a hole
		w.outcome, w.refusal = record.Fail, "no server has it in its log"
	}
	for _, c := range s.run.Commits {
		if c.Session == x.Session && c.Xid == x.Xid && x.Xid != 0 && len(c.Ops) == len(x.Ops) && c.Kind == record.CommitWrite {
			w.outcome, w.refusal, w.zxid = record.OK, "", c.Zxid
		}
	}
}

// begins reports which epoch a write begins.
func begins(w write) (epoch int32, elects bool) {
	takes := false
	for _, op := range w.Invoke.Ops() {
		takes = takes || op.Kind == "create" && op.Path == "/master"
		if op.Kind == "set" && op.Path == record.AssignPath {
			epoch, elects = op.Version+1, true
		}
	}
	return epoch, takes && elects
}

// named are the tasks that a text names, in its order.
func (s *scene) named(text string) []string {
	var names []string
	for word := range strings.FieldsSeq(text) {
		if word = strings.TrimRight(word, ".,:;"); strings.HasPrefix(word, "/") {
			word = record.TaskOf(word)
		}
		if s.tasks[word] && !slices.Contains(names, word) {
			names = append(names, word)
		}
	}
	return names
}

// inForce is the last election that had been won at a moment.
func (s *scene) inForce(at time.Duration) (election, bool) {
	var last election
	found := false
	for _, e := range s.elections {
		if e.outcome == record.OK && e.at <= at && (!found || e.epoch >= last.epoch) {
			last, found = e, true
		}
	}
	return last, found
}

// began is the election that began an epoch.
func (s *scene) began(epoch int32) (election, bool) {
	for _, e := range s.elections {
		if e.epoch == epoch && e.outcome == record.OK {
			return e, true
		}
	}
	return election{}, false
}

// node is a znode of the final tree.
func (s *scene) node(path string) (record.Node, bool) {
	if s.run.Evidence != nil {
		for _, n := range s.run.Evidence.Nodes {
			if n.Path == path {
				return n, true
			}
		}
	}
	return record.Node{}, false
}

// seconds is how a story gives a moment.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// zxid is a place in ZooKeeper's order as ZooKeeper prints it.
func zxid(z int64) string { return fmt.Sprintf("0x%x", z) }
