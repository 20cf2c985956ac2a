package nemesis

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// plansOfSeeds are digests of the plans of the seeds 1 to 10: of a run with three servers,
// and of one in memory.
var plansOfSeeds = [10][2]string{
	{"e191d09f2d61cfac", "d0e12dae8cca19ab"},
	{"2032d7035c7df703", "3f6b1458a3b79ec8"},
	{"06b36237db597afd", "5d6c63299d57b584"},
	{"7935d847b13ec82f", "5a35b24fee0e3cac"},
	{"48c979f058af46b2", "6560a843e7f302ed"},
	{"215b95b71852daf7", "673e01ef8ef8aa33"},
	{"a4ef4b9a99c59ad9", "951ea6c172fe4179"},
	{"86a33a855333c9b8", "4fb55aee41a6c5a4"},
	{"73956699a8ec43bc", "b623c4c304679671"},
	{"72907d99006085f5", "7beda4becde93eb8"},
}

// TestPlan_StaysTheSameForASeed holds the plans of ten seeds, with the options of a plain
// run, to the letter.
func TestPlan_StaysTheSameForASeed(t *testing.T) {
	o := Options{Kinds: all(t), Total: time.Minute, Servers: 3, Masters: 3, Workers: 4, Clients: 3, SessionTimeout: 3 * time.Second, ServerPatience: 2500 * time.Millisecond}
	memory := o
	impossible := RefusedInMemory(o.Kinds)
	memory.Kinds = slices.DeleteFunc(all(t), func(k Kind) bool { return slices.Contains(impossible, k) })
	for i, want := range plansOfSeeds {
		for j, options := range []Options{o, memory} {
			plan, err := json.Marshal(Plan(uint64(i+1), options))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(plan))[:16]; got != want[j] {
				t.Errorf("seed %d, options %d: %s, want %s", i+1, j, got, want[j])
			}
		}
	}
}
