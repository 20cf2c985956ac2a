package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// item is one change under way.
type item struct {
	Change
	index    int    // in the call
	at, head string // the znode of the record, and the one above it if that only splits ids
	now      Version
	was      pointed // where the value is that the change replaces, as far as is known
	is       pointed // where the new value is, if not in the znode
}

// batch is the changes of one call under way. It is all that the thread of the call depends on.
type batch struct {
	items    []item
	versions []Version
	refusals int
	tries    int
	lost     error // why there is no answer
}

// Apply implements Store. All changes are one multi, behind the check of the epoch, after the parts of
// large values were written. A multi has to fit into one request beside that: for larger batches the error
// is zkapi.ErrTooLarge.
func (z *ZooKeeper) Apply(ctx context.Context, changes ...Change) ([]Version, error) {
	b, err := z.plan(changes)
	if err != nil || len(b.items) == 0 {
		return b.versions, err
	}
	if err := z.reserve(ctx, b); err != nil {
		return nil, refusal(b.items[0].Key, -1, err)
	}
	defer z.free(b)
	for {
		again, err := z.attempt(ctx, b)
		if again {
			b.refusals++
			if over := z.p.Pause(ctx, b.refusals, []any{z, b}); over == nil {
				continue
			} else {
				err = refusal(b.items[0].Key, -1, fmt.Errorf("%w: %w", over, err))
			}
		}
		switch {
		case err == nil:
			return b.versions, nil
		case zkapi.FateOf(err) == zkapi.NotApplied:
			z.drop(b)
		default:
			z.doubts(b)
		}
		return nil, err
	}
}

// CheckChanges returns what is wrong with the changes of one call; nil if nothing is.
func (l Layout) CheckChanges(changes []Change) error {
	seen := map[string]bool{}
	for i, c := range changes {
		_, err := l.TypeOf(c.Key)
		switch {
		case err != nil:
		case seen[c.Key]:
			err = invalid("two changes have the key %s: make them one after the other", c.Key)
		case c.If < Any || c.Delete && c.If == Absent:
			err = invalid("key %s: version %d: use one that was read, or Any", c.Key, c.If)
		}
		if err != nil {
			return refusal(c.Key, i, err)
		}
		seen[c.Key] = true
	}
	return nil
}

// plan checks the changes, and finds their znodes.
func (z *ZooKeeper) plan(changes []Change) (*batch, error) {
	b := &batch{versions: make([]Version, len(changes))}
	if err := z.layout.CheckChanges(changes); err != nil {
		return b, err
	}
	for i, c := range changes {
		b.versions[i] = Absent
		t, _ := z.layout.TypeOf(c.Key) // it was checked
		if !t.Rebuilt {
			at, head := z.layout.place(t, c.Key)
			b.items = append(b.items, item{Change: c, index: i, at: at, head: head, now: c.If})
		}
	}
	return b, nil
}

// reserve waits until no other call changes one of the records.
func (z *ZooKeeper) reserve(ctx context.Context, b *batch) error {
	for {
		z.mu.Lock()
		if !slices.ContainsFunc(b.items, func(it item) bool { return z.busy[it.Key] }) {
			for _, it := range b.items {
				z.busy[it.Key] = true
			}
			z.mu.Unlock()
			return nil
		}
		ready := z.p.Env.Signal()
		z.waiting = append(z.waiting, ready)
		z.mu.Unlock()
		zkapi.Checkpoint(z.p.Env, "wait for a record", ctx, z, b, ready)
		if _, err := z.p.Env.Wait(ctx, ready); err != nil {
			return err
		}
	}
}

// free ends that.
func (z *ZooKeeper) free(b *batch) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, it := range b.items {
		delete(z.busy, it.Key)
	}
	for _, s := range z.waiting {
		s.Raise()
	}
	z.waiting = nil
}

// attempt makes the changes once. again says that a record was not as it was read, or that the write was
// not applied and may be tried again.
func (z *ZooKeeper) attempt(ctx context.Context, b *batch) (again bool, err error) {
	if err := z.aware(ctx, b); err != nil {
		return false, err
	}
	if again, err := z.sure(ctx, b); again || err != nil {
		return again, err
	}
	ops, err := z.prepare(ctx, b)
	if err != nil {
		return false, refusal(b.items[0].Key, -1, err)
	}
	_, err = z.fenced(ctx, b, ops...)
	if zkapi.FateOf(err) == zkapi.Unknown {
		err = z.settled(ctx, b, err)
	}
	switch fate := zkapi.FateOf(err); {
	case err == nil:
		z.applied(ctx, b)
		return false, nil
	case fate == zkapi.Unknown:
		return false, err
	}
	return z.refused(ctx, b, err)
}

