package judge

import "github.com/ringmaster-zk/ringmaster/record"

// resolve replaces the remaining unknown outcomes by those that the final tree proves.
func (f *facts) resolve() {
	if !f.HasTree() {
		for _, s := range f.submits {
			f.Resolved.ByTree(s.Outcome(), record.Info)
		}
		for _, r := range f.records {
			f.Resolved.ByTree(r.outcome, record.Info)
		}
		return
	}
	f.resolveRemovals()
	for i, s := range f.submits {
		if s.Outcome() != record.Info {
			continue
		}
		// The id is in the payload of the task. A task that is not in the tree was made if it
		// was collected.
		outcome := record.Fail
		name := f.created[s.Invoke.ID()]
		if _, gone := f.collected[name]; gone || len(f.byID[s.Invoke.ID()]) > 0 {
			outcome = record.OK
			if !gone {
				name = f.byID[s.Invoke.ID()][0]
			}
			f.submits[i].Done.Of = record.Submission{ID: s.Invoke.ID(), Task: name}
		}
		f.submits[i].Done.Type = outcome
		f.Resolved.ByTree(record.Info, outcome)
	}
	f.resolveRecords()
}

// resolveRemovals finds out which tasks were collected: a task in the tree was not. Of
// several tries without an answer, any may have done it.
func (f *facts) resolveRemovals() {
	for _, want := range []record.Type{record.OK, record.Info} {
		for _, r := range f.removals {
			_, already := f.collected[r.task]
			t := f.tasks[r.task]
			if r.op.Outcome() == want && !already && (want == record.OK || t == nil || t.id == "") {
				f.collected[r.task] = r
			}
		}
	}
}

// resolveRecords compares statuses of unknown outcome with the status in the tree. A
// worker without an answer asks, and repeats the same write if it has to. Of equal
// writes at most one was applied: the answered one if there is one, otherwise one at
// any time since the first.
func (f *facts) resolveRecords() {
	type key struct{ task, raw string }
	applied := map[key]bool{}
	for _, r := range f.records {
		if r.outcome == record.OK {
			applied[key{r.task, r.status.raw}] = true
		}
	}
	byTask := map[string][]int{} // places of the records of each task that was collected
	for i, r := range f.records {
		if _, gone := f.collected[r.task]; gone {
			byTask[r.task] = append(byTask[r.task], i)
		}
	}
	for i, r := range f.records {
		if r.outcome != record.Info {
			continue
		}
		k := key{r.task, r.status.raw}
		if _, gone := f.collected[r.task]; gone {
			f.records[i].outcome = f.recordOfCollected(r, byTask[r.task], applied[k])
			applied[k] = applied[k] || f.records[i].outcome == record.OK
			f.Resolved.ByTree(record.Info, f.records[i].outcome)
			continue
		}
		f.records[i].outcome = record.Fail
		if t := f.tasks[r.task]; t != nil && t.status != nil && t.status.raw == r.status.raw && !applied[k] {
			f.records[i].outcome, applied[k] = record.OK, true
		}
		f.Resolved.ByTree(record.Info, f.records[i].outcome)
	}
}

// recordOfCollected resolves a status that is not in the tree any more. A task has one
// status. If another record of it is known, or this very one, this try was in vain. If
// this is the only candidate, or the status that a client was told, it was applied.
func (f *facts) recordOfCollected(r ending, ofTask []int, already bool) record.Type {
	if already {
		return record.Fail
	}
	others := 0
	for _, at := range ofTask {
		other := &f.records[at]
		if other.status.raw == r.status.raw {
			continue
		}
		switch other.outcome {
		case record.OK:
			return record.Fail
		case record.Info:
			others++
		}
	}
	if others == 0 {
		return record.OK
	}
	for _, a := range f.awaits {
		if a.Invoke.Task() == r.task && a.Outcome() == record.OK {
			if observed(a.Done) == r.status.seen() && a.Done.Token() == r.status.Token {
				return record.OK
			}
			return record.Fail
		}
	}
	return record.Info
}
