package world

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// deep are the tests that visit millions of states. They run without the race
// detector, which makes them ten times slower.
func deep(t *testing.T) {
	t.Helper()
	if !worldstest.Deep() {
		t.Skipf("skipped %s: it visits millions of states; make explore runs it", t.Name())
	}
}

// small is one master, one worker and one task, changed.
func small(change func(*Config)) Config {
	c := Defaults()
	c.Masters = 1
	if change != nil {
		change(&c)
	}
	return c
}

func explored(t *testing.T, c Config) *explore.Result {
	t.Helper()
	w, err := c.World()
	if err != nil {
		t.Fatal(err)
	}
	return worldstest.Explore(t, w)
}

func tell(t *testing.T, c Config, f *explore.Finding) {
	t.Helper()
	w, _ := c.World()
	var text bytes.Buffer
	if err := f.Schedule.Write(&text, w); err != nil {
		t.Error(err)
	}
	t.Errorf("%+v: %v\n%s", c, f.Violations, text.String())
}

// pinned are complete worlds of the real recipe, with how many states, transitions
// and steps they have.
var pinned = []struct {
	config                     Config
	states, transitions, depth int64
	deep                       bool
}{
	{small(nil), 3552, 10416, 36, false},
	{small(func(c *Config) { c.Masters = 2 }), 78152, 294286, 41, false},
	{small(func(c *Config) { c.Tasks = 2 }), 22665, 69507, 54, false},
	{small(func(c *Config) { c.Tasks, c.Together = 2, true }), 9118, 28121, 48, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Bounds.Losses = 2, true, 1 }), 373357, 1255769, 58, true},
	{small(func(c *Config) { c.Failures = 1 }), 3813, 11151, 46, false},
	{small(func(c *Config) { c.Failures = 2 }), 3732, 10881, 47, false},
	{small(func(c *Config) { c.Cancel = true }), 28546, 87246, 58, false},
	{small(func(c *Config) { c.Collect = true }), 3960, 11630, 42, false},
	{small(func(c *Config) { c.Tasks, c.Cancel = 2, true }), 263822, 843987, 77, true},
	{small(func(c *Config) { c.Bounds.Losses = 1 }), 69856, 226134, 47, false},
	{small(func(c *Config) { c.Bounds.Lags = 1 }), 38218, 149516, 39, false},
	{small(func(c *Config) { c.Bounds.Sweeps = 1 }), 26005, 81233, 46, false},
	{small(func(c *Config) { c.Tasks, c.Concurrency = 2, 1 }), 17351, 52582, 52, false},
	{small(func(c *Config) { c.Residents, c.Cancel, c.Slow = 1, true, true }), 25840, 79219, 57, false},
	{small(func(c *Config) { c.Masters, c.Workers, c.Tasks, c.Slow, c.Bounds.Leaves = 2, 0, 0, true, 1 }), 52419, 143822, 29, false},
	{small(func(c *Config) { c.NotBefore, c.Bounds.Sweeps = time.Second, 1 }), 19908, 62392, 46, false},
	{small(func(c *Config) { c.Retention, c.Bounds.Sweeps = 3*time.Second, 2 }), 107684, 355726, 56, true},
	{small(func(c *Config) { c.Workers, c.Tasks, c.Residents, c.Slow = 2, 2, 2, true }), 811016, 2955630, 69, true},
	{small(func(c *Config) { c.Bounds.Expiries = 1 }), 87238, 277906, 62, true},
	{small(func(c *Config) { c.Bounds.Crashes = 1 }), 128609, 429239, 67, true},
	{small(func(c *Config) { c.Bounds.Cuts = 1 }), 157542, 530667, 66, true},
	{small(func(c *Config) { c.Bounds.Stops = 1 }), 400697, 1397174, 66, true},
	{small(func(c *Config) { c.Bounds.Leaves = 1 }), 356120, 1101058, 63, true},
	{small(func(c *Config) { c.Workers = 2 }), 391144, 1461954, 51, true},
	{small(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 805216, 3384257, 51, true},
	{small(func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }), 119994, 380037, 64, true},
	{small(func(c *Config) { c.Masters, c.Bounds.Losses = 2, 1 }), 1762158, 7215542, 52, true},
	{small(func(c *Config) { c.Failures, c.Bounds.Expiries = 1, 1 }), 124054, 399679, 70, true},
	{small(func(c *Config) { c.Masters, c.ForGood, c.Bounds.Crashes = 2, true, 1 }), 147500, 696034, 54, true},
	{small(func(c *Config) { c.Cancel, c.Resubmit = true, true }), 71911, 210254, 84, false},
	{small(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 161329, 576655, 64, true},
	{small(func(c *Config) { c.Strands, c.Residents, c.Bounds.Cuts = true, 1, 1 }), 97219, 336780, 64, true},
	{small(func(c *Config) { c.Residents, c.Bounds.Stops = 1, 1 }), 223161, 739934, 63, true},
	{small(func(c *Config) { c.Abrupt, c.Bounds.Leaves = true, 1 }), 173862, 557306, 63, true},
	{small(func(c *Config) { c.Abrupt, c.Residents, c.Slow, c.Bounds.Leaves = true, 1, true, 1 }), 111425, 342843, 56, true},
	{small(func(c *Config) { c.Resubmit = true }), 5580, 16160, 59, false},
	{small(func(c *Config) { c.Resubmit, c.Bounds.Losses = true, 1 }), 129048, 412665, 65, true},
	{small(func(c *Config) { c.Resubmit, c.Bounds.Expiries = true, 1 }), 232858, 743803, 84, true},
	{small(func(c *Config) { c.Parts, c.Failures, c.Collect = true, 1, true }), 4323, 12454, 67, false},
	{small(func(c *Config) { c.Parts, c.Failures, c.Cancel, c.Resubmit = true, 1, true, true }), 93796, 271616, 95, false},
	{small(func(c *Config) { c.Parts, c.Failures, c.Collect, c.Bounds.Losses = true, 1, true, 1 }), 95183, 299523, 76, true},
	{small(func(c *Config) { c.Prune = true }), 2592543, 9664693, 85, true},
	{small(func(c *Config) { c.Parts, c.Failures, c.Retention, c.Bounds.Sweeps = true, 1, 3*time.Second, 2 }), 132802, 435378, 68, true},
}

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every
// state, the goal can be reached from everywhere, what should happen does happen,
// and there are as many states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	for _, p := range slices.Concat(pinned, windows, followed) {
		if p.deep && !worldstest.Deep() || p.states > quickStates && testing.Short() {
			continue
		}
		r := explored(t, p.config)
		if r.Found != nil {
			tell(t, p.config, r.Found)
			continue
		}
		if !r.Complete {
			t.Errorf("%+v: not complete: %s", p.config, r.Limit)
		}
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{p.states, p.transitions, p.depth}; got != want {
			t.Errorf("%+v:\nstates, transitions, depth are %v, pinned are %v", p.config, got, want)
		}
		for _, name := range p.config.Expected() {
			if !slices.Contains(r.Seen, name) {
				t.Errorf("%+v: never happened: %s", p.config, name)
			}
		}
	}
}

