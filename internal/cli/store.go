package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// storesRoot is the znode of the stores that have a name.
const storesRoot = "/stores"

// shellName is the name of this command in the epoch of a store.
const shellName = "ringmaster store"

// errActive means that a store was opened last by a process that may be the active one.
var errActive = errors.New("the store may have an active process")

// errNotEmpty means that a store to import into has records.
var errNotEmpty = errors.New("the store has records")

// Store is what the commands of store share.
type Store struct {
	YARN     bool // the names of Hadoop's znodes
	AsActive bool // take the store from the active process
}

// config is that of a store, which is at that path.
func (c Store) config(access []zkapi.ACL, log *slog.Logger, path string) store.Config {
	layout := store.Layout{Root: path}
	if c.YARN {
		layout = store.YARN(path, 0)
		layout.Types = nil
	}
	return store.Config{Layout: layout, Name: shellName, ACL: access, Logger: slog.New(quieter{log.Handler()})}
}

// view connects, to read.
func (c Store) view(o *Options, name string) (*store.View, error) {
	env, access, log, err := o.connect()
	if err != nil {
		return nil, err
	}
	path, err := o.pathOf("store", storesRoot, name)
	if err != nil {
		return nil, err
	}
	return store.NewView(env, c.config(aclOf(access), log, path))
}

// write opens a store for a moment, under a lock of its own, and raises its epoch. It refuses if another program has
// opened the store last, unless it is to take the store from that. types are those that a new store gets.
func (c Store) write(ctx context.Context, o *Options, name string, types []store.Type, do func(*store.ZooKeeper) error) error {
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	path, err := o.pathOf("store", storesRoot, name)
	if err != nil {
		return err
	}
	config := c.config(aclOf(access), log, path)
	v, err := store.NewView(env, config)
	if err != nil {
		return err
	}
	defer endSession(v.Close)
	now, err := v.State(ctx)
	switch {
	case err != nil:
		return err
	case now.Epoch > 0 && now.By != shellName && !c.AsActive:
		return fmt.Errorf("%w: %q has opened it last, with epoch %d, and loses it by this command. Stop that process, and give --as-active", errActive, now.By, now.Epoch)
	case len(now.Types) == 0:
		config.Layout.Types = types
	}
	locks, err := lock.New(env, lock.Config{ACL: config.ACL, Logger: config.Logger})
	if err != nil {
		return err
	}
	defer closeSoon(locks.Close, log)
	held, err := locks.Lock(ctx, path+"/lock")
	if err != nil {
		return err
	}
	z, err := store.Open(ctx, env, held, config)
	if err != nil {
		return err
	}
	defer endSession(z.Close)
	return do(z)
}

// StorePut is the command store put.
type StorePut struct {
	Store
	Version int // that the record must have; store.Any for any
}

// Run writes one record: the value in args, or standard input. It prints the version.
func (p StorePut) Run(ctx context.Context, o *Options, s Streams, name, key string, args []string) error {
	value, err := payloadOf(ctx, s.In, args, mostStoreValue)
	if err != nil {
		return err
	}
	if len(value) > mostStoreValue {
		return misuse("store put: the value has more than %d bytes", mostStoreValue)
	}
	of, _, _ := strings.Cut(key, "/")
	types := []store.Type{{Name: of}}
	if p.YARN {
		types = store.YARN("/", 0).Types
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	return p.write(ctx, o, name, types, func(z *store.ZooKeeper) error {
		versions, err := z.Apply(ctx, store.Put(key, value, store.Version(p.Version)))
		if err != nil {
			return fmt.Errorf("store put: %w", err)
		}
		return printf(s.Out, "%d\n", versions[0])
	})
}

// mostStoreValue bounds what store put reads.
const mostStoreValue = 64 << 20

// storeLine is a record in JSON.
type storeLine struct {
	Key         string  `json:"key"`
	Version     int32   `json:"version"`
	Size        int     `json:"size"`
	SHA256      string  `json:"sha256"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 string  `json:"value_base64,omitempty"`
}

// lineOfRecord is a record with its value, or without.
func lineOfRecord(r store.Record, value bool) storeLine {
	sum := sha256.Sum256(r.Data)
	line := storeLine{Key: r.Key, Version: int32(r.Version), Size: len(r.Data), SHA256: hex.EncodeToString(sum[:])}
	switch text := string(r.Data); {
	case !value:
	case utf8.Valid(r.Data):
		line.Value = &text
	default:
		line.ValueBase64 = base64.StdEncoding.EncodeToString(r.Data)
	}
	return line
}

// record is that record. The error says that its checksum is another one.
func (l storeLine) record() (store.Record, error) {
	r := store.Record{Key: l.Key, Version: store.Version(l.Version)}
	if l.Value != nil {
		r.Data = []byte(*l.Value)
	} else {
		data, err := base64.StdEncoding.DecodeString(l.ValueBase64)
		if err != nil {
			return r, fmt.Errorf("%w: record %s: %w", store.ErrDamaged, l.Key, err)
		}
		r.Data = data
	}
	if sum := sha256.Sum256(r.Data); hex.EncodeToString(sum[:]) != l.SHA256 || len(r.Data) != l.Size {
		return r, fmt.Errorf("%w: record %s has another checksum than the line says", store.ErrDamaged, l.Key)
	}
	return r, nil
}

// StoreGet is the command store get.
type StoreGet struct {
	Store
	JSON bool
}

// Run prints the value of a record as it is, or the record in JSON.
func (g StoreGet) Run(ctx context.Context, o *Options, s Streams, name, key string) error {
	v, err := g.view(o, name)
	if err != nil {
		return err
	}
	defer endSession(v.Close)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	r, err := v.Get(ctx, key)
	switch {
	case err != nil:
		return fmt.Errorf("store get: %w", err)
	case g.JSON:
		return printJSON(s.Out, lineOfRecord(r, true))
	}
	return write(s.Out, r.Data)
}

// StoreList is the command store ls.
type StoreList struct {
	Store
	JSON bool
}

// Run lists the records, of all types or of one.
func (l StoreList) Run(ctx context.Context, o *Options, s Streams, name string, types []string) error {
	v, err := l.view(o, name)
	if err != nil {
		return err
	}
	defer endSession(v.Close)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	records, err := v.Load(ctx, types...)
	if err != nil {
		return fmt.Errorf("store ls: %w", err)
	}
	if l.JSON {
		for _, r := range records {
			if err := printJSON(s.Out, lineOfRecord(r, false)); err != nil {
				return err
			}
		}
		return nil
	}
	now, err := v.State(ctx)
	switch {
	case err != nil:
		return err
	case now.Epoch == 0:
		return printf(s.Out, "there is no store\n")
	}
	var b strings.Builder
	_ = printf(&b, "epoch %d, of %s\n", now.Epoch, orDash(now.By)) // into memory
	var all table
	all.add("RECORD", "VERSION", "SIZE")
	for _, r := range records {
		all.add(r.Key, fmt.Sprint(r.Version), fmt.Sprint(len(r.Data)))
	}
	if len(records) > 0 {
		_ = all.print(&b, onTerminal(s.Out)) // into memory
	}
	return send(s.Out, &b)
}

// orDash is a text, or a dash for none.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// CompleteStores lists the names of stores that begin with what was typed.
func CompleteStores(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, storesRoot), args, begun)
}
