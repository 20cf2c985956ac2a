package txnlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Server has the contents of one server's disk.
type Server struct {
	Name string
	// Txns are all transactions in its logs, in the order of the files and within them.
	// Some of them may not have been committed; see the package comment.
	Txns []Txn
	// Snapshots are the zxids of its snapshots, ascending, without those that a crash left
	// unfinished.
	Snapshots []int64
	// LeftOut are the snapshots that are not whole or cannot be read, each with the reason.
	// A server leaves out those that a crash left unfinished, too.
	LeftOut []string

	files map[int64]string // path of the snapshot, by zxid
}

// ErrCompressed means that the servers were configured to compress their snapshots.
var ErrCompressed = errors.New("compressed snapshots cannot be read: leave zookeeper.snapshot.compression.method of the servers unset")

// ReadServer reads the logs of a server, wherever they are below dir, and finds its
// snapshots. An error names the file. It is a [*Damage] if the file is damaged.
func ReadServer(name, dir string) (*Server, error) {
	s := &Server{Name: name, files: map[int64]string{}}
	logs := map[int64]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		kind, number, _ := strings.Cut(entry.Name(), ".")
		if kind != "log" && kind != "snapshot" {
			return nil
		}
		if strings.HasSuffix(number, ".gz") || strings.HasSuffix(number, ".snappy") {
			return fmt.Errorf("%s: %w", path, ErrCompressed)
		}
		zxid, err := strconv.ParseUint(number, 16, 64)
		switch {
		case err != nil: // a file of another program
		case kind == "log":
			logs[int64(zxid)] = path
		default:
			s.files[int64(zxid)] = path
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("txnlog: %s: %w", name, err)
	}
	if len(logs) == 0 && len(s.files) == 0 {
		return nil, fmt.Errorf("txnlog: %s: neither a transaction log nor a snapshot below %s", name, dir)
	}
	for _, path := range inOrder(logs) {
		if err := s.readLog(path); err != nil {
			return nil, fmt.Errorf("txnlog: %s: %w", path, err)
		}
	}
	s.findSnapshots()
	return s, nil
}

// inOrder are the values in the order of their keys.
func inOrder(files map[int64]string) []string {
	var zxids []int64
	for zxid := range files {
		zxids = append(zxids, zxid)
	}
	slices.Sort(zxids)
	paths := make([]string, len(zxids))
	for i, zxid := range zxids {
		paths[i] = files[zxid]
	}
	return paths
}

func (s *Server) readLog(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for t, err := range Read(file) {
		if err != nil {
			return err
		}
		s.Txns = append(s.Txns, t)
	}
	return nil
}

// findSnapshots reads all snapshots once, and leaves out those that cannot be read.
func (s *Server) findSnapshots() {
	for _, zxid := range slices.Sorted(maps.Keys(s.files)) {
		if _, err := readSnapshotFile(s.files[zxid]); err != nil {
			s.LeftOut = append(s.LeftOut, fmt.Sprintf("%s: %v", filepath.Base(s.files[zxid]), err))
			continue
		}
		s.Snapshots = append(s.Snapshots, zxid)
	}
}

func readSnapshotFile(path string) (*Tree, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ReadSnapshot(b)
}

// Last is the last zxid that the server has on its disk, in a log or in a snapshot.
func (s *Server) Last() int64 {
	var last int64
	for i := range s.Txns {
		last = max(last, s.Txns[i].Zxid)
	}
	if n := len(s.Snapshots); n > 0 {
		last = max(last, s.Snapshots[n-1])
	}
	return last
}

// Replay makes the tree that the server itself would make at its start: from the newest
// snapshot that is not newer than zxid, and from all later entries of its logs up to
// zxid.
func (s *Server) Replay(zxid int64) (*Tree, error) {
	t, from := NewTree(), int64(0)
	for _, taken := range slices.Backward(s.Snapshots) {
		if taken <= zxid {
			var err error
			if t, err = readSnapshotFile(s.files[taken]); err != nil {
				return nil, fmt.Errorf("txnlog: %s: %w", s.files[taken], err)
			}
			from = taken
			break
		}
	}
	applied := from
	for _, at := range s.sorted() {
		if txn := &s.Txns[at]; applied < txn.Zxid && txn.Zxid <= zxid {
			t.Apply(txn)
			applied = txn.Zxid
		}
	}
	return t, nil
}

// sorted are the positions in Txns in the order of zxids.
func (s *Server) sorted() []int {
	all := make([]int, len(s.Txns))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(s.Txns[a].Zxid, s.Txns[b].Zxid) })
	return all
}
