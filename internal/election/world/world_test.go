package world

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// with is the default world, changed.
func with(change func(*Config)) Config {
	c := Defaults()
	if change != nil {
		change(&c)
	}
	return c
}

// pinned are complete worlds of the real recipe, with how many states, transitions
// and steps they have.
var pinned = worldstest.Pin[Config]([]struct {
	Config                     Config
	States, Transitions, Depth int64
	Deep                       bool
}{
	{with(func(c *Config) { c.Masters = 1 }), 10, 10, 8, false},
	{with(nil), 139, 246, 13, false},
	{with(func(c *Config) { c.Masters = 3 }), 1848, 4644, 18, false},
	{with(func(c *Config) { c.Queue = true }), 89, 156, 13, false},
	{with(func(c *Config) { c.Bounds.Losses = 1 }), 879, 1888, 17, false},
	{with(func(c *Config) { c.ForGood, c.Bounds.Crashes = true, 1 }), 449, 1036, 19, false},
	{with(func(c *Config) { c.Bounds.Crashes = 1 }), 4123, 9378, 27, false},
	{with(func(c *Config) { c.Bounds.Expiries = 1 }), 4181, 8716, 25, false},
	{with(func(c *Config) { c.Writes, c.Bounds.Expiries = 2, 1 }), 4755, 9908, 27, false},
	{with(func(c *Config) { c.Queue, c.Bounds.Expiries = true, 1 }), 4221, 8008, 25, false},
	{with(func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }), 1615, 3248, 24, false},
	{with(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 6258, 14564, 26, false},
	{with(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 4854, 13902, 20, false},
	{with(func(c *Config) { c.Abrupt, c.Slow, c.Bounds.Leaves = true, true, 1 }), 4719, 9686, 30, false},
	{with(func(c *Config) { c.Bounds.Leaves = 1 }), 3181, 6816, 28, false},
	{with(func(c *Config) { c.Slow, c.Bounds.Leaves = true, 1 }), 4719, 9686, 30, false},
	{with(func(c *Config) { c.Bounds.Stops = 1 }), 43991, 101822, 37, true},
	{with(func(c *Config) { c.Bounds.Cuts, c.Bounds.Losses = 1, 1 }), 51247, 129684, 30, true},
	{with(func(c *Config) { c.Masters, c.Bounds.Expiries = 3, 1 }), 169293, 491121, 34, true},
	{with(func(c *Config) { c.Masters, c.Queue, c.Bounds.Expiries = 3, true, 1 }), 159562, 391281, 28, true},
	{with(func(c *Config) { c.Bounds.Expiries, c.Bounds.Losses = 1, 1 }), 32903, 77922, 29, true},
	{with(func(c *Config) { c.Bounds.Expiries, c.Bounds.Crashes = 1, 1 }), 132353, 337744, 39, true},
	{with(func(c *Config) { c.Bounds.Expiries, c.Bounds.Lags = 1, 1 }), 21728, 61608, 26, true},
	{with(func(c *Config) { c.Slow, c.Bounds.Leaves, c.Bounds.Expiries = true, 1, 1 }), 144359, 331720, 43, true},
	{with(func(c *Config) { c.Queue, c.Bounds.Losses, c.Bounds.Leaves = true, 1, 1 }), 25071, 54476, 30, true},
	{with(func(c *Config) { c.Turns, c.Bounds.Expiries = true, 1 }), 5293, 10940, 31, false},
})

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every state, the
// goal can be reached from everywhere, what should happen does happen, and there are as many
// states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	worldstest.EveryPropertyHolds(t, pinned)
}

// TestWorlds_SnapshotsAreHonest: what the recipe and the leader say at their checkpoints is all that
// matters there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	configs := []Config{with(func(c *Config) { c.Masters = 1 })}
	if worldstest.Deep() {
		configs = append(configs,
			with(func(c *Config) { c.Masters, c.Bounds.Losses = 1, 1 }),
			with(func(c *Config) { c.Masters, c.Slow, c.Bounds.Leaves = 1, true, 1 }))
	}
	worldstest.SnapshotsAreHonest(t, pinned, configs...)
}

