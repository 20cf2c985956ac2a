package judge

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// token is how a sentence gives a token.
func token(t record.Token) string { return fmt.Sprintf("%d.%d", t.Epoch, t.Attempt) }

// noLostTask: every accepted task is in the tree.
func (f *facts) noLostTask() checker.Property {
	accepted := map[string]*record.Operation{}
	for i := range f.submits {
		if s := &f.submits[i]; s.Outcome() == record.OK && s.Done.Task() != "" {
			accepted[s.Done.Task()] = s
		}
	}
	p := checker.NewFindings("NoLostTask")
	if f.NeedsTree(p) {
		return p.Property("")
	}
	for _, a := range f.awaits {
		if f.collected[a.Invoke.Task()].kept {
			continue // its retention was over, or RetentionKept complains
		}
		if s, ok := accepted[a.Invoke.Task()]; ok && a.Outcome() == record.Fail {
			p.Violate(wording.Finding{Code: TaskDenied, Object: a.Invoke.Task(), Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Done.At, "answer": a.Done.Remark(),
			}}, s.Done, a.Invoke, a.Done)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(accepted)) {
		_, collected := f.collected[name]
		if t := f.tasks[name]; !collected && (t == nil || t.id == "") {
			s := accepted[name]
			p.Violate(wording.Finding{Code: TaskGone, Object: name, Args: wording.Args{
				"process": s.Invoke.Process, "at": s.Done.At,
			}}, s.Invoke, s.Done)
		}
	}
	return p.Property("All %d accepted tasks are in the final tree or were collected. Collected: %d.", len(accepted), len(f.collected))
}

