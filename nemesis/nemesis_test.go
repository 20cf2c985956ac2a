package nemesis

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func options(kinds []Kind, servers int, total time.Duration) Options {
	return Options{Kinds: kinds, Total: total, Servers: servers, Masters: 3, Workers: 4, Clients: 3, SessionTimeout: 3 * time.Second}
}

func all(t *testing.T) []Kind {
	kinds, err := Parse("all")
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

func everyKind() (kinds []Kind) {
	for _, e := range Catalogue {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func onlyByName() (kinds []Kind) {
	for _, e := range Catalogue {
		if e.ByName {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// TestPlan_IsPinned holds one plan to the letter: a seed that found something must
// give the same faults for ever.
func TestPlan_IsPinned(t *testing.T) {
	var got []string
	for _, f := range Plan(7, options(all(t), 3, 10*time.Second)) {
		got = append(got, fmt.Sprintf("%v %s %v %d, %s", f.Start, f.Kind, f.Duration, f.Pick, f.Role))
	}
	want := strings.Split(strings.TrimSpace(pinned), "\n")
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const pinned = `
500ms isolate-server 3.666s 296, the master's server
845.05266ms drip 2.258s 654, client
1.229278357s deafen 3.174s 215, busiest worker
1.62726952s kill-master 1.598s 155, active master
2.183358728s drop-delete 1.55s 424, busiest worker
2.743444286s delay-reply 2.473s 415, client
3.021460821s expire-worker 0s 459, busiest worker
3.236526956s pause-master 1.621s 827, active master
3.682088226s drop-close 413ms 915, backup master
4.238629182s expire-backup 0s 409, backup master
4.651387261s freeze-accept 1.738s 151, backup master
4.960314762s cut-master 4.265s 579, active master
5.417374681s kill-worker 2.04s 104, busiest worker
5.764826339s move 2.125s 495, busiest worker
6.347683202s cut-client 3.131s 18, client
6.598607105s expire-master 0s 671, active master
7.178551457s cut-backup 3.757s 980, backup master
7.765729341s wrong-clock 3.29s 142, busiest worker
8.055950358s asymmetric-cut 4.642s 805, following server
8.407409877s kill-client 627ms 303, client
`

// TestPlan_KeepsTheBudget draws options and checks the promises of Plan.
func TestPlan_KeepsTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := rapid.SampledFrom([]int{3, 5}).Draw(t, "servers")
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(Catalogue), 1, len(Catalogue), func(e Entry) Kind { return e.Kind }).Draw(t, "kinds")
		var kinds []Kind
		for _, e := range chosen {
			kinds = append(kinds, e.Kind)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		o := options(kinds, servers, time.Minute)
		plan := Plan(seed, o)
		if !reflect.DeepEqual(plan, Plan(seed, o)) {
			t.Fatal("same seed, other plan")
		}
		if err := Validate(plan); err != nil {
			t.Fatal(err)
		}
		for i, f := range plan {
			if !slices.Contains(kinds, f.Kind) || f.Start >= o.Total {
				t.Fatalf("not asked for: %+v", f)
			}
			down, masters, workers := taken(f, servers), suffers(f, "masters"), suffers(f, "workers")
			alone := down
			for _, g := range plan[:i] {
				if g.Start+g.Duration >= f.Start {
					down += taken(g, servers)
					masters += suffers(g, "masters")
					workers += suffers(g, "workers")
				}
			}
			if alone > 0 && down > max(alone, (servers-1)/2) {
				t.Fatalf("at %v %d of %d servers suffer", f.Start, down, servers)
			}
			if suffers(f, "masters") > 0 && masters >= o.Masters || suffers(f, "workers") > 0 && workers >= o.Workers {
				t.Fatalf("at %v %d masters and %d workers suffer", f.Start, masters, workers)
			}
		}
	})
}

// taken is how many servers a fault takes from the quorum.
func taken(f Fault, servers int) int {
	switch f.Role {
	case AllServers:
		return servers
	case Minority, LeaderServer:
		return (servers - 1) / 2
	case SomeServer, MastersServer, FollowerServer:
		return 1
	}
	return 0
}

func suffers(f Fault, budget string) int {
	if slices.Contains(budgets[f.Role], budget) {
		return 1
	}
	return 0
}

// TestPlan_HasEveryKind gives the plan as long as every fault of a server needs, one
// after the other.
func TestPlan_HasEveryKind(t *testing.T) {
	roles := map[Role]bool{}
	for seed := range uint64(20) {
		kinds := map[Kind]bool{}
		for _, f := range Plan(seed, options(everyKind(), 3, 5*time.Minute)) {
			kinds[f.Kind], roles[f.Role] = true, true
		}
		if len(kinds) != len(Catalogue) {
			t.Errorf("seed %d: %d of %d kinds in 5 minutes", seed, len(kinds), len(Catalogue))
		}
	}
	for _, e := range Catalogue {
		for _, r := range e.Roles {
			if !roles[r] {
				t.Errorf("the role %q never comes up", r)
			}
		}
	}
}

// TestPlan_BeginsWithTheFirstKinds: what a profile of the servers is for is part of each run, and
// runs without such a kind are as they were.
func TestPlan_BeginsWithTheFirstKinds(t *testing.T) {
	o := Options{Total: 30 * time.Second, Servers: 3, Masters: 2, Workers: 3, Clients: 3, SessionTimeout: 3 * time.Second, ServerPatience: 2 * time.Second}
	for seed := range uint64(50) {
		o.Kinds = append(slices.Clone(all(t)), ExhaustQuota)
		o.First = []Kind{ExhaustQuota}
		plan := Plan(seed, o)
		i := slices.IndexFunc(plan, func(f Fault) bool { return onServers(f.Kind) })
		if i < 0 || plan[i].Kind != ExhaustQuota {
			t.Fatalf("seed %d: the first fault of servers is %v", seed, plan[max(i, 0)])
		}
		o.Kinds = slices.DeleteFunc(slices.Clone(all(t)), func(k Kind) bool { return k == ExhaustQuota })
		without := Plan(seed, o)
		o.First = nil
		if !reflect.DeepEqual(without, Plan(seed, o)) {
			t.Errorf("seed %d: a kind that is not planned changes the others", seed)
		}
	}
}

func TestParse_NamesAndGroups(t *testing.T) {
	got, err := Parse("partition,kill-master")
	want := []Kind{KillMaster, CutMaster, CutBackup, CutWorker, CutClient, Mute, Deafen, IsolateLeader, IsolateFollower, IsolateServer, SplitServers, Bridge, AsymmetricCut}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, group := range []string{"network", "process", "session", "server", "client", "clock", "all", "expire", "cut"} {
		if got, err := Parse(group); err != nil || len(got) == 0 {
			t.Errorf("%s: %v, %v", group, got, err)
		}
	}
	if _, err := Parse("kill-master,earthquake"); err == nil || !strings.Contains(err.Error(), `"earthquake"`) || !strings.Contains(err.Error(), "kill-master") {
		t.Errorf("the error must name the input and the choice: %v", err)
	}
	if got := Named("cut, kill-master,latency"); !slices.Equal(got, []Kind{KillMaster, Latency}) {
		t.Errorf("named %v", got)
	}
	for _, kind := range onlyByName() {
		everything, err := Parse("all,server")
		if got, bad := Parse(string(kind)); err != nil || bad != nil || slices.Contains(everything, kind) || !slices.Equal(got, []Kind{kind}) {
			t.Errorf("%s is for one profile and has to be named: %v, %v", kind, got, everything)
		}
	}
	if got, err := Parse("none"); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
}

func TestRefused_ByTheEnsemble(t *testing.T) {
	kinds := []Kind{KillMaster, KillServer, SplitServers}
	if got := Refused(kinds, 3, false); len(got) != 0 {
		t.Errorf("three servers: %v", got)
	}
	for _, got := range [][]Kind{Refused(kinds, 1, false), Refused(kinds, 3, true)} {
		if !slices.Equal(got, []Kind{KillServer, SplitServers}) {
			t.Errorf("got %v", got)
		}
	}
}

// TestInMemory_ListsItsFaults: what such a run can have, and what it cannot, is all there is.
func TestInMemory_ListsItsFaults(t *testing.T) {
	have, refused := InMemory(), RefusedInMemory(everyKind())
	if len(have)+len(refused) != len(Catalogue) || !slices.Contains(have, "drop-create") || !slices.Contains(refused, KillServer) {
		t.Errorf("%v and %v", have, refused)
	}
}

func TestRecords_RoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faults.json")
	records := []Record{{Fault: Fault{Number: 1, Kind: KillMaster, Start: 5, Duration: 6, Pick: 7}, Target: "master-1", Applied: true}}
	if err := Save(path, records); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, records) || Schedule(got)[0] != records[0].Fault {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestLoadSchedule_NamesWhatIsWrong reads what a hand may have written.
func TestLoadSchedule_NamesWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "schedule.json")
	plan := []Fault{{Number: 1, Kind: Reset, Role: SomeClient, Start: 5, Duration: 6, Pick: 7}, {Number: 2, Kind: KillMaster}}
	if err := SaveSchedule(path, plan); err != nil {
		t.Fatal(err)
	}
	got, err := LoadSchedule(path)
	if err != nil || !slices.Equal(got, plan) || got[1].Aim() != ActiveMaster || got[0].Aim() != SomeClient {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, c := range []struct {
		fault Fault
		says  string
	}{
		{Fault{Kind: "earthquake"}, `unknown kind "earthquake"`},
		{Fault{Kind: KillMaster, Role: SomeClient}, `cannot hit the role "client"`},
		{Fault{Kind: KillMaster, Start: -1}, "must not be negative"},
	} {
		if err := SaveSchedule(path, []Fault{c.fault}); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSchedule(path); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%+v: %v", c.fault, err)
		}
	}
}

// TestPlan_FaultsBetweenServersOutlastTheirTimeouts: those of participants do not.
func TestPlan_FaultsBetweenServersOutlastTheirTimeouts(t *testing.T) {
	o := Options{SessionTimeout: time.Second, ServerPatience: 10 * time.Second}
	for kind, least := range map[Kind]time.Duration{IsolateServer: 10 * time.Second, CutMaster: 300 * time.Millisecond, LagFollower: 200 * time.Millisecond} {
		entry, _ := Lookup(kind)
		if f := o.draw(kind, 0, rand.New(rand.NewPCG(1, 1))); f.Duration < least || f.Duration > time.Duration(float64(least)*entry.Most/entry.Least)+time.Millisecond {
			t.Errorf("%s lasts %v", kind, f.Duration)
		}
	}
}
