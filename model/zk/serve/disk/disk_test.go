package disk

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var silent = slog.New(slog.DiscardHandler)

// fresh is a new directory with a snapshot.
func fresh(t *testing.T, snapshot string) (dir string, l *Log) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "made", "by", "it")
	l, state, err := Open(dir, silent)
	if err != nil || state.Snapshot != nil {
		t.Fatalf("a new directory: %q, %v", state.Snapshot, err)
	}
	l.Replace(func() []byte { return []byte(snapshot) })
	return dir, l
}

func sync1(t *testing.T, l *Log, records ...string) {
	t.Helper()
	for _, r := range records {
		l.Append([]byte(r))
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
}

// opened reads what a directory has, and leaves it.
func opened(t *testing.T, dir string, log *slog.Logger) (snapshot string, records []string, err error) {
	t.Helper()
	l, state, err := Open(dir, log)
	if err != nil {
		return "", nil, err
	}
	for _, r := range state.Records {
		records = append(records, string(r.Body))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return string(state.Snapshot), records, nil
}

func stateFile(dir string) string { return filepath.Join(dir, "state.log") }

func TestOpen_FindsWhatWasKept(t *testing.T) {
	dir, l := fresh(t, "s")
	sync1(t, l, "a", "")
	sync1(t, l, "b")
	l.Append([]byte("c")) // Close writes it
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if snapshot, records, err := opened(t, dir, silent); snapshot != "s" || !slices.Equal(records, []string{"a", "", "b", "c"}) || err != nil {
			t.Fatalf("%q, %q, %v", snapshot, records, err)
		}
	}
}

func TestReplace_StandsForWhatWasBefore(t *testing.T) {
	dir, l := fresh(t, "s")
	sync1(t, l, "a")
	l.Append([]byte("b"))
	l.Replace(func() []byte { return []byte("s+a+b") })
	sync1(t, l, "c")
	sync1(t, l, "d")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if snapshot, records, err := opened(t, dir, silent); snapshot != "s+a+b" || !slices.Equal(records, []string{"c", "d"}) || err != nil {
		t.Fatalf("%q, %q, %v", snapshot, records, err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 2 {
		t.Errorf("the directory has %q, want the lock and the state", names)
	}
}

func TestLong_FollowsTheSizeOfTheRecords(t *testing.T) {
	_, l := fresh(t, "s")
	l.Append(make([]byte, longEnough))
	if l.Long() {
		t.Error("a log that is not longer than it must be is long")
	}
	l.Append([]byte("x"))
	if !l.Long() {
		t.Error("a log that is longer is not long")
	}
	l.Replace(func() []byte { return []byte("s") })
	if l.Long() {
		t.Error("a log of a new snapshot is long")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOpen_AfterACrashAtEveryByte cuts the file at each offset. What is left are whole frames,
// and what is written after them is found again.
func TestOpen_AfterACrashAtEveryByte(t *testing.T) {
	dir, l := fresh(t, "snapshot")
	begin := 0
	ends := map[int]int{} // where a frame ends: how many records there are
	want := []string{"a", "bb", "ccc", "dddd", "e"}
	for i := -1; i < len(want); i++ {
		if i >= 0 {
			l.Append([]byte(want[i]))
		}
		if i == 1 {
			continue // two records in one frame
		}
		sync1(t, l)
		data, err := os.ReadFile(stateFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		if i < 0 {
			begin = len(data)
		}
		ends[len(data)] = i + 1
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(stateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for n := range len(data) + 1 {
		if records, isEnd := ends[n]; isEnd {
			kept = records
		}
		for _, tail := range []string{"", "zeros", "noise"} {
			cut := data[:n:n]
			switch _, whole := ends[n]; {
			case tail != "" && n <= begin:
				continue // the first frame is never written in part: it comes with its name
			case tail == "zeros":
				cut = append(cut, make([]byte, 100)...)
			case tail == "noise" && !whole:
				cut = append(cut, bytes.Repeat([]byte("\xa5"), 100)...)
			}
			holdCrash(t, cut, n, begin, want[:kept])
		}
	}
}

func holdCrash(t *testing.T, cut []byte, n, begin int, kept []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(stateFile(dir), cut, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l, state, err := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if n < begin {
		if err == nil || !strings.Contains(err.Error(), stateFile(dir)) {
			t.Fatalf("%d bytes, within the snapshot: %v", n, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%d bytes: %v", n, err)
	}
	var records []string
	for _, r := range state.Records {
		records = append(records, string(r.Body))
	}
	if string(state.Snapshot) != "snapshot" || !slices.Equal(records, kept) {
		t.Fatalf("%d bytes: %q, %q, want %q", n, state.Snapshot, records, kept)
	}
	sync1(t, l, "later")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, records, err := opened(t, dir, silent); err != nil || !slices.Equal(records, append(slices.Clone(kept), "later")) {
		t.Fatalf("%d bytes, and a record more: %q, %v", n, records, err)
	}
	now, err := os.ReadFile(stateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	isCut := len(now) < len(cut)+len(appendFrame(nil, appendRecord(nil, []byte("later"))))
	if said := strings.Contains(log.String(), "is cut off") && strings.Contains(log.String(), stateFile(dir)); said != isCut {
		t.Fatalf("%d bytes: cut: %v; the log says: %q", n, isCut, &log)
	}
}

// TestOpen_RefusesADamagedFile turns each bit of one byte in front of the last frame.
func TestOpen_RefusesADamagedFile(t *testing.T) {
	dir, l := fresh(t, "snapshot")
	sync1(t, l)
	begin := int(size(t, dir))
	sync1(t, l, "first")
	last := int(size(t, dir))
	sync1(t, l, "second")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(stateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	for at := range last {
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[at] ^= 1 << bit
			if err := os.WriteFile(stateFile(dir), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := opened(t, dir, silent)
			want := []string{stateFile(dir)}
			switch {
			case at >= begin:
				want = append(want, fmt.Sprintf("at offset %d", begin), fmt.Sprintf("truncate -s %d %s", begin, stateFile(dir)))
			case at >= len(format):
				want = append(want, fmt.Sprintf("at offset %d, in its snapshot; put a copy", len(format)))
			default:
				want = append(want, "give another directory")
			}
			for _, w := range want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Fatalf("bit %d of byte %d: %v, want %q", bit, at, err, w)
				}
			}
			if after, _ := os.ReadFile(stateFile(dir)); !bytes.Equal(after, damaged) {
				t.Fatalf("bit %d of byte %d: the file is not as it was", bit, at)
			}
		}
	}
}

func size(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(stateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestOpen_RefusesASecondProcess(t *testing.T) {
	dir, l := fresh(t, "s")
	if _, _, err := Open(dir, silent); err == nil || !strings.Contains(err.Error(), "another process uses the directory "+dir) {
		t.Errorf("a second one: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := opened(t, dir, silent); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}

func TestOpen_NamesADirectoryThatCannotBe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, silent); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "give a directory that can be written") {
		t.Errorf("%v", err)
	}
}

// full is a disk that takes so many bytes more.
type full struct {
	file
	left int
}

func (f *full) Write(b []byte) (int, error) {
	n := min(f.left, len(b))
	f.left -= n
	written, err := f.file.Write(b[:n])
	if err == nil && n < len(b) {
		err = syscall.ENOSPC
	}
	return written, err
}

// TestSync_OnAFullDisk keeps what was acknowledged, whatever fits of the rest.
func TestSync_OnAFullDisk(t *testing.T) {
	for left := range 40 {
		dir, l := fresh(t, "s")
		sync1(t, l, "kept")
		l.file = &full{l.file, left}
		l.Append([]byte("lost or kept, but with an error"))
		if err := l.Sync(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "make room") {
			t.Fatalf("%d bytes left: %v", left, err)
		}
		<-l.Failed()
		l.file.(*full).left = 1000
		l.Append([]byte("refused"))
		if err := l.Sync(); !errors.Is(err, syscall.ENOSPC) || !errors.Is(l.Err(), syscall.ENOSPC) {
			t.Fatalf("%d bytes left: afterwards %v, %v", left, err, l.Err())
		}
		_ = l.Close()
		if _, records, err := opened(t, dir, silent); err != nil || !slices.Equal(records, []string{"kept"}) {
			t.Fatalf("%d bytes left: %q, %v", left, records, err)
		}
	}
}

// TestReplace_OnAFullDisk leaves the older snapshot in its place.
func TestReplace_OnAFullDisk(t *testing.T) {
	dir, l := fresh(t, "s")
	sync1(t, l, "kept")
	l.create = func(path string) (file, error) {
		f, err := createFile(path)
		return &full{f, 30}, err
	}
	l.Replace(func() []byte { return []byte("another") })
	if err := l.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	_ = l.Close()
	if snapshot, records, err := opened(t, dir, silent); snapshot != "s" || err != nil || !slices.Equal(records, []string{"kept"}) {
		t.Fatalf("%q, %q, %v", snapshot, records, err)
	}
}

// gate is a file whose fsync waits, and is counted.
type gate struct {
	file
	entered, open chan struct{}
	syncs         int
}

func (g *gate) Sync() error {
	g.syncs++
	g.entered <- struct{}{}
	<-g.open
	return g.file.Sync()
}

// TestSync_IsShared has many callers during one fsync: one more is for all of them, and records
// can be given meanwhile.
func TestSync_IsShared(t *testing.T) {
	dir, l := fresh(t, "s")
	sync1(t, l)
	const callers = 20
	g := &gate{l.file, make(chan struct{}, callers+1), make(chan struct{}), 0}
	l.file = g
	var running sync.WaitGroup
	returned := make(chan error, callers+1)
	call := func() { running.Go(func() { returned <- l.Sync() }) }
	l.Append([]byte("first"))
	call()
	select {
	case <-g.entered:
	case err := <-returned:
		t.Fatalf("Sync returned %v before the fsync", err)
	}
	for range callers {
		l.Append([]byte("x")) // does not wait for the fsync
		call()
	}
	close(g.open)
	running.Wait()
	if g.syncs != 2 || l.kept != l.given {
		t.Errorf("%d syncs, want 2; %d of %d are kept", g.syncs, l.kept, l.given)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, records, err := opened(t, dir, silent); len(records) != callers+1 || err != nil {
		t.Errorf("%d records, %v", len(records), err)
	}
}
