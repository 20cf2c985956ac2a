package txnlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func frozen(t *testing.T) []*Server {
	t.Helper()
	var servers []*Server
	for _, name := range []string{"zk1", "zk2", "zk3"} {
		s, err := ReadServer(name, filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
	}
	return servers
}

// TestMerge_FrozenEnsemble compares the contents of the files with the answers of the
// servers.
func TestMerge_FrozenEnsemble(t *testing.T) {
	servers := frozen(t)
	order := Merge(servers, finalZxid, FromOne)
	if len(order.Conflicts) > 0 || len(order.Gaps) > 0 {
		t.Errorf("conflicts %v, gaps %x", order.Conflicts, order.Gaps)
	}
	var uncommitted []string
	for _, e := range order.Uncommitted {
		uncommitted = append(uncommitted, fmt.Sprint(e.Servers, e.Parts[0].Path))
	}
	if want := []string{"[zk3]/unheard-1", "[zk3]/unheard-3", "[zk3]/unheard-2"}; !slices.Equal(uncommitted, want) {
		t.Errorf("uncommitted are %q, want %q", uncommitted, want)
	}
	tree := NewTree()
	for _, e := range order.Committed {
		tree.Apply(e.Txn)
		if !tree.Agrees(e.Txn) {
			t.Errorf("after 0x%x the tree is not the one that the leader expected", e.Zxid)
		}
	}
	if got := Digest(tree.Nodes()); got != finalDigest {
		t.Errorf("the tree of what was committed is %s", got)
	}
	for _, s := range servers {
		replayed, err := s.Replay(finalZxid)
		if err != nil {
			t.Fatal(err)
		}
		if got := Digest(replayed.Nodes()); got != finalDigest {
			t.Errorf("%s would come back with %s", s.Name, got)
		}
	}
}

// TestMerge_FindsADifferentTree leaves one committed transaction out at a time. Then the
// tree differs, unless that transaction had no effect on it.
func TestMerge_FindsADifferentTree(t *testing.T) {
	all := Merge(frozen(t), finalZxid, FromOne).Committed
	noticed := 0
	for left := range all {
		tree, agrees := NewTree(), true
		for i, e := range all {
			if i != left {
				tree.Apply(e.Txn)
				agrees = agrees && tree.Agrees(e.Txn)
			}
		}
		_, refused := all[left].Refused()
		idle := refused || all[left].Opcode == CreateSession || all[left].Opcode == CloseSession && len(all[left].Paths) == 0
		if last := left == len(all)-1; agrees != (idle || last) {
			t.Errorf("without 0x%x (%d): ZooKeeper's own digest agrees is %v", all[left].Zxid, all[left].Opcode, agrees)
		}
		if Digest(tree.Nodes()) != finalDigest {
			noticed++
		}
	}
	if noticed < 10 {
		t.Errorf("our digest noticed %d", noticed)
	}
}

// server makes a server of zxids, "1.2" for the second of epoch 1. A zxid with a letter
// has other contents than the same without. After a bar come the snapshots.
func server(t *testing.T, name, text string) *Server {
	t.Helper()
	s := &Server{Name: name}
	txns, snapshots, _ := strings.Cut(text, "|")
	for _, word := range strings.Fields(txns) {
		number := strings.TrimRight(word, "ab")
		s.Txns = append(s.Txns, Txn{Zxid: zxid(t, number), Sum: [32]byte{1: byte(len(word) - len(number))}})
	}
	for _, word := range strings.Fields(snapshots) {
		s.Snapshots = append(s.Snapshots, zxid(t, word))
	}
	return s
}

func zxid(t *testing.T, word string) int64 {
	t.Helper()
	var epoch, counter int64
	if _, err := fmt.Sscanf(word, "%d.%d", &epoch, &counter); err != nil {
		t.Fatalf("%q: %v", word, err)
	}
	return epoch<<counterBits | counter
}

func written(zxid int64) string { return fmt.Sprintf("%d.%d", epochOf(zxid), counterOf(zxid)) }

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		logs                         [3]string
		end                          string
		committed, uncommitted, gaps string
		conflicts                    int
	}{
		"all the same":                                         {[3]string{"1.1 1.2 2.1", "1.1 1.2 2.1", "1.1 1.2 2.1"}, "2.1", "1.1 1.2 2.1", "", "", 0},
		"what comes after the end is left out":                 {[3]string{"1.1 1.2 1.3", "1.1 1.2", "1.1 1.2"}, "1.2", "1.1 1.2", "", "", 0},
		"a tail was cut off":                                   {[3]string{"1.1 2.1", "1.1 2.1", "1.1 | 2.1"}, "2.1", "1.1 2.1", "", "", 0},
		"a tail stays behind a snapshot":                       {[3]string{"1.1 2.1 2.2 2.3", "1.1 2.1 2.2 2.3", "1.1 1.2 1.3 2.3 | 2.2"}, "2.3", "1.1 2.1 2.2 2.3", "1.2 1.3", "", 0},
		"a tail, and nothing after the snapshot":               {[3]string{"1.1 2.1", "1.1 2.1", "1.1 1.2 | 2.1"}, "2.1", "1.1 2.1", "1.2", "", 0},
		"a tail, and a snapshot before any write of the epoch": {[3]string{"1.1 2.1", "1.1 2.1", "1.1 1.2 2.1 | 2.0"}, "2.1", "1.1 2.1", "1.2", "", 0},
		"a tail, and an epoch that was not seen":               {[3]string{"1.1 2.1 3.1", "1.1 2.1 3.1", "1.1 1.2 3.1 | 2.1"}, "3.1", "1.1 2.1 3.1", "1.2", "", 0},
		"a minority's tail that the next leader had":           {[3]string{"1.1 1.2 2.1", "1.1 2.1 | 1.2", "1.1 1.2 2.1"}, "2.1", "1.1 1.2 2.1", "", "", 0},
		"an end in an epoch without a write":                   {[3]string{"1.1 1.2", "1.1 1.2", "1.1 | 1.2"}, "2.0", "1.1 1.2", "", "", 0},
		"an end in an epoch without a write, after a snapshot": {[3]string{"1.1", "1.1", "1.1 1.2 | 2.0"}, "2.0", "1.1", "1.2", "", 0},
		"no log proves the end":                                {[3]string{"1.1 1.2 2.2 | 2.1", "1.1 1.2 2.2 | 2.1", "1.1 1.3 2.2 | 2.1"}, "2.2", "1.1 1.2 2.2", "", "1.3-2.0 2.1-2.1", 0},
		"no log has one of them":                               {[3]string{"1.1 1.3", "1.1 1.3", "1.1 1.3"}, "1.3", "1.1 1.3", "", "1.2-1.2", 0},
		"logged twice":                                         {[3]string{"1.1 1.1 1.2", "1.1 1.2", "1.1 1.2"}, "1.2", "1.1 1.2", "", "", 0},
		"two transactions under one zxid":                      {[3]string{"1.1 1.2", "1.1 1.2a", "1.1 1.2"}, "1.2", "1.1 1.2", "", "", 1},
		"an epoch of which nothing was committed":              {[3]string{"1.1 3.1", "1.1 3.1", "1.1 2.1 | 3.1"}, "3.1", "1.1 3.1", "2.1", "", 0},
		"an epoch that began after the end":                    {[3]string{"1.1 2.1 3.1", "1.1 2.1 3.1", "1.1 2.1 3.1"}, "2.1", "1.1 2.1", "", "", 0},
		"two logs prove different ends":                        {[3]string{"1.1 1.2 2.1", "1.1 2.1", "1.1 2.1"}, "2.1", "1.1 1.2 2.1", "", "", 2},
		"a counter that begins near its end":                   {[3]string{"1.4294967294 1.4294967295 2.1", "1.4294967294 1.4294967295 2.1", "1.4294967294 1.4294967295 2.1"}, "2.1", "1.4294967294 1.4294967295 2.1", "", "1.1-1.4294967293", 0},
		"an epoch that jumps":                                  {[3]string{"1.1 2147483647.1", "1.1 2147483647.1", "1.1 2147483647.1"}, "2147483647.1", "1.1 2147483647.1", "", "", 0},
		"one of a single server":                               {[3]string{"0.1 0.2 0.3", "", ""}, "0.3", "0.1 0.2 0.3", "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var servers []*Server
			for i, text := range c.logs {
				if text != "" {
					servers = append(servers, server(t, fmt.Sprintf("zk%d", i+1), text))
				}
			}
			o := Merge(servers, zxid(t, c.end), FromOne)
			gaps := ranges(o.Gaps)
			if got := list(o.Committed); got != c.committed {
				t.Errorf("committed are %q, want %q", got, c.committed)
			}
			if got := list(o.Uncommitted); got != c.uncommitted {
				t.Errorf("uncommitted are %q, want %q", got, c.uncommitted)
			}
			if got := strings.Join(gaps, " "); got != c.gaps {
				t.Errorf("gaps are %q, want %q", got, c.gaps)
			}
			if len(o.Conflicts) != c.conflicts {
				t.Errorf("conflicts are %q", o.Conflicts)
			}
		})
	}
}

