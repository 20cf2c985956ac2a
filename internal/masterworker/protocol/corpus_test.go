package protocol

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

const corpusFile = "testdata/corpus.ndjson"

// readCorpus reads the corpus: a trace a line.
func readCorpus(t testing.TB) []Trace {
	t.Helper()
	file, err := os.Open(corpusFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []Trace
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var trace Trace
		if err := json.Unmarshal(lines.Bytes(), &trace); err != nil {
			t.Fatal(err)
		}
		all = append(all, trace)
	}
	return all
}

// TestCorpus_Make draws the corpus anew from those runs in which tasks are collected in
// parts, and from recorded ones: RINGMASTER_RUNS lists their folders, or is none. What is
// in the corpus and still a behaviour stays: a change of the protocol throws out no trace
// that it does not concern. Of all others it takes those that show something which none
// before shows: a kind of write with an answer, one kind after another, a session that
// ended unseen, a write that was never answered. Traces that come first may show the same
// several times.
func TestCorpus_Make(t *testing.T) {
	runs := os.Getenv("RINGMASTER_RUNS")
	if runs == "" {
		t.Skipf("skipped %s: the corpus is there; RINGMASTER_RUNS=folder,... draws another", t.Name())
	}
	d := draw{seen: map[string]int{}}
	for _, trace := range readCorpus(t) {
		if o := Follow(&trace); o.Accepted {
			d.take(t, trace, features(&trace, o))
		}
	}
	drawn := func(from string, exchanges []record.Exchange, budget int32) {
		for _, trace := range Split(exchanges, budget) {
			if len(trace.Writes) > 150 {
				trace = cut(trace, 150)
			}
			o := Follow(&trace)
			if !o.Accepted {
				t.Fatalf("%s: %s: %s", from, trace.Name(), o.Why)
			}
			d.consider(t, trace, o)
		}
	}
	for _, run := range partRuns {
		drawn(run.says, recorded(t, run.run), partAttempts)
	}
	for _, dir := range strings.FieldsFunc(strings.TrimPrefix(runs, "none"), func(r rune) bool { return r == ',' }) {
		exchanges, err := record.ReadExchanges(filepath.Join(dir, "wire.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		drawn(dir, exchanges, 5)
	}
	if err := os.WriteFile(corpusFile, d.out, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d traces, %d bytes, %d features", d.count, len(d.out), len(d.seen))
}

// draw is a corpus that is being drawn.
type draw struct {
	seen  map[string]int // how often each feature is shown
	out   []byte
	count int
}

// consider takes a trace if it shows something that is not shown often enough yet.
func (d *draw) consider(t *testing.T, trace Trace, o Outcome) {
	const generous = 190 << 10
	enough := 4
	if len(d.out) > generous {
		enough = 1
	}
	features := features(&trace, o)
	if slices.ContainsFunc(features, func(f string) bool { return d.seen[f] < enough }) {
		d.take(t, trace, features)
	}
}

// take takes a trace if there is room for it.
func (d *draw) take(t *testing.T, trace Trace, features []string) {
	const limit = 360 << 10
	for i := range trace.Writes {
		trace.Writes[i].Exchange = 0
	}
	for i := range trace.Floats {
		trace.Floats[i].Exchange = 0
	}
	line, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.out)+len(line) > limit {
		return
	}
	for _, f := range features {
		d.seen[f]++
	}
	d.out = append(append(d.out, line...), '\n')
	d.count++
}

// cut keeps the beginning of a long trace.
func cut(t Trace, n int) Trace {
	t.Writes = t.Writes[:n]
	var floats []Float
	for _, f := range t.Floats {
		if f.Since <= n {
			f.Until = min(f.Until, n)
			floats = append(floats, f)
		}
	}
	t.Floats = floats
	return t
}

// features are what a trace shows.
func features(t *Trace, o Outcome) []string {
	all := []string{fmt.Sprintf("states %d", min(o.Most, 3)), fmt.Sprintf("floats %d", min(len(t.Floats), 3)), fmt.Sprintf("claims %v", t.Task == "")}
	before := Kind("")
	for i := range t.Writes {
		w := &t.Writes[i]
		all = append(all, fmt.Sprintf("%s %s %d %s", w.Kind, w.Error, w.Index, w.How))
		if w.Left {
			all = append(all, fmt.Sprintf("%s of a worker that left", w.Kind))
		}
		if w.From > 0 && w.Token.Epoch > 0 && w.Token.Epoch < w.Epoch {
			all = append(all, fmt.Sprintf("%s of an earlier epoch's assignment", w.Kind))
		}
		if t.Task != "" && before != "" && w.Kind != Elect && w.Kind != Register && w.Kind != Retire && w.Kind != Close {
			all = append(all, fmt.Sprintf("%s after %s", w.Kind, before))
		}
		if w.Kind != Elect && w.Kind != Register && w.Kind != Retire && w.Kind != Close {
			before = w.Kind
		}
	}
	for i := range t.Floats {
		all = append(all, fmt.Sprintf("unanswered %s", t.Floats[i].Kind))
	}
	return all
}
