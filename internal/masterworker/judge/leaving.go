package judge

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// leftBehind are the reasons of attempts that a worker left behind: its master missed
// the worker, or the next life found the attempt; see package recipe.
var leftBehind = []string{record.WorkerLost, record.WorkerRestarted}

// departure is a worker's departure in good order.
type departure struct {
	leave record.Operation
	close record.Event   // of the session in which it had retired
	held  map[int32]bool // the incarnations that it was in that session
}

// attempt is one attempt of a task, with its worker.
type attempt struct {
	worker, task string
	number       int32
}

// leavesNothing: a worker that has left in good order has finished or returned
// everything that it held. A worker is not judged if its session ended otherwise, or if
// its time to leave ran out.
func (f *facts) leavesNothing() checker.Property {
	departures := f.departures()
	p := checker.NewFindings("LeavesNothing")
	incarnation := map[attempt]int32{} // for which an attempt was assigned
	for w := range f.applied("create", "/assign") {
		if z := record.ParsePath(w.op.Path); z.Kind == record.Assignment {
			a := record.ParseEntry(w.op.Data)
			incarnation[attempt{z.Worker, z.Task, a.Attempt}] = a.Incarnation
		}
	}
	for w := range f.applied("create", "/tasks") {
		z, ended := record.ParsePath(w.op.Path), record.ParseEntry(w.op.Data)
		if z.Kind != record.Attempt || !slices.Contains(leftBehind, ended.Reason) {
			continue
		}
		held, known := incarnation[attempt{ended.Worker, z.Task, ended.Attempt}]
		for _, d := range departures {
			if known && d.leave.Invoke.Process == ended.Worker && d.held[held] {
				p.Violate(wording.Finding{Code: LeftBehind, Object: z.Task, Args: wording.Args{
					"worker": ended.Worker, "left": d.leave.Done.At, "attempt": ended.Attempt, "process": w.write.Invoke.Process,
					"at": f.At(w.write.Operation), "why": ended.Reason,
				}}, d.leave.Invoke, d.close, d.leave.Done, w.write.Invoke, w.write.Done)
			}
		}
	}
	return p.Property("%d workers left in good order. Each had finished or returned all that it held.", len(departures))
}

// part is one part of a write that was applied.
type part struct {
	write *checker.Write
	op    record.Op
}

// applied are the parts of one kind, below a parent, of all writes that were applied.
func (f *facts) applied(kind, parent string) iter.Seq[part] {
	return func(yield func(part) bool) {
		below := parent + "/"
		for i := range f.Writes {
			w := &f.Writes[i]
			if w.Outcome() != record.OK {
				continue
			}
			for _, op := range w.Invoke.Ops() {
				if op.Kind == kind && strings.HasPrefix(op.Path, below) && !yield(part{w, op}) {
					return
				}
			}
		}
	}
}

// departures are the departures in good order: a worker was told to leave, retired
// because of that, and itself closed its session, which no fault had ended.
func (f *facts) departures() []departure {
	type membership struct {
		life    record.Life
		session string
	}
	held := map[membership]map[int32]bool{}
	retired := map[membership]time.Duration{}
	for w := range f.applied("set", "/assign") {
		e := w.write.Invoke
		m := membership{e.Alive(), e.Session()}
		if w.op.Path != record.InboxPath(e.Process) {
			continue
		}
		if held[m] == nil {
			held[m] = map[int32]bool{}
		}
		held[m][w.op.Version+1] = true
		if record.ParseClaim(w.op.Data).Retiring {
			retired[m] = e.At
		}
	}
	robbed := f.EndedByForce()
	var all []departure
	for _, l := range f.leaves {
		if l.Outcome() != record.OK {
			continue
		}
		for _, h := range f.Index.Ended(l.Invoke.Alive(), record.Closed) {
			of := membership{l.Invoke.Alive(), h.Session}
			at, did := retired[of]
			_, forced := robbed[h.Session]
			if did && !forced && at >= l.Invoke.At && h.Over.At <= l.Done.At {
				all = append(all, departure{l, h.Over, held[of]})
			}
		}
	}
	return all
}