// aware reads the records that are to be changed whatever they are, and those of which this Store does not
// know what it has replaced.
func (z *ZooKeeper) aware(ctx context.Context, b *batch) error {
	for i := range b.items {
		it := &b.items[i]
		it.was = z.where(it.Key)
		if it.If != Any {
			continue
		}
		f, err := z.one(ctx, []any{b, i}, it.Key, it.at)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return refusal(it.Key, -1, unfated(err))
		}
		it.now, it.was = f.Version, f.at
	}
	return nil
}

// unfated is why a read has failed, without a fate: that of the changes is another one.
func unfated(err error) error {
	if e, ok := errors.AsType[*zkapi.Error](err); ok {
		return e.Err
	}
	return err
}

// where is where the value of a record is, if it is known to be in parts.
func (z *ZooKeeper) where(key string) pointed {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.big[key]
}

// sure asks for the records that an earlier call has left in doubt: the answer comes after all that this
// Writer has sent before.
func (z *ZooKeeper) sure(ctx context.Context, b *batch) (again bool, err error) {
	z.mu.Lock()
	var ops []zkapi.Op
	var of []item
	for _, it := range b.items {
		if z.doubt[it.Key] {
			for _, op := range z.probe(it) {
				ops, of = append(ops, op), append(of, it)
			}
		}
	}
	z.mu.Unlock()
	if len(ops) == 0 {
		return false, nil
	}
	_, err = z.fenced(ctx, b, ops...)
	at := zkapi.FailedIndex(err)
	switch {
	case err == nil:
		z.mu.Lock()
		for _, it := range of {
			delete(z.doubt, it.Key)
		}
		z.mu.Unlock()
		return false, nil
	case process.Refused(err) && at >= 0 && !errors.Is(err, ErrFenced):
		if of[at].If == Any {
			return true, err
		}
		return false, refusal(of[at].Key, of[at].index, fmt.Errorf("%w: %w", ErrChanged, err))
	case errors.Is(err, ErrFenced):
		return false, refusal(b.items[0].Key, -1, err)
	}
	return retry.Passing(err), refusal(b.items[0].Key, -1, err)
}

// probe asks whether a record still is what it was before the change. It changes nothing.
func (z *ZooKeeper) probe(it item) []zkapi.Op {
	if it.now == Absent {
		return []zkapi.Op{z.p.Create(it.at, nil), zkapi.Delete(it.at, zkapi.AnyVersion)}
	}
	return []zkapi.Op{zkapi.Check(it.at, int32(it.now))}
}

// op is the operation of a change.
func (z *ZooKeeper) op(it item, data []byte) zkapi.Op {
	switch {
	case it.Delete && it.now == Absent: // it is refused, unless the read was old
		return zkapi.Delete(it.at, zkapi.AnyVersion)
	case it.Delete:
		return zkapi.Delete(it.at, int32(it.now))
	case it.now == Absent:
		return z.p.Create(it.at, data)
	}
	return zkapi.Set(it.at, data, int32(it.now))
}

// fenced sends ops behind the check of the epoch, once. state is what the caller depends on.
func (z *ZooKeeper) fenced(ctx context.Context, state any, ops ...zkapi.Op) (zkapi.Result, error) {
	if z.p.Life().Err() != nil {
		return zkapi.Result{}, refusal(z.layout.Root, -1, ErrClosed)
	}
	all := append([]zkapi.Op{zkapi.Check(z.layout.epoch(), z.reader.epoch)}, ops...)
	zkapi.Checkpoint(z.p.Env, "write of a store", ctx, z, state, all)
	result, err := z.w.Write(ctx, all...)
	e, ok := errors.AsType[*zkapi.Error](err)
	if !ok || e.Fate != zkapi.NotApplied || e.Index < 0 {
		return result, err
	}
	if e.Index == 0 && process.Refused(e) {
		return result, &zkapi.Error{Kind: e.Kind, Path: z.layout.epoch(), Index: -1, Fate: e.Fate, Err: fmt.Errorf("%w: %w", ErrFenced, e.Err)}
	}
	shifted := *e
	shifted.Index--
	return result, &shifted
}

