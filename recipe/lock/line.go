package lock

import (
	"cmp"
	"slices"
)

// simpleName is the one znode of the simple form.
const simpleName = "lock"

// line is the contenders of a path, in the order in which they came.
type line struct {
	places []place
	simple bool // the path has the znode of the simple form
}

// newLine reads the children of a path. Znodes that are no contenders are left out.
func newLine(children []string) line {
	var l line
	for _, name := range children {
		if p, ok := readName(name); ok {
			l.places = append(l.places, p)
		}
		l.simple = l.simple || name == simpleName
	}
	// After 2147483647 ZooKeeper goes on at -2147483648. Those came later.
	slices.SortFunc(l.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(later(a.sequence), later(b.sequence)), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.name, b.name))
	})
	return l
}

// later is 1 for a number after the overflow.
func later(sequence int32) int {
	if sequence < 0 {
		return 1
	}
	return 0
}

// without is the line without some znodes.
func (l line) without(skipped map[string]bool) line {
	l.places = slices.DeleteFunc(l.places, func(p place) bool { return skipped[p.name] })
	return l
}

// find is the position of a contender, -1 if it is not there.
func (l line) find(name string) int {
	return slices.IndexFunc(l.places, func(p place) bool { return p.name == name })
}

// before is the contender that the one at that position waits for. It is false if that one waits
// for none. One contender waits for each, so that the end of one wakes one (or the shared ones
// behind it).
func (l line) before(at, permits int) (place, bool) {
	switch l.places[at].form {
	case shared:
		for _, p := range slices.Backward(l.places[:at]) {
			if p.form != shared {
				return p, true
			}
		}
		return place{}, false
	case permit:
		if at < permits {
			return place{}, false
		}
	}
	if at == 0 {
		return place{}, false
	}
	return l.places[at-1], true
}

// mixed reports whether there are contenders that do not know the rules of this one.
func (l line) mixed(f form) bool {
	return l.simple || slices.ContainsFunc(l.places, func(p place) bool { return (p.form == permit) != (f == permit) })
}
