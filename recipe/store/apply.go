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
	made     bool  // a folder was missing, and is there now: there is no point in waiting
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
		if again && b.made {
			b.made = false
			continue
		}
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
			z.mu.Lock()
			delete(z.heads, it.head)
			z.mu.Unlock()
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
		if err := z.furnishFor(ctx, b, it); err != nil {
			return false, refusal(it.Key, it.index, unfated(err))
		}
		b.made = true
		return true, zkapi.ErrNoNode
	case process.Refused(err) && it.If == Any:
		return true, err
	case process.Refused(err):
		return says(ErrChanged)
	}
	return false, refusal(it.Key, it.index, err)
}
