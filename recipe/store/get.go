package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Get implements Store. It reads the record, and asks in a fenced write, which changes nothing, whether it
// still is as it was read.
func (z *ZooKeeper) Get(ctx context.Context, key string) (Record, error) {
	t, err := z.layout.TypeOf(key)
	if err != nil {
		return Record{}, err
	}
	if t.Rebuilt {
		return Record{}, refusal(key, -1, ErrAbsent)
	}
	at, _ := z.layout.place(t, key)
	for tries := 1; ; tries++ {
		f, err := z.value(ctx, tries, key, at)
		if err != nil {
			return Record{}, err
		}
		_, err = z.fenced(ctx, []any{f, tries}, z.probe(item{at: at, now: f.Version})...)
		switch {
		case err == nil, f.Version == Absent && errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, ErrFenced):
			z.learn(f)
			if f.Version == Absent {
				return Record{}, refusal(key, -1, ErrAbsent)
			}
			return f.Record, nil
		case errors.Is(err, ErrFenced), errors.Is(err, ErrInvalid):
			return Record{}, err
		case !process.Refused(err) && !retry.Passing(err):
			return Record{}, err
		}
		if over := z.p.Pause(ctx, tries, []any{z, key, at}); over != nil {
			return Record{}, fmt.Errorf("%w: %w", over, err)
		}
	}
}

// learn notes where the value of a record is.
func (z *ZooKeeper) learn(f found) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.busy[f.Key] {
		return // what was read may be old already
	}
	delete(z.big, f.Key)
	if f.at.Group != "" {
		z.big[f.Key] = f.at
	}
}

// Load implements Store. It sends a list for each type and each record that has others below it, and a get for
// each record, many of them together.
func (z *ZooKeeper) Load(ctx context.Context, types ...string) ([]Record, error) {
	chosen, err := z.layout.chosen(types)
	if err != nil {
		return nil, err
	}
	all, err := z.load(ctx, chosen)
	if err != nil {
		return nil, err
	}
	for tries := 1; ; tries++ { // a Store that was opened meanwhile may have changed what was read last
		_, err := z.fenced(ctx, []any{all, tries})
		if err == nil {
			break
		}
		if !retry.Passing(err) || errors.Is(err, ErrFenced) {
			return nil, err
		}
		if over := z.p.Pause(ctx, tries, []any{z, all}); over != nil {
			return nil, fmt.Errorf("%w: %w", over, err)
		}
	}
	records := make([]Record, len(all))
	for i, f := range all {
		z.learn(f)
		records[i] = f.Record
	}
	return records, nil
}

// chosen are the types with these names that are kept, or all of them.
func (l Layout) chosen(names []string) (types []Type, err error) {
	for _, name := range names {
		t, known := l.find(name)
		if !known {
			return nil, invalid("the store has no type %q", name)
		}
		if !t.Rebuilt {
			types = append(types, t)
		}
	}
	if len(names) == 0 {
		for _, t := range l.Types {
			if !t.Rebuilt {
				types = append(types, t)
			}
		}
	}
	return types, nil
}

// View reads a store without owning it, for people and tools. What it returns may be old when it is returned,
// and Load may have records of different moments.
type View struct{ r *reader }

// NewView does not connect. Of the Config it uses the Layout, the ACL and the Logger. The types are those of
// the store.
func NewView(env zkapi.Env, config Config) (*View, error) {
	layout := config.Layout.filled()
	if err := layout.checkRoot(); err != nil {
		return nil, err
	}
	p, err := process.New(env, recipe, config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	return &View{r: &reader{p: p, layout: layout, epoch: noClaim}}, nil
}

// Close ends the session.
func (v *View) Close(ctx context.Context) error { return v.r.p.Close(ctx) }

// State is what a View says of a store.
type State struct {
	Epoch int32  // 0 if there is no store
	By    string // the Config.Name of the Store that has the epoch
	Types []Type
}

// State reads the epoch and the types of the store.
func (v *View) State(ctx context.Context) (State, error) {
	h, err := v.r.head(ctx, nil)
	if err != nil {
		return State{}, err
	}
	l := v.r.layout
	l.Types = nil
	types, _, err := h.format.merged(l)
	return State{h.epoch, h.by, types}, err
}

// types learns the types of the store.
func (v *View) types(ctx context.Context) (Layout, error) {
	s, err := v.State(ctx)
	l := v.r.layout
	l.Types = s.Types
	return l, err
}

// Get returns a record; ErrAbsent if there is none.
func (v *View) Get(ctx context.Context, key string) (Record, error) {
	l, err := v.types(ctx)
	if err != nil {
		return Record{}, err
	}
	t, err := l.TypeOf(key)
	if err != nil {
		return Record{}, err
	}
	at, _ := l.place(t, key)
	f, err := v.r.value(ctx, nil, key, at)
	if err == nil && f.Version == Absent {
		err = refusal(key, -1, ErrAbsent)
	}
	return f.Record, err
}

// Load returns all records of some types, or of all, sorted by their keys.
func (v *View) Load(ctx context.Context, types ...string) ([]Record, error) {
	l, err := v.types(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := l.chosen(types)
	if err != nil {
		return nil, err
	}
	all, err := v.r.load(ctx, chosen)
	records := make([]Record, len(all))
	for i, f := range all {
		records[i] = f.Record
	}
	return records, err
}
