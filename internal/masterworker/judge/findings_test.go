package judge

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestFindings_SayTheSameAfterTheyWereStored judges every frozen history, and makes the
// sentences again from what verdict.json has.
func TestFindings_SayTheSameAfterTheyWereStored(t *testing.T) {
	codes := map[wording.Code]bool{}
	texts := wording.Merge(wording.Everywhere(), leadership.Texts(), texts)
	hold := func(t *testing.T, run record.Run) {
		r := check(run)
		data, err := json.Marshal(r.Report)
		var stored checker.Report
		if err == nil {
			err = json.Unmarshal(data, &stored)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, whole := checker.CheckRecord(run)
		for i, p := range stored.Properties {
			if !whole && p.Name != checker.RecordComplete {
				continue // what it says is what is left of it
			}
			if p.Verdict == checker.Valid || p.Verdict == checker.Skipped {
				if len(p.Findings) > 0 {
					t.Errorf("%s is %s, with findings", p.Name, p.Verdict)
				}
				continue
			}
			if len(p.Findings) == 0 {
				t.Errorf("%s is %s, without a finding: %s", p.Name, p.Verdict, p.Reason)
			}
			for n, f := range p.Findings {
				codes[f.Code] = true
				if !f.Repeats(r.Properties[i].Findings[n]) || !r.Properties[i].Findings[n].Repeats(f) {
					t.Errorf("%s: %+v is not the finding that it was stored as", p.Name, f)
				}
			}
			if said := texts.Sentences(p.Findings, p.More); p.Name != checker.RecordComplete && said != p.Reason || strings.Contains(said, "<nil>") {
				t.Errorf("%s: it says %q, and the findings say %q", p.Name, p.Reason, said)
			}
		}
	}
	for _, path := range frozenFiles(t, "*.evidence.json") {
		name := strings.TrimSuffix(filepath.Base(path), ".evidence.json")
		t.Run(name, func(t *testing.T) { hold(t, recordtest.Frozen(t, name)) })
	}
	for _, path := range frozenFiles(t, "*-bad.wire.ndjson") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			run := recordtest.Frozen(t, "accepted")
			var err error
			if run.Exchanges, err = record.ReadExchanges(path); err != nil {
				t.Fatal(err)
			}
			hold(t, run.MadeByHand())
		})
	}
	if len(codes) < 35 {
		t.Errorf("the frozen histories show only %d codes: %v", len(codes), codes)
	}
}

func frozenFiles(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(recordtest.Folder(t), pattern))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d frozen histories, %v", len(paths), err)
	}
	return paths
}

// TestFindings_TellTheMomentOfTheStory: a write has one time, which its verdict and its story
// tell.
func TestFindings_TellTheMomentOfTheStory(t *testing.T) {
	run := recordtest.Frozen(t, "AtomicTransitions-bad")
	index := record.NewIndex(run, record.TaskObjects())
	for _, p := range check(run).Violations() {
		for _, f := range p.Findings {
			for i := range index.Writes {
				w := &index.Writes[i]
				if slices.Contains(f.Events, w.Invoke.Seq) && (f.Args["at"] != index.Moment(i) || w.Done.At == w.Invoke.At) {
					t.Errorf("%s: %v, and the write was answered at %v", p.Name, f.Args["at"], index.Moment(i))
				}
			}
		}
	}
}
