package txnlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
)

// The files of testdata are those of an ensemble of three servers of ZooKeeper 3.9.3, of
// whose logs most of the padding was cut off. Every kind of transaction was written, and
// some were refused; the leader, zk3, was cut off with three writes that no other server
// got; the next leader, zk2, was killed after some more. In the end each server
// served a client the tree of finalDigest, at finalZxid.
const (
	finalZxid   = 0x300000005
	finalDigest = "4985481f64ba10b6c9a1f9e480a7aaf697f92c0792542d7ca7f4737d94d75777"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readAll reads a log to where it ends.
func readAll(b []byte) (all []Txn, err error) {
	for t, err := range Read(bytes.NewReader(b)) {
		if err != nil {
			return all, err
		}
		all = append(all, t)
	}
	return all, nil
}

// ends are the offsets behind the header and behind each entry of a whole log.
func ends(b []byte) []int {
	all := []int{headerBytes}
	for {
		at := all[len(all)-1]
		length := int(binary.BigEndian.Uint32(b[at+8:]))
		if length == 0 {
			return all
		}
		all = append(all, at+12+length+1)
	}
}

func TestLog_ReadsEveryKindOfTransaction(t *testing.T) {
	seen := map[Opcode]int{}
	refused := 0
	for _, name := range []string{"zk1/log.100000001", "zk2/log.300000001", "zk3/log.100000001"} {
		txns, err := readAll(file(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range txns {
			seen[txns[i].Opcode]++
			for _, p := range txns[i].Parts {
				seen[p.Opcode]++
			}
			if code, is := txns[i].Refused(); is {
				refused++
				if code != -101 && code != -103 && code != -110 {
					t.Errorf("0x%x was refused with %d", txns[i].Zxid, code)
				}
			}
		}
	}
	for _, opcode := range []Opcode{Create, CreateContainer, Delete, Set, SetACL, Check, Multi, CreateSession, CloseSession, Failed} {
		if seen[opcode] == 0 {
			t.Errorf("no transaction of opcode %d: %v", opcode, seen)
		}
	}
	if refused < 3 {
		t.Errorf("%d were refused", refused)
	}
}

// TestLog_TornAnywhere cuts a log off at every byte, at the end of the file and with
// padding behind, as a server that is killed leaves it.
func TestLog_TornAnywhere(t *testing.T) {
	whole := file(t, "zk1/log.100000001")
	all := ends(whole)
	for cut := range all[len(all)-1] {
		want := -1
		for _, end := range all {
			if end <= cut {
				want++
			}
		}
		for name, torn := range map[string][]byte{"": whole[:cut], " with padding": append(bytes.Clone(whole[:cut]), make([]byte, 5000)...)} {
			txns, err := readAll(torn)
			if err != nil || len(txns) != max(want, 0) {
				t.Fatalf("cut at %d%s: %d transactions, not %d: %v", cut, name, len(txns), want, err)
			}
		}
	}
}

// TestLog_ReadsKindsThatTheFilesLack decodes transactions that are not in the files of
// testdata.
func TestLog_ReadsKindsThatTheFilesLack(t *testing.T) {
	const header = "\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x00\x00\x06" + "\x00\x00\x00\x01\x00\x00\x00\x07" + "\x00\x00\x00\x00\x00\x00\x00\x08"
	const body = "\x00\x00\x00\x02/a" + "\x00\x00\x00\x01x" + "\x00\x00\x00\x01" + "\x00\x00\x00\x1f" + "\x00\x00\x00\x05world" + "\x00\x00\x00\x06anyone"
	for name, c := range map[string]struct {
		bytes string
		want  Txn
	}{
		"create2":                {"\x00\x00\x00\x0f" + body + "\x01" + "\x00\x00\x00\x03", Txn{Opcode: Create2, Parts: []Part{{Opcode: Create2, Path: "/a", Data: []byte("x"), Ephemeral: true, ParentCversion: 3}}}},
		"create with a lifetime": {"\x00\x00\x00\x15" + body + "\x00\x00\x00\x03" + "\x00\x00\x00\x00\x00\x00\x00\x09", Txn{Opcode: CreateTTL, Parts: []Part{{Opcode: CreateTTL, Path: "/a", Data: []byte("x"), ParentCversion: 3, TTLMs: 9}}}},
		"delete of a container":  {"\x00\x00\x00\x14" + "\x00\x00\x00\x02/a", Txn{Opcode: DeleteContainer, Parts: []Part{{Opcode: DeleteContainer, Path: "/a"}}}},
		"close without paths":    {"\xff\xff\xff\xf5", Txn{Opcode: CloseSession}},
		"error with a digest":    {"\xff\xff\xff\xff" + "\xff\xff\xff\x9b" + "\x00\x00\x00\x02" + "\x00\x00\x00\x00\x00\x00\x00\x0a", Txn{Opcode: Failed, Parts: []Part{{Opcode: Failed, Code: -101}}, Digest: 10, HasDigest: true}},
	} {
		c.want.Session, c.want.Cxid, c.want.Zxid, c.want.TimeMs = 5, 6, 0x100000007, 8
		got, ok := decodeTxn([]byte(header + c.bytes))
		if !ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	if _, ok := decodeTxn([]byte(header + "\x00\x00\x00\x63")); ok {
		t.Error("an unknown opcode was read")
	}
}

// TestLog_FindsDamage changes every byte of a log, except the id of the database, which
// nothing depends on, and bytes after the last entry that may begin another one.
func TestLog_FindsDamage(t *testing.T) {
	whole := file(t, "zk1/log.100000001")
	all := ends(whole)
	for at := range len(whole) {
		if last := all[len(all)-1]; 8 <= at && at < headerBytes || last <= at && at < last+12 {
			continue
		}
		for _, by := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[at] ^= by
			_, err := readAll(b)
			damage, ok := errors.AsType[*Damage](err)
			if !ok {
				t.Fatalf("byte %d changed by %x: %v", at, by, err)
			}
			start := 0
			for _, end := range all {
				if end <= at && at < all[len(all)-1] {
					start = end
				}
			}
			if at < all[len(all)-1] && damage.Offset != int64(start) {
				t.Errorf("byte %d changed by %x: %v", at, by, damage)
			}
		}
	}
}

func TestLog_RefusesOtherFiles(t *testing.T) {
	for name, text := range map[string]string{
		"text": "hello, this is no log", "a snapshot": string(file(t, "zk1/snapshot.0")), "another version": "ZKLG\x00\x00\x00\x09aaaabbbb",
	} {
		if _, err := readAll([]byte(text)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	boom := errors.New("boom")
	for _, err := range Read(io.MultiReader(bytes.NewReader(file(t, "zk1/log.100000001")[:500]), failing{boom})) {
		if err != nil && !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestLog_DoesNotTrustALength has entries and counts with enormous lengths.
func TestLog_DoesNotTrustALength(t *testing.T) {
	log := append(bytes.Clone(file(t, "zk1/log.100000001")[:headerBytes]), 1, 2, 3, 4, 5, 6, 7, 8, 0x03, 0xff, 0xff, 0xff, 9)
	snapshot := append(bytes.Clone(file(t, "zk1/snapshot.0")[:headerBytes]), 0x7f, 0xff, 0xff, 0xff, 9)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readAll(log); err != nil {
		t.Errorf("an entry that was being appended: %v", err)
	}
	if _, err := ReadSnapshot(snapshot); err == nil {
		t.Error("a snapshot with 2 billion sessions was read")
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

func FuzzLog(f *testing.F) {
	for _, name := range []string{"zk1/log.100000001", "zk2/log.300000001"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tree := NewTree()
		txns, err := readAll(b)
		if _, damaged := errors.AsType[*Damage](err); err != nil && !damaged {
			t.Errorf("an error other than damage: %v", err)
		}
		for i := range txns {
			tree.Apply(&txns[i])
		}
		Digest(tree.Nodes())
	})
}

func FuzzSnapshot(f *testing.F) {
	for _, name := range []string{"zk1/snapshot.0", "zk3/snapshot.200000007"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tree, err := ReadSnapshot(b); err == nil {
			Digest(tree.Nodes())
		}
	})
}
