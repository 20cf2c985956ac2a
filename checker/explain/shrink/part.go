package shrink

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// byID are the tasks of each submission, by events and znodes.
func byID(run record.Run) map[string][]string {
	tasks := map[string][]string{}
	add := func(id, task string) {
		if id != "" && task != "" && !slices.Contains(tasks[id], task) {
			tasks[id] = append(tasks[id], task)
		}
	}
	made := func(path, data string) {
		if z := record.ParsePath(path); z.Kind == record.Task {
			id, _ := record.ParseTask(data)
			add(id, z.Task)
		}
	}
	for _, e := range run.Events {
		add(e.ID(), e.Task())
		for _, op := range e.Ops() {
			made(op.Path, op.Data)
		}
	}
	if run.Evidence != nil {
		for _, n := range run.Evidence.Nodes {
			made(n.Path, n.Data)
		}
	}
	return tasks
}

// allTasks are the tasks of a run, in the order of their first events.
func allTasks(run record.Run) []string {
	var all []string
	seen := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	for _, e := range run.Events {
		add(e.Task())
		add(record.TasksOf(e.Ops())...)
	}
	for _, x := range run.Exchanges {
		add(record.TasksOf(x.Ops)...)
	}
	for _, c := range run.Commits {
		add(record.TasksOf(c.Ops)...)
	}
	if run.Evidence != nil {
		for _, n := range run.Evidence.Nodes {
			add(record.TaskOf(n.Path))
		}
	}
	return all
}

// only is the run with the operations of these tasks, and with everything that belongs
// to no task: elections, sessions, processes, faults. A write that also touches other
// tasks keeps only its operations on these.
func only(run record.Run, tasks []string) record.Run {
	kept := map[string]bool{}
	for _, t := range tasks {
		kept[t] = true
	}
	n := narrowing{kept: kept, ids: byID(run), gone: map[key]bool{}}
	part := record.Run{Events: n.events(run.Events), Evidence: n.evidence(run.Evidence), Policy: run.Policy, Manifest: excerpt(run)}
	for _, x := range run.Exchanges {
		ops, stays := n.ops(x.Ops)
		if refused := x.Index >= 0 && x.Index < len(x.Ops); refused && len(ops) < len(x.Ops) {
			at := slices.IndexFunc(ops, func(op record.Op) bool { return op == x.Ops[x.Index] })
			stays = stays && at >= 0 // the operation that was refused is gone
			x.Index = at
		}
		if x.Ops = ops; stays {
			part.Exchanges = append(part.Exchanges, x)
		}
	}
	for _, c := range run.Commits {
		ops, stays := n.ops(c.Ops)
		if c.Ops = ops; stays {
			part.Commits = append(part.Commits, c)
		}
	}
	return part
}

// excerpt marks a part of a run as a part, so that judges do not expect it to be whole.
func excerpt(run record.Run) *record.Manifest {
	return run.Manifest.AsExcerpt("the part of the run that still shows a violation")
}

// key tells operations apart.
type key struct {
	process string
	life    int
	op      int64
}

func keyOf(e record.Event) key { return key{e.Process, e.Life, e.Op} }

// narrowing leaves out everything that belongs to other tasks.
type narrowing struct {
	kept map[string]bool
	ids  map[string][]string
	gone map[key]bool // operations that were left out
}

func (n narrowing) events(events []record.Event) []record.Event {
	var part []record.Event
	for _, e := range events {
		if e.Type != record.Note && e.Type != record.Invoke && n.gone[keyOf(e)] {
			continue
		}
		ops, stays := n.ops(e.Ops())
		if e.Type != record.Note && e.Type != record.Invoke {
			stays = true // with its invocation
		}
		if !stays || !n.keeps(e) {
			if e.Type == record.Invoke {
				n.gone[keyOf(e)] = true
			}
			continue
		}
		if request, writes := e.Of.(record.Request); writes {
			request.Ops = ops
			e.Of = request
		}
		part = append(part, e)
	}
	return part
}

// keeps reports whether an event belongs to a kept task, or to none.
func (n narrowing) keeps(e record.Event) bool {
	switch {
	case e.Task() != "":
		return n.kept[e.Task()]
	case e.ID() != "":
		return slices.ContainsFunc(n.ids[e.ID()], func(t string) bool { return n.kept[t] })
	}
	return true
}

// ops narrows a write. A write that touched tasks does not stay if only checks and the
// notice of a change to the master (a set of /tasks) are left.
func (n narrowing) ops(ops []record.Op) (left []record.Op, stays bool) {
	narrowed, writes := false, false
	for _, op := range ops {
		if t := record.TaskOf(op.Path); t != "" && !n.kept[t] {
			narrowed = true
			continue
		}
		left = append(left, op)
		writes = writes || op.Kind != "check" && op.Path != record.TasksPath
	}
	return left, !narrowed || writes
}

func (n narrowing) evidence(e *record.Evidence) *record.Evidence {
	if e == nil {
		return nil
	}
	part := *e
	part.Nodes = slices.DeleteFunc(slices.Clone(e.Nodes), func(node record.Node) bool {
		t := record.TaskOf(node.Path)
		return t != "" && !n.kept[t]
	})
	return &part
}
