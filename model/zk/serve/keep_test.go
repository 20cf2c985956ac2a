package serve

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// opens an ensemble that keeps its state in a directory, and ends with the test.
func opens(t *testing.T, dir string, options Options) *Ensemble {
	t.Helper()
	e, err := Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// snapshot is all that the ensemble has, as bytes.
func (e *Ensemble) snapshot() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state().encode()
}

// act does something at random as a client, or as time does.
func act(e *Ensemble, conns []*conn, dice *rand.Rand) {
	c := conns[dice.IntN(len(conns))]
	path := func() string { return strings.Repeat("/"+string('a'+rune(dice.IntN(3))), 1+dice.IntN(2)) }
	acl := []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "world", ID: "anyone"}}
	if dice.IntN(3) == 0 {
		acl = append(acl, zkapi.ACL{Perms: zkapi.PermRead, Scheme: "ip", ID: "10.0.0.0/8"})
	}
	var body jute.Encoder
	encodeACLs := func() { storeACL(&body, acl) }
	create := func() {
		body.String(path())
		body.Buffer([][]byte{nil, {}, []byte("data")}[dice.IntN(3)])
		encodeACLs()
		body.Int32(int32(dice.IntN(5)))
	}
	op := []opcode{opCreate, opCreate2, opCreate, opSet, opDelete, opSetACL, opMulti, opCreateTTL, opClose, opReconfig}[dice.IntN(10)]
	switch op {
	case opCreate, opCreate2:
		create()
	case opCreateTTL:
		body.String(path())
		body.Buffer(nil)
		encodeACLs()
		body.Int32(5)
		body.Int64(int64(dice.IntN(1000)))
	case opSet:
		body.String(path())
		body.Buffer([]byte("set"))
		body.Int32(-1)
	case opDelete:
		body.String(path())
		body.Int32(-1)
	case opSetACL:
		body.String(path())
		encodeACLs()
		body.Int32(-1)
	case opMulti:
		for range 1 + dice.IntN(2) {
			partHeader(&body, opCreate, -1)
			create()
		}
		partsEnd(&body)
	case opClose:
		if dice.IntN(4) == 0 {
			c.session.end(expired)
			c.session = e.open(c, time.Hour)
		}
		return
	}
	d := jute.Decoder{Rest: body.Bytes}
	var to jute.Encoder
	_ = handlers[op](c, &d, &to)
}

// busy is an ensemble that has done much at random.
func busy(t *testing.T, dir string, options Options, seed uint64, much int) *Ensemble {
	t.Helper()
	e := opens(t, dir, options)
	dice := rand.New(rand.NewPCG(seed, 0))
	e.mu.Lock()
	defer e.mu.Unlock()
	var conns []*conn
	for range 3 {
		c := &conn{member: e.members[0], name: "test", ids: []identity{{"ip", "127.0.0.1"}}}
		c.session = e.open(c, time.Hour)
		conns = append(conns, c)
	}
	for _, path := range []string{"/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits", "/zookeeper/quota/a/zookeeper_stats"} {
		_, _ = conns[0].apply([]zk.Part{{Op: zkapi.Create(path, nil, zkapi.Persistent)}}) // it may be there
	}
	for range much {
		act(e, conns, dice)
		if dice.IntN(100) == 0 {
			e.disk.Replace(e.state().encode)
		}
	}
	return e
}

// TestOpen_GoesOnWhereItEnded compares everything after each of several ends.
func TestOpen_GoesOnWhereItEnded(t *testing.T) {
	for seed := range uint64(10) {
		for _, members := range []int{1, 3} {
			dir := t.TempDir()
			for life := range uint64(3) {
				e := busy(t, dir, Options{Members: members}, seed*3+life, 150)
				want := e.snapshot()
				e.Close()
				again := opens(t, dir, Options{})
				if members == 1 && !bytes.Equal(again.snapshot(), want) {
					t.Fatalf("seed %d, life %d: the state is not as it was: %v", seed, life, sameBut(again, e))
				}
				if err := sameBut(again, e); members > 1 && err != nil {
					t.Fatalf("seed %d, life %d: %v", seed, life, err)
				}
				again.Close()
			}
		}
	}
}

// sameBut compares two states but for the epoch of their leaders.
func sameBut(a, b *Ensemble) error {
	x, y := a.Tree(), b.Tree()
	if x.Zxid() != y.Zxid() || !bytes.Equal(x.Save(nil), y.Save(nil)) || len(a.Sessions()) != len(b.Sessions()) {
		return fmt.Errorf("zxids %s and %s, %d and %d znodes", hex(x.Zxid()), hex(y.Zxid()), x.Count(), y.Count())
	}
	return nil
}

