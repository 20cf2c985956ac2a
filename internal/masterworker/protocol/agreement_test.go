package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/spec/tla"
)

const answersFile = "testdata/tlc.json"

// answers are what TLC said of the corpus and of its mutants: for each trace, how many
// of its writes it could follow.
type answers struct {
	TLC     string            `json:"tlc"`
	Seconds float64           `json:"seconds"`
	SHA256  map[string]string `json:"sha256"` // of what TLC was given
	Corpus  []int             `json:"corpus"`
	Mutants []int             `json:"mutants"`
}

// judged are the corpus and its mutants, and the module that TLC reads them from.
func judged(t testing.TB) (corpus []Trace, changed []mutant, all []Trace, module []byte) {
	t.Helper()
	corpus = readCorpus(t)
	changed = mutants(corpus)
	all = slices.Clone(corpus)
	for i := range changed {
		all = append(all, changed[i].trace)
	}
	var b bytes.Buffer
	if err := WriteTraceData(&b, all); err != nil {
		t.Fatal(err)
	}
	return corpus, changed, all, b.Bytes()
}

// sums are the checksums of what TLC is given.
func sums(t testing.TB, module []byte) map[string]string {
	t.Helper()
	sums := map[string]string{"TraceData.tla": fmt.Sprintf("%x", sha256.Sum256(module))}
	for _, name := range tla.TraceFiles {
		data, err := tla.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sums[name] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return sums
}

// TestFollow_AgreesWithTLC holds what Follow says of the corpus and of its mutants against
// what TLC has said of the very same: not only whether a trace is a behaviour, but at
// which write it ends to be one. The answers are stored with the checksums of what they
// are answers to.
func TestFollow_AgreesWithTLC(t *testing.T) {
	corpus, changed, all, module := judged(t)
	data, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	var stored answers
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	for name, sum := range sums(t, module) {
		if stored.SHA256[name] != sum {
			t.Fatalf("%s is not what TLC was asked about: ask it again, with TLA2TOOLS_JAR and RINGMASTER_ASK_TLC=1", name)
		}
	}
	if len(stored.Corpus) != len(corpus) || len(stored.Mutants) != len(changed) || len(changed) < 1000 {
		t.Fatalf("%d answers for %d traces and %d for %d mutants", len(stored.Corpus), len(corpus), len(stored.Mutants), len(changed))
	}
	compare(t, all, changed, append(slices.Clone(stored.Corpus), stored.Mutants...))
}

// compare holds Follow against TLC.
func compare(t *testing.T, all []Trace, changed []mutant, followed []int) {
	t.Helper()
	corpus := len(all) - len(changed)
	total, survived := map[string]int{}, map[string]int{}
	for i := range all {
		o := Follow(&all[i])
		what := fmt.Sprintf("trace %d (%s)", i, all[i].Name())
		if o.GaveUp || o.At != followed[i] {
			t.Errorf("%s, mutant %d: Follow goes as far as %d, TLC as far as %d: %s", what, i-corpus, o.At, followed[i], o.Why)
		}
		if i >= corpus {
			m := &changed[i-corpus]
			what = m.String()
			if m.kind == lostAnswer {
				if !o.Accepted {
					t.Errorf("%s: %s", what, o.Why)
				}
				continue
			}
			total[m.kind]++
			if o.Accepted {
				survived[m.kind]++
			}
		} else if !o.Accepted {
			t.Errorf("%s of the corpus is rejected: %s", what, o.Why)
		}
	}
	rejected, sum, said, saidRejected := 0, 0, 0, 0
	for kind := range total {
		rejected += total[kind] - survived[kind]
		sum += total[kind]
		if !slices.Contains([]string{"drop", "duplicate", "swap", "unanswered"}, kind) {
			saidRejected += total[kind] - survived[kind]
			said += total[kind]
		}
	}
	t.Logf("%d of %d mutants are rejected, %d of the %d in which a write says something else; of each kind: %v; not rejected: %v",
		rejected, sum, saidRejected, said, total, survived)
	if rejected*100 < sum*87 || saidRejected*100 < said*96 || sum < 1000 {
		t.Errorf("only %d of %d mutants are rejected, %d of %d", rejected, sum, saidRejected, said)
	}
}

// TestCorpus_AsksTLC asks TLC about the corpus and its mutants, and with RINGMASTER_ASK_TLC=1
// stores the answers.
func TestCorpus_AsksTLC(t *testing.T) {
	if os.Getenv(tlc.Variable) == "" {
		t.Skipf("skipped %s: without %s TLC's stored answers are used, see TestFollow_AgreesWithTLC", t.Name(), tlc.Variable)
	}
	checker, err := tlc.Find()
	if err != nil {
		t.Fatal(err)
	}
	corpus, changed, all, module := judged(t)
	dir := t.TempDir()
	if err := tlc.Write(dir, tla.Files, tla.TraceFiles...); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "TraceData.tla"), module, 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	outcome, err := checker.Run(t.Context(), dir, tlc.Job{Module: tla.TraceModule})
	printed := outcome.Printed
	if err != nil {
		t.Fatalf("%v: %s", err, tail(printed))
	}
	took := time.Since(began)
	followed, err := ReadAnswers(printed, all)
	if err != nil {
		t.Fatalf("%v: %s", err, tail(printed))
	}
	t.Logf("%d traces, %d mutants: %v", len(corpus), len(changed), took)
	compare(t, all, changed, followed)
	if os.Getenv("RINGMASTER_ASK_TLC") == "" || t.Failed() {
		return
	}
	version, _, _ := bytes.Cut([]byte(printed), []byte("\n"))
	data, err := json.Marshal(answers{
		TLC: string(version), Seconds: took.Round(time.Second / 10).Seconds(), SHA256: sums(t, module),
		Corpus: followed[:len(corpus)], Mutants: followed[len(corpus):],
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(answersFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tail(s string) string { return s[max(0, len(s)-3000):] }
