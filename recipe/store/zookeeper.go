package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// newest is the format of the znodes that this build writes and the newest that it reads.
const newest = 1

// Config describes a store on ZooKeeper.
type Config struct {
	Layout Layout
	// Name of the process, for people: it is in the data of the epoch's znode.
	Name string
	// ACL of the znodes that are made. Nil lets every client do everything.
	ACL []zkapi.ACL
	// Logger receives what goes wrong and is tried again. Nil: nothing is logged.
	Logger *slog.Logger
	// PartSize is the size in bytes of the largest value that is in one znode, and of the parts of
	// larger ones. All changes of one Apply are in one request, so values are also put in parts if they
	// do not fit together. Default: 960 KiB, for servers with the usual jute.maxbuffer of 1 MiB.
	PartSize int
}

const defaultPart = 960 << 10

// ZooKeeper is a Store on ZooKeeper.
type ZooKeeper struct {
	reader
	w      Writer
	config Config
	nonce  string // of this Store, in the data of the epoch's znode

	raising head // what Open has read

	mu      sync.Mutex
	busy    map[string]bool    // keys of changes under way
	waiting []zkapi.Signal     // of those that want such a key
	doubt   map[string]bool    // keys of changes in doubt
	big     map[string]pointed // records whose value is in parts, as far as is known
	heads   map[string]bool    // znodes above records that this Store has made, and has not tried to delete since
	left    map[string]bool    // groups of parts that this Store has written or replaced, and that belong to no record
}