// quickStates is the largest world that make quick explores.
const quickStates = 20_000

// TestWorlds_WrongClocksChangeNothing: where every process' wall clock is wrong by hours,
// each by another number of them, the graph of states is the same to the last step;
// but for worlds in which somebody goes by the time of another.
func TestWorlds_WrongClocksChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestWorlds_WrongClocksChangeNothing: make explore runs it, with every world")
	}
	for _, p := range pinned {
		c := p.config
		if p.deep && !worldstest.Deep() || c.NotBefore > 0 || c.Retention > 0 {
			continue
		}
		c.WrongClocks = true
		r := explored(t, c)
		if r.Found != nil {
			tell(t, c, r.Found)
			continue
		}
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{p.states, p.transitions, p.depth}; got != want {
			t.Errorf("%+v:\nstates, transitions, depth are %v, with right clocks %v", c, got, want)
		}
	}
}

// TestWorlds_SnapshotsAreHonest: what the recipe declares at its checkpoints is all
// that matters there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	deep(t)
	for _, c := range []Config{
		small(nil),
		small(func(c *Config) { c.Residents = 1 }),
		small(func(c *Config) { c.Window = 2 }),
		{Masters: 1, Attempts: 2, Turns: true, Bounds: explore.Bounds{Losses: 1}},
		{Masters: 1, Attempts: 2, Slow: true, Bounds: explore.Bounds{Leaves: 1}},
	} {
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		if merged, all := explore.Project(t.Context(), w); merged != all {
			t.Errorf("%+v: %d states with histories merged, %d without", c, merged, all)
		}
	}
}

