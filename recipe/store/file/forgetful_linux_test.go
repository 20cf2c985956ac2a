package file_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// disk is a file system of one folder, which is mounted for a test. It knows what was synced, and what may be
// forgotten when the machine loses its power: bytes of a file since its last sync, in any combination of pages, and
// names since the last sync of the folder, each by itself.
type disk struct {
	mu     sync.Mutex
	names  map[string]*node
	synced map[string]*node
	since  []func(map[string]*node) // what was done to the names since the last sync of the folder
	nodes  []*node
	steps  int            // requests so far
	crash  func(step int) // called with each request, before it is carried out; it may set dead
	dead   bool           // no request is carried out any more
}

// node is a file.
type node struct {
	fs.Inode
	d           *disk
	now, synced []byte
}

// top is the folder.
type top struct {
	fs.Inode
	d *disk
}

func newDisk() *disk { return &disk{names: map[string]*node{}, synced: map[string]*node{}} }

// mount makes the disk a folder, until unmount is called.
func (d *disk) mount(t *testing.T) (folder string, unmount func()) {
	t.Helper()
	folder = t.TempDir()
	server, err := fs.Mount(folder, &top{d: d}, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true}})
	if err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	return folder, func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	}
}

// step counts a request. The caller holds the mutex.
func (d *disk) step() syscall.Errno {
	d.steps++
	if d.crash != nil && !d.dead {
		d.crash(d.steps)
	}
	if d.dead {
		return syscall.EIO
	}
	return 0
}

// does is a request that changes the names.
func (d *disk) does(change func(map[string]*node)) {
	change(d.names)
	d.since = append(d.since, change)
}

// page is the part of a file that is kept or forgotten by itself.
const page = 64

// survivors are the files after a loss of power. Without a random source, everything that was not synced is
// forgotten.
func (d *disk) survivors(random *rand.Rand) map[string][]byte {
	names := maps.Clone(d.synced)
	for _, change := range d.since {
		if random != nil && random.IntN(2) == 0 {
			change(names)
		}
	}
	kept := map[*node][]byte{}
	for _, n := range d.nodes {
		kept[n] = n.survives(random)
	}
	files := map[string][]byte{}
	for name, n := range names {
		files[name] = kept[n]
	}
	return files
}

// survives is what is left of a file.
func (n *node) survives(random *rand.Rand) []byte {
	if random == nil || random.IntN(3) == 0 {
		return slices.Clone(n.synced)
	}
	size := len(n.synced)
	if more := len(n.now) - size; more > 0 {
		size += random.IntN(more + 1) // the length and the bytes are kept or forgotten by themselves
	} else if random.IntN(2) == 0 {
		size = len(n.now)
	}
	left := make([]byte, size)
	copy(left, n.synced)
	for at := 0; at < min(size, len(n.now)); at += page {
		if random.IntN(3) > 0 {
			end := min(at+page, size, len(n.now))
			copy(left[at:end], n.now[at:end])
		}
	}
	return left
}

// memoryFolder is a folder whose syncs cost nothing, if the machine has one.
func memoryFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "ringmaster-store")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) }) // it is in memory
	return folder
}

// write makes files of that, in a folder without crashes.
func write(t *testing.T, files map[string][]byte) (folder string) {
	t.Helper()
	folder = memoryFolder(t)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// present are the files as they are, synced or not.
func (d *disk) present() map[string][]byte {
	files := map[string][]byte{}
	for name, n := range d.names {
		files[name] = slices.Clone(n.now)
	}
	return files
}

func (r *top) child(ctx context.Context, n *node) *fs.Inode {
	if n.Inode.StableAttr().Ino != 0 {
		return &n.Inode
	}
	return r.NewInode(ctx, n, fs.StableAttr{Mode: syscall.S_IFREG})
}

// Lookup implements fs.NodeLookuper.
func (r *top) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if e := r.d.step(); e != 0 {
		return nil, e
	}
	n, there := r.d.names[name]
	if !there {
		return nil, syscall.ENOENT
	}
	out.Mode, out.Size = 0o600, uint64(len(n.now))
	return r.child(ctx, n), 0
}

// Create implements fs.NodeCreater.
func (r *top) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if e := r.d.step(); e != 0 {
		return nil, nil, 0, e
	}
	n := &node{d: r.d}
	r.d.nodes = append(r.d.nodes, n)
	r.d.does(func(names map[string]*node) { names[name] = n })
	out.Mode = 0o600
	return r.child(ctx, n), nil, fuse.FOPEN_DIRECT_IO, 0
}

// Unlink implements fs.NodeUnlinker.
func (r *top) Unlink(_ context.Context, name string) syscall.Errno {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if e := r.d.step(); e != 0 {
		return e
	}
	r.d.does(func(names map[string]*node) { delete(names, name) })
	return 0
}

// Rename implements fs.NodeRenamer.
func (r *top) Rename(_ context.Context, name string, _ fs.InodeEmbedder, newName string, _ uint32) syscall.Errno {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if e := r.d.step(); e != 0 {
		return e
	}
	n := r.d.names[name]
	r.d.does(func(names map[string]*node) {
		delete(names, name)
		names[newName] = n
	})
	return 0
}

// Readdir implements fs.NodeReaddirer.
func (r *top) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if e := r.d.step(); e != 0 {
		return nil, e
	}
	var all []fuse.DirEntry
	for _, name := range slices.Sorted(maps.Keys(r.d.names)) {
		all = append(all, fuse.DirEntry{Name: name, Mode: syscall.S_IFREG})
	}
	return fs.NewListDirStream(all), 0
}

// Fsync implements fs.NodeFsyncer, of the folder.
func (r *top) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if e := r.d.step(); e != 0 {
		return e
	}
	r.d.synced, r.d.since = maps.Clone(r.d.names), nil
	return 0
}

// Open implements fs.NodeOpener.
func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	return nil, fuse.FOPEN_DIRECT_IO, n.d.step()
}

// Getattr implements fs.NodeGetattrer.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	out.Mode, out.Size = 0o600, uint64(len(n.now))
	return n.d.step()
}

// Setattr implements fs.NodeSetattrer: it changes the length.
func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.step(); e != 0 {
		return e
	}
	if size, given := in.GetSize(); given {
		n.now = append(n.now[:min(len(n.now), int(size))], make([]byte, max(0, int(size)-len(n.now)))...)
	}
	out.Mode, out.Size = 0o600, uint64(len(n.now))
	return 0
}

// Read implements fs.NodeReader.
func (n *node) Read(_ context.Context, _ fs.FileHandle, to []byte, from int64) (fuse.ReadResult, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.step(); e != 0 {
		return nil, e
	}
	begin := min(int(from), len(n.now))
	return fuse.ReadResultData(slices.Clone(n.now[begin:min(begin+len(to), len(n.now))])), 0
}

// Write implements fs.NodeWriter.
func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.step(); e != 0 {
		return 0, e
	}
	if end := int(at) + len(data); end > len(n.now) {
		n.now = append(n.now, make([]byte, end-len(n.now))...)
	}
	copy(n.now[at:], data)
	return uint32(len(data)), 0
}

// Fsync implements fs.NodeFsyncer.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.step(); e != 0 {
		return e
	}
	n.synced = slices.Clone(n.now)
	return 0
}
