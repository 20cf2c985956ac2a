package workload

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The calls of the store, each noted with what was asked and what was told.

// begun notes the beginning of a call.
func (m *manager) begun(kind record.Kind, object string, asked any) record.Event {
	epoch := int32(0)
	if m.store != nil {
		epoch = m.store.Epoch()
	}
	return m.Journal.Add(record.Event{Type: record.Invoke, Kind: kind, Of: note(object, epoch, asked, nil)})
}

// ended notes the end of a call that reads.
func (m *manager) ended(began record.Event, told any, err error) {
	outcome := record.OK
	if err != nil {
		outcome, told = record.Fail, nil
	}
	m.Journal.Complete(began, outcome, note(began.Object(), m.store.Epoch(), told, err))
}

// open opens the store.
func (m *manager) open(ctx context.Context, a *standby.Active) error {
	began := m.begun(history.Open, "", nil)
	s, err := store.Open(ctx, m.Env, a, m.kept())
	if err != nil {
		// The epoch may have been raised all the same.
		m.Journal.Complete(began, record.Info, note("", 0, nil, err))
		return err
	}
	m.store = s
	m.has(ctx, s)
	m.ended(began, nil, nil)
	return nil
}

// load loads all records.
func (m *manager) load(ctx context.Context) ([]store.Record, error) {
	began := m.begun(history.Load, "", nil)
	records, err := m.store.Load(ctx)
	found := history.Found{Records: []history.Record{}}
	for _, r := range records {
		found.Records = append(found.Records, read(r))
	}
	m.ended(began, found, err)
	return records, err
}

func read(r store.Record) history.Record {
	return history.Record{Key: r.Key, Version: int32(r.Version), Value: history.Digest(r.Data)}
}

// get reads one record. It is Absent if there is none.
func (m *manager) get(ctx context.Context, key string) (store.Record, error) {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	began := m.begun(history.Get, history.ObjectOfKey(key), history.Wanted{Key: key})
	r, err := m.store.Get(limited, key)
	told := read(r)
	if errors.Is(err, store.ErrAbsent) {
		r, err = store.Record{Key: key, Version: store.Absent}, nil
		told = history.Record{Key: key, Version: history.Absent}
	}
	m.ended(began, history.Found{Records: []history.Record{told}}, err)
	return r, err
}

// collect deletes the parts that belong to no record.
func (m *manager) collect(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	began := m.begun(history.Collect, "", nil)
	values, err := m.store.Collect(limited)
	m.ended(began, history.Swept{Values: values}, err)
	return err
}

// refusals says what an error tells of the record that was refused.
var refusals = []struct {
	err error
	is  history.Refusal
}{{store.ErrChanged, history.Changed}, {store.ErrAbsent, history.Missing}, {store.ErrNoParent, history.NoParent}, {store.ErrNotEmpty, history.NotEmpty}}

// apply applies changes.
func (m *manager) apply(ctx context.Context, changes ...store.Change) ([]store.Version, error) {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var asked history.Asked
	for _, c := range changes {
		one := history.Change{Key: c.Key, If: int32(c.If), Delete: c.Delete}
		if !c.Delete {
			one.Value = history.Digest(c.Data)
		}
		asked.Changes = append(asked.Changes, one)
	}
	began := m.begun(history.Apply, history.ObjectOfKey(changes[0].Key), asked)
	versions, err := m.store.Apply(limited, changes...)
	var told history.Told
	outcome := record.OK
	switch {
	case err == nil:
		for _, v := range versions {
			told.Versions = append(told.Versions, int32(v))
		}
	case zkapi.FateOf(err) != zkapi.NotApplied:
		outcome = record.Info
	default:
		outcome = record.Fail
		for _, known := range refusals {
			if errors.Is(err, known.err) {
				told = history.Told{Refusal: known.is, Refused: zkapi.FailedIndex(err)}
			}
		}
	}
	m.Journal.Complete(began, outcome, note(began.Object(), m.store.Epoch(), told, err))
	return versions, err
}
