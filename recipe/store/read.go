package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// noClaim is the epoch of a reader that owns nothing.
const noClaim int32 = -1

// readsAtOnce is how many reads of a load are under way together.
const readsAtOnce = 8192

// reader reads a store. If it has an epoch, each session that it reads from has seen that epoch before: so
// it sees everything that was written under earlier ones, and no older state.
type reader struct {
	p      *process.Process
	layout Layout
	epoch  int32 // or noClaim

	mu   sync.Mutex
	seen int64 // the session that has seen the epoch, or 0
}

// knows reports whether a session has seen the own epoch.
func (r *reader) knows(session int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch == noClaim || r.seen == session
}

// saw notes that a session has seen the own epoch.
func (r *reader) saw(session int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = session
}

// errBehind means that a server does not know of the own epoch yet.
var errBehind = errors.New("the server is behind the store's epoch")

// read runs a step on a session that sees the epoch.
func (r *reader) read(ctx context.Context, what string, state any, step func(*process.Session) error) error {
	for tries := 1; ; tries++ {
		err := r.p.Read(ctx, what, []any{r, state, tries}, func(s *process.Session) error {
			if err := r.sees(s, state); err != nil {
				return err
			}
			return step(s)
		})
		if !errors.Is(err, errBehind) {
			return err
		}
		if err := r.p.Pause(ctx, tries, []any{r, state}); err != nil {
			return err
		}
	}
}

// sees makes sure that a session sees the own epoch. Later reads of the session see it, too.
func (r *reader) sees(s *process.Session, state any) error {
	if r.knows(s.ID()) {
		return nil
	}
	got, err := s.Now("look for the epoch", fence.Get(r.layout.epoch()), r, state)
	switch {
	case errors.Is(err, zkapi.ErrNoNode), err == nil && got.Stat.Version > r.epoch:
		return ErrFenced
	case err == nil && got.Stat.Version < r.epoch:
		return errBehind
	case err == nil:
		r.saw(s.ID())
	}
	return err
}

