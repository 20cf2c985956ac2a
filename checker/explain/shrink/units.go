package shrink

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// unit is the smallest part that can be removed from a run: an operation with its
// completion, its exchange, its commit and the znodes that it made; or a note.
type unit struct {
	events, exchanges, commits, nodes []int // places in the run
}

// units divides a run. Znodes without a known creator are in no unit.
func units(index *record.Index) []unit {
	run := index.Run
	var all []unit
	open := map[key]int{}
	for i, e := range run.Events {
		at, known := open[keyOf(e)]
		if e.Type != record.Note && e.Type != record.Invoke && known {
			all[at].events = append(all[at].events, i)
			continue
		}
		if e.Type == record.Invoke {
			open[keyOf(e)] = len(all)
		}
		all = append(all, unit{events: []int{i}})
	}
	owner := map[int64]int{} // of a zxid
	maker := map[string]int{}
	written := 0 // writes so far
	for u := range all {
		if invoke := run.Events[all[u].events[0]]; invoke.Kind != record.Write || invoke.Type != record.Invoke {
			continue
		}
		w := &index.Writes[written]
		written++
		if w.Exchange >= 0 {
			all[u].exchanges = []int{w.Exchange}
			owner[run.Exchanges[w.Exchange].Zxid] = u
		}
		if w.Outcome() != record.Fail {
			for _, path := range made(w.Operation) {
				maker[path] = u
			}
		}
	}
	for i, x := range run.Exchanges {
		if index.Write[i] < 0 {
			owner[x.Zxid] = len(all)
			all = append(all, unit{exchanges: []int{i}})
		}
	}
	for i, c := range run.Commits {
		if u, known := owner[c.Zxid]; known && c.Zxid != 0 {
			all[u].commits = append(all[u].commits, i)
		} else {
			all = append(all, unit{commits: []int{i}})
		}
	}
	if run.Evidence != nil {
		for i, n := range run.Evidence.Nodes {
			if u, known := maker[n.Path]; known {
				all[u].nodes = append(all[u].nodes, i)
			}
		}
	}
	return all
}

// made are the znodes that a write creates, by the names that the server has completed.
func made(write record.Operation) []string {
	var paths []string
	for _, op := range slices.Concat(write.Invoke.Ops(), write.Done.Ops()) {
		if op.Kind == "create" {
			paths = append(paths, op.Path)
		}
	}
	return paths
}

// join makes a run of units, in the order of the whole run.
func join(run record.Run, all, kept []unit) record.Run {
	dropped := map[int]bool{}
	for _, u := range all {
		for _, n := range u.nodes {
			dropped[n] = true
		}
	}
	var events, exchanges, commits []int
	for _, u := range kept {
		events, exchanges, commits = append(events, u.events...), append(exchanges, u.exchanges...), append(commits, u.commits...)
		for _, n := range u.nodes {
			delete(dropped, n)
		}
	}
	part := record.Run{Events: pick(run.Events, events), Exchanges: pick(run.Exchanges, exchanges), Commits: pick(run.Commits, commits), Policy: run.Policy, Manifest: excerpt(run)}
	if run.Evidence != nil {
		evidence := *run.Evidence
		evidence.Nodes = nil
		for i, n := range run.Evidence.Nodes {
			if !dropped[i] {
				evidence.Nodes = append(evidence.Nodes, n)
			}
		}
		if run.Evidence.Nodes != nil && evidence.Nodes == nil {
			evidence.Nodes = []record.Node{} // an empty tree, not an unknown one
		}
		part.Evidence = &evidence
	}
	return part
}

// pick takes places out of a list; a list that was not recorded stays so.
func pick[T any](all []T, places []int) []T {
	if all == nil {
		return nil
	}
	slices.Sort(places)
	part := make([]T, len(places))
	for i, at := range places {
		part[i] = all[at]
	}
	return part
}
