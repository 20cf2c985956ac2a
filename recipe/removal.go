package recipe

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// A finished task may have more below it than fits into one multi. It is removed in
// parts then: first what is not the recipe's, then the oldest attempts. The last part is
// the only one that counts: it has the status, the task, and what is left below it, and
// is all or nothing like every other transition. Until then the task is there with its
// status: it is finished for everybody, its id is taken, and whoever collects it, a
// client or this or another master, begins where the last one has stopped.
//
// Only masters write parts. Each part checks the task and its status, so that it takes
// nothing from a task that is not finished. These checks cannot tell a task from a later
// one of the same id that is finished, too, because the versions of znodes begin at 0
// whenever they are made. The claim does that: a later task gets attempts and a result
// only when a master has assigned it. This master does so only after it has learned that
// the former task is gone, and has no part under way then; another master has a higher
// epoch, which refuses the part. What remains is a later task that was cancelled before
// it was assigned: a late write may remove it as if its retention were over. A client has
// no such claim, so it asks a master (client_collect.go).

// wholeAtMost bounds the operations of a removal that is not divided: it is one write
// for the server and for all its followers.
const wholeAtMost = 10 * maxMultiOps

// removal is the next part of what removes a finished task, as large as b allows, and
// what is left below it then. The last part leaves nothing: rest is nil.
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

// collection deletes a finished task, with what is below it, exactly as it was read.
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

// inRemovalOrder puts what is not the recipe's first, then attempts, the oldest first,
// and the status last.
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

// removes reports whether a write removes a task, and not only a part of what is below.
func (l layout) removes(ops []zkapi.Op, t string) bool {
	return slices.ContainsFunc(ops, func(op zkapi.Op) bool { return op.Kind == zkapi.KindDelete && op.Path == l.task(t) })
}

// partly takes over that a part of what is below a finished task was removed.
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
