package record

import (
	"bytes"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// linesOf are the lines of the frozen records whose names end so, without their headers.
func linesOf(t *testing.T, ending string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash("../internal/masterworker/judge/testdata/*" + ending))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: no file %s", err, ending)
	}
	var all [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.SplitAfter(data, []byte{'\n'}); len(lines) > 2 {
			all = append(all, lines[1:len(lines)-1]...)
		}
	}
	return all
}

// madeLines are lines of events and commits that frozen records lack.
func madeLines(t *testing.T) (events, commits [][]byte) {
	t.Helper()
	by := Life{"worker-2", 3}
	for _, e := range []Event{
		{Seq: 1, At: 2, Process: "client-1", Type: Invoke, Kind: Submit, Op: 3, Of: Submission{ID: "a \"b\" \\ c\n", Due: 7, Created: true, Found: true, InDoubt: true, BacklogFull: true, Problem: "é <&>"}},
		{Seq: 4, Process: "client-1", Life: 2, Type: OK, Kind: Cancel, Of: Answer{Task: "t", ID: "i", Token: Token{1, 2}, State: Done, Result: "r", Problem: "\u2028 \x01"}},
		{Type: Fail, Kind: Execute, Of: Execution{Task: "t", Token: Token{-1, 1 << 30}, Resident: true, Lapsed: true, Result: "\xff"}},
		{Type: Note, Kind: Effect, Of: Act{Task: "t", Accepted: true, Deed: "d", By: by}},
		{Type: Note, Kind: Change, Of: TaskChange{Task: "t", Fate: Finished, Worker: "w"}},
		{Type: Info, Kind: Write, Of: Request{Session: "0x1", Problem: "p", Ops: []Op{{Kind: "create", Path: "/ü", Ephemeral: true, Sequential: true}, {Kind: "set", Path: "/a", Version: -1, Data: `{"a":1}`, Got: 3}}}},
	} {
		line, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, append(line, '\n'))
	}
	for _, line := range []string{
		`{"zxid":4294967297,"session":"0x1","xid":3,"at":5,"servers":["zk1","zk2"],"kind":"write","ops":[{"kind":"delete","path":"/a","version":1}]}`,
		`{"zxid":9,"session":"0x1","kind":"refused","error":"bad version"}`, `{"zxid":10,"session":"0x1","kind":"open"}`,
	} {
		commits = append(commits, []byte(line+"\n"))
	}
	return events, commits
}

// spoilt is a line with a defect, or with another way to say the same.
func spoilt(line []byte, r *rand.Rand) []byte {
	line = bytes.Clone(line)
	at := r.IntN(len(line))
	pieces := []string{`"`, `\`, `,`, `:`, `{`, `}`, ` `, `0`, `-`, `1.5`, `1e3`, `null`, `true`, `[]`, `\u0041`, "é", "\xff", "\t", `9999999999`, `"at":9,`, `"kind":"set",`, `"KIND":"x",`}
	switch piece := pieces[r.IntN(len(pieces))]; r.IntN(4) {
	case 0:
		line[at] = piece[0]
	case 1: // after a separator, where fields and values begin
		if next := bytes.IndexAny(line[at:], ",:{["); next >= 0 {
			at += next + 1
		}
		fallthrough
	case 2:
		line = append(append(bytes.Clone(line[:at]), piece...), line[at:]...)
	default:
		line = append(bytes.Clone(line[:at]), line[min(len(line), at+1+r.IntN(8)):]...)
	}
	return line
}

// readsAlike holds plain against encoding/json on lines and on many spoilt ones. It
// reports how many of the lines plain has read itself.
func readsAlike[T record](t *testing.T, lines [][]byte) (read int) {
	t.Helper()
	p := plain{words: &words{seed: maphash.MakeSeed()}}
	r := rand.New(rand.NewPCG(1, 2))
	alike := func(line []byte) bool {
		var quick, slow T
		if !p.read(line, &quick, Version) {
			return false
		}
		if err := decode(line, &slow, Version); err != nil || !reflect.DeepEqual(quick, slow) {
			t.Fatalf("%s\nis read as %+v\nand encoding/json reads %+v, %v", line, quick, slow, err)
		}
		return true
	}
	for _, line := range lines {
		if alike(line) {
			read++
		}
		if ops := bytes.Index(line, []byte(`"ops":`)); ops >= 0 { // encoding/json merges what comes twice
			again := slices.Concat(line[:ops], []byte(`"ops":[{"kind":"set","path":"/b","version":7,"got":9}],`), line[ops:])
			alike(again)
		}
		for range 40 {
			alike(spoilt(line, r))
		}
	}
	return read
}

// TestPlain_ReadsAsEncodingJSON: plain reads nothing otherwise than encoding/json does,
// and it reads nearly all lines of the kinds that it is for.
func TestPlain_ReadsAsEncodingJSON(t *testing.T) {
	events, commits := madeLines(t)
	wire := linesOf(t, ".wire.ndjson")
	if n := readsAlike[Exchange](t, wire); n != len(wire) {
		t.Errorf("%d of %d exchanges were read", n, len(wire))
	}
	if n := readsAlike[Commit](t, commits); n != len(commits) {
		t.Errorf("%d of %d commits were read", n, len(commits))
	}
	// The escapes of the first three are those that plain leaves to encoding/json.
	if n := readsAlike[Event](t, events); n != len(events)-3 {
		t.Errorf("%d of %d events were read", n, len(events))
	}
}