// TestWorlds_DFSAgreesWithBFS: every schedule of a small world, by an engine that remembers no
// state, ends in the state in which the other one ends.
func TestWorlds_DFSAgreesWithBFS(t *testing.T) {
	deep(t)
	w, err := small(nil).World()
	if err != nil {
		t.Fatal(err)
	}
	r, err := explore.DFS(t.Context(), w, explore.Limits{})
	if err != nil || r.Found != nil || !r.Complete {
		t.Fatalf("%+v, %v", r, err)
	}
	if len(r.Ends) != 1 {
		t.Errorf("%d ends, there should be one: the task is done and everybody rests", len(r.Ends))
	}
}

// TestGuards_EachIsNeeded takes each guard of the protocol out and demands the
// violation that it prevents, after as few steps as it was found to take, also if two requests
// of one DoAll are under way together.
func TestGuards_EachIsNeeded(t *testing.T) {
	for _, g := range needed {
		if g.deep && !worldstest.Deep() {
			continue
		}
		windows := []int{1}
		if !g.deep {
			windows = append(windows, 2)
		}
		for _, window := range windows {
			c := g.config
			c.Without, c.Window = g.guard, window
			r := explored(t, c)
			if r.Found == nil {
				t.Errorf("%s, window %d: nothing is violated without it", g.guard, window)
				continue
			}
			if got := r.Found.Violations[0].Property; got != g.property || len(r.Found.Schedule) != g.steps {
				t.Errorf("%s, window %d: %s after %d steps, pinned is %s after %d", g.guard, window, got, len(r.Found.Schedule), g.property, g.steps)
			}
		}
	}
}

var needed = []struct {
	guard    string
	config   Config
	property string
	steps    int
	deep     bool
}{
	{"epoch-check", small(func(c *Config) { c.Masters, c.Library, c.Bounds.Expiries = 2, explore.Replacing, 1 }), "SingleMaster", 24, true},
	{"incarnation-check", small(func(c *Config) { c.Twins, c.Library, c.Bounds.Expiries = true, explore.Replacing, 1 }), "ResultFromItsAttempt", 32, true},
	{"worker-check", small(func(c *Config) { c.Bounds.Expiries = 1 }), "NoOrphan", 21, false},
	{"election-in-one", small(func(c *Config) { c.Bounds.Losses = 1 }), "GoalStaysReachable", 3, true},
	{"election-resolved", small(func(c *Config) { c.Bounds.Losses = 1 }), "GoalStaysReachable", 3, true},
	{"transition-in-one", small(nil), "AtomicTransitions", 27, false},
	{"result-takes-assignment", small(nil), "AtomicTransitions", 26, false},
	{"submission-by-id", small(func(c *Config) { c.Bounds.Losses = 1 }), "NoPhantomTask", 2, false},
	{"watch-with-read", small(nil), "GoalStaysReachable", 14, false},
	{"look-after-reconnect", small(func(c *Config) { c.Bounds.Losses = 1 }), "GoalStaysReachable", 3, true},
	{"sync-after-doubt", small(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), "UniqueAttempts", 37, true},
	{"every-change-told", small(func(c *Config) { c.Follow = true }), "GoalStaysReachable", 8, false},
	{"differences-once", small(func(c *Config) { c.Follow, c.Resubmit = true, true }), "GoalStaysReachable", 35, false},
	{"whole-after-reconnect", small(func(c *Config) { c.Follow, c.Bounds.Losses = true, 1 }), "UniqueAttempts", 33, true},
	{"lists-in-order", small(func(c *Config) { c.Follow = true }), "GoalStaysReachable", 6, false},
	{"fencing-token", small(func(c *Config) { c.Bounds.Expiries = 1 }), "StaleEffectsFenced", 10, false},
}

