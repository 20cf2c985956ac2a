package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// finding collects the violations of a property in a run.
type finding struct {
	name     string
	verdict  Verdict
	found    []wording.Finding // the first violations
	doubts   []wording.Finding // the first of them
	holds    string            // the sentence for a property without violations
	problems int               // violations
	unsure   int               // doubts
}

// told bounds the violations of one property that are reported.
const told = 3

// violate notes one violation and its evidence; the first few are reported.
func (p *finding) violate(found wording.Finding, events ...record.Event) {
	p.verdict = Invalid
	if p.problems++; p.problems > told {
		return
	}
	found.Property = p.name
	for _, e := range events {
		if e.Seq > 0 {
			found.Events = append(found.Events, e.Seq)
		}
	}
	slices.Sort(found.Events)
	found.Events = slices.Compact(found.Events)
	p.found = append(p.found, found)
}

// doubt notes a reason why the property cannot be judged.
func (p *finding) doubt(found wording.Finding) {
	p.verdict = Worst(p.verdict, Unknown)
	if p.unsure++; p.unsure <= told {
		found.Property = p.name
		p.doubts = append(p.doubts, found)
	}
}

func (p *finding) property() Property {
	found := Property{Name: p.name, Verdict: p.verdict, Reason: p.holds}
	switch p.verdict {
	case Invalid:
		found.Findings, found.More = p.found, p.problems-len(p.found)
	case Unknown:
		found.Findings, found.More = p.doubts, p.unsure-len(p.doubts)
	default:
		return found
	}
	found.Reason = wording.Sentences(found.Findings, found.More)
	for _, f := range p.found {
		found.Events = append(found.Events, f.Events...)
	}
	slices.Sort(found.Events)
	found.Events = slices.Compact(found.Events)
	return found
}

func newFinding(name, holds string, args ...any) *finding {
	return &finding{name: name, verdict: Valid, holds: fmt.Sprintf(holds, args...)}
}

// token is how a sentence gives a token.
func token(t record.Token) string { return fmt.Sprintf("%d.%d", t.Epoch, t.Attempt) }

// needsTree doubts a property that cannot be judged without the final tree.
func (f *facts) needsTree(p *finding) bool {
	if f.evidence == nil || f.evidence.Nodes == nil {
		p.doubt(wording.Finding{Code: wording.NoTree})
		return true
	}
	return false
}

// singleMaster: no write of a master is accepted once a later epoch has begun, and no
// epoch begins twice. If two masters believe to lead at once, that is a violation,
// unless a fault stopped one of them or ended its session early: no lease can help
// against those faults.
func (f *facts) singleMaster() Property {
	overlap, explained := time.Duration(0), 0
	p := newFinding("SingleMaster", "")
	began := map[int32]*record.Operation{}
	var won []election
	for _, e := range f.elections {
		if e.won != record.OK {
			continue
		}
		if before, twice := began[e.epoch]; twice {
			p.violate(wording.Finding{Code: wording.EpochTwice, Zxid: e.zxid, Args: wording.Args{
				"epoch": e.epoch, "first": before.Invoke.Process, "second": e.op.Invoke.Process,
			}}, before.Done, e.op.Done)
		}
		began[e.epoch] = e.op
		if e.op.Done.Type == record.OK {
			won = append(won, e)
		}
	}
	f.staleWrites(p, won)
	for _, pair := range f.overlaps() {
		overlap += pair.length
		if pair.excuse != "" {
			explained++
			continue
		}
		p.violate(wording.Finding{Code: wording.TwoBelieved, Args: wording.Args{
			"old": pair.old.Invoke.Process, "old_epoch": pair.old.Invoke.Token().Epoch, "next": pair.next.Invoke.Process, "next_epoch": pair.next.Invoke.Token().Epoch,
			"long": pair.length, "from": pair.next.Invoke.At,
		}}, pair.old.Invoke, pair.next.Invoke)
	}
	p.holds = fmt.Sprintf("%d elections and %d writes in the name of an epoch: none was accepted after a later epoch had begun. At no time did two masters believe to lead.", len(began), len(f.acts))
	if explained > 0 {
		p.holds = fmt.Sprintf("%d elections and %d writes in the name of an epoch: none was accepted after a later epoch had begun. Two masters believed to lead at once %d times, for %s together, each time because one was stopped or robbed of its session.",
			len(began), len(f.acts), explained, wording.Seconds(overlap))
	}
	return p.property()
}

