package zk

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// WatchMode says how long a watch lasts, and which znodes it is for.
type WatchMode uint8

// The modes. One watch can be set in several.
const (
	WatchOnce       WatchMode = iota // until it fires
	WatchPersistent                  // until it is removed
	WatchRecursive                   // until it is removed; also for the znodes below
	watchModes
)

// Watches are the watches that the clients of one server have set, in ZooKeeper's two tables. A
// client is whatever gets the events. The zero value has none. It is not safe for concurrent
// use.
type Watches[C comparable] struct {
	by   map[Watch]map[C]*[watchModes]bool
	deep int // how many recursive ones there are
	of   map[C]map[Watch]bool
}

// Set sets a watch.
func (w *Watches[C]) Set(c C, on Watch, mode WatchMode) {
	if w.by == nil {
		w.by, w.of = map[Watch]map[C]*[watchModes]bool{}, map[C]map[Watch]bool{}
	}
	if w.by[on] == nil {
		w.by[on] = map[C]*[watchModes]bool{}
	}
	if w.by[on][c] == nil {
		w.by[on][c] = &[watchModes]bool{}
	}
	if w.of[c] == nil {
		w.of[c] = map[Watch]bool{}
	}
	w.of[c][on] = true
	if mode == WatchRecursive && !w.by[on][c][mode] {
		w.deep++
	}
	w.by[on][c][mode] = true
}

// Has reports whether a client has a watch of that mode.
func (w *Watches[C]) Has(c C, on Watch, mode WatchMode) bool {
	return w.by[on][c] != nil && w.by[on][c][mode]
}

// Count is how many watches there are; those of one client on one path and table are one.
func (w *Watches[C]) Count() int {
	n := 0
	for _, on := range w.of {
		n += len(on)
	}
	return n
}

// Of lists the watches of a client, by table and path.
func (w *Watches[C]) Of(c C) []Watch { return inOrder(w.of[c]) }

// inOrder lists watches by table and path.
func inOrder[V any](watches map[Watch]V) []Watch {
	return slices.SortedFunc(maps.Keys(watches), func(a, b Watch) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), strings.Compare(a.Path, b.Path))
	})
}

// Unset removes a watch of one mode, and reports whether it was there.
func (w *Watches[C]) Unset(c C, on Watch, mode WatchMode) bool {
	set := w.by[on][c]
	if set == nil || !set[mode] {
		return false
	}
	set[mode] = false
	if mode == WatchRecursive {
		w.deep--
	}
	if *set == [watchModes]bool{} {
		delete(w.by[on], c)
		delete(w.of[c], on)
		if len(w.by[on]) == 0 {
			delete(w.by, on)
		}
		if len(w.of[c]) == 0 {
			delete(w.of, c)
		}
	}
	return true
}

// unsetAll removes a watch of all modes, and reports whether there was one.
func (w *Watches[C]) unsetAll(c C, on Watch) bool {
	found := false
	for mode := range watchModes {
		found = w.Unset(c, on, mode) || found
	}
	return found
}

// Move takes all watches of a client to another server.
func (w *Watches[C]) Move(c C, to *Watches[C]) {
	for _, on := range w.Of(c) {
		for mode := range watchModes {
			if w.Unset(c, on, mode) {
				to.Set(c, on, mode)
			}
		}
	}
}

// Drop removes all watches of a client.
func (w *Watches[C]) Drop(c C) {
	for on := range w.of[c] {
		w.unsetAll(c, on)
	}
}

// Fire finds the clients that a change concerns. Watches that last for one event are gone
// before tell is called. A client gets the deletion of a znode once, even if it watches both its
// data and its children: again is true for the second watch.
func (w *Watches[C]) Fire(change Change, tell func(c C, f Fired, again bool)) {
	deleted := map[C]bool{}
	for _, f := range change.Fires() {
		for c := range w.spend(f) {
			tell(c, f, deleted[c] && f.Event.Type == NodeDeleted)
			deleted[c] = deleted[c] || f.Event.Type == NodeDeleted
		}
	}
}

// spend removes the watches for one event, and returns the clients that get it.
func (w *Watches[C]) spend(f Fired) map[C]bool {
	to := map[C]bool{}
	for c, set := range w.by[f.Watch] {
		if set[WatchOnce] || set[WatchPersistent] {
			to[c] = true
		}
		w.Unset(c, f.Watch, WatchOnce)
	}
	if w.deep == 0 || f.Event.Type == NodeChildrenChanged {
		return to
	}
	for on := f.Watch; ; on.Path = parentOf(on.Path) {
		for c, set := range w.by[on] {
			if set[WatchRecursive] {
				to[c] = true
			}
		}
		if on.Path == "/" || on.Path == "." {
			return to
		}
	}
}
