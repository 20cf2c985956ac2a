package store

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// deletesAtOnce is how many parts one write deletes.
const deletesAtOnce = 500

// pointerSize is more than the data of a znode has that points to parts. Values up to it are never in parts.
const pointerSize = 256

// parentOf is the znode that must be there for a record directly below its type.
func parentOf(it item) string {
	if it.head != "" {
		return it.head
	}
	return path.Dir(it.at)
}

// prepare returns the operations of the changes. Values that do not fit are written in parts before, once for
// all attempts of the call.
func (z *ZooKeeper) prepare(ctx context.Context, b *batch) (ops []zkapi.Op, err error) {
	size := 0
	largest := make([]*item, len(b.items))
	for i := range b.items {
		size += len(b.items[i].Data)
		largest[i] = &b.items[i]
	}
	slices.SortStableFunc(largest, func(i, j *item) int { return len(j.Data) - len(i.Data) })
	for _, it := range largest {
		if size <= z.config.PartSize || len(it.Data) <= pointerSize {
			break
		}
		size -= len(it.Data) - pointerSize
		if it.is.Group == "" {
			if err := z.aside(ctx, b, it); err != nil {
				return nil, err
			}
		}
	}
	for _, it := range b.items {
		data := encode(it.Data)
		if it.is.Group != "" {
			data = []byte(it.is.String())
		}
		ops = append(ops, z.op(it, data))
	}
	return ops, nil
}

// aside writes the parts of a value, which belong to no record yet. The data of the znode above them is the
// key of the record.
func (z *ZooKeeper) aside(ctx context.Context, b *batch, it *item) error {
	it.is = point(groupName(z.reader.epoch, z.p.Env.Unique()), it.Data, z.config.PartSize)
	if err := z.certain(ctx, b, z.p.Create(z.layout.group(it.is.Group), []byte(it.Key))); err != nil {
		return err
	}
	n := 0
	for part := range slices.Chunk(it.Data, z.config.PartSize) {
		if err := z.certain(ctx, b, z.p.Create(z.layout.part(it.is.Group, n), part)); err != nil {
			return err
		}
		n++
	}
	return nil
}

// certain makes a znode of a name that no other one has, and repeats that until it is answered.
func (z *ZooKeeper) certain(ctx context.Context, b *batch, op zkapi.Op) error {
	for tries := 1; ; tries++ {
		_, err := z.fenced(ctx, []any{b, op, tries}, op)
		switch {
		case err == nil, errors.Is(err, zkapi.ErrNodeExists):
			return nil
		case errors.Is(err, ErrFenced), zkapi.FateOf(err) == zkapi.NotApplied && !retry.Passing(err):
			return unfated(err)
		}
		if over := z.p.Pause(ctx, tries, []any{z, b, op}); over != nil {
			return fmt.Errorf("%w: %w", over, unfated(err))
		}
	}
}

// drop notes that the parts that were written for changes belong to no record, because the changes were not
// applied and are given up.
func (z *ZooKeeper) drop(b *batch) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, it := range b.items {
		if it.is.Group != "" {
			z.left[it.is.Group] = true
		}
	}
}

// remove deletes the parts of a value that no record has any more. What is not deleted now, Collect deletes. state
// is what the caller depends on.
func (z *ZooKeeper) remove(ctx context.Context, state any, at pointed) {
	var deletes []zkapi.Op
	for n := range at.Count {
		deletes = append(deletes, zkapi.Delete(z.layout.part(at.Group, n), zkapi.AnyVersion))
	}
	deletes = append(deletes, zkapi.Delete(z.layout.group(at.Group), zkapi.AnyVersion))
	for some := range slices.Chunk(deletes, deletesAtOnce) {
		if _, err := z.fenced(ctx, []any{state, deletes}, some...); err != nil {
			return
		}
	}
	z.forget(at.Group)
}

// forget notes that parts are deleted.
func (z *ZooKeeper) forget(group string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.left, group)
}

