package shrink

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// only is the run with the operations on these objects, and with everything that belongs
// to no object: elections, sessions, processes, faults. A write that also touches other
// objects keeps only its operations on these.
func only(index *record.Index, objects []string) record.Run {
	run, kept := index.Run, map[string]bool{}
	for _, object := range objects {
		kept[object] = true
	}
	n := narrowing{kept: kept, index: index, gone: map[key]bool{}}
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

// narrowing leaves out everything that belongs to other objects.
type narrowing struct {
	kept  map[string]bool
	index *record.Index
	gone  map[key]bool // operations that were left out
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

// keeps reports whether an event belongs to a kept object, or to none.
func (n narrowing) keeps(e record.Event) bool {
	switch {
	case e.Object() != "":
		return n.kept[e.Object()]
	case e.ID() != "":
		return slices.ContainsFunc(n.index.Identified(e.ID()), func(object string) bool { return n.kept[object] })
	}
	return true
}

// ops narrows a write. A write that touched objects does not stay if only checks and
// notices of a change are left.
func (n narrowing) ops(ops []record.Op) (left []record.Op, stays bool) {
	narrowed, writes := false, false
	for _, op := range ops {
		if object := n.index.Znodes.Object(op.Path); object != "" && !n.kept[object] {
			narrowed = true
			continue
		}
		left = append(left, op)
		writes = writes || op.Kind != "check" && !n.index.Znodes.Notifies(op)
	}
	return left, !narrowed || writes
}

func (n narrowing) evidence(e *record.Evidence) *record.Evidence {
	if e == nil {
		return nil
	}
	part := *e
	part.Nodes = slices.DeleteFunc(slices.Clone(e.Nodes), func(node record.Node) bool {
		object := n.index.Znodes.Object(node.Path)
		return object != "" && !n.kept[object]
	})
	return &part
}
