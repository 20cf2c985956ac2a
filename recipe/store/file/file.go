package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/store"
)

// ErrHeld means that another process, or another Store of this one, has the store open.
var ErrHeld = errors.New("another process has the store open")

// Config describes a store on a file system.
type Config struct {
	// Layout has the Types. Its other fields count only on ZooKeeper.
	Layout store.Layout
	// CompactAfter is how many bytes of changes the state file may have before it is written anew, if they are
	// more than the records had. Default: 16 MiB.
	CompactAfter int64
}

const defaultCompactAfter = 16 << 20

// Files is a Store on a file system.
type Files struct {
	folder string
	config Config
	epoch  int32
	lock   *os.File

	mu     sync.Mutex
	table  *store.Table
	state  *state
	broken error // why nothing can be written any more
}

// owner is the data of the lock file.
type owner struct {
	Epoch int32 `json:"epoch"`
	PID   int   `json:"pid"`
}

// Open opens the store in a folder, which it makes, for this process alone. Its errors: ErrHeld, store.ErrNewer,
// store.ErrDamaged, store.ErrInvalid, and those of the file system. It may be called again.
func Open(folder string, config Config) (*Files, error) {
	if config.CompactAfter == 0 {
		config.CompactAfter = defaultCompactAfter
	}
	table, err := store.NewTable(config.Layout)
	if err != nil {
		return nil, err
	}
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	lock, err := takeLock(filepath.Join(folder, "lock"))
	if err != nil {
		return nil, err
	}
	f := &Files{folder: folder, config: config, lock: lock, table: table}
	if err := f.recover(); err != nil {
		_ = lock.Close() // the error counts
		return nil, err
	}
	return f, nil
}

// makeFolder makes a folder, and makes its name durable.
func makeFolder(folder string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(folder))
}

// recover reads what there is, and begins the next epoch.
func (f *Files) recover() error {
	last, err := newest(f.folder)
	if err != nil {
		return err
	}
	if last.name != "" {
		if err := read(filepath.Join(f.folder, last.name), f.table); err != nil {
			return err
		}
	}
	f.epoch = last.epoch + 1
	if f.epoch <= 0 {
		return fmt.Errorf("%w: the epoch of %s cannot be raised", store.ErrDamaged, last.name)
	}
	f.state, err = begin(f.folder, f.epoch, 0, f.table)
	if err != nil {
		return err
	}
	data, _ := json.Marshal(owner{f.epoch, os.Getpid()}) // numbers
	if err := f.lock.Truncate(0); err != nil {
		return err
	}
	_, err = f.lock.WriteAt(data, 0)
	return err
}

// Epoch implements store.Store.
func (f *Files) Epoch() int32 { return f.epoch }

// Apply implements store.Store. It ends when the changes are on the disk, and does not heed ctx.
func (f *Files) Apply(_ context.Context, changes ...store.Change) ([]store.Version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usable(); err != nil {
		return nil, store.Refusal(f.folder, -1, err)
	}
	versions, err := f.table.Apply(changes...)
	if err != nil || len(changes) == 0 {
		return versions, err
	}
	after := make([]store.Record, 0, len(changes))
	for i, c := range changes {
		if of, _ := f.config.Layout.TypeOf(c.Key); !of.Rebuilt { // it was checked
			after = append(after, store.Record{Key: c.Key, Data: c.Data, Version: versions[i]})
		}
	}
	if len(after) == 0 {
		return versions, nil
	}
	if err := f.state.add(after); err != nil {
		f.broken = err
		return nil, store.InDoubt(f.folder, err)
	}
	if f.state.grown(f.config.CompactAfter) {
		f.compact()
	}
	return versions, nil
}

// compact writes the state anew. If that fails before the new file has its name, the old one goes on.
func (f *Files) compact() {
	next, err := begin(f.folder, f.epoch, f.state.generation+1, f.table)
	switch {
	case err == nil:
		_ = f.state.file.Close() // it is not needed any more
		f.state = next
	case errors.Is(err, errNamed):
		f.broken = err
	default:
		f.state.rested = f.state.size // try again when it has grown as much again
	}
}

// usable returns why the store cannot be used.
func (f *Files) usable() error {
	if f.broken != nil {
		return f.broken
	}
	now, err := os.Stat(f.lock.Name())
	mine, bad := f.lock.Stat()
	if err != nil || bad != nil || !os.SameFile(now, mine) {
		return fmt.Errorf("%w: the lock file is another one", store.ErrFenced)
	}
	var o owner
	data := make([]byte, 1<<10)
	n, _ := f.lock.ReadAt(data, 0) // it is shorter
	if err := json.Unmarshal(data[:n], &o); err != nil || o.Epoch != f.epoch {
		return fmt.Errorf("%w: the lock file says %.80q", store.ErrFenced, data[:n])
	}
	return nil
}

// Get implements store.Store.
func (f *Files) Get(_ context.Context, key string) (store.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usable(); err != nil {
		return store.Record{}, store.Refusal(key, -1, err)
	}
	return f.table.Get(key)
}

// Load implements store.Store.
func (f *Files) Load(_ context.Context, types ...string) ([]store.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usable(); err != nil {
		return nil, store.Refusal(f.folder, -1, err)
	}
	return f.table.Load(types...)
}

// Close implements store.Store: it gives the lock back.
func (f *Files) Close(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.broken, store.ErrClosed) {
		return nil
	}
	f.broken = store.ErrClosed
	return errors.Join(f.state.file.Close(), f.lock.Close())
}
