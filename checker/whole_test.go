package checker

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// violatedRun is the committed run with a defect that is in its history alone: a lamp
// broke.
func violatedRun(t *testing.T) record.Run {
	t.Helper()
	run := recordtest.Committed(t)
	last := run.Events[len(run.Events)-1]
	run.Events = append(slices.Clone(run.Events), record.Event{Seq: last.Seq + 1, At: last.At, Process: "harness", Type: record.Note, Kind: broke, Of: record.Own{Object: "lamp-1"}})
	if r := check(run); r.Verdict != Invalid {
		t.Fatalf("the planted defect is not seen: %s", r.Verdict)
	}
	return run
}

// TestCheckRecord_LossProvesNothing takes one thing after the other from a valid run and from one
// with a planted defect: what is left is neither valid nor invalid, and the reason names
// what is wrong and what to do.
func TestCheckRecord_LossProvesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		take func(run *record.Run)
		says string
	}{
		"no manifest":                   {func(r *record.Run) { r.Manifest = nil }, "no manifest"},
		"a file was cut":                {func(r *record.Run) { r.Losses = []record.Loss{{File: record.HistoryFile, Problem: "was cut"}} }, "history.ndjson was cut"},
		"no wire":                       {func(r *record.Run) { r.Exchanges = nil }, "wire.ndjson is missing"},
		"no commits":                    {func(r *record.Run) { r.Commits = nil }, "committed.ndjson is missing"},
		"neither wire nor commits":      {func(r *record.Run) { r.Exchanges, r.Commits = nil, nil }, "wire.ndjson is missing"},
		"no evidence":                   {func(r *record.Run) { r.Evidence = nil }, "evidence.json is missing"},
		"a wire that was not recorded":  {func(r *record.Run) { r.Manifest.Absent = []record.Absence{{Name: record.WireFile}} }, "wire.ndjson exists"},
		"not healed, and no reason":     {func(r *record.Run) { r.Evidence.Healed = false }, "did not recover, but not why"},
		"not drained, and no reason":    {func(r *record.Run) { r.Evidence.Drained = false }, "left undone, but not why"},
		"healed, and no tree":           {func(r *record.Run) { r.Evidence.Nodes = nil }, "no final tree"},
		"no order":                      {func(r *record.Run) { r.Evidence.Order = "" }, "not a known source"},
		"an order from elsewhere":       {func(r *record.Run) { r.Evidence.Order = "hearsay" }, "not a known source"},
		"no last zxid":                  {func(r *record.Run) { r.Evidence.Last = 0 }, "up to which zxid"},
		"from the tree, without reason": {func(r *record.Run) { r.Evidence.Order = record.FromTree }, "does not say why the order"},
		"from the tree, and commits":    {func(r *record.Run) { r.Evidence.Order, r.Evidence.Weaker = record.FromTree, "no copy" }, "committed.ndjson exists"},
		"something that no judge expects": {func(r *record.Run) {
			r.Evidence.Nodes = nil
			r.Losses = []record.Loss{{Problem: "cannot be understood"}}
		}, "cannot be understood"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, run := range []record.Run{recordtest.Committed(t), violatedRun(t)} {
				c.take(&run)
				r := check(run)
				p := find(t, r, RecordComplete)
				if r.Verdict != Unknown || p.Verdict != Unknown || !strings.Contains(p.Reason, c.says) || !strings.Contains(p.Reason, remedy) {
					t.Errorf("%s; %s: %s", r.Verdict, p.Verdict, p.Reason)
				}
				for _, p := range r.Properties {
					if p.Verdict != Unknown || p.Reason == "" {
						t.Errorf("%s is %s: %s", p.Name, p.Verdict, p.Reason)
					}
				}
				if found, whole := CheckRecord(run); whole || found.Reason != p.Reason {
					t.Errorf("the record alone: %v, %s", whole, found.Reason)
				}
			}
		})
	}
}

