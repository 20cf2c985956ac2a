package campaign

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

func TestShard_SetRefusesBadParts(t *testing.T) {
	for _, text := range []string{"", "2", "0/3", "4/3", "-1/3", "a/3", "1/b", "1/0", "1/2/3"} {
		if err := new(Shard).Set(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// TestLoop_ShardsAddUpToTheWhole does a campaign whole and in three parts.
func TestLoop_ShardsAddUpToTheWhole(t *testing.T) {
	seeds := func(shard Shard) (all []uint64) {
		run := func(_ context.Context, seed uint64) Outcome {
			all = append(all, seed)
			return Outcome{Seed: seed, Verdict: checker.Valid}
		}
		if _, err := Loop(t.Context(), Limits{Runs: 10, First: 5, Shard: shard}, run, kept, new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
		return all
	}
	whole := seeds(Shard{})
	var parts []uint64
	for _, text := range []string{"1/3", "2/3", "3/3"} {
		var s Shard
		if err := s.Set(text); err != nil || s.String() != text {
			t.Fatalf("%q: %v, %v", text, s, err)
		}
		parts = append(parts, seeds(s)...)
	}
	slices.Sort(parts)
	if len(whole) != 10 || !slices.Equal(whole, parts) {
		t.Errorf("whole %v, in parts %v", whole, parts)
	}
}

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
			if err := keep(Outcome{Seed: uint64(10*len(verdicts) + i), Verdict: v, Tasks: 7}); err != nil {
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

// TestLoop_EndsWhenARunCannotBeKept stops at once, because later runs would be lost too.
func TestLoop_EndsWhenARunCannotBeKept(t *testing.T) {
	full := errors.New("disk full")
	runs := 0
	run := func(context.Context, uint64) Outcome { runs++; return Outcome{Verdict: checker.Valid} }
	if _, err := Loop(t.Context(), Limits{Runs: 3}, run, func(Outcome) error { return full }, new(bytes.Buffer)); !errors.Is(err, full) || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
}