// noDoubleResult: a task gets one status, which never changes, and all clients see the
// same one.
func (f *facts) noDoubleResult() checker.Property {
	p := checker.NewFindings("NoDoubleResult")
	recorded := map[string]*ending{}
	for i := range f.records {
		r := &f.records[i]
		if r.outcome != record.OK {
			continue
		}
		if before, twice := recorded[r.task]; twice {
			p.Violate(wording.Finding{Code: StatusTwice, Object: r.task, Args: wording.Args{
				"first": before.op.Invoke.Process, "before": f.At(before.op), "second": r.op.Invoke.Process, "at": f.At(r.op),
			}}, before.op.Invoke, r.op.Invoke)
		}
		recorded[r.task] = r
	}
	seen := map[string]*record.Operation{}
	for i := range f.awaits {
		a := &f.awaits[i]
		if a.Outcome() != record.OK {
			continue
		}
		name := a.Invoke.Task()
		if before, again := seen[name]; again && before.Done.Answer().Result != a.Done.Answer().Result {
			p.Violate(wording.Finding{Code: TwoResults, Object: name, Args: wording.Args{
				"first": before.Done.Answer().Result, "second": a.Done.Answer().Result,
			}}, before.Done, a.Done)
		}
		seen[name] = a
		if t := f.tasks[name]; t != nil && t.status != nil && (t.status.Result != a.Done.Answer().Result || t.status.State != a.Done.Answer().State) {
			p.Violate(wording.Finding{Code: OtherStatus, Object: name, Args: wording.Args{
				"shown": a.Done.Answer().State, "shown_result": a.Done.Answer().Result, "process": a.Invoke.Process,
				"recorded": t.status.State, "recorded_result": t.status.Result,
			}}, a.Done)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		if t := f.tasks[name]; t.status != nil && t.version != 0 {
			p.Violate(wording.Finding{Code: StatusChanged, Object: name, Args: wording.Args{"version": t.version}}, f.About(name)...)
		}
	}
	return p.Property("%d statuses were recorded, each once. %d waiting clients saw the same statuses.", len(f.finished()), len(f.awaits))
}

// finished are the tasks in the tree that have a status.
func (f *facts) finished() []string {
	var names []string
	for name, t := range f.tasks {
		if t.status != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// noPhantomTask: every task comes from a submission, one from each, and a client that was
// told that it made a task did so.
func (f *facts) noPhantomTask() checker.Property {
	p := checker.NewFindings("NoPhantomTask")
	if f.NeedsTree(p) {
		return p.Property("")
	}
	ids := map[string]bool{}
	for _, s := range f.submits {
		ids[s.Invoke.ID()] = true
	}
	for _, id := range slices.Sorted(maps.Keys(f.byID)) {
		if names := f.byID[id]; len(names) > 1 {
			p.Violate(wording.Finding{Code: SubmittedTwice, Args: wording.Args{
				"id": id, "count": len(names), "tasks": names,
			}}, f.submissions(id)...)
		}
		if !ids[id] {
			p.Violate(wording.Finding{Code: SubmittedByNone, Args: wording.Args{"tasks": f.byID[id]}}, f.About(f.byID[id][0])...)
		}
	}
	f.notItsTask(p)
	for _, e := range f.executions {
		if t := f.tasks[e.Invoke.Task()]; t == nil || t.id == "" {
			p.Violate(wording.Finding{Code: NoSuchTask, Object: e.Invoke.Task(), Args: wording.Args{
				"process": e.Invoke.Process,
			}}, e.Invoke)
		}
	}
	return p.Property("All %d tasks come from a submission. No submission made two.", len(f.tasks))
}

// notItsTask adds the submissions whose clients were told that they made a task, when the
// clients have fewer writes that can have made it.
func (f *facts) notItsTask(p *checker.Findings) {
	type maker struct {
		by   record.Life
		task string
	}
	made := map[maker]int{}
	for _, w := range f.Writes {
		for _, op := range w.Invoke.Ops() {
			if z := record.ParsePath(op.Path); op.Kind == "create" && z.Kind == record.Task && w.Outcome() != record.Fail {
				made[maker{w.Invoke.Alive(), z.Task}]++
			}
		}
	}
	told := map[maker]int{}
	for _, s := range f.submits {
		if of := s.Done.Submission(); of.Created {
			m := maker{s.Invoke.Alive(), of.Task}
			if told[m]++; told[m] > made[m] {
				p.Violate(wording.Finding{Code: NotItsTask, Object: of.Task, Args: wording.Args{
					"process": s.Invoke.Process, "told": told[m], "made": made[m],
				}}, f.submissions(s.Invoke.ID())...)
			}
		}
	}
}

func (f *facts) submissions(id string) []record.Event {
	var events []record.Event
	for _, s := range f.submits {
		if s.Invoke.ID() == id {
			events = append(events, s.Invoke, s.Done)
		}
	}
	return events
}

// staleEffectsFenced: no execution acts outside ZooKeeper after a later execution of
// the same task has acted, and the execution whose result counts is the last that
// acted.
func (f *facts) staleEffectsFenced() checker.Property {
	refused := 0
	p := checker.NewFindings("StaleEffectsFenced")
	highest := map[string]*record.Event{}
	for _, e := range f.effects {
		last, seen := highest[e.Task()]
		stale := seen && e.Token().Compare(last.Token()) < 0
		if !e.Act().Accepted {
			refused++
		}
		switch {
		case e.Act().Accepted && stale:
			p.Violate(wording.Finding{Code: StaleEffect, Object: e.Task(), Args: wording.Args{
				"token": token(e.Token()), "at": e.At, "later": token(last.Token()),
			}}, *last, *e)
		case !e.Act().Accepted && !stale:
			p.Violate(wording.Finding{Code: EffectRefused, Object: e.Task(), Args: wording.Args{
				"token": token(e.Token()), "at": e.At,
			}}, *e)
		case e.Act().Accepted:
			highest[e.Task()] = e
		}
	}
	for _, name := range f.finished() {
		last, acted := highest[name]
		if t := f.tasks[name]; acted && t.status.State == "done" && t.status.Token.Compare(last.Token()) < 0 {
			p.Violate(wording.Finding{Code: StaleResult, Object: name, Args: wording.Args{
				"token": token(t.status.Token), "later": token(last.Token()), "at": last.At,
			}}, *last)
		}
	}
	return p.Property("%d acts on the system outside. %d of them came from an execution that had been replaced, and the system refused all of these.", len(f.effects), refused)
}

// uniqueAttempts: every execution of a task has its own attempt number, and every
// attempt that ended without a result is on record. So the retry budget counts right
// and tokens tell executions apart. An execution that ended because its lease was over
// may begin again in the same process, if the process had kept its claim.
func (f *facts) uniqueAttempts() checker.Property {
	p := checker.NewFindings("UniqueAttempts")
	type key struct {
		task    string
		attempt int32
	}
	first := map[key]*record.Operation{}
	for i := range f.executions {
		e := &f.executions[i]
		k := key{e.Invoke.Task(), e.Invoke.Token().Attempt}
		before, again := first[k]
		if resumed := again && before.Done.Execution().Lapsed && before.Invoke.Alive() == e.Invoke.Alive() && before.Done.At <= e.Invoke.At; again && !resumed {
			p.Violate(wording.Finding{Code: AttemptTwice, Object: k.task, Args: wording.Args{
				"attempt": k.attempt, "first": before.Invoke.Process, "before": before.Invoke.At,
				"first_epoch": before.Invoke.Token().Epoch, "second": e.Invoke.Process, "at": e.Invoke.At,
				"second_epoch": e.Invoke.Token().Epoch,
			}}, before.Invoke, e.Invoke)
		}
		first[k] = e
		if before, ok := first[key{k.task, k.attempt - 1}]; ok && before.Invoke.Token().Epoch > e.Invoke.Token().Epoch {
			p.Violate(wording.Finding{Code: SmallerToken, Object: k.task, Args: wording.Args{
				"attempt": k.attempt, "epoch": e.Invoke.Token().Epoch, "earlier": k.attempt - 1,
				"earlier_epoch": before.Invoke.Token().Epoch,
			}}, before.Invoke, e.Invoke)
		}
		t := f.tasks[k.task]
		if t == nil || t.status == nil || t.recorded(k.attempt) || t.status.State == "cancelled" {
			continue // cancelled: an execution at that time left no record
		}
		if t.status.State == "failed" || t.status.Attempt != k.attempt {
			p.Violate(wording.Finding{Code: AttemptLost, Object: k.task, Args: wording.Args{
				"attempt": k.attempt, "process": e.Invoke.Process, "at": e.Invoke.At,
			}}, e.Invoke)
		}
	}
	return p.Property("%d executions, each with its own attempt number. Every attempt without a result is on record.", len(f.executions))
}

// atomicTransitions: an assignment is removed only together with its successor. The
// same write gives the task a status or a record of the attempt, unless it has its
// status already. Otherwise a crash between two writes forgets the attempt.
func (f *facts) atomicTransitions() checker.Property {
	// When a task's status was first being recorded, and when a write had been applied.
	recording := func(r ending) int64 { return int64(r.op.Invoke.At) }
	applied := func(write int) int64 { return int64(f.Writes[write].Done.At) }
	if f.Ordered() {
		recording = func(r ending) int64 { return r.zxid }
		applied = func(write int) int64 { return f.Writes[write].Zxid }
	}
	first := map[string]int64{}
	for _, r := range f.records {
		if at, seen := first[r.task]; r.outcome == record.OK && (!seen || recording(r) < at) {
			first[r.task] = recording(r)
		}
	}
	gone := 0
	p := checker.NewFindings("AtomicTransitions")
	for i, w := range f.Writes {
		if w.Outcome() != record.OK {
			continue
		}
		instead := map[string]bool{}
		for _, op := range w.Invoke.Ops() {
			if z := record.ParsePath(op.Path); op.Kind == "create" && z.BelowTask() {
				instead[z.Task] = true
			}
		}
		for _, op := range w.Invoke.Ops() {
			z := record.ParsePath(op.Path)
			if z.Kind != record.Assignment || op.Kind != "delete" {
				continue
			}
			t := z.Task
			gone++
			if at, recorded := first[t]; !instead[t] && (!recorded || at > applied(i)) {
				p.Violate(wording.Finding{Code: AssignmentLost, Object: t, Args: wording.Args{
					"process": w.Invoke.Process, "at": f.At(f.Writes[i].Operation),
				}}, w.Invoke, w.Done)
			}
		}
	}
	return p.Property("%d assignments ended, each in one write with a status or the record of the attempt.", gone)
}

// resultFromItsAttempt: a result comes from an execution that was assigned, was run by
// that worker, and had not been given up before.
func (f *facts) resultFromItsAttempt() checker.Property {
	p := checker.NewFindings("ResultFromItsAttempt")
	type run struct {
		task, process string
		record.Token
	}
	ran := map[run]bool{}
	for i := range f.executions {
		e := &f.executions[i].Invoke
		ran[run{e.Task(), e.Process, e.Token()}] = true
	}
	results := 0
	for _, name := range f.finished() {
		t := f.tasks[name]
		if t.status.State != "done" {
			continue
		}
		results++
		if !ran[run{name, t.status.Worker, t.status.Token}] {
			p.Violate(wording.Finding{Code: ResultOfNone, Object: name, Args: wording.Args{
				"process": t.status.Worker, "token": token(t.status.Token),
			}}, f.About(name)...)
		}
		if t.recorded(t.status.Attempt) {
			p.Violate(wording.Finding{Code: ResultGivenUp, Object: name, Args: wording.Args{
				"attempt": t.status.Attempt,
			}}, f.About(name)...)
		}
	}
	ended := f.recordsOfAttempts(p)
	return p.Property("%d results, each from an execution that ran and was not yet recorded as ended. %d attempts are on record, each with the token of its assignment and its execution.", results, ended)
}

// recordsOfAttempts compares the token of each attempt on record with the token of its
// assignment and its execution, because systems outside have seen that token and no
// other. The status of a failed task has the token of its last attempt. Masters of
// earlier builds give both their own epoch.
func (f *facts) recordsOfAttempts(p *checker.Findings) (recorded int) {
	type key struct {
		task    string
		attempt int32
	}
	given := map[key][]record.Token{}
	for i := range f.Writes {
		w := &f.Writes[i]
		for _, op := range w.Invoke.Ops() {
			z := record.ParsePath(op.Path)
			if w.Outcome() != record.Fail && z.Kind == record.Assignment && op.Kind == "create" {
				token := record.ParseEntry(op.Data).Token
				given[key{z.Task, token.Attempt}] = append(given[key{z.Task, token.Attempt}], token)
			}
		}
	}
	ran := map[key]*record.Operation{}
	for i := range f.executions {
		e := &f.executions[i]
		ran[key{e.Invoke.Task(), e.Invoke.Token().Attempt}] = e
	}
	earlier := f.earlierMasters()
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		t := f.tasks[name]
		for _, n := range slices.Sorted(maps.Keys(t.attempts)) {
			token, k := t.attempts[n], key{name, n}
			if earlier[token.Epoch] {
				continue
			}
			recorded++
			if e := ran[k]; e != nil && e.Invoke.Token() != token {
				p.Violate(wording.Finding{Code: RecordOtherRun, Object: name, Args: wording.Args{
					"attempt": n, "epoch": token.Epoch, "process": e.Invoke.Process, "at": e.Invoke.At,
					"ran": e.Invoke.Token().Epoch,
				}}, e.Invoke)
			} else if tokens := given[k]; len(tokens) > 0 && !slices.Contains(tokens, token) {
				p.Violate(wording.Finding{Code: RecordOtherEpoch, Object: name, Args: wording.Args{
					"attempt": n, "epoch": token.Epoch, "assigned": tokens[0].Epoch,
				}}, f.About(name)...)
			}
		}
		if t.status == nil || t.status.State != "failed" || earlier[t.status.Epoch] {
			continue
		}
		if last, there := t.attempts[t.status.Attempt]; there && last != t.status.Token {
			p.Violate(wording.Finding{Code: FailedOtherToken, Object: name, Args: wording.Args{
				"token": token(t.status.Token), "epoch": last.Epoch,
			}}, f.About(name)...)
		}
	}
	return recorded
}

// earlierMasters are the epochs of masters whose claims do not say that workers
// themselves return revoked assignments. Builds from before that give their records
// their own epoch, and count attempts whose workers left.
func (f *facts) earlierMasters() map[int32]bool {
	earlier, known := map[int32]bool{}, map[int32]bool{}
	for i := range f.Writes {
		w := &f.Writes[i]
		for _, op := range w.Invoke.Ops() {
			if op.Kind != "set" || op.Path != record.AssignPath || w.Outcome() == record.Fail {
				continue
			}
			claim := record.ParseClaim(op.Data)
			if claim.Holder == "" {
				continue
			}
			epoch := op.Version + 1
			if won := w.Outcome() == record.OK; won || !known[epoch] { // an election without an answer may have been the one
				earlier[epoch], known[epoch] = !claim.Acks, won
			}
		}
	}
	return earlier
}

// terminalAfterHeal: once everything works again, every task gets its status and
// no assignment is left.
func (f *facts) terminalAfterHeal() checker.Property {
	p := checker.NewFindings("TerminalAfterHeal")
	if f.NeedsTree(p) || f.NeedsHeal(p) {
		return p.Property("")
	}
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		switch t := f.tasks[name]; {
		case t.gone:
		case t.status == nil:
			p.Violate(wording.Finding{Code: NoStatus, Object: name}, f.About(name)...)
		case len(t.assigned) > 0:
			p.Violate(wording.Finding{Code: StillAssigned, Object: name, Args: wording.Args{"workers": t.assigned}}, f.About(name)...)
		}
	}
	if !f.Evidence.Drained && p.Holds() {
		p.Violate(wording.Finding{Code: StillWaiting, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	return p.Property("All %d tasks have a status, and no assignment is left.", len(f.tasks))
}