// TestMerge_WhereTheCounterBegins has servers that count from a number near the end. An
// epoch that begins there has no gap, and its beginning proves the end of the epoch
// before.
func TestMerge_WhereTheCounterBegins(t *testing.T) {
	const first = 1<<counterBits - 3
	for name, c := range map[string]struct {
		logs                         [3]string
		end                          string
		committed, uncommitted, gaps string
	}{
		"each from there": {[3]string{"1.4294967293 1.4294967294 2.4294967293", "1.4294967293 1.4294967294 2.4294967293", "1.4294967293 | 1.4294967294"}, "2.4294967293", "1.4294967293 1.4294967294 2.4294967293", "", ""},
		"a tail":          {[3]string{"1.4294967293 2.4294967293", "1.4294967293 2.4294967293", "1.4294967293 1.4294967294 | 2.4294967293"}, "2.4294967293", "1.4294967293 2.4294967293", "1.4294967294", ""},
		"another leader":  {[3]string{"1.1 2.1", "1.1 2.1", "1.1 2.1"}, "2.1", "1.1 2.1", "", "1.2-2.0"}, // a beginning that is none proves nothing
		"one is missing":  {[3]string{"1.4294967294", "1.4294967294", "1.4294967294"}, "1.4294967294", "1.4294967294", "", "1.4294967293-1.4294967293"},
	} {
		var servers []*Server
		for i, text := range c.logs {
			servers = append(servers, server(t, fmt.Sprintf("zk%d", i+1), text))
		}
		o := Merge(servers, zxid(t, c.end), first)
		gaps := ranges(o.Gaps)
		if got := list(o.Committed); got != c.committed {
			t.Errorf("%s: committed are %q, want %q", name, got, c.committed)
		}
		if got := list(o.Uncommitted); got != c.uncommitted {
			t.Errorf("%s: uncommitted are %q, want %q", name, got, c.uncommitted)
		}
		if got := strings.Join(gaps, " "); got != c.gaps {
			t.Errorf("%s: gaps are %q, want %q", name, got, c.gaps)
		}
	}
}