// staleWrites compares every accepted write of a master with the elections before it:
// in ZooKeeper's order if that is known, otherwise with the elections that were over
// before the write was sent.
func (f *facts) staleWrites(p *finding, won []election) {
	began := func(e election) int64 { return int64(e.op.Done.At) }
	sent := func(a act) int64 { return int64(a.op.Invoke.At) }
	if f.ordered() {
		began = func(e election) int64 { return e.zxid }
		sent = func(a act) int64 { return a.zxid }
	}
	slices.SortFunc(won, func(a, b election) int { return cmp.Compare(began(a), began(b)) })
	acts := slices.Clone(f.acts)
	slices.SortFunc(acts, func(a, b act) int { return cmp.Compare(sent(a), sent(b)) })
	latest, next := election{}, 0
	for _, a := range acts {
		for next < len(won) && began(won[next]) < sent(a) {
			if won[next].epoch > latest.epoch {
				latest = won[next]
			}
			next++
		}
		if a.op.Outcome() == record.OK && a.epoch < latest.epoch {
			p.violate(wording.Finding{Code: wording.StaleMaster, Zxid: a.zxid, Args: wording.Args{
				"process": a.op.Invoke.Process, "epoch": a.epoch, "at": f.at(a.op),
				"elected": latest.op.Invoke.Process, "now": latest.epoch, "since": f.at(latest.op), "before": latest.zxid,
			}}, latest.op.Done, a.op.Invoke, a.op.Done)
		}
	}
}

// believing is a time in which two masters believed to lead.
type believing struct {
	old, next record.Operation
	length    time.Duration
	excuse    string
}

func (f *facts) overlaps() []believing {
	var all []believing
	for _, a := range f.terms {
		for _, b := range f.terms {
			if a.Invoke.Token().Epoch >= b.Invoke.Token().Epoch {
				continue
			}
			from, to := max(a.Invoke.At, b.Invoke.At), min(f.lasted(a), f.lasted(b))
			if to > from {
				all = append(all, believing{a, b, to - from, f.excuse(a, from, to)})
			}
		}
	}
	return all
}

// lasted is until when a master believed to lead, or a handler ran: at the latest
// until its process died.
func (f *facts) lasted(t record.Operation) time.Duration {
	end := t.Return(f.end)
	if life := f.run.LifeOf(t.Invoke.Alive()); life != nil {
		if at, ended := life.Over(t.Invoke.At); ended {
			end = min(end, at)
		}
	}
	return end
}

// awakening is how long a master may take to notice that it was stopped or that its
// session was ended.
const awakening = 2 * time.Second

// excuse finds a fault that kept a master from knowing in time that its term was over.
// The fault was active, or just over, when the beliefs overlapped.
func (f *facts) excuse(t record.Operation, from, to time.Duration) string {
	for _, fault := range f.faults {
		// An end without a server's answer may have happened all the same.
		if fault.Fault().Robs() && fault.Outcome() != record.Fail && slices.Contains(fault.Targets(), t.Invoke.Process) &&
			fault.Invoke.At <= to && fault.Return(f.end)+awakening >= from {
			return fault.Fault().Fault
		}
	}
	return ""
}

// noLostTask: every accepted task is in the tree.
func (f *facts) noLostTask() Property {
	accepted := map[string]*record.Operation{}
	for i := range f.submits {
		if s := &f.submits[i]; s.Outcome() == record.OK && s.Done.Task() != "" {
			accepted[s.Done.Task()] = s
		}
	}
	p := newFinding("NoLostTask", "All %d tasks that were accepted are in the final tree, or were collected: %d.", len(accepted), len(f.collected))
	if f.needsTree(p) {
		return p.property()
	}
	for _, a := range f.awaits {
		if f.collected[a.Invoke.Task()].kept {
			continue // its retention was over, or RetentionKept complains
		}
		if s, ok := accepted[a.Invoke.Task()]; ok && a.Outcome() == record.Fail {
			p.violate(wording.Finding{Code: wording.TaskDenied, Task: a.Invoke.Task(), Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Done.At, "answer": a.Done.Remark(),
			}}, s.Done, a.Invoke, a.Done)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(accepted)) {
		_, collected := f.collected[name]
		if t := f.tasks[name]; !collected && (t == nil || t.id == "") {
			s := accepted[name]
			p.violate(wording.Finding{Code: wording.TaskGone, Task: name, Args: wording.Args{
				"process": s.Invoke.Process, "at": s.Done.At,
			}}, s.Invoke, s.Done)
		}
	}
	return p.property()
}