// TestOpen_BeginsANewEpoch has zxids that are not given twice.
func TestOpen_BeginsANewEpoch(t *testing.T) {
	dir := t.TempDir()
	for epoch := int64(1); epoch < 4; epoch++ {
		e := busy(t, dir, Options{Members: 3}, 1, 10)
		if at := e.Tree().Zxid() >> 32; at != epoch {
			t.Errorf("the epoch is %d, want %d", at, epoch)
		}
		e.Close()
	}
}

// TestOpen_AfterACrashInTheMiddle cuts the log at every byte: what is read is a state that was.
func TestOpen_AfterACrashInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	e := opens(t, dir, Options{})
	file := filepath.Join(dir, "state.log")
	read := func() []byte {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	states := map[int][]byte{len(read()): e.snapshot()}
	begin := len(read())
	c := &conn{member: e.members[0], name: "test"}
	dice := rand.New(rand.NewPCG(5, 5))
	e.mu.Lock()
	c.session = e.open(c, time.Hour)
	e.mu.Unlock()
	for range 12 {
		e.mu.Lock()
		act(e, []*conn{c}, dice)
		e.mu.Unlock()
		if !e.durable() {
			t.Fatal(e.Err())
		}
		states[len(read())] = e.snapshot()
	}
	e.Close()
	whole, want := read(), []byte(nil)
	for n := begin; n <= len(whole); n++ {
		if s, isEnd := states[n]; isEnd {
			want = s
		}
		at := t.TempDir()
		if err := os.WriteFile(filepath.Join(at, "state.log"), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := Open(at, Options{})
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
		if !bytes.Equal(again.snapshot(), want) {
			t.Fatalf("%d of %d bytes: another state", n, len(whole))
		}
		again.Close()
	}
}

// TestOpen_RefusesRecordsOfAnotherHistory has a sound log whose record cannot follow.
func TestOpen_RefusesRecordsOfAnotherHistory(t *testing.T) {
	for name, record := range map[string]entry{
		"a zxid that is not its turn": {kind: entryRefused, zxid: 7},
		"a write that is refused":     {kind: entryACL, path: "/none", zxid: 1},
		"a kind that is unknown":      {kind: 99, zxid: 1},
	} {
		dir := t.TempDir()
		e := opens(t, dir, Options{})
		var to jute.Encoder
		record.encode(&to)
		e.disk.Append(to.Bytes)
		e.Close()
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "state.log is damaged at offset") || !strings.Contains(err.Error(), "truncate -s") {
			t.Errorf("%s: %v", name, err)
		}
		if e, err := Open(dir, Options{}); err == nil || strings.Contains(err.Error(), "another process") {
			t.Errorf("%s: the directory is not given free: %v, %v", name, e, err)
		}
	}
}

// TestKeep_MakesSnapshots writes more than a log takes.
func TestKeep_MakesSnapshots(t *testing.T) {
	dir := t.TempDir()
	e := opens(t, dir, Options{})
	c := &conn{member: e.members[0], name: "test"}
	var body jute.Encoder
	body.String("/zookeeper")
	body.Buffer(make([]byte, 1<<20))
	body.Int32(-1)
	for range 40 {
		e.mu.Lock()
		_ = handlers[opSet](c, &jute.Decoder{Rest: body.Bytes}, &jute.Encoder{})
		e.mu.Unlock()
		if !e.durable() {
			t.Fatal(e.Err())
		}
	}
	want := e.snapshot()
	e.Close()
	info, err := os.Stat(filepath.Join(dir, "state.log"))
	if err != nil || info.Size() > 20<<20 {
		t.Errorf("40 MiB were written: %v, %v", info.Size(), err)
	}
	if !bytes.Equal(opens(t, dir, Options{}).snapshot(), want) {
		t.Error("another state")
	}
}

// TestEntry_IsDecodedAsItWas has each kind, and each of them cut short.
func TestEntry_IsDecodedAsItWas(t *testing.T) {
	for _, en := range []entry{
		{kind: entryRefused, time: 1, zxid: 2},
		written(deletion("/a"), nil),
		{kind: entryACL, path: "/a", acl: []zkapi.ACL{{Perms: 1, Scheme: "ip", ID: "::1"}}},
		{kind: entryBegin, session: -3, secret: []byte("sixteen bytes ok"), timeout: time.Second},
		{kind: entryEnd, session: 5},
		{kind: entryEpoch, epoch: 6},
	} {
		var to, again jute.Encoder
		en.encode(&to)
		got, err := decodeEntry(to.Bytes)
		got.encode(&again)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(en) || !bytes.Equal(to.Bytes, again.Bytes) {
			t.Errorf("%+v: %+v, %v", en, got, err)
		}
		for n := range to.Bytes {
			if _, err := decodeEntry(to.Bytes[:n]); err == nil {
				t.Errorf("%+v: %d of %d bytes are understood", en, n, len(to.Bytes))
			}
		}
	}
}

// RenewSnapshot lets the next answer wait for a new snapshot, as that of a long log does.
func (e *Ensemble) RenewSnapshot() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disk.Replace(e.state().encode)
}