// TestGuards_LeasesAreNeeded: where a worker believes in its lease for as long as anything is
// answered, a server that is cut off from its leader gives a resident task two owners.
// The world is too large for every state: the schedules are drawn.
func TestGuards_LeasesAreNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestGuards_LeasesAreNeeded: make explore runs it, with every world")
	}
	c := small(func(c *Config) { c.Workers, c.Residents, c.Strands, c.Bounds.Cuts = 2, 1, true, 1 })
	drawn := func(without string) *explore.Walks {
		t.Helper()
		c.Without = without
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.PCT(t.Context(), w, 1, 3, explore.Limits{States: 1e6}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := drawn("lease-runs"); r.Found == nil || r.Found.Violations[0].Property != "ResidentExclusive" {
		t.Errorf("without leases: %+v", r.Found)
	}
	if r := drawn(""); r.Found != nil {
		tell(t, c, r.Found)
	}
}

// TestGuards_OfPrunedNamesAreNeeded: a second process takes the name of a worker that was deleted
// by hand and pruned while its process still runs. If incarnations came twice, both processes would
// take the assignments of one. If a master did not check that the worker is there, it would bring
// the name back for a worker that it has seen.
func TestGuards_OfPrunedNamesAreNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestGuards_OfPrunedNamesAreNeeded: make explore runs it, with every world")
	}
	c := small(func(c *Config) { c.Prune, c.Twins = true, true })
	violated := map[string]string{incarnationsRise: "UniqueAttempts", inboxCheck: "NoOrphan"}
	for _, without := range []string{incarnationsRise, inboxCheck, ""} {
		c.Without = without
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.PCT(t.Context(), w, 1, 5, explore.Limits{States: 3e6}, nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case without == "" && r.Found != nil:
			tell(t, c, r.Found)
		case without != "" && (r.Found == nil || r.Found.Violations[0].Property != violated[without]):
			t.Errorf("without %s: %+v", without, r.Found)
		}
		for _, name := range c.Expected() {
			if without == "" && !slices.Contains(r.Seen, name) {
				t.Errorf("never happened: %s", name)
			}
		}
	}
}

// TestGuards_VersionOfTheEpochIsRedundant: an election that sets the epoch at any version
// violates nothing, because the claim is the version that the same multi returns.
func TestGuards_VersionOfTheEpochIsRedundant(t *testing.T) {
	deep(t)
	for _, bounds := range []explore.Bounds{{Expiries: 1}, {Losses: 1}} {
		c := Defaults()
		c.Bounds, c.Without = bounds, "election-by-version"
		if r := explored(t, c); r.Found != nil || !r.Complete {
			t.Errorf("%+v: %+v", c, r.Found)
		}
	}
}

// TestWorlds_FixedDefectsStayFixed follows the schedules that have shown defects of the recipe.
func TestWorlds_FixedDefectsStayFixed(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no schedules", err)
	}
	for _, name := range files {
		w, text := written(t, name)
		found, steps, err := explore.Attempt(w, bytes.NewReader(text))
		if err != nil || found != nil && found.Violations[0].Property != "Deadlock" {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if steps < 10 {
			t.Errorf("%s: only %d steps are possible: it follows nothing any more", name, steps)
		}
	}
}