// noDoubleResult: a task gets one status, which never changes, and all clients see the
// same one.
func (f *facts) noDoubleResult() Property {
	p := newFinding("NoDoubleResult", "%d statuses were recorded, each once, and %d waiting clients saw the same.", len(f.finished()), len(f.awaits))
	recorded := map[string]*ending{}
	for i := range f.records {
		r := &f.records[i]
		if r.outcome != record.OK {
			continue
		}
		if before, twice := recorded[r.task]; twice {
			p.violate(wording.Finding{Code: wording.StatusTwice, Task: r.task, Args: wording.Args{
				"first": before.op.Invoke.Process, "before": f.at(before.op), "second": r.op.Invoke.Process, "at": f.at(r.op),
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
			p.violate(wording.Finding{Code: wording.TwoResults, Task: name, Args: wording.Args{
				"first": before.Done.Answer().Result, "second": a.Done.Answer().Result,
			}}, before.Done, a.Done)
		}
		seen[name] = a
		if t := f.tasks[name]; t != nil && t.status != nil && (t.status.Result != a.Done.Answer().Result || t.status.State != a.Done.Answer().State) {
			p.violate(wording.Finding{Code: wording.OtherStatus, Task: name, Args: wording.Args{
				"shown": a.Done.Answer().State, "shown_result": a.Done.Answer().Result, "process": a.Invoke.Process,
				"recorded": t.status.State, "recorded_result": t.status.Result,
			}}, a.Done)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		if t := f.tasks[name]; t.status != nil && t.version != 0 {
			p.violate(wording.Finding{Code: wording.StatusChanged, Task: name, Args: wording.Args{"version": t.version}}, f.about(name)...)
		}
	}
	return p.property()
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

// noPhantomTask: every task comes from a submission, one from each.
func (f *facts) noPhantomTask() Property {
	p := newFinding("NoPhantomTask", "All %d tasks come from a submission, one from each.", len(f.tasks))
	if f.needsTree(p) {
		return p.property()
	}
	ids := map[string]bool{}
	for _, s := range f.submits {
		ids[s.Invoke.ID()] = true
	}
	for _, id := range slices.Sorted(maps.Keys(f.byID)) {
		if names := f.byID[id]; len(names) > 1 {
			p.violate(wording.Finding{Code: wording.SubmittedTwice, Args: wording.Args{
				"id": id, "count": len(names), "tasks": names,
			}}, f.submissions(id)...)
		}
		if !ids[id] {
			p.violate(wording.Finding{Code: wording.SubmittedByNone, Args: wording.Args{"tasks": f.byID[id]}}, f.about(f.byID[id][0])...)
		}
	}
	for _, e := range f.executions {
		if t := f.tasks[e.Invoke.Task()]; t == nil || t.id == "" {
			p.violate(wording.Finding{Code: wording.NoSuchTask, Task: e.Invoke.Task(), Args: wording.Args{
				"process": e.Invoke.Process,
			}}, e.Invoke)
		}
	}
	return p.property()
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
func (f *facts) staleEffectsFenced() Property {
	refused := 0
	p := newFinding("StaleEffectsFenced", "")
	highest := map[string]*record.Event{}
	for _, e := range f.effects {
		last, seen := highest[e.Task()]
		stale := seen && e.Token().Compare(last.Token()) < 0
		if !e.Act().Accepted {
			refused++
		}
		switch {
		case e.Act().Accepted && stale:
			p.violate(wording.Finding{Code: wording.StaleEffect, Task: e.Task(), Args: wording.Args{
				"token": token(e.Token()), "at": e.At, "later": token(last.Token()),
			}}, *last, *e)
		case !e.Act().Accepted && !stale:
			p.violate(wording.Finding{Code: wording.EffectRefused, Task: e.Task(), Args: wording.Args{
				"token": token(e.Token()), "at": e.At,
			}}, *e)
		case e.Act().Accepted:
			highest[e.Task()] = e
		}
	}
	for _, name := range f.finished() {
		last, acted := highest[name]
		if t := f.tasks[name]; acted && t.status.State == "done" && t.status.Token.Compare(last.Token()) < 0 {
			p.violate(wording.Finding{Code: wording.StaleResult, Task: name, Args: wording.Args{
				"token": token(t.status.Token), "later": token(last.Token()), "at": last.At,
			}}, *last)
		}
	}
	p.holds = fmt.Sprintf("%d effects outside ZooKeeper; %d came from an execution that had been replaced, and all of those were refused.", len(f.effects), refused)
	return p.property()
}

// uniqueAttempts: every execution of a task has its own attempt number, and every
// attempt that ended without a result is on record. So the retry budget counts right
// and tokens tell executions apart. An execution that ended because its lease was over
// may begin again in the same process, if the process had kept its claim.
func (f *facts) uniqueAttempts() Property {
	p := newFinding("UniqueAttempts", "%d executions, each under an attempt number of its own, and every attempt without a result is on record.", len(f.executions))
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
			p.violate(wording.Finding{Code: wording.AttemptTwice, Task: k.task, Args: wording.Args{
				"attempt": k.attempt, "first": before.Invoke.Process, "before": before.Invoke.At,
				"first_epoch": before.Invoke.Token().Epoch, "second": e.Invoke.Process, "at": e.Invoke.At,
				"second_epoch": e.Invoke.Token().Epoch,
			}}, before.Invoke, e.Invoke)
		}
		first[k] = e
		if before, ok := first[key{k.task, k.attempt - 1}]; ok && before.Invoke.Token().Epoch > e.Invoke.Token().Epoch {
			p.violate(wording.Finding{Code: wording.SmallerToken, Task: k.task, Args: wording.Args{
				"attempt": k.attempt, "epoch": e.Invoke.Token().Epoch, "earlier": k.attempt - 1,
				"earlier_epoch": before.Invoke.Token().Epoch,
			}}, before.Invoke, e.Invoke)
		}
		t := f.tasks[k.task]
		if t == nil || t.status == nil || t.recorded(k.attempt) || t.status.State == "cancelled" {
			continue // cancelled: an execution at that time left no record
		}
		if t.status.State == "failed" || t.status.Attempt != k.attempt {
			p.violate(wording.Finding{Code: wording.AttemptLost, Task: k.task, Args: wording.Args{
				"attempt": k.attempt, "process": e.Invoke.Process, "at": e.Invoke.At,
			}}, e.Invoke)
		}
	}
	return p.property()
}

// atomicTransitions: an assignment is removed only together with its successor. The
// same write gives the task a status or a record of the attempt, unless it has its
// status already. Otherwise a crash between two writes forgets the attempt.
func (f *facts) atomicTransitions() Property {
	// When a task's status was first being recorded, and when a write had been applied.
	recording := func(r ending) int64 { return int64(r.op.Invoke.At) }
	applied := func(write int) int64 { return int64(f.writes[write].Done.At) }
	if f.ordered() {
		recording = func(r ending) int64 { return r.zxid }
		applied = func(write int) int64 { return f.zxids[write] }
	}
	first := map[string]int64{}
	for _, r := range f.records {
		if at, seen := first[r.task]; r.outcome == record.OK && (!seen || recording(r) < at) {
			first[r.task] = recording(r)
		}
	}
	gone := 0
	p := newFinding("AtomicTransitions", "")
	for i, w := range f.writes {
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
				p.violate(wording.Finding{Code: wording.AssignmentLost, Task: t, Args: wording.Args{
					"process": w.Invoke.Process, "at": f.at(&f.writes[i]),
				}}, w.Invoke, w.Done)
			}
		}
	}
	p.holds = fmt.Sprintf("%d assignments ended, each in one write with what came instead.", gone)
	return p.property()
}

// resultFromItsAttempt: a result comes from an execution that was assigned, was run by
// that worker, and had not been given up before.
func (f *facts) resultFromItsAttempt() Property {
	p := newFinding("ResultFromItsAttempt", "")
	ran := map[string]bool{}
	key := func(task, process string, t record.Token) string {
		return fmt.Sprintf("%s %s %d.%d", task, process, t.Epoch, t.Attempt)
	}
	for _, e := range f.executions {
		ran[key(e.Invoke.Task(), e.Invoke.Process, e.Invoke.Token())] = true
	}
	results := 0
	for _, name := range f.finished() {
		t := f.tasks[name]
		if t.status.State != "done" {
			continue
		}
		results++
		if !ran[key(name, t.status.Worker, t.status.Token)] {
			p.violate(wording.Finding{Code: wording.ResultOfNone, Task: name, Args: wording.Args{
				"process": t.status.Worker, "token": token(t.status.Token),
			}}, f.about(name)...)
		}
		if t.recorded(t.status.Attempt) {
			p.violate(wording.Finding{Code: wording.ResultGivenUp, Task: name, Args: wording.Args{
				"attempt": t.status.Attempt,
			}}, f.about(name)...)
		}
	}
	ended := f.recordsOfAttempts(p)
	p.holds = fmt.Sprintf("%d results, each from an execution that ran and had not been given up; %d attempts are on record, each with the token under which it was assigned and ran.", results, ended)
	return p.property()
}

// recordsOfAttempts compares the token of each attempt on record with the token of its
// assignment and its execution, because systems outside have seen that token and no
// other. The status of a failed task has the token of its last attempt. Masters of
// earlier builds give both their own epoch.
func (f *facts) recordsOfAttempts(p *finding) (recorded int) {
	type key struct {
		task    string
		attempt int32
	}
	given := map[key][]record.Token{}
	for i := range f.writes {
		w := &f.writes[i]
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
				p.violate(wording.Finding{Code: wording.RecordOtherRun, Task: name, Args: wording.Args{
					"attempt": n, "epoch": token.Epoch, "process": e.Invoke.Process, "at": e.Invoke.At,
					"ran": e.Invoke.Token().Epoch,
				}}, e.Invoke)
			} else if tokens := given[k]; len(tokens) > 0 && !slices.Contains(tokens, token) {
				p.violate(wording.Finding{Code: wording.RecordOtherEpoch, Task: name, Args: wording.Args{
					"attempt": n, "epoch": token.Epoch, "assigned": tokens[0].Epoch,
				}}, f.about(name)...)
			}
		}
		if t.status == nil || t.status.State != "failed" || earlier[t.status.Epoch] {
			continue
		}
		if last, there := t.attempts[t.status.Attempt]; there && last != t.status.Token {
			p.violate(wording.Finding{Code: wording.FailedOtherToken, Task: name, Args: wording.Args{
				"token": token(t.status.Token), "epoch": last.Epoch,
			}}, f.about(name)...)
		}
	}
	return recorded
}