// all sends many reads, some at a time. A znode that is missing has its error in the reply; every other
// error ends it. state is what the caller depends on.
func (r *reader) all(ctx context.Context, what string, state any, reads []fence.Read) ([]zkapi.Reply, error) {
	replies := make([]zkapi.Reply, 0, len(reads))
	for some := range slices.Chunk(reads, readsAtOnce) {
		err := r.read(ctx, what, []any{state, reads, replies}, func(s *process.Session) error {
			zkapi.Checkpoint(r.p.Env, what, ctx, s, r, state, reads, replies)
			got := s.DoAll(ctx, some)
			for _, reply := range got {
				if reply.Err != nil && !errors.Is(reply.Err, zkapi.ErrNoNode) {
					return reply.Err
				}
			}
			replies = append(replies, got...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return replies, nil
}

// lists returns the children of znodes; none for one that is missing.
func (r *reader) lists(ctx context.Context, state any, paths []string) ([][]string, error) {
	reads := make([]fence.Read, len(paths))
	for i, p := range paths {
		reads[i] = fence.Children(p)
	}
	replies, err := r.all(ctx, "list the records", []any{state, paths}, reads)
	names := make([][]string, len(replies))
	for i, reply := range replies {
		names[i] = reply.Children
	}
	return names, err
}

// found is a record whose znode was read.
type found struct {
	Record
	path     string
	at       pointed // where the value is, if not in the znode
	children bool
	err      error // of the data
}

// take reads the answer of a get.
func take(key, path string, reply zkapi.Result) found {
	f := found{Record: Record{Key: key, Version: Version(reply.Stat.Version)}, path: path, children: reply.Stat.NumChildren > 0}
	f.Data, f.at, f.err = decode(reply.Data)
	return f
}

// walk is a load under way. It is all that the thread of the load depends on.
type walk struct {
	places []place // to be read next
	level  []found // read last
	all    []found
}

// load returns all records of some types, sorted by their keys.
func (r *reader) load(ctx context.Context, types []Type) (all []found, err error) {
	w := &walk{}
	w.places, err = r.tops(ctx, types)
	for len(w.places) > 0 && err == nil {
		if err = r.gets(ctx, w); err == nil {
			err = r.below(ctx, w)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := r.whole(ctx, nil, w.all); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(w.all, func(f found) bool { return f.Version == Absent })
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// place is the key of a record and its znode.
type place struct{ key, path string }

// tops are the records directly below the types.
func (r *reader) tops(ctx context.Context, types []Type) (places []place, err error) {
	var folders, heads []string
	for _, t := range types {
		folders = append(folders, r.layout.folder(t), r.layout.splits(t))
	}
	names, err := r.lists(ctx, types, folders)
	if err != nil {
		return nil, err
	}
	var of []place // the key and the znode of what the names of a head are completed to
	for i, t := range types {
		for _, id := range names[2*i] {
			if id != hierarchies {
				places = append(places, place{t.Name + "/" + id, folders[2*i] + "/" + id})
			}
		}
		for _, head := range names[2*i+1] {
			heads = append(heads, folders[2*i+1]+"/"+head)
			of = append(of, place{t.Name + "/" + head, folders[2*i+1] + "/" + head})
		}
	}
	names, err = r.lists(ctx, []any{places, of}, heads)
	for i, tails := range names {
		for _, tail := range tails {
			places = append(places, place{of[i].key + tail, of[i].path + "/" + tail})
		}
	}
	return places, err
}

// gets reads the znodes of the next records. Those that have gone meanwhile are left out.
func (r *reader) gets(ctx context.Context, w *walk) error {
	reads := make([]fence.Read, len(w.places))
	for i, p := range w.places {
		reads[i] = fence.Get(p.path)
	}
	replies, err := r.all(ctx, "read the records", w, reads)
	w.level = nil
	for i, reply := range replies {
		if reply.Err == nil {
			w.level = append(w.level, take(w.places[i].key, w.places[i].path, reply.Result))
		}
	}
	w.all = append(w.all, w.level...)
	return err
}

// below finds the records below those that were read last.
func (r *reader) below(ctx context.Context, w *walk) error {
	above := slices.DeleteFunc(slices.Clone(w.level), func(f found) bool { return !f.children })
	paths := make([]string, len(above))
	for i, f := range above {
		paths[i] = f.path
	}
	w.places = nil
	names, err := r.lists(ctx, w, paths)
	for i, ids := range names {
		for _, id := range ids {
			w.places = append(w.places, place{above[i].Key + "/" + id, above[i].path + "/" + id})
		}
	}
	return err
}

// whole reads the values that are in parts. A record that has another value meanwhile is read again; one
// that has gone is marked as absent.
func (r *reader) whole(ctx context.Context, state any, all []found) error {
	var open []int
	for i := range all {
		if all[i].err != nil {
			return refusal(all[i].Key, -1, all[i].err)
		}
		if all[i].at.Group != "" {
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		var reads []fence.Read
		for _, i := range open {
			for n := range all[i].at.Count {
				reads = append(reads, fence.Get(r.layout.part(all[i].at.Group, n)))
			}
		}
		replies, err := r.all(ctx, "read the parts", []any{state, all, open}, reads)
		if err != nil {
			return err
		}
		var again []int
		for _, i := range open {
			if all[i].join(replies[:all[i].at.Count]) {
				again = append(again, i)
			}
			replies = replies[all[i].at.Count:]
		}
		if open, err = r.again(ctx, state, all, again); err != nil {
			return err
		}
	}
	return nil
}

// join makes the value of its parts. torn says that they are not those of the pointer.
func (f *found) join(parts []zkapi.Reply) (torn bool) {
	value := make([]byte, 0, f.at.Size)
	for _, part := range parts {
		if part.Err != nil {
			return true
		}
		value = append(value, part.Data...)
	}
	f.Data = value
	return !f.at.fits(value)
}

// again reads records again whose parts were not whole, and returns those that are still in parts.
func (r *reader) again(ctx context.Context, state any, all []found, torn []int) (open []int, err error) {
	for _, i := range torn {
		before := all[i].at
		now, err := r.one(ctx, []any{state, all, torn, open, i}, all[i].Key, all[i].path)
		switch {
		case err != nil:
			return nil, err
		case now.Version != Absent && now.at == before:
			return nil, refusal(now.Key, -1, ErrDamaged)
		case now.at.Group != "":
			open = append(open, i)
		}
		all[i] = now
	}
	return open, nil
}

// one reads the znode of a record after a sync. It is Absent if there is none. state is what the caller depends on.
func (r *reader) one(ctx context.Context, state any, key, path string) (f found, err error) {
	err = r.read(ctx, "read a record", []any{state, key, path}, func(s *process.Session) error {
		got, err := s.Now("read a record", fence.Get(path), r, state, key)
		if errors.Is(err, zkapi.ErrNoNode) {
			f, err = found{Record: Record{Key: key, Version: Absent}, path: path}, nil
			return err
		}
		f = take(key, path, got)
		return err
	})
	if err == nil && f.err != nil {
		err = refusal(key, -1, f.err)
	}
	return f, err
}

// value is one with the parts of its value.
func (r *reader) value(ctx context.Context, state any, key, path string) (found, error) {
	f, err := r.one(ctx, state, key, path)
	if err != nil || f.at.Group == "" {
		return f, err
	}
	all := []found{f}
	err = r.whole(ctx, state, all)
	return all[0], err
}
