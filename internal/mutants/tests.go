package mutants

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Tests are the project's own tests, run by go test.
type Tests struct{}

// Name implements Engine.
func (Tests) Name() string { return TestsEngine }

// Takes implements Engine.
func (Tests) Takes(e Entry) bool { return e.on(TestsEngine) && len(e.Tests) > 0 }

// Alone implements Engine.
func (Tests) Alone() bool { return true }

// Baseline implements Engine: all tests that entries call for.
func (Tests) Baseline(all []Entry) []Entry {
	var calls []string
	for _, e := range all {
		calls = append(calls, e.Tests...)
	}
	slices.Sort(calls)
	return []Entry{{ID: Unmodified, Tests: slices.Compact(calls)}}
}

// The output of go test for a failed test, and for a test that ran out of time: a
// defect may make something run forever.
var failedTest, hungTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`), regexp.MustCompile(`(?m)^\t+(Test\S*) \(\d+\S*s\)$`)

// outOfTime is the reason of a test that go test has stopped.
const outOfTime = "ran out of time"

// Hunt implements Engine. For an entry, the calls follow each other until one fails.
// For the unchanged source, all calls are made, and their leftovers stay.
func (t Tests) Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	if e.ID == Unmodified {
		return t.run(ctx, b, e, budget)
	}
	before, err := counterexamples(b.Source.Dir)
	f := t.run(ctx, b, e, budget)
	if err == nil {
		err = sweep(b.Source.Dir, before)
	}
	if err != nil {
		return f.failed(err.Error())
	}
	return f
}

func (Tests) run(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	f := Finding{ID: e.ID, Engine: TestsEngine, Faults: e.Tests}
	began := time.Now()
	for _, call := range e.Tests {
		args := append([]string{"-count=1", "-timeout", budget.String()}, strings.Fields(call)...)
		printed, err := b.tool(ctx, "test", args...).CombinedOutput()
		f.Seconds = time.Since(began).Seconds()
		names, hung, problem := failures(string(printed), err)
		if problem != "" {
			return f.failed(fmt.Sprintf("go test %s: %s", call, problem))
		}
		if hung {
			f.Reason = outOfTime
		}
		f.Properties = append(f.Properties, names...)
		if len(f.Properties) > 0 && e.ID != Unmodified {
			break
		}
	}
	f.settle(e)
	return f
}

// failures reads the output and the end of go test: the failed tests, whether one of
// them ran out of time, and a problem if the result proves nothing.
func failures(printed string, ended error) (names []string, hung bool, problem string) {
	for _, sign := range []string{"[build failed]", "[setup failed]", "[no tests to run]"} {
		if strings.Contains(printed, sign) {
			return nil, false, strings.Trim(sign, "[]") + ": " + lastLine(printed)
		}
	}
	if ended == nil {
		return nil, false, ""
	}
	for _, match := range failedTest.FindAllStringSubmatch(printed, -1) {
		names = append(names, match[1])
	}
	for _, match := range hungTest.FindAllStringSubmatch(printed, -1) {
		names, hung = append(names, match[1]), true
	}
	if len(names) == 0 {
		problem = fmt.Sprintf("%v, but the output names no failed test: %s", ended, lastLine(printed))
	}
	return names, hung, problem
}