// earlierMasters are the epochs of masters whose claims do not say that workers
// themselves return revoked assignments. Builds from before that give their records
// their own epoch, and count attempts whose workers left.
func (f *facts) earlierMasters() map[int32]bool {
	earlier, known := map[int32]bool{}, map[int32]bool{}
	for i := range f.writes {
		w := &f.writes[i]
		for _, op := range w.Invoke.Ops() {
			claim := record.ParseClaim(op.Data)
			if op.Kind != "set" || op.Path != record.AssignPath || w.Outcome() == record.Fail || claim.Holder == "" {
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
func (f *facts) terminalAfterHeal() Property {
	p := newFinding("TerminalAfterHeal", "All %d tasks have their status, and no assignment is left.", len(f.tasks))
	if f.needsTree(p) {
		return p.property()
	}
	if !f.evidence.Healed {
		p.doubt(wording.Finding{Code: wording.NotHealed, Args: wording.Args{"problem": f.evidence.Problem}})
		return p.property()
	}
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		switch t := f.tasks[name]; {
		case t.gone:
		case t.status == nil:
			p.violate(wording.Finding{Code: wording.NoStatus, Task: name}, f.about(name)...)
		case len(t.assigned) > 0:
			p.violate(wording.Finding{Code: wording.StillAssigned, Task: name, Args: wording.Args{"workers": t.assigned}}, f.about(name)...)
		}
	}
	if !f.evidence.Drained && p.verdict == Valid {
		p.violate(wording.Finding{Code: wording.StillWaiting, Args: wording.Args{"problem": f.evidence.Problem}})
	}
	return p.property()
}

// sessionsEnd: a session that has ended is over. No write is accepted in its name. And
// no participant is granted a new session while it holds on to the old one; a client
// library that replaces sessions silently does that.
func (f *facts) sessionsEnd() Property {
	ended := f.endedByForce()
	p := newFinding("SessionsEnd", "")
	for i, w := range f.writes {
		fault, over := ended[w.Invoke.Session()]
		if over && w.Outcome() == record.OK && w.Invoke.At > fault.Done.At {
			p.violate(wording.Finding{Code: wording.SessionUsed, Args: wording.Args{
				"process": w.Invoke.Process, "session": w.Invoke.Session(), "at": f.at(&f.writes[i]), "ended": fault.Done.At,
			}}, fault.Done, w.Invoke, w.Done)
		}
	}
	f.writesAfterEnd(p)
	granted := f.replacedSessions(p)
	p.holds = fmt.Sprintf("%d sessions were granted, and %d were ended by force: each was given up before the next, and nothing was accepted in the name of one that was over.", granted, len(ended))
	return p.property()
}

// writesAfterEnd compares the end of each session with the writes of that session, in
// ZooKeeper's order. It does not matter who asked for the end.
func (f *facts) writesAfterEnd(p *finding) {
	if f.ledger == nil {
		return
	}
	ended := map[string]int64{}
	for _, c := range f.ledger.Commits {
		if c.Kind == record.CommitClose {
			if _, before := ended[c.Session]; !before { // a second close ends nothing
				ended[c.Session] = c.Zxid
			}
		}
	}
	for i, w := range f.writes {
		if end := ended[w.Invoke.Session()]; end != 0 && f.zxids[i] > end {
			p.violate(wording.Finding{Code: wording.SessionOver, Zxid: f.zxids[i], Args: wording.Args{
				"process": w.Invoke.Process, "session": w.Invoke.Session(), "at": f.at(&f.writes[i]), "before": end,
			}}, w.Invoke, w.Done)
		}
	}
}

// replacedSessions compares the sessions on the wire with the participants' reports,
// and counts the sessions that were granted.
func (f *facts) replacedSessions(p *finding) (granted int) {
	held := map[record.Life][]record.Event{} // the sessions that it holds on to
	for _, e := range f.sessions {
		who := e.Alive()
		switch change := e.SessionChange(); change.Fate {
		case record.Granted:
			granted++
			if old := held[change.To]; len(old) >= mayHold(change.To) && !holds(old, e.Session()) {
				p.violate(wording.Finding{Code: wording.SessionReplaced, Args: wording.Args{
					"process": change.To.String(), "session": e.Session(), "at": e.At, "old": old[0].Session(),
				}}, old[0], e)
			}
		case record.Opened:
			held[who] = append(held[who], e)
		default:
			held[who] = slices.DeleteFunc(held[who], func(old record.Event) bool { return old.Session() == e.Session() })
		}
	}
	return granted
}

// mayHold is how many sessions a participant may hold at a time: one. An equal node may
// hold two, as a candidate and as a worker, and for a while a third, as the worker that
// it was before it led.
func mayHold(life record.Life) int {
	if record.RoleOf(life.Process) == record.NodeRole {
		return 3
	}
	return 1
}

func holds(held []record.Event, session string) bool {
	return slices.ContainsFunc(held, func(e record.Event) bool { return e.Session() == session })
}

// noCrash: no participant ended unless the nemesis or the harness ended it.
func (f *facts) noCrash() Property {
	p := newFinding("NoCrash", "No participant ended by itself.")
	for _, e := range f.processes {
		if change := e.ProcessChange(); change.Fate == record.Crashed {
			p.violate(wording.Finding{Code: wording.Crashed, Args: wording.Args{
				"process": change.Of.String(), "how": change.String(), "at": e.At,
			}}, e)
		}
	}
	return p.property()
}