// Open opens a store: it raises the epoch by a write of w, and from then on refuses the writes of all Stores
// that were opened before. It makes the znodes that are missing. Reads go by a session of their own, which
// env opens. A store with a newer format is refused with ErrNewer.
//
// Open it when this process has become the active one, and then Load. Its errors are those of w, of which
// nothing was applied or the epoch was raised; it may be called again.
func Open(ctx context.Context, env zkapi.Env, w Writer, config Config) (*ZooKeeper, error) {
	if w == nil {
		return nil, invalid("the Writer is nil: give the leadership or the lock of the active process")
	}
	config.Layout = config.Layout.filled()
	if config.PartSize == 0 {
		config.PartSize = defaultPart
	}
	if err := config.Layout.checkRoot(); err != nil {
		return nil, err
	}
	if config.PartSize < 1 {
		return nil, invalid("PartSize %d: use a positive number of bytes", config.PartSize)
	}
	p, err := process.New(env, recipe, config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	z := &ZooKeeper{
		reader: reader{p: p, layout: config.Layout, epoch: noClaim}, w: w, config: config, nonce: env.Unique(),
		busy: map[string]bool{}, doubt: map[string]bool{}, big: map[string]pointed{}, heads: map[string]bool{}, left: map[string]bool{},
	}
	if err := z.raise(ctx); err != nil {
		_ = p.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return z, nil
}

// Epoch implements Store. It is the version of the epoch's znode.
func (z *ZooKeeper) Epoch() int32 { return z.reader.epoch }

// Close implements Store. It closes the session of the reads.
func (z *ZooKeeper) Close(ctx context.Context) error { return z.p.Close(ctx) }

// owner is the data of the epoch's znode.
type owner struct {
	By    string `json:"by,omitempty"`
	Nonce string `json:"nonce"`
}

// format is the data of the znode of the format.
type format struct {
	Format int          `json:"format"`
	Types  []formatType `json:"types"`
}

type formatType struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Split int    `json:"split,omitempty"`
}

// head is what the znodes of the format and of the epoch say.
type head struct {
	format    format
	made      bool  // there is a format
	version   int32 // of its znode
	there     bool  // there is an epoch
	epoch     int32
	by, nonce string
}

// head reads the znodes of the format and of the epoch. state is what the caller depends on.
func (r *reader) head(ctx context.Context, state any) (h head, err error) {
	err = r.p.Read(ctx, "read the epoch", []any{r, state}, func(s *process.Session) error {
		h = head{}
		got, err := s.Now("read the epoch", fence.Get(r.layout.epoch()), r, state)
		if err == nil {
			var o owner
			_ = json.Unmarshal(got.Data, &o) // a person may have set it
			h.there, h.epoch, h.by, h.nonce = true, got.Stat.Version, o.By, o.Nonce
		} else if !errors.Is(err, zkapi.ErrNoNode) {
			return err
		}
		got, err = s.Ask("read the format", fence.Get(r.layout.version()), r, state, h)
		if errors.Is(err, zkapi.ErrNoNode) {
			return nil
		} else if err != nil {
			return err
		}
		h.made, h.version = true, got.Stat.Version
		h.format, err = readFormat(r.layout.version(), got.Data)
		return err
	})
	return h, err
}

// readFormat reads the data of the znode of the format.
func readFormat(path string, data []byte) (f format, err error) {
	if err := json.Unmarshal(data, &f); err != nil || f.Format < 1 {
		return f, fmt.Errorf("%w: %s has no format that can be read: %.80q", ErrNewer, path, data)
	}
	if f.Format > newest {
		return f, fmt.Errorf("%w: %s says format %d, and this build knows formats up to %d", ErrNewer, path, f.Format, newest)
	}
	return f, nil
}

// merged are the types of a store and of a Layout. more says that the store does not have all of them yet.
func (f format) merged(l Layout) (types []Type, more bool, err error) {
	for _, t := range f.Types {
		types = append(types, Type{Name: t.Name, Path: t.Path, Split: t.Split})
	}
	for _, t := range l.Types {
		at := slices.IndexFunc(types, func(u Type) bool { return u.Name == t.Name })
		switch {
		case at >= 0 && t.Rebuilt:
			types[at].Rebuilt = true
		case at >= 0 && (types[at].Path != t.Path || types[at].Split != t.Split):
			return nil, false, invalid("type %s: the store has it at %s with Split %d, and not at %s with %d: export the store and import it into another one",
				t.Name, types[at].Path, types[at].Split, t.Path, t.Split)
		case at < 0:
			types, more = append(types, t), more || !t.Rebuilt
		}
	}
	l.Types = types
	return types, more, l.Check()
}

// known is the format with the types that the store is to have.
func known(types []Type) []byte {
	f := format{Format: newest}
	for _, t := range types {
		if !t.Rebuilt {
			f.Types = append(f.Types, formatType{t.Name, t.Path, t.Split})
		}
	}
	data, _ := json.Marshal(f) // strings and numbers
	return data
}

// raise takes the store: it sets the epoch's znode from the version that was read to the next one. Whether
// a write was applied whose answer was lost, the nonce tells.
func (z *ZooKeeper) raise(ctx context.Context) error {
	defer func() { z.raising = head{} }()
	for tries := 1; ; tries++ {
		h, err := z.head(ctx, []any{z, tries})
		if err != nil {
			return err
		}
		z.raising = h
		types, more, err := h.format.merged(z.config.Layout)
		if err != nil {
			return err
		}
		if !h.made && len(z.config.Layout.Types) == 0 {
			return invalid("there is no store at %s: name its Types to make it", z.layout.Root)
		}
		z.layout.Types = types
		if h.there && h.nonce == z.nonce {
			z.reader.epoch = h.epoch
			return nil
		}
		if h.there && !fence.CanRise(h.epoch, 1) {
			return fmt.Errorf("%w: the version of %s is %d, and cannot be raised: export the store and import it into another one", ErrDamaged, z.layout.epoch(), h.epoch)
		}
		if !h.there || !h.made || more {
			if err := z.furnish(ctx, types); err != nil {
				return err
			}
		}
		err = z.take(ctx, h, types, more, tries)
		switch {
		case err == nil:
			z.reader.epoch = h.epoch + 1
			return nil
		case errors.Is(err, ErrFenced), zkapi.FateOf(err) == zkapi.NotApplied && !process.Refused(err) && !errors.Is(err, zkapi.ErrNotSent):
			return err
		}
		if over := z.p.Pause(ctx, tries, []any{z, h}); over != nil {
			return fmt.Errorf("%w: %w", over, err)
		}
	}
}

// take raises the epoch, if format and epoch are as they were read.
func (z *ZooKeeper) take(ctx context.Context, h head, types []Type, more bool, tries int) error {
	said := zkapi.Check(z.layout.version(), h.version)
	switch {
	case !h.made:
		said = z.p.Create(z.layout.version(), known(types))
	case more:
		said = zkapi.Set(z.layout.version(), known(types), h.version)
	}
	data, _ := json.Marshal(owner{z.config.Name, z.nonce}) // strings
	zkapi.Checkpoint(z.p.Env, "raise the epoch", ctx, z, h, tries)
	_, err := z.w.Write(ctx, said, zkapi.Set(z.layout.epoch(), data, h.epoch))
	return err
}

// furnish makes the persistent znodes of a store.
func (z *ZooKeeper) furnish(ctx context.Context, types []Type) error {
	paths := []string{z.layout.epoch(), z.layout.parts()}
	for _, t := range types {
		switch {
		case t.Rebuilt:
		case t.Split > 0:
			paths = append(paths, z.layout.splits(t))
		default:
			paths = append(paths, z.layout.folder(t))
		}
	}
	for _, p := range paths {
		if err := z.furnishOne(ctx, p, z.write); err != nil {
			return err
		}
	}
	return nil
}

// write sends ops once, without the check of the epoch: for znodes that every active may make.
func (z *ZooKeeper) write(ctx context.Context, ops ...zkapi.Op) error {
	zkapi.Checkpoint(z.p.Env, "make a folder", ctx, z, ops)
	_, err := z.w.Write(ctx, ops...)
	return err
}

// furnishOne makes an empty persistent znode, and those above it, until it is there.
func (z *ZooKeeper) furnishOne(ctx context.Context, p string, write func(context.Context, ...zkapi.Op) error) error {
	for tries := 1; ; tries++ {
		err := write(ctx, z.p.Create(p, nil))
		switch {
		case err == nil, errors.Is(err, zkapi.ErrNodeExists):
			return nil
		case errors.Is(err, zkapi.ErrNoNode) && path.Dir(p) != "/":
			if err := z.furnishOne(ctx, path.Dir(p), write); err != nil {
				return err
			}
			continue
		case errors.Is(err, ErrFenced), zkapi.FateOf(err) == zkapi.NotApplied && !errors.Is(err, zkapi.ErrNotSent):
			return err
		}
		if over := z.p.Pause(ctx, tries, []any{z, p}); over != nil {
			return fmt.Errorf("%w: %w", over, err)
		}
	}
}