// TestWorlds_DFSAgreesWithBFS: every schedule of a small world, by an engine that remembers no state, ends
// in the state in which the other one ends.
func TestWorlds_DFSAgreesWithBFS(t *testing.T) {
	worldstest.DFSAgrees(t, with(func(c *Config) { c.Masters = 1 }))
}

// TestGuards_EachIsNeeded takes each guard out and demands the violation that it prevents,
// after as few steps as it was found to take.
func TestGuards_EachIsNeeded(t *testing.T) {
	leaves := with(func(c *Config) { c.Bounds.Leaves = 1 })
	dies := with(func(c *Config) { c.ForGood, c.Bounds.Crashes = true, 1 })
	loss := with(func(c *Config) { c.Masters, c.Bounds.Losses = 1, 1 })
	needed := map[string]struct {
		Config   Config
		Property string
		Steps    int
	}{
		"write-check":    {leaves, "SingleMaster", 12},
		"write-in-one":   {with(func(c *Config) { c.Masters = 1 }), "WritesInOne", 6},
		"proclaim-check": {leaves, "ProclaimedByHolder", 14},
		"hand-over-check": {with(func(c *Config) {
			c.Library, c.Bounds.Leaves, c.Bounds.Expiries = explore.Replacing, 1, 1
		}), "SingleMaster", 12},
		"election-in-one":   {loss, "GoalStaysReachable", 3},
		"election-resolved": {loss, "GoalStaysReachable", 3},
		"watch-with-read":   {dies, "GoalStaysReachable", 7},
		"look-after-reconnect": {with(func(c *Config) {
			c.ForGood, c.Bounds.Crashes, c.Bounds.Losses = true, 1, 1
		}), "GoalStaysReachable", 6},
		"fencing-token": {with(func(c *Config) { c.Bounds.Expiries = 1 }), "StaleEffectsFenced", 9},
	}
	worldstest.EachGuardIsNeeded(t, Guards(), needed, func(c *Config, guard string) { c.Without = guard })
}

// after applies writes of session 7 to the tree at the beginning, and returns it before and
// after the last one.
func after(t *testing.T, ops ...zkapi.Op) (before, now zk.Tree) {
	t.Helper()
	now = furnished()
	for _, op := range ops {
		before = now
		var err error
		if now, _, _, err = now.Write(op, 7); err != nil {
			t.Fatal(err)
		}
	}
	return before, now
}

var (
	elect   = zkapi.Multi(zkapi.Create("/master", []byte("master-1"), zkapi.Ephemeral), zkapi.Set("/assign", nil, zkapi.AnyVersion))
	resigns = zkapi.Multi(zkapi.Delete("/master", zkapi.AnyVersion))
)

// enters is the write of an entry.
func enters(e string) zkapi.Op {
	return zkapi.Multi(zkapi.Set(ledger, []byte(e), zkapi.AnyVersion), zkapi.Create(ledger+"/"+e, nil, zkapi.Persistent))
}

// TestJudge_Write: what the judge says of writes that the recipe as it is does not make, and
// of those that look like them.
func TestJudge_Write(t *testing.T) {
	proclaims := func(epoch string) zkapi.Op {
		return zkapi.Multi(zkapi.Set("/master", []byte("master-1@"+epoch), zkapi.AnyVersion))
	}
	for _, one := range []struct {
		says     string
		writes   []zkapi.Op
		session  int64
		violated string
	}{
		{"an entry", []zkapi.Op{elect, enters("1.1")}, 7, ""},
		{"an entry of an epoch that is over", []zkapi.Op{elect, resigns, elect, enters("1.1")}, 7, "SingleMaster"},
		{"an earlier entry", []zkapi.Op{elect, resigns, elect, enters("2.1"), enters("1.1")}, 7, "SingleMaster LedgerInOrder"},
		{"half an entry", []zkapi.Op{elect, zkapi.Set(ledger, []byte("1.1"), zkapi.AnyVersion)}, 7, "WritesInOne"},
		{"the other half", []zkapi.Op{elect, enters("1.1"), zkapi.Create(ledger+"/1.2", nil, zkapi.Persistent)}, 7, "WritesInOne"},
		{"a proclamation", []zkapi.Op{elect, proclaims("1")}, 7, ""},
		{"a proclamation of an epoch that is over", []zkapi.Op{elect, resigns, elect, proclaims("1")}, 7, "SingleMaster"},
		{"a proclamation of another session", []zkapi.Op{elect, proclaims("1")}, 8, "ProclaimedByHolder"},
		{"a hand-over", []zkapi.Op{elect, resigns}, 7, ""},
		{"a hand-over of another session", []zkapi.Op{elect, resigns}, 8, "SingleMaster"},
	} {
		w := explore.Write{Process: "master-1", Op: one.writes[len(one.writes)-1], Session: one.session}
		w.Before, w.After = after(t, one.writes...)
		var got []string
		for _, v := range (judge{Defaults()}).Write(w) {
			got = append(got, v.Property)
		}
		if strings.Join(got, " ") != one.violated {
			t.Errorf("%s: %q is violated, it should be %q", one.says, got, one.violated)
		}
	}
}