func list(entries []Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, written(e.Zxid))
	}
	return strings.Join(all, " ")
}

// TestSnapshot_WithoutADigest reads snapshots of servers with digest.enabled=false.
func TestSnapshot_WithoutADigest(t *testing.T) {
	whole := file(t, "zk3/snapshot.200000007")
	const digest, last, seal = 20, 8, 13
	tree := whole[:len(whole)-digest-last-2*seal]
	without := append(bytes.Clone(tree), whole[len(whole)-last-seal:len(whole)-seal]...)
	without = binary.BigEndian.AppendUint64(without, uint64(adler32.Checksum(without)))
	without = append(without, 0, 0, 0, 1, '/')
	want, err := ReadSnapshot(whole)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadSnapshot(without); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("without a digest: %v", err)
	}
}

// TestSnapshot_OfServersSetUpOtherwise reads snapshots that ZooKeeper 3.9.3 has written after
// the same writes: as shipped, with digest.enabled=false, with
// serializeLastProcessedZxid.enabled=false, and with both.
func TestSnapshot_OfServersSetUpOtherwise(t *testing.T) {
	for _, form := range []string{"plain", "no-digest", "no-zxid", "neither"} {
		tree, err := ReadSnapshot(file(t, "forms/"+form))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		var nodes []string
		for n := range tree.Nodes() {
			nodes = append(nodes, fmt.Sprintf("%s %q v%d %x %t", n.Path, n.Data, n.Version, n.Czxid, n.Owner != 0))
		}
		want := `/ "" v0 0 false, /a "four" v1 2 false, /a/b-0000000000 "two" v0 3 false, /e "three" v0 4 true`
		if got := strings.Join(nodes, ", "); got != want {
			t.Errorf("%s: %s, want %s", form, got, want)
		}
	}
}

