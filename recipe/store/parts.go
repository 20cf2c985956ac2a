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

// remove deletes the parts of a value that no record has any more. What is not deleted now, Collect deletes.
func (z *ZooKeeper) remove(ctx context.Context, group string, count int) bool {
	names := make([]string, count)
	for n := range names {
		names[n] = z.layout.part(group, n)
	}
	for some := range slices.Chunk(names, deletesAtOnce) {
		var ops []zkapi.Op
		for _, name := range some {
			ops = append(ops, zkapi.Delete(name, zkapi.AnyVersion))
		}
		if some[len(some)-1] == names[len(names)-1] {
			ops = append(ops, zkapi.Delete(z.layout.group(group), zkapi.AnyVersion))
		}
		if _, err := z.fenced(ctx, []any{group, names}, ops...); err != nil {
			return false
		}
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.left, group)
	return true
}

// Collect deletes parts that belong to no record: those that Stores with smaller epochs have left, and those
// that this one has replaced or given up. It returns how many values they were of. Parts that a later Store
// writes are safe, because every delete checks the epoch.
//
// Call it now and then, such as after Load. Nothing else depends on it.
func (z *ZooKeeper) Collect(ctx context.Context) (values int, err error) {
	names, err := z.lists(ctx, []string{z.layout.parts()})
	if err != nil {
		return 0, err
	}
	var open []string
	for _, group := range names[0] {
		if epoch, ours := epochOf(group); ours && (epoch < z.reader.epoch || z.leaves(group)) {
			open = append(open, group)
		}
	}
	open, err = z.orphans(ctx, open)
	if err != nil || len(open) == 0 {
		return 0, err
	}
	paths := make([]string, len(open))
	for i, group := range open {
		paths[i] = z.layout.group(group)
	}
	names, err = z.lists(ctx, paths)
	for i, parts := range names {
		if err != nil {
			break
		}
		if err = z.clear(ctx, open[i], parts); err == nil {
			values++
		}
	}
	return values, err
}

// leaves reports whether this Store has written or replaced parts that no record has.
func (z *ZooKeeper) leaves(group string) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	_, left := z.left[group]
	return left
}

// orphans are the groups of parts that no record points to. Those of earlier epochs that a record points to
// now may lose it later, and none gets one again.
func (z *ZooKeeper) orphans(ctx context.Context, groups []string) (orphans []string, err error) {
	reads := make([]fence.Read, len(groups))
	for i, g := range groups {
		reads[i] = fence.Get(z.layout.group(g))
	}
	keys, err := z.all(ctx, "read whose parts they are", reads)
	if err != nil {
		return nil, err
	}
	reads = reads[:0]
	var of []string
	for i, reply := range keys {
		t, bad := z.layout.TypeOf(string(reply.Data))
		if reply.Err != nil || bad != nil {
			continue // it has gone, or a person has made it
		}
		at, _ := z.layout.place(t, string(reply.Data))
		reads, of = append(reads, fence.Get(at)), append(of, groups[i])
	}
	records, err := z.all(ctx, "read the records of parts", reads)
	for i, reply := range records {
		if _, at, bad := decode(reply.Data); reply.Err != nil || bad == nil && at.Group != of[i] {
			orphans = append(orphans, of[i])
		}
	}
	return orphans, err
}

// clear deletes the parts of a group that are there.
func (z *ZooKeeper) clear(ctx context.Context, group string, parts []string) error {
	for tries := 1; ; tries++ {
		var ops []zkapi.Op
		for _, name := range parts[:min(len(parts), deletesAtOnce)] {
			ops = append(ops, zkapi.Delete(z.layout.group(group)+"/"+name, zkapi.AnyVersion))
		}
		if len(parts) <= deletesAtOnce {
			ops = append(ops, zkapi.Delete(z.layout.group(group), zkapi.AnyVersion))
		}
		_, err := z.fenced(ctx, []any{group, parts}, ops...)
		switch {
		case err == nil && len(parts) > deletesAtOnce:
			parts, tries = parts[deletesAtOnce:], 0
			continue
		case err == nil, process.Refused(err) && !errors.Is(err, ErrFenced): // another call deletes them
			z.mu.Lock()
			delete(z.left, group)
			z.mu.Unlock()
			return nil
		case errors.Is(err, ErrFenced), zkapi.FateOf(err) == zkapi.NotApplied && !retry.Passing(err):
			return err
		}
		if over := z.p.Pause(ctx, tries, []any{z, group, parts}); over != nil {
			return fmt.Errorf("%w: %w", over, err)
		}
	}
}