// TestJudge_OfRunningHandlers: what the judges say of states to which the recipe as it is
// does not come, and of those that look like them.
func TestJudge_OfRunningHandlers(t *testing.T) {
	runs := func(name string, session int64, known bool, tasks ...string) explore.ProcessView {
		p := explore.ProcessView{Name: name, Running: true, Session: session, Known: known, Notes: map[string]string{}}
		for _, task := range tasks {
			p.Notes[runsNote+task+"@1"] = "7"
		}
		return p
	}
	behind := worlds.Furnished()
	for _, op := range []zkapi.Op{
		zkapi.Create("/assign/worker-1", []byte(`{"retiring":true}`), zkapi.Persistent),
		zkapi.Create("/assign/worker-1/task-2", []byte(`{"epoch":1,"attempt":1}`), zkapi.Persistent),
	} {
		behind, _, _, _ = behind.Write(op, 0)
	}
	begun, _, _, _ := behind.Write(zkapi.Create("/tasks/task-2", []byte(`#ringmaster {"not_before":"2000-01-01T00:00:01Z"}`+"\nx"), zkapi.Persistent), 0)
	clock := func(d time.Duration) []explore.ProcessView {
		return []explore.ProcessView{{Name: "master-1", Clock: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d)}, {Name: "client-1", Clock: time.Now()}}
	}
	there, _, _, _ := behind.Write(zkapi.Create("/workers/worker-1", nil, zkapi.Ephemeral), 7)
	c := small(func(c *Config) { c.Workers, c.Tasks, c.Residents, c.Concurrency = 2, 3, 1, 1 })
	deadly := c
	deadly.Bounds.Crashes = 1
	for _, one := range []struct {
		says     string
		config   Config
		view     explore.View
		violated string
	}{
		{"two live owners", c, explore.View{Processes: []explore.ProcessView{runs("worker-1", 7, true, "task-1"), runs("worker-2", 7, true, "task-1")}}, "ResidentExclusive"},
		{"one whose session was ended by force", deadly, explore.View{Processes: []explore.ProcessView{runs("worker-1", 7, false, "task-1"), runs("worker-2", 7, true, "task-1")}}, ""},
		{"one that has another session by force", deadly, explore.View{Processes: []explore.ProcessView{runs("worker-1", 8, true, "task-1"), runs("worker-2", 7, true, "task-1")}}, ""},
		{"one whose session ended in good order", c, explore.View{Processes: []explore.ProcessView{runs("worker-1", 7, false, "task-1"), runs("worker-2", 7, true, "task-1")}}, "ResidentExclusive"},
		{"two ordinary tasks", c, explore.View{Processes: []explore.ProcessView{runs("worker-1", 7, true, "task-2", "task-3")}}, "ConcurrencyKept"},
		{"one of each", c, explore.View{Processes: []explore.ProcessView{runs("worker-1", 7, true, "task-1", "task-2")}}, ""},
		{"left behind", c, explore.View{Tree: behind}, "LeavesNothing"},
		{"left behind, perhaps by a crash", deadly, explore.View{Tree: behind}, ""},
		{"still there", c, explore.View{Tree: there}, ""},
		{"not collected", c, explore.View{Processes: []explore.ProcessView{{Name: "client-1", Notes: map[string]string{"uncollected": "task-1: it has no status"}}}}, "ToldTruly"},
		{"begun too early", deadly, explore.View{Tree: begun, Processes: clock(0)}, "NoEarlyStart"},
		{"begun in time", deadly, explore.View{Tree: begun, Processes: clock(time.Second)}, ""},
	} {
		if one.view.Tree == (zk.Tree{}) {
			one.view.Tree = worlds.Furnished()
		}
		got := ""
		for _, v := range (judge{one.config}).State(one.view) {
			got += v.Property
		}
		if got != one.violated {
			t.Errorf("%s: %q is violated, it should be %q", one.says, got, one.violated)
		}
	}
}