// sweep is a Collect under way. It is all that its thread depends on.
type sweep struct {
	open   []string // groups of parts that may belong to no record
	values int      // of those that are deleted
	left   []zkapi.Op
}

// Collect deletes parts that belong to no record: those that Stores with smaller epochs have left, and those
// that this one has replaced or given up. It returns how many values they were of. Parts that a later Store
// writes are safe, because every delete checks the epoch.
//
// Call it now and then, such as after Load. Nothing else depends on it.
func (z *ZooKeeper) Collect(ctx context.Context) (values int, err error) {
	names, err := z.lists(ctx, nil, []string{z.layout.parts()})
	if err != nil {
		return 0, err
	}
	s := &sweep{}
	for _, group := range names[0] {
		if epoch, ours := epochOf(group); ours && (epoch < z.reader.epoch || z.leaves(group)) {
			s.open = append(s.open, group)
		}
	}
	if err := z.orphans(ctx, s); err != nil || len(s.open) == 0 {
		return 0, err
	}
	paths := make([]string, len(s.open))
	for i, group := range s.open {
		paths[i] = z.layout.group(group)
	}
	names, err = z.lists(ctx, s, paths)
	for i := 0; i < len(names) && err == nil; i++ {
		s.left = nil
		for _, name := range names[i] {
			s.left = append(s.left, zkapi.Delete(paths[i]+"/"+name, zkapi.AnyVersion))
		}
		s.left = append(s.left, zkapi.Delete(paths[i], zkapi.AnyVersion))
		if err = z.clear(ctx, s, []any{names, i}); err == nil {
			z.forget(s.open[i])
			s.values++
		}
	}
	return s.values, err
}

// leaves reports whether this Store has written or replaced parts that no record has.
func (z *ZooKeeper) leaves(group string) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	_, left := z.left[group]
	return left
}

// orphans leaves the groups of parts that no record points to. Those of earlier epochs that a record points to
// now may lose it later, and none gets one again.
func (z *ZooKeeper) orphans(ctx context.Context, s *sweep) error {
	reads := make([]fence.Read, len(s.open))
	for i, g := range s.open {
		reads[i] = fence.Get(z.layout.group(g))
	}
	keys, err := z.all(ctx, "read whose parts they are", s, reads)
	if err != nil {
		return err
	}
	groups := s.open
	reads, s.open = nil, nil
	for i, reply := range keys {
		t, bad := z.layout.TypeOf(string(reply.Data))
		if reply.Err != nil || bad != nil {
			continue // it has gone, or a person has made it
		}
		at, _ := z.layout.place(t, string(reply.Data))
		reads, s.open = append(reads, fence.Get(at)), append(s.open, groups[i])
	}
	records, err := z.all(ctx, "read the records of parts", s, reads)
	groups, s.open = s.open, nil
	for i, reply := range records {
		if _, at, bad := decode(reply.Data); reply.Err != nil || bad == nil && at.Group != groups[i] {
			s.open = append(s.open, groups[i])
		}
	}
	return err
}

// clear deletes the parts of a group that are left, and the group. state is what the caller depends on.
func (z *ZooKeeper) clear(ctx context.Context, s *sweep, state any) error {
	for tries := 1; len(s.left) > 0; tries++ {
		some := s.left[:min(len(s.left), deletesAtOnce)]
		_, err := z.fenced(ctx, []any{s, state, tries}, some...)
		switch {
		case err == nil:
			s.left, tries = s.left[len(some):], 0
			continue
		case process.Refused(err) && !errors.Is(err, ErrFenced): // another call deletes them
			return nil
		case errors.Is(err, ErrFenced), zkapi.FateOf(err) == zkapi.NotApplied && !retry.Passing(err):
			return err
		}
		if over := z.p.Pause(ctx, tries, []any{z, s, state}); over != nil {
			return fmt.Errorf("%w: %w", over, err)
		}
	}
	return nil
}
