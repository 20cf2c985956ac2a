package torture

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// written puts a value into a file of JSON.
func written(t *testing.T, name string, value any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	data, err := json.Marshal(value)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

type object = map[string]any

func runsOf(seeds ...int) object {
	var runs []object
	for _, seed := range seeds {
		runs = append(runs, object{"seed": seed, "verdict": "valid", "tasks": 100})
	}
	return object{"batches": []object{{"commit": "c0ffee", "asked": "run --time=6s", "runs": runs}}}
}

func TestMerge_AddsUpRunsOrRefuses(t *testing.T) {
	a, b, c := written(t, "a.json", runsOf(1, 3)), written(t, "b.json", runsOf(2)), written(t, "c.json", runsOf(3))
	mine := written(t, "m.json", object{"findings": []object{}})
	sum := filepath.Join(t.TempDir(), "sum.json")
	for _, call := range []struct {
		args []string
		code exit.Code
		says string
	}{
		{[]string{a, b}, exit.Done, "3 runs in 0s: 3 valid"},
		{[]string{a, b, "--results", sum}, exit.Done, "commit c0ffee, run --time=6s"},
		{[]string{a, c}, exit.WrongUse, "seed 3 of commit c0ffee is there already"},
		{[]string{a, mine}, exit.WrongUse, "merge files of one kind"},
		{[]string{mine}, exit.WrongUse, "--results"},
		{[]string{written(t, "x.json", object{"x": 1})}, exit.WrongUse, "was written neither by"},
		{[]string{"nowhere.json"}, exit.WrongUse, "nowhere.json"},
	} {
		code, printed := torture(t, append([]string{"merge"}, call.args...)...)
		if code != call.code || !strings.Contains(printed, call.says) {
			t.Errorf("%v: exit code %d, %q; want %d, %q", call.args, code, printed, call.code, call.says)
		}
	}
	if code, printed := torture(t, "merge", sum); code != exit.Done || !strings.Contains(printed, "3 runs in 0s: 3 valid") {
		t.Errorf("the sum: exit code %d, %q", code, printed)
	}
}
