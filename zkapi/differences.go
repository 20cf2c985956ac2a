package zkapi

import (
	"maps"
	"slices"
	"strings"
)

// Differences sums up the changes of the znodes below one znode, in their order, for a Session
// that answers followed reads. Its zero value is ready to use.
type Differences struct {
	gone, come, changed, below map[string]bool
}

// Add takes one change over: KindCreate, KindDelete or KindSet of a child, by its name, or of a
// znode below a child, by a name such as child/rest.
func (d *Differences) Add(kind Kind, name string) {
	if d.gone == nil {
		d.gone, d.come, d.changed, d.below = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	switch {
	case strings.Contains(name, "/"):
		if kind != KindSet {
			d.below[name] = kind == KindCreate
		}
	case kind == KindCreate:
		d.come[name] = true
	case kind == KindDelete:
		d.gone[name] = true
		delete(d.come, name)
		delete(d.changed, name)
	case kind == KindSet && !d.come[name]:
		d.changed[name] = true
	}
}

// AddAll takes over a sum of later changes: as if each of them had been added.
func (d *Differences) AddAll(later Partial) {
	for _, name := range later.Gone {
		d.Add(KindDelete, name)
	}
	for _, name := range later.Come {
		d.Add(KindCreate, name)
	}
	for _, name := range later.Changed {
		d.Add(KindSet, name)
	}
	for _, name := range later.Below {
		kind := KindDelete
		if slices.Contains(later.Made, name) {
			kind = KindCreate
		}
		d.Add(kind, name)
	}
}

// Partial returns the sum.
func (d *Differences) Partial() *Partial {
	names := func(of map[string]bool) []string { return slices.Sorted(maps.Keys(of)) }
	p := &Partial{Gone: names(d.gone), Come: names(d.come), Changed: names(d.changed), Below: names(d.below)}
	for _, name := range p.Below {
		if d.below[name] {
			p.Made = append(p.Made, name)
		}
	}
	return p
}
