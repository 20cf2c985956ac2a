package checker

import "github.com/ringmaster-zk/ringmaster/record"

// Resolution counts how unknown outcomes of operations were resolved.
type Resolution struct {
	applied, lost, open int
	byOrder             int // of applied and lost: by the commits, not by the tree
}

// ByOrder counts an unknown outcome that the committed order was asked about. If the order
// leaves it open, the tree may still settle it.
func (r *Resolution) ByOrder(outcome record.Type) {
	switch outcome {
	case record.OK:
		r.applied++
		r.byOrder++
	case record.Fail:
		r.lost++
		r.byOrder++
	}
}

// ByTree counts an outcome before and after the final tree was asked about it. Only an
// outcome that was unknown before counts.
func (r *Resolution) ByTree(before, after record.Type) {
	switch {
	case before != record.Info:
	case after == record.OK:
		r.applied++
	case after == record.Fail:
		r.lost++
	default:
		r.open++
	}
}