// TestCheckRecord_MissingDigests: of servers whose files were read, evidence has both digests
// or says why not. A digest that is missing is no difference.
func TestCheckRecord_MissingDigests(t *testing.T) {
	for name, take := range map[string]func(e *record.Evidence){
		"no server":                   func(e *record.Evidence) { e.Servers = nil },
		"nothing served by one":       func(e *record.Evidence) { e.Servers[1].Served = "" },
		"nothing served by the first": func(e *record.Evidence) { e.Servers[0].Served = "" },
		"nothing served by any":       func(e *record.Evidence) { e.Servers[0].Served, e.Servers[1].Served, e.Servers[2].Served = "", "", "" },
		"nothing on one disk":         func(e *record.Evidence) { e.Servers[2].Replayed = "" },
		"nothing on any disk": func(e *record.Evidence) {
			e.Servers[0].Replayed, e.Servers[1].Replayed, e.Servers[2].Replayed = "", "", ""
		},
		"no name": func(e *record.Evidence) { e.Servers[1].Name = "" },
	} {
		t.Run(name, func(t *testing.T) {
			run := recordtest.Committed(t)
			take(run.Evidence)
			r := check(run)
			if p := find(t, r, "ServersAgree"); r.Verdict != Unknown || p.Verdict != Unknown || !strings.Contains(p.Reason, "evidence.json") || !strings.Contains(p.Reason, remedy) {
				t.Errorf("%s; %s: %s", r.Verdict, p.Verdict, p.Reason)
			}
		})
	}
}

// TestCheckRecord_ExcerptShowsViolationsOnly: a part of a run may show what is wrong, and never that
// nothing is.
func TestCheckRecord_ExcerptShowsViolationsOnly(t *testing.T) {
	for want, run := range map[Verdict]record.Run{Unknown: recordtest.Committed(t), Invalid: violatedRun(t)} {
		run.Manifest = run.Manifest.AsExcerpt("a part of it")
		run.Commits = nil
		r := check(run)
		if p := find(t, r, RecordComplete); r.Verdict != want || p.Verdict != Unknown || !strings.Contains(p.Reason, "a part of it") {
			t.Errorf("%s, want %s; %s: %s", r.Verdict, want, p.Verdict, p.Reason)
		}
	}
}

// TestCheckRecord_WhatCouldNotBeRecorded is no loss: nothing was there that is gone. A run without it
// is not valid, and a violation that is seen without it stays one.
func TestCheckRecord_WhatCouldNotBeRecorded(t *testing.T) {
	for want, run := range map[Verdict]record.Run{Unknown: recordtest.Committed(t), Invalid: violatedRun(t)} {
		run.Commits, run.Evidence.Servers = nil, nil
		run.Evidence.Order, run.Evidence.Weaker = record.FromTree, "zk1: log.1 is damaged"
		run = run.MadeByHand()
		run.Manifest.Absent[0].Failed, run.Manifest.Absent[0].Because = true, run.Evidence.Weaker
		r := check(run)
		if p := find(t, r, RecordComplete); r.Verdict != want || p.Verdict != Unknown || !strings.Contains(p.Reason, "committed.ndjson could not be recorded: zk1: log.1 is damaged") {
			t.Errorf("%s, want %s; %s: %s", r.Verdict, want, p.Verdict, p.Reason)
		}
	}
}

