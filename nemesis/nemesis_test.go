package nemesis

import (
	"fmt"
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

// TestPlanIsPinned holds one plan to the letter: a seed that found something must
// give the same faults for ever.
func TestPlanIsPinned(t *testing.T) {
	var got []string
	for _, f := range Plan(7, options(all(t), 3, 10*time.Second)) {
		got = append(got, fmt.Sprintf("%v %s %v %d", f.Start, f.Kind, f.Duration, f.Pick))
	}
	want := strings.Split(strings.TrimSpace(pinned), "\n")
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const pinned = `
500ms cut-master 2.107s 296
845.05266ms expire-master 0s 631
1.331167518s kill-client 2.215s 173
1.856879566s stop-worker 5.813s 293
2.242128392s leave-worker 1.364s 174
2.687743743s cut-client 1.667s 512
3.263087803s isolate-leader 5.196s 545
3.780465812s cut-worker 4.259s 338
4.073129043s stop-master 5.739s 585
4.562952948s kill-master 2.22s 889
5.03155743s expire-worker 0s 70
5.50883037s kill-worker 390ms 189
7.072281686s leave-master 453ms 658
`

// TestPlanKeepsAQuorum draws options and checks the promises of Plan.
func TestPlanKeepsAQuorum(t *testing.T) {
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
		for i, f := range plan {
			down := taken(f, servers)
			for _, g := range plan[:i] {
				if g.Start+g.Duration >= f.Start {
					down += taken(g, servers)
				}
			}
			if taken(f, servers) > 0 && down > (servers-1)/2 {
				t.Fatalf("at %v %d of %d servers suffer", f.Start, down, servers)
			}
			if !slices.Contains(kinds, f.Kind) || f.Start >= o.Total {
				t.Fatalf("not asked for: %+v", f)
			}
		}
	})
}

// taken is how many servers a fault takes from the quorum.
func taken(f Fault, servers int) int {
	switch entry, _ := Lookup(f.Kind); entry.Role {
	case Servers:
		return (servers - 1) / 2
	case LeaderServer, SomeServer:
		return 1
	}
	return 0
}

func TestEveryKindComesUp(t *testing.T) {
	for seed := range uint64(20) {
		seen := map[Kind]bool{}
		for _, f := range Plan(seed, options(all(t), 3, 90*time.Second)) {
			seen[f.Kind] = true
		}
		if len(seen) != len(Catalogue) {
			t.Errorf("seed %d: %d of %d kinds in 90 s", seed, len(seen), len(Catalogue))
		}
	}
}

func TestParse(t *testing.T) {
	got, err := Parse("partition,kill-master")
	want := []Kind{KillMaster, CutMaster, CutWorker, CutClient, IsolateLeader, SplitServers}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Parse("kill-master,earthquake"); err == nil || !strings.Contains(err.Error(), `"earthquake"`) || !strings.Contains(err.Error(), "kill-master") {
		t.Errorf("the error must name the input and the choice: %v", err)
	}
	if got, err := Parse("none"); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
}

func TestRefused(t *testing.T) {
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

func TestRecordsAndBack(t *testing.T) {
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