// settled finds out what became of the changes after their answer was lost. The record of the first change
// tells: no other call changes it meanwhile, and no other Store while the epoch lasts.
func (z *ZooKeeper) settled(ctx context.Context, b *batch, lost error) error {
	first := b.items[0]
	b.lost = lost
	for b.tries = 1; ; b.tries++ {
		_, err := z.fenced(ctx, b, z.probe(first)...)
		switch {
		case err == nil, first.now == Absent && errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, ErrFenced):
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: first.Key, Index: -1, Fate: zkapi.NotApplied, Err: fmt.Errorf("%w: %w", zkapi.ErrNotSent, lost)}
		case errors.Is(err, ErrFenced):
			return inDoubt(first.Key, errors.Join(err, lost))
		case first.now == Absent && errors.Is(err, zkapi.ErrNodeExists), first.now != Absent && process.Refused(err):
			return nil
		case !retry.Passing(err) && zkapi.FateOf(err) != zkapi.Unknown, errors.Is(err, ErrInvalid):
			return inDoubt(first.Key, errors.Join(err, lost))
		}
		if over := z.p.Pause(ctx, b.tries, []any{z, b}); over != nil {
			return inDoubt(first.Key, errors.Join(over, lost))
		}
	}
}

// doubts notes that the fate of changes is not known.
func (z *ZooKeeper) doubts(b *batch) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, it := range b.items {
		z.doubt[it.Key] = true
	}
}

// applied notes what the records are now, and deletes the parts of the values before.
func (z *ZooKeeper) applied(ctx context.Context, b *batch) {
	z.mu.Lock()
	for _, it := range b.items {
		delete(z.big, it.Key)
		delete(z.doubt, it.Key)
		b.versions[it.index] = it.now + 1 // 0 for one that was absent
		if it.Delete {
			b.versions[it.index] = Absent
		} else if it.is.Group != "" {
			z.big[it.Key] = it.is
		}
		if it.was.Group != "" {
			z.left[it.was.Group] = true
		}
	}
	z.mu.Unlock()
	for i, it := range b.items {
		if it.was.Group != "" {
			z.remove(ctx, b, it.was)
		}
		if it.Delete && it.head != "" {
			_, _ = z.fenced(ctx, []any{b, i}, zkapi.Delete(it.head, zkapi.AnyVersion)) // most have other records below
		}
	}
}

// refused says what a refusal means. again says that the same changes may be tried again: a folder was made, or
// a record that is changed whatever it is was not as it was read.
func (z *ZooKeeper) refused(ctx context.Context, b *batch, err error) (again bool, _ error) {
	at := zkapi.FailedIndex(err)
	if at < 0 || at >= len(b.items) {
		return retry.Passing(err) && !errors.Is(err, ErrFenced), refusal(b.items[0].Key, -1, err)
	}
	it := b.items[at]
	says := func(what error) (bool, error) {
		return false, refusal(it.Key, it.index, fmt.Errorf("%w: %w", what, err))
	}
	_, below := Above(it.Key)
	switch {
	case errors.Is(err, zkapi.ErrNotEmpty):
		return says(ErrNotEmpty)
	case errors.Is(err, zkapi.ErrNoNode) && it.Delete && it.If == Any:
		return says(ErrAbsent)
	case errors.Is(err, zkapi.ErrNoNode) && it.now == Absent && below:
		return says(ErrNoParent)
	case errors.Is(err, zkapi.ErrNoNode) && it.now == Absent:
		folder := parentOf(it)
		err := z.furnishOne(ctx, folder, func(ctx context.Context, ops ...zkapi.Op) error {
			_, err := z.fenced(ctx, b, ops...)
			return err
		})
		if err != nil {
			return false, refusal(it.Key, it.index, unfated(err))
		}
		return true, zkapi.ErrNoNode
	case process.Refused(err) && it.If == Any:
		return true, err
	case process.Refused(err):
		return says(ErrChanged)
	}
	return false, refusal(it.Key, it.index, err)
}
