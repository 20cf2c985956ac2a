package campaign

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// TestLog_AddsUp keeps runs in two files, reads them again and adds them up.
func TestLog_AddsUp(t *testing.T) {
	dir := t.TempDir()
	var logs []Log
	for name, verdicts := range map[string][]checker.Verdict{"a.json": {checker.Valid, checker.Invalid}, "b.json": {checker.Valid}} {
		path := filepath.Join(dir, name)
		keep, err := Keeper(path, "c0ffee", "run")
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range verdicts {
			if err := keep(Outcome{Seed: uint64(10*len(verdicts) + i), Verdict: v, Objects: 7, Of: "tasks"}); err != nil {
				t.Fatal(err)
			}
		}
		again, err := Keeper(path, "c0ffee", "run") // a later call goes on
		if err == nil {
			err = again(Outcome{Seed: uint64(10 * len(verdicts)), Verdict: checker.Valid})
		}
		if err == nil {
			t.Errorf("%s: a seed was counted twice", name)
		}
		log, err := ReadLog(path)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, log)
	}
	var sum Log
	for _, l := range logs {
		for _, b := range l.Batches {
			if err := sum.Add(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	code, err := sum.Write(&out)
	if err != nil || code != exit.Invalid || !strings.Contains(out.String(), "3 runs in 0s: 2 valid, 0 unknown, 0 vacuous, 1 invalid, 0 failed; 21 tasks") {
		t.Errorf("exit code %d, %v\n%s", code, err, out.String())
	}
	other := Batch{Commit: "another", Asked: "run", Runs: []Outcome{{Seed: 10, Verdict: checker.Valid}}}
	if err := sum.Add(other); err != nil || len(sum.Batches) != 2 {
		t.Errorf("another commit: %v, %d batches", err, len(sum.Batches))
	}
}