// written is a schedule, with the world that its first line describes.
func written(t *testing.T, name string) (*explore.World, []byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := bufio.NewReader(bytes.NewReader(text)).ReadString('\n')
	var c Config
	if err := json.Unmarshal([]byte(strings.TrimPrefix(first, "# world: ")), &c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	w, err := c.World()
	if err != nil {
		t.Fatal(err)
	}
	return w, text
}

// TestWorld_RefusesBadOptions: the error names what is wrong and what to do.
func TestWorld_RefusesBadOptions(t *testing.T) {
	for want, c := range map[string]Config{
		"use 1 or more of each":                {},
		`no guard has the name "prayer"`:       small(func(c *Config) { c.Without = "prayer" }),
		"whole-after-reconnect: that is about": small(func(c *Config) { c.Without = "whole-after-reconnect" }),
		"watch-with-read, follow":              small(func(c *Config) { c.Follow, c.Without = true, "watch-with-read" }),
		"expiries 16: use 0 to 15":             small(func(c *Config) { c.Bounds.Expiries = 16 }),
		"0 workers, 1 tasks":                   small(func(c *Config) { c.Workers = 0 }),
		"residents: use 0 to 1":                small(func(c *Config) { c.Residents = 2 }),
		"1 residents, 1 failures":              small(func(c *Config) { c.Residents, c.Failures = 1, 1 }),
		"retention 0s":                         small(func(c *Config) { c.NotBefore = -1 }),
		"they need sweeps":                     small(func(c *Config) { c.NotBefore = time.Second }),
		"concurrency -1":                       small(func(c *Config) { c.Concurrency = -1 }),
		"more masters or workers than crashes": small(func(c *Config) { c.ForGood, c.Bounds.Crashes = true, 1 }),
		"use --leaves 1":                       small(func(c *Config) { c.Abrupt = true }),
		"masters alone":                        small(func(c *Config) { c.Workers, c.Tasks, c.Cancel = 0, 0, true }),
		"are not submitted again":              small(func(c *Config) { c.Resubmit, c.Residents = true, 1 }),
	} {
		if _, err := c.World(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// BenchmarkExplore prints how many distinct states a second are visited and what
// one takes, for three sizes, and the ratio to putting as many keys of the same
// length into a map, which is what any search that remembers states has to do.
func BenchmarkExplore(b *testing.B) {
	for name, c := range map[string]Config{
		"small":  small(func(c *Config) { c.Bounds.Losses = 1 }),
		"medium": {Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Losses: 1}},
		"large":  {Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Expiries: 1}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w, err := c.World()
				if err != nil {
					b.Fatal(err)
				}
				r, err := explore.BFS(b.Context(), w, explore.Limits{}, nil)
				if err != nil || !r.Complete {
					b.Fatal(err, r.Found)
				}
				base := keysPerSecond(int(r.States), 4*(3+len(w.Processes)))
				rate := float64(r.States) / r.Elapsed.Seconds()
				b.ReportMetric(rate, "states/s")
				b.ReportMetric(float64(r.Transitions)/r.Elapsed.Seconds(), "transitions/s")
				b.ReportMetric(float64(r.Bytes)/float64(r.States), "B/state")
				b.ReportMetric(rate/base, "of-map-inserts")
			}
		})
	}
}

// keysPerSecond is the baseline: so many keys of so many bytes put into a map.
func keysPerSecond(n, length int) float64 {
	began := time.Now()
	seen := map[string]struct{}{}
	key := make([]byte, length)
	for i := range n {
		for at := range 4 {
			key[at] = byte(i >> (8 * at))
		}
		seen[string(key)] = struct{}{}
	}
	return float64(len(seen)) / time.Since(began).Seconds()
}
