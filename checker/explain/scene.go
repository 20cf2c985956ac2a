package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// scene is a run with the lookups that a story needs.
type scene struct {
	run                                        record.Run
	index                                      *record.Index
	end                                        time.Duration
	writes                                     []write // in the order of their invocation
	byTask                                     map[string][]int
	elections                                  []election
	executions, awaits, submits, terms, faults []record.Operation
	tasks                                      map[string]bool
	ids                                        map[string]string // of tasks
}

// write is a write with all facts about it.
type write struct {
	record.Operation
	at      time.Duration // see record.Index.Moment
	zxid    int64
	wired   time.Duration // when its answer was on the wire; 0 if not known
	outcome record.Type   // by the wire and the servers' logs
	refusal string
	epoch   int32 // the epoch that it begins
	elects  bool  // it begins an epoch
}

// election is a write that begins an epoch.
type election struct{ write }

// survey reads a run.
func survey(run record.Run) *scene {
	s := &scene{
		run: run, byTask: map[string][]int{}, tasks: map[string]bool{}, ids: map[string]string{},
		executions: record.Operations(run.Events, record.Execute), submits: record.Operations(run.Events, record.Submit),
		awaits: slices.Concat(record.Operations(run.Events, record.Await), record.Operations(run.Events, record.Cancel)),
		terms:  record.Operations(run.Events, record.Lead), faults: record.Operations(run.Events, record.Fault),
	}
	for _, e := range run.Events {
		if e.Task() != "" {
			s.tasks[e.Task()] = true
			if e.ID() != "" {
				s.ids[e.Task()] = e.ID()
			}
		}
	}
	index := record.NewIndex(run, record.TaskObjects())
	s.index = index
	s.end = max(0, index.End-1)
	for n := range index.Writes {
		w := s.known(&index.Writes[n])
		w.at = index.Moment(n)
		for _, task := range record.TasksOf(w.Invoke.Ops()) {
			s.tasks[task] = true
			s.byTask[task] = append(s.byTask[task], len(s.writes))
		}
		if w.elects {
			s.elections = append(s.elections, election{w})
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

// known completes a write with its outcome.
func (s *scene) known(found *record.Written) write {
	op := found.Operation
	w := write{Operation: op, zxid: found.Zxid, outcome: found.Fate, refusal: op.Done.Remark()}
	w.epoch, w.elects = op.Begins()
	if found.Exchange >= 0 {
		x := &s.run.Exchanges[found.Exchange]
		w.wired = x.Answered
		if x.Error != "" {
			w.refusal = string(x.Error)
		}
	}
	switch {
	case found.By == record.ByAbsence:
		w.refusal = "it reached no server"
	case found.By == record.ByCommits && w.outcome == record.OK:
		w.refusal = ""
	case found.By == record.ByCommits && w.wired == 0:
		w.refusal = "no server has it in its log"
	}
	return w
}

// named are the tasks of the run that findings name, in their order.
func (s *scene) named(found []wording.Finding) []string {
	var names []string
	for _, f := range found {
		for _, task := range f.Objects() {
			if s.tasks[task] && !slices.Contains(names, task) {
				names = append(names, task)
			}
		}
	}
	return names
}

// inForce is the last election won before a moment.
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

// zxid is a place in ZooKeeper's order as ZooKeeper prints it.
func zxid(z int64) string { return fmt.Sprintf("0x%x", z) }