// TestJudge_State: the same of states, and which of them is the goal.
func TestJudge_State(t *testing.T) {
	master := func(name string, known bool, notes ...string) explore.ProcessView {
		p := explore.ProcessView{Name: name, Running: true, Session: 7, Known: known, Notes: map[string]string{}}
		for i := 0; i < len(notes); i += 2 {
			p.Notes[notes[i]] = notes[i+1]
		}
		return p
	}
	_, done := after(t, elect, enters("1.1"), zkapi.Set("/master", []byte("master-1@1"), zkapi.AnyVersion))
	for _, one := range []struct {
		says     string
		acts     explore.Acts
		masters  []explore.ProcessView
		violated string
		goal     bool
	}{
		{"a leader that has done all", nil, []explore.ProcessView{master("master-1", true, leadsNote, "1", wroteNote, "1.1", proclaimedNote, "master-1@1")}, "", true},
		{"another leader of that epoch", nil, []explore.ProcessView{master("master-1", true, leadsNote, "1"), master("master-2", false, leadsNote, "1")}, "UniqueEpochs", true},
		{"two that live", nil, []explore.ProcessView{master("master-1", true, leadsNote, "1"), master("master-2", true, leadsNote, "2")}, "SingleMaster", true},
		{"one whose session has ended", nil, []explore.ProcessView{master("master-1", false, leadsNote, "1"), master("master-2", true, leadsNote, "2")}, "", false},
		{"told of an entry that is not there", nil, []explore.ProcessView{master("master-1", true, wroteNote, "1.2")}, "ToldTruly", false},
		{"told that nothing was applied", nil, []explore.ProcessView{master("master-1", true, refusedNote, "1.1")}, "ToldTruly", false},
		{"told of another proclamation", nil, []explore.ProcessView{master("master-1", true, proclaimedNote, "master-1@9")}, "ToldTruly", false},
		{"a stale effect", explore.Acts{leadership: {Stale: true}}, nil, "StaleEffectsFenced", false},
		{"two effects in one epoch", explore.Acts{leadership: {Twice: true}}, nil, "UniqueEpochs", false},
	} {
		v := explore.View{Tree: done, Acts: one.acts, Processes: one.masters}
		var got []string
		for _, v := range (judge{Defaults()}).State(v) {
			got = append(got, v.Property)
		}
		if goal := (judge{Defaults()}).Goal(v); strings.Join(got, " ") != one.violated || goal != one.goal {
			t.Errorf("%s: %q is violated, it should be %q; the goal: %v", one.says, got, one.violated, goal)
		}
	}
}

// TestWorld_RefusesBadConfigs: the error names what is wrong and what to do.
func TestWorld_RefusesBadConfigs(t *testing.T) {
	for want, c := range map[string]Config{
		"0 masters, 0 writes: use at least 1": {},
		`no guard has the name "prayer"`:      with(func(c *Config) { c.Without = "prayer" }),
		"expiries 16: use 0 to 15":            with(func(c *Config) { c.Bounds.Expiries = 16 }),
		"more masters than crashes":           with(func(c *Config) { c.ForGood, c.Bounds.Crashes = true, 2 }),
		"use --leaves 1":                      with(func(c *Config) { c.Abrupt = true }),
	} {
		if _, err := c.World(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
