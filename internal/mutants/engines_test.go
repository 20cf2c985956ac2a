package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestModel_ProvesOnlyWhatItsVerdictSays has exit codes that contradict the verdict, and
// schedules where every state is needed.
func TestModel_ProvesOnlyWhatItsVerdictSays(t *testing.T) {
	verdict := filepath.Join(t.TempDir(), "verdict")
	binary := filepath.Join(t.TempDir(), "torture")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\nmkdir $3/explore && sed 1d "+verdict+" > $3/explore/verdict.json && exit $(sed 1q "+verdict+")\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	known := Entry{ID: "e", World: "--masters 1", Survives: map[string]string{ModelEngine: "so"}}
	for text, want := range map[string]string{
		`0 {"verdict":"valid","counts":{"states":7}}`:               "explained ",
		`4 {"verdict":"valid","counts":{"states":7}}`:               "failed the exit code 4 contradicts the verdict valid: ",
		`0 {"verdict":"valid","counts":{"schedules":7}}`:            "failed some schedules do not prove that the defect survives; leave out --engine, so that every state is visited",
		`21 {"verdict":"unknown","counts":{"states":7}}`:            "failed unknown: the budget ended before every state was visited; give more with --budget",
		`2 {"verdict":"unknown","counts":{"states":7}}`:             "failed crashed with exit code 2",
		`2 {"verdict":"valid","counts":{"states":7}}`:               "failed crashed with exit code 2",
		`22 {"verdict":"vacuous","vacuous":["no task","no fault"]}`: "failed vacuous: no task; no fault",
	} {
		code, json, _ := strings.Cut(text, " ")
		if err := os.WriteFile(verdict, []byte(code+"\n"+json+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		f := Model{States: 1}.Hunt(t.Context(), &Build{binary: binary}, known, time.Minute)
		if got := string(f.Outcome) + " " + f.Problem; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
