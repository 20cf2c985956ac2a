package stm

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Tx is one attempt of a transaction. It reads each znode once, and sees its own writes. What it has
// read of different znodes may be of different moments: then the attempt is refused in the end, and
// the function runs again. So a function must not crash, or loop for ever, on data that never was
// there together. A Tx is for one goroutine.
type Tx struct {
	space     *Space
	ctx       context.Context
	deletions version // of the space, before anything was read
	read      map[string]znode
	put       map[string][]byte
	gone      map[string]bool
	failed    error // the attempt cannot go on
	over      bool
}

// znode is what a transaction has read of one.
type znode struct {
	found   bool
	version int32
	data    []byte
}

// Get returns the data of a znode, and whether there is one.
func (tx *Tx) Get(path string) (data []byte, found bool, err error) {
	z, err := tx.look(path)
	if data, put := tx.put[path]; put || err != nil {
		return slices.Clone(data), put, err
	}
	return slices.Clone(z.data), z.found && !tx.gone[path], nil
}

// Put sets the data of a znode. If there is none, it is made, and so are those above it that are
// missing.
func (tx *Tx) Put(p string, data []byte) error {
	if _, err := tx.look(p); err != nil {
		return err
	}
	tx.put[p] = slices.Clone(data)
	delete(tx.gone, p)
	if above := path.Dir(p); above != tx.space.path {
		switch _, found, err := tx.Get(above); {
		case err != nil:
			return err
		case !found:
			return tx.Put(above, nil)
		}
	}
	return nil
}

// Delete deletes a znode. It may be missing. If there are znodes below it, and the transaction does
// not delete all of them, Do returns zkapi.ErrNotEmpty.
func (tx *Tx) Delete(path string) error {
	_, err := tx.look(path)
	if err == nil {
		delete(tx.put, path)
		tx.gone[path] = true
	}
	return err
}

// look reads a znode, unless the attempt has read it. If it is missing, the znodes above it are read,
// too: the topmost one that is missing says that all below it are.
func (tx *Tx) look(p string) (znode, error) {
	z, known := tx.read[p]
	switch {
	case tx.over:
		return z, ErrOver
	case known || tx.failed != nil:
		return z, tx.failed
	case zkapi.CheckPath(p) != nil || !strings.HasPrefix(p, tx.space.path+"/") || process.IsLane(path.Base(p)):
		return z, input.Invalid(recipe, "path %q: use a path below %s", p, tx.space.path)
	}
	tx.failed = tx.space.p.Read(tx.ctx, "read in a transaction", tx, func(s *process.Session) error {
		got, err := s.Ask("read in a transaction", fence.Get(p), tx, p)
		switch {
		case errors.Is(err, zkapi.ErrNoNode):
			return nil
		case err == nil && got.Stat.Version < 0:
			return ErrOverflow
		}
		z = znode{err == nil, got.Stat.Version, got.Data}
		return err
	})
	tx.read[p] = z
	if above := path.Dir(p); tx.failed == nil && !z.found && above != tx.space.path {
		_, tx.failed = tx.look(above)
	}
	return z, tx.failed
}

// commit applies what was written, if everything that was read is still so. Without writes, it only
// asks whether that is so.
func (tx *Tx) commit(writes bool) error {
	s := tx.space
	ops, changes := tx.ops(writes)
	switch {
	case len(tx.read) == 0:
		return nil
	case !changes: // it may be asked again
		return process.NotApplied(s.path, s.p.Check(tx.ctx, tx, ops...))
	case ops[0].Kind == zkapi.KindSet:
		defer s.forget()
	}
	return s.p.Write(tx.ctx, s.path, ops...)
}

// ops is the multi of the transaction. It begins with the version of the space: since the attempt
// has begun, no transaction has deleted a znode, so each version is of the znode that was read.
func (tx *Tx) ops(writes bool) (ops []zkapi.Op, changes bool) {
	s := tx.space
	ops = []zkapi.Op{zkapi.Check(s.path, tx.deletions.number)}
	var deletes []zkapi.Op // children first
	for _, p := range slices.Sorted(maps.Keys(tx.read)) {
		z, above := tx.read[p], path.Dir(p)
		data, put := tx.put[p]
		switch put = put && writes; {
		case z.found && put:
			ops, changes = append(ops, zkapi.Set(p, data, z.version)), true
		case z.found && tx.gone[p] && writes:
			deletes, changes = append([]zkapi.Op{zkapi.Delete(p, z.version)}, deletes...), true
		case z.found:
			ops = append(ops, zkapi.Check(p, z.version))
		case put:
			ops, changes = append(ops, s.p.Create(p, data)), true
		case above == s.path || tx.read[above].found: // it is absent; if it is above, that says so
			ops = append(ops, s.p.Create(p, nil), zkapi.Delete(p, 0))
		}
	}
	if len(deletes) > 0 {
		ops[0] = zkapi.Set(s.path, tx.deletions.data, tx.deletions.number)
	}
	return append(ops, deletes...), changes
}
