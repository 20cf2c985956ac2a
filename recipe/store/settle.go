package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

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

// furnishFor makes the znode above a record, and those above the other new records of the batch, unless this
// Store knows that they are there.
func (z *ZooKeeper) furnishFor(ctx context.Context, b *batch, missing item) error {
	z.mu.Lock()
	delete(z.heads, parentOf(missing))
	z.mu.Unlock()
	for _, it := range b.items {
		folder := parentOf(it)
		z.mu.Lock()
		there := z.heads[folder]
		z.mu.Unlock()
		if _, below := Above(it.Key); below || it.now != Absent || there {
			continue
		}
		err := z.furnishOne(ctx, folder, func(ctx context.Context, ops ...zkapi.Op) error {
			_, err := z.fenced(ctx, b, ops...)
			return err
		})
		if err != nil {
			return err
		}
		z.mu.Lock()
		z.heads[folder] = true
		z.mu.Unlock()
	}
	return nil
}
