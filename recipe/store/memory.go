package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Table is records in a hierarchy, and what a change does to them. It is not safe for concurrent use. Other
// implementations of Store than that on ZooKeeper are built on it.
type Table struct {
	layout  Layout
	records map[string]Record
	below   map[string]int // how many records are directly below one
}

// NewTable has no records.
func NewTable(layout Layout) (*Table, error) {
	layout = layout.filled()
	if err := layout.Check(); err != nil {
		return nil, err
	}
	return &Table{layout, map[string]Record{}, map[string]int{}}, nil
}

// Apply applies all changes in their order, or none. The errors are those of Store.Apply.
func (t *Table) Apply(changes ...Change) ([]Version, error) {
	if err := t.layout.CheckChanges(changes); err != nil {
		return nil, err
	}
	versions := make([]Version, len(changes))
	var undo []Record
	for i, c := range changes {
		versions[i] = Absent
		if of, _ := t.layout.TypeOf(c.Key); of.Rebuilt { // it was checked
			continue
		}
		before := t.at(c.Key)
		if why := t.refuses(c, before); why != nil {
			for _, r := range slices.Backward(undo) {
				t.set(r)
			}
			return nil, refusal(c.Key, i, why)
		}
		undo = append(undo, before)
		now := Record{Key: c.Key, Version: Absent}
		if !c.Delete {
			now.Data, now.Version = slices.Clone(c.Data), before.Version+1
		}
		t.set(now)
		versions[i] = now.Version
	}
	return versions, nil
}

// at is a record, Absent if there is none.
func (t *Table) at(key string) Record {
	if r, there := t.records[key]; there {
		return r
	}
	return Record{Key: key, Version: Absent}
}

// refuses returns why a change is not applied.
func (t *Table) refuses(c Change, now Record) error {
	above, below := Above(c.Key)
	switch {
	case c.Delete && c.If == Any && now.Version == Absent:
		return ErrAbsent
	case c.If != Any && c.If != now.Version:
		return fmt.Errorf("%w: %d", ErrChanged, now.Version)
	case c.Delete && t.below[c.Key] > 0:
		return ErrNotEmpty
	case below && now.Version == Absent && t.at(above).Version == Absent:
		return ErrNoParent
	}
	return nil
}

// set makes a record what it is to be.
func (t *Table) set(r Record) {
	above, _ := Above(r.Key)
	_, was := t.records[r.Key]
	switch is := r.Version != Absent; {
	case is && !was:
		t.below[above]++
	case was && !is:
		if t.below[above]--; t.below[above] == 0 {
			delete(t.below, above)
		}
	}
	if r.Version == Absent {
		delete(t.records, r.Key)
	} else {
		t.records[r.Key] = r
	}
}

// Restore makes a record what it was, with its version, such as from a file. A record above it may come later.
func (t *Table) Restore(r Record) { t.set(r) }

// Get returns a record; ErrAbsent if there is none.
func (t *Table) Get(key string) (Record, error) {
	of, err := t.layout.TypeOf(key)
	if err != nil {
		return Record{}, err
	}
	r := t.at(key)
	if r.Version == Absent || of.Rebuilt {
		return Record{}, refusal(key, -1, ErrAbsent)
	}
	r.Data = slices.Clone(r.Data)
	return r, nil
}

// Load returns all records of some types, or of all, sorted by their keys.
func (t *Table) Load(types ...string) ([]Record, error) {
	chosen, err := t.layout.chosen(types)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, of := range chosen {
		names[of.Name] = true
	}
	var all []Record
	for _, key := range slices.Sorted(maps.Keys(t.records)) {
		if name, _, _ := strings.Cut(key, "/"); names[name] {
			r := t.records[key]
			r.Data = slices.Clone(r.Data)
			all = append(all, r)
		}
	}
	return all, nil
}

// Memory is a store in the memory of one process, for tests, and for applications that need not survive. It
// refuses the writes of a Store that was opened before another one.
type Memory struct {
	mu    sync.Mutex
	table *Table
	epoch int32
}

// NewMemory has no records.
func NewMemory(layout Layout) (*Memory, error) {
	t, err := NewTable(layout)
	if err != nil {
		return nil, err
	}
	return &Memory{table: t}, nil
}

// Open raises the epoch.
func (m *Memory) Open(context.Context) (Store, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	return &inMemory{m: m, epoch: m.epoch}, nil
}

// inMemory is the Store of one active process.
type inMemory struct {
	m      *Memory
	epoch  int32
	closed bool
}

// Epoch implements Store.
func (s *inMemory) Epoch() int32 { return s.epoch }

// Apply implements Store.
func (s *inMemory) Apply(_ context.Context, changes ...Change) (versions []Version, err error) {
	err = s.under("", func() error {
		versions, err = s.m.table.Apply(changes...)
		return err
	})
	return versions, err
}

// Get implements Store.
func (s *inMemory) Get(_ context.Context, key string) (r Record, err error) {
	err = s.under(key, func() error {
		r, err = s.m.table.Get(key)
		return err
	})
	return r, err
}

// Load implements Store.
func (s *inMemory) Load(_ context.Context, types ...string) (all []Record, err error) {
	err = s.under("", func() error {
		all, err = s.m.table.Load(types...)
		return err
	})
	return all, err
}

// Close implements Store.
func (s *inMemory) Close(context.Context) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.closed = true
	return nil
}

// under does something while this Store has the epoch.
func (s *inMemory) under(key string, do func() error) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	switch {
	case s.closed:
		return refusal(key, -1, ErrClosed)
	case s.m.epoch != s.epoch:
		return refusal(key, -1, ErrFenced)
	}
	return do()
}