func TestSnapshot_TornOrDamaged(t *testing.T) {
	whole := file(t, "zk3/snapshot.200000007")
	want, err := ReadSnapshot(whole)
	if err != nil {
		t.Fatal(err)
	}
	older := 0 // versions that end where this one goes on
	for cut := range len(whole) {
		if got, err := ReadSnapshot(whole[:cut]); err == nil {
			older++
			if !reflect.DeepEqual(got, want) {
				t.Errorf("cut at %d: another tree", cut)
			}
		}
	}
	if older != 2 {
		t.Errorf("%d beginnings of a snapshot are snapshots, not 2", older)
	}
	for at := range len(whole) {
		b := bytes.Clone(whole)
		b[at] ^= 1
		if _, err := ReadSnapshot(b); err == nil {
			t.Errorf("byte %d changed without an error", at)
		}
	}
	if _, err := ReadSnapshot(append(bytes.Clone(whole), 1)); err == nil {
		t.Error("bytes after the end give no error")
	}
}

// TestServer_SkipsAnIncompleteSnapshot takes the snapshot before it, as a server does.
func TestServer_SkipsAnIncompleteSnapshot(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"log.100000001", "snapshot.0", "snapshot.200000007", "snapshot.200000008"} {
		b := file(t, "zk3/"+name)
		if name == "snapshot.200000008" {
			b = b[:len(b)/2]
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ReadServer("zk3", dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{0, 0x200000007}; !slices.Equal(s.Snapshots, want) {
		t.Errorf("snapshots are %x, want %x", s.Snapshots, want)
	}
	if len(s.LeftOut) != 1 || !strings.HasPrefix(s.LeftOut[0], "snapshot.200000008: damaged at byte ") {
		t.Errorf("left out are %q", s.LeftOut)
	}
}

func TestServer_RefusesUnreadableFiles(t *testing.T) {
	put := func(name string, b []byte) string {
		dir := t.TempDir()
		for file, content := range map[string][]byte{name: b, "log.1": file(t, "zk1/log.100000001")} {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		return dir
	}
	if _, err := ReadServer("zk1", put("snapshot.5.gz", nil)); !errors.Is(err, ErrCompressed) || !strings.Contains(err.Error(), "snapshot.5.gz") {
		t.Errorf("a compressed snapshot: %v", err)
	}
	if _, err := ReadServer("zk1", t.TempDir()); err == nil || !strings.Contains(err.Error(), "neither a transaction log nor a snapshot") {
		t.Errorf("an empty folder: %v", err)
	}
	damaged := bytes.Clone(file(t, "zk1/log.100000001"))
	damaged[200] ^= 1
	_, err := ReadServer("zk1", put("log.2", damaged))
	if _, ok := errors.AsType[*Damage](err); !ok || !strings.Contains(err.Error(), "log.2") {
		t.Errorf("a damaged log: %v", err)
	}
}

// ranges writes gaps as the tests do.
func ranges(gaps []Gap) []string {
	var texts []string
	for _, g := range gaps {
		texts = append(texts, written(g.From)+"-"+written(g.To))
	}
	return texts
}
