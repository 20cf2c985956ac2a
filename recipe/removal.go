package recipe

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// A finished task may have more below it than fits into one multi. Then it is removed in
// parts: first the znodes that are not the recipe's, then the oldest attempts. The last part
// is the transition: one multi deletes the status, the task, and the rest below it. Until
// then the task exists with its status, so it is finished for every reader, and its id is in
// use. If a removal stops halfway, the next one continues there, by a client, this master or
// another.
//
// Only masters write parts. Each part checks the task and its status, so that it takes
// nothing from a task that is not finished. These checks cannot distinguish the task from a
// later finished task of the same id, because each new znode begins at version 0. The claim
// can: a later task gets attempts and a result only after a master has assigned it. This
// master assigns it only when it knows that the former task is gone, and then no part is
// under way. Another master has a higher epoch, so the part is refused. One case remains: a
// late write may remove a later task that was cancelled before it was assigned, as if its
// retention were over. A client has no such claim, so it asks a master (client_collect.go).

// wholeAtMost bounds the operations of a removal that is not divided: it is one write
// for the server and for all its followers.
const wholeAtMost = 1000

// removal returns the next part of the removal of a finished task, as large as b allows, and
// the children that are left after it. After the last part rest is nil.
func (l layout) removal(t string, left decide.Leftover, b bounds) (ops []zkapi.Op, rest []string) {
	children := slices.SortedStableFunc(slices.Values(left.Children), inRemovalOrder)
	whole := collection(l, t, left, children)
	if len(whole) <= wholeAtMost && sizeOf(whole) <= b.bytes {
		return whole, nil
	}
	ops = []zkapi.Op{zkapi.Check(l.task(t), left.Version), zkapi.Check(l.status(t), left.Status)}
	checks, size := len(ops), sizeOf(ops)
	for i, child := range children {
		next := zkapi.Delete(l.task(t)+"/"+child, zkapi.AnyVersion)
		size += next.Size()
		full := len(ops) > checks && (len(ops) >= b.ops || size > b.bytes)
		if child == "status" && len(ops) == checks {
			break
		}
		if child == "status" || full {
			return ops, children[i:]
		}
		ops = append(ops, next)
	}
	return whole, nil // there is nothing to divide
}

// collection deletes a finished task with its children, exactly as they were read.
func collection(l layout, t string, left decide.Leftover, children []string) []zkapi.Op {
	var ops []zkapi.Op
	for _, child := range children {
		version := zkapi.AnyVersion
		if child == "status" {
			version = left.Status
		}
		ops = append(ops, zkapi.Delete(l.task(t)+"/"+child, version))
	}
	return append(ops, zkapi.Delete(l.task(t), left.Version))
}

// inRemovalOrder sorts znodes that are not the recipe's first, then attempts by age, and the
// status last.
func inRemovalOrder(a, b string) int {
	rank := func(name string) (rank int, number int32) {
		n, attempt := attemptNumber(name)
		if !attempt {
			n, attempt = leftNumber(name)
		}
		switch {
		case attempt:
			return 1, n
		case name == "progress":
			return 2, 0
		case name == "status":
			return 3, 0
		}
		return 0, 0
	}
	x, n := rank(a)
	y, m := rank(b)
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(n, m))
}

// divides reports whether a part of a removal can be made smaller.
func divides(ops []zkapi.Op) bool {
	deletes := 0
	for _, op := range ops {
		if op.Kind == zkapi.KindDelete {
			deletes++
		}
	}
	const least = 2 // the status and the task go together
	return deletes > least || deletes == least && ops[0].Kind == zkapi.KindCheck
}

// removes reports whether a write deletes a task itself, and not only some children.
func (l layout) removes(ops []zkapi.Op, t string) bool {
	return slices.ContainsFunc(ops, func(op zkapi.Op) bool { return op.Kind == zkapi.KindDelete && op.Path == l.task(t) })
}

// partly updates the view after some children of a finished task were removed.
func (r *reconciler) partly(t string, ops []zkapi.Op) {
	left := r.view.Task(t).Leftover
	gone := map[string]bool{}
	for _, op := range ops {
		gone[op.Path] = op.Kind == zkapi.KindDelete
	}
	// The list is the session's answer, which stays as it is.
	left.Children = slices.DeleteFunc(slices.Clone(left.Children), func(child string) bool { return gone[r.layout.task(t)+"/"+child] })
	r.parts = true
}
