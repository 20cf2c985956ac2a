package tla

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/tlc"
)

// check runs TLC on MCProtocol, with changes of Protocol.tla, MCProtocol.tla and its
// configuration.
func check(t *testing.T, changes ...[2]string) string {
	t.Helper()
	if os.Getenv(tlc.Variable) == "" {
		t.Skipf("skipped %s: TLC was not found; set %s", t.Name(), tlc.Variable)
	}
	checker, err := tlc.Find()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	done := map[int]bool{}
	for _, name := range []string{"Protocol.tla", "MCProtocol.tla", "MCProtocol.cfg"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for i, change := range changes {
			if strings.Contains(text, change[0]) {
				text, done[i] = strings.ReplaceAll(text, change[0], change[1]), true
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if len(done) != len(changes) {
		t.Fatalf("not all changes of %q could be made", changes)
	}
	outcome, err := checker.Run(t.Context(), dir, tlc.Job{Module: "MCProtocol"})
	if err != nil {
		t.Fatalf("%v: %s", err, outcome.Printed)
	}
	return outcome.Printed
}

// TestTheProtocolHolds explores the machine within the bounds of MCProtocol.cfg, and
// with more workers or lives and fewer claims.
func TestTheProtocolHolds(t *testing.T) {
	few := [][2]string{{"MaxEpoch = 2", "MaxEpoch = 1"}, {"MaxIncarnation = 2", "MaxIncarnation = 1"}}
	for name, c := range map[string]struct {
		counts, depth string
		changes       [][2]string
	}{
		"as it is":            {"2662073 states generated, 280448 distinct", "22", nil},
		"two workers":         {"895421 states generated, 73528 distinct", "21", append(few, [2]string{"Workers = {1}", "Workers = {1, 2}"})},
		"a task is made anew": {"327045 states generated, 28682 distinct", "22", append(few, [2]string{"MaxLives = 1", "MaxLives = 2"})},
	} {
		t.Run(name, func(t *testing.T) {
			printed := check(t, c.changes...)
			for _, want := range []string{"No error has been found", c.counts + " states found, 0 states left", "search is " + c.depth + "."} {
				if !strings.Contains(printed, want) {
					t.Errorf("TLC does not say %q:\n%s", want, printed)
				}
			}
		})
	}
}

// guard is a demand or a promise, what takes it out, and what is violated then.
type guard struct {
	name     string
	violates string
	changes  [][2]string
}

const (
	its       = "  token.epoch = task[t].assigned[w].epoch /\\ token.attempt = task[t].assigned[w].attempt"
	completes = "      promised == Its(t, w, token) /\\ Serves(s, w, task[t].assigned[w].incarnation)"
	ends      = "EndsAttempt(e, t, w, token) ==\n  IF heeds[e] THEN Its(t, w, token) /\\ Lost(w, task[t].assigned[w])\n  ELSE token.attempt = task[t].assigned[w].attempt"
	was       = "Was(e, t, w, token) == IF heeds[e] THEN Given(t, w, token) # {} ELSE token.epoch = e"
	proper    = "Proper(r, e, i) == r.epoch = e /\\ r.incarnation = i /\\ ~r.revoked /\\ ~r.taken"
)

// With these, stale claims are tried, too, and tokens that were never given out; and an
// assignment that is not there is of nobody.
var (
	anyToken   = [2]string{"Gave(t, w) == {[epoch |-> g.epoch, attempt |-> g.attempt] : g \\in {x \\in task[t].given : x.worker = w}}", "Gave(t, w) == Token"}
	lostOrGone = [2]string{"Lost(w, r) ==\n", "Lost(w, r) == IF r = None THEN TRUE ELSE\n"}

	staleMasters = [2]string{"\\E e \\in {epoch} : Leads", "\\E e \\in 1..Len(begun) : Leads"}
	staleWorkers = [2]string{"\\E i \\in {Len(born[w])} : Serves", "\\E i \\in 1..Len(born[w]) : Serves"}
)

var guards = []guard{
	{"a master's claim is checked", "StaleMasterFenced", [][2]string{{`IsEpoch(e)        == Else(epoch = e, "bad version")`, `IsEpoch(e)        == ""`}, staleMasters}},
	{"a worker's claim is checked", "TypeOK", [][2]string{{`ELSE Else(inbox[w] = i, "bad version")`, `ELSE ""`}, staleWorkers}},
	{"a worker is there that is given something", "NoOrphan", [][2]string{{`WorkerThere(w)    == Else(worker[w] # None, "no node")`, `WorkerThere(w)    == ""`}}},
	{"a status is created, once", "NoDoubleResult", [][2]string{{`THEN Else(free, "node exists") ELSE "no node"`, `THEN "" ELSE "no node"`}}},
	{"what ends takes its assignment with it", "ResultFromItsAttempt", [][2]string{
		{`AssignedAt(w, t)    == Else(task[t].assigned[w] # None, "no node")`, `AssignedAt(w, t)    == ""`},
		{its, "  IF task[t].assigned[w] = None THEN TRUE ELSE" + its},
		{completes, "      promised == IF task[t].assigned[w] = None THEN TRUE ELSE Its(t, w, token)"},
		{ends, "EndsAttempt(e, t, w, token) == IF task[t].assigned[w] = None THEN TRUE ELSE token.attempt = task[t].assigned[w].attempt"},
		{"      promised == task[t].resident /\\ r = [", "      promised == task[t].assigned[w] # None /\\ task[t].resident /\\ r = ["},
		lostOrGone,
	}},
	{"nobody else has the task that is assigned", "AtomicTransitions", [][2]string{
		{"      promised == Unassigned(t) /\\ Assignable", "      promised == Assignable"}, {"Workers = {1}", "Workers = {1, 2}"},
	}},
	{"the attempt that is assigned comes next", "UniqueAttempts", [][2]string{{" /\\ Next_(t, r.attempt)\n", "\n"}}},
	{"the task that is assigned is there", "NoPhantomTask", [][2]string{{"  /\\ task[t].exists\n", ""}}},
	{"the task that is assigned is not finished", "AtomicTransitions", [][2]string{{"  /\\ IF task[t].status = None THEN TRUE ELSE task[t].status.state = \"cancelled\"\n", ""}}},
	{"the attempt that is assigned is allowed", "BudgetKept", [][2]string{{"  /\\ Within(t, r.attempt - 1, left)\n", ""}}},
	{"the attempt that ends is the one assigned", "RecordsOfAssignments", [][2]string{{ends, "EndsAttempt(e, t, w, token) == TRUE"}, {was, "Was(e, t, w, token) == TRUE"}, anyToken}},
	{"its record has the token of the assignment", "RecordsOfAssignments", [][2]string{
		{ends, "EndsAttempt(e, t, w, token) == token.epoch <= epoch /\\ token.attempt = task[t].assigned[w].attempt"}, {was, "Was(e, t, w, token) == TRUE"}, anyToken,
	}},
	{"nobody holds a task that is removed", "NobodyHoldsWhatIsGone", [][2]string{{"(heeds[e] => Unassigned(t)) /\\ Become(t, Gone(t))", "Become(t, Gone(t))"}, {"Accepted(s, demands) /\\ Unassigned(t) /\\ Become(t, Gone(t))", "Accepted(s, demands) /\\ Become(t, Gone(t))"}}},
	{"a task fails when its attempts are spent", "BudgetKept", [][2]string{{"promised == /\\ AllSpent(e, t, token.attempt, left)\n                  /\\ ~task[t].resident", "promised == /\\ ~task[t].resident"}}},
	{"only an assignment that is over is dropped", "NoAttemptForgotten", [][2]string{{"           /\\ Ended(t) /\\ Robs(e, t, from)  \\* promised\n           /\\ Become(t, Without(t, from))", "           /\\ Become(t, Without(t, from))"}}},
	{"only an ending that is moot records nothing", "NoAttemptForgotten", [][2]string{{"           /\\ Ended(t)  \\* promised\n           /\\ Become(t, Hidden(Without(t, w), shown))", "           /\\ Become(t, Hidden(Without(t, w), shown))"}}},
	{"a result is that of the assignment", "ResultFromItsAttempt", [][2]string{{completes, "      promised == Serves(s, w, task[t].assigned[w].incarnation)"}}},
	{"a result is of the session's own incarnation", "ResultFromItsAttempt", [][2]string{
		{completes, "      promised == Its(t, w, token)"}, {" /\\ \\E g \\in Given(t, w, token) : Serves(s, w, g.incarnation)", ""},
	}},
	{"only a finished task is collected", "NoLostTask", [][2]string{{"  IN /\\ LeadsNothing(s) /\\ Finished(children)\n", "  IN /\\ LeadsNothing(s)\n"}}},
	{"a part is of a finished task", "AtomicTransitions", [][2]string{{"  <<TaskThere(t), StatusThere(t)>> \\o", "  <<TaskThere(t), \"\">> \\o"}}},
	{"a part leaves the status", "AtomicTransitions", [][2]string{
		{"SomeBelow(children) == Len(children) > 0 /\\ ~Finished(children)", "SomeBelow(children) == Len(children) > 0"}, {"Children(t) \\ {StatusChild}", "Children(t)"},
		{"!.parted = TRUE,\n", "!.parted = TRUE, !.status = IF gone(StatusChild) THEN None ELSE @,\n"},
	}},
	{"nobody holds a task of which a part is removed", "AtomicTransitions", [][2]string{{"Unassigned(t) /\\ Become(t, Parted(t, children))", "Become(t, Parted(t, children))"}}},
	{"a task of which a part was removed is given to nobody", "AtomicTransitions", [][2]string{{"  /\\ ~(FirstLife(t) /\\ task[t].parted)\n", ""}}},
	{"an assignment says its epoch", "TypeOK", [][2]string{{proper, "Proper(r, e, i) == r.incarnation = i /\\ ~r.revoked /\\ ~r.taken"}}},
	{"an assignment says its worker's incarnation", "NoOrphan", [][2]string{{proper, "Proper(r, e, i) == r.epoch = e /\\ ~r.revoked /\\ ~r.taken"}}},
	{"only who holds an incarnation writes in its name", "SingleMaster", [][2]string{{"Serves(s, w, i) == i \\in 1..Len(born[w]) /\\ born[w][i] = s", "Serves(s, w, i) == i \\in 1..Len(born[w])"}}},
}

// TestEachGuardIsNeeded takes one demand or promise after the other out of the machine:
// what it is for must be violated then.
func TestEachGuardIsNeeded(t *testing.T) {
	violated := regexp.MustCompile(`(?:Invariant|Action property) (\w+) is violated`)
	for _, g := range guards {
		t.Run(g.name, func(t *testing.T) {
			printed := check(t, g.changes...)
			steps := strings.Count(printed, "\nState ")
			if got := violated.FindStringSubmatch(printed); got == nil || got[1] != g.violates {
				t.Errorf("violated is %q, want %s:\n%s", got, g.violates, printed)
			}
			t.Logf("%s after %d states", g.violates, steps)
		})
	}
}
