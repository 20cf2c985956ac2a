package mutants

import (
	"errors"
	"strings"
	"testing"
)

// TestFailures_ReadsTheOutputOfGoTest counts names only if go test has failed. Tests that
// were not built, or not run, prove nothing.
func TestFailures_ReadsTheOutputOfGoTest(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, c := range []struct {
		printed string
		ended   error
		names   string
		hung    bool
		problem string
	}{
		{"--- FAIL: TestA (0.0s)\n    --- FAIL: TestA/b (0.0s)\nFAIL", failed, "TestA TestA/b", false, ""},
		{"panic: test timed out after 5s\n\trunning tests:\n\t\tTestC (5s)\n", failed, "TestC", true, ""},
		{"    log: --- FAIL: TestA (0.0s)\n--- FAIL: TestA\nok", nil, "", false, ""},
		{"--- FAIL: TestA (0.0s)\nFAIL\tx [build failed]", failed, "", false, "build failed"},
		{"ok\tx\t0.1s [no tests to run]", nil, "", false, "no tests to run"},
		{"signal: killed", failed, "", false, "the output names no failed test"},
	} {
		names, hung, problem := failures(c.printed, c.ended)
		if strings.Join(names, " ") != c.names || hung != c.hung || (problem == "") != (c.problem == "") || !strings.Contains(problem, c.problem) {
			t.Errorf("%q: %q, %v, %q", c.printed, names, hung, problem)
		}
	}
}