// TestCheckRecord_ContradictionsWithoutAManifest: where nothing says that the files are whole, a
// contradiction between them may come of a file that was cut. With a manifest it is a
// violation.
func TestCheckRecord_ContradictionsWithoutAManifest(t *testing.T) {
	acknowledged := func(run *record.Run) int {
		return slices.IndexFunc(run.Exchanges, func(x record.Exchange) bool { return x.Answered != 0 && x.Error == "" && !x.Close })
	}
	plants := map[string]func(run *record.Run){
		"an exchange is gone": func(run *record.Run) {
			at := acknowledged(run)
			run.Exchanges = slices.Delete(slices.Clone(run.Exchanges), at, at+1)
		},
		"an exchange of another run": func(run *record.Run) { run.Exchanges[acknowledged(run)].Session = "0x77" },
		"a commit is gone": func(run *record.Run) {
			at := slices.IndexFunc(run.Commits, func(c record.Commit) bool { return c.Kind == record.CommitWrite })
			run.Commits = slices.Delete(slices.Clone(run.Commits), at, at+1)
		},
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			run := recordtest.Committed(t)
			plant(&run)
			if r := check(run); r.Verdict != Invalid {
				t.Errorf("with a manifest it is %s", r.Verdict)
			}
			run.Manifest.Inferred = true
			r := check(run)
			if p := find(t, r, RecordComplete); r.Verdict != Unknown || p.Verdict != Unknown || !strings.Contains(p.Reason, "contradicts itself") {
				t.Errorf("%s; %s: %s", r.Verdict, p.Verdict, p.Reason)
			}
			if _, whole := CheckRecord(run); whole {
				t.Error("the record alone is taken for whole")
			}
		})
	}
	for name, says := range map[string]string{"an exchange is gone": "wire.ndjson was cut", "an exchange of another run": "history.ndjson was cut"} {
		run := recordtest.Committed(t) // as on an external ensemble, where nothing says what was committed
		plants[name](&run)
		run.Commits, run.Evidence.Servers, run.Evidence.Order, run.Evidence.Weaker = nil, nil, record.FromTree, "external"
		run = run.MadeByHand()
		run.Manifest.Inferred = true
		if p := find(t, check(run), RecordComplete); p.Verdict != Unknown || !strings.Contains(p.Reason, says) {
			t.Errorf("%s: %s: %s", name, p.Verdict, p.Reason)
		}
	}
	run := recordtest.Committed(t)
	run.Manifest.Inferred = true
	if r := check(run); r.Verdict != Valid {
		t.Errorf("a whole run without a manifest is %s", r.Verdict)
	}
}

// TestCheckRecord_WholeRecordSaysWhatItLacks: what was never recorded is said with its reason.
func TestCheckRecord_WholeRecordSaysWhatItLacks(t *testing.T) {
	run := recordtest.Frozen(t, "accepted")
	if p := find(t, check(run), RecordComplete); p.Verdict != Valid || !strings.Contains(p.Reason, "wire.ndjson (the run was made by hand, without it)") {
		t.Errorf("%s: %s", p.Verdict, p.Reason)
	}
}

// TestCheck_RunThatCannotBeUnderstood: where the recipe's own reading of a run fails, the run
// is unknown. If its record is whole the judges are at fault, and nothing is said against the
// record; without a manifest the record may be.
func TestCheck_RunThatCannotBeUnderstood(t *testing.T) {
	for name, judge := range map[string]func(*Case) Judgement{
		"always": func(*Case) Judgement { panic("boom") },
		"on events": func(c *Case) Judgement {
			if len(c.Events) > 0 {
				panic("boom")
			}
			return lamps.Judge(c)
		},
	} {
		r := Check(violatedRun(t), 1, Judging{Judge: judge})
		if p := find(t, r, RecipeJudged); r.Verdict != Unknown || p.Verdict != Unknown || !strings.Contains(p.Reason, "The judges of the recipe failed, so nothing was judged by them: boom.") {
			t.Errorf("%s: %s; %s: %s", name, r.Verdict, p.Verdict, p.Reason)
		}
		if p := r.Properties[0]; len(r.Properties) != 2 || p.Name != RecordComplete || p.Verdict != Valid {
			t.Errorf("%s: %+v", name, r.Properties)
		}
		older := violatedRun(t)
		older.Manifest = &record.Manifest{Inferred: true}
		r = Check(older, 1, Judging{Judge: judge})
		if p := find(t, r, RecordComplete); r.Verdict != Unknown || p.Verdict != Unknown || !strings.Contains(p.Reason, "cannot be understood: boom") {
			t.Errorf("%s: %s; %s: %s", name, r.Verdict, p.Verdict, p.Reason)
		}
		for _, p := range r.Properties {
			if p.Verdict != Unknown {
				t.Errorf("%s: %s is %s: %s", name, p.Name, p.Verdict, p.Reason)
			}
		}
	}
}
