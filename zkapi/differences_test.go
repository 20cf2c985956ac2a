package zkapi

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestDifferences_SumUpInOrder: the last change of a znode counts, and a child that was made
// again is another znode.
func TestDifferences_SumUpInOrder(t *testing.T) {
	type change struct {
		kind Kind
		name string
	}
	for _, row := range []struct {
		says    string
		changes []change
		want    Partial
	}{
		{"nothing has changed", nil, Partial{}},
		{"a child comes and is set", []change{{KindCreate, "a"}, {KindSet, "a"}}, Partial{Come: []string{"a"}}},
		{"a child comes and goes", []change{{KindCreate, "a"}, {KindDelete, "a"}}, Partial{Gone: []string{"a"}}},
		{"a child is set and goes", []change{{KindSet, "a"}, {KindDelete, "a"}}, Partial{Gone: []string{"a"}}},
		{"a child is made again", []change{{KindSet, "a"}, {KindDelete, "a"}, {KindCreate, "a"}}, Partial{Gone: []string{"a"}, Come: []string{"a"}}},
		{"two are set", []change{{KindSet, "b"}, {KindSet, "a"}, {KindSet, "b"}}, Partial{Changed: []string{"a", "b"}}},
		{"a znode below a child is made", []change{{KindCreate, "a/s"}, {KindSet, "a/s"}}, Partial{Below: []string{"a/s"}, Made: []string{"a/s"}}},
		{"it goes again", []change{{KindCreate, "a/s"}, {KindDelete, "a/s"}}, Partial{Below: []string{"a/s"}}},
		{"it goes and comes", []change{{KindDelete, "a/s"}, {KindCreate, "a/s"}}, Partial{Below: []string{"a/s"}, Made: []string{"a/s"}}},
		{"it is set", []change{{KindSet, "a/s"}}, Partial{}},
	} {
		t.Run(row.says, func(t *testing.T) {
			var d Differences
			for _, c := range row.changes {
				d.Add(c.kind, c.name)
			}
			if sum := *d.Partial(); !reflect.DeepEqual(sum, row.want) {
				t.Errorf("the sum is %+v, not %+v", sum, row.want)
			}
		})
	}
}

// TestDifferences_ASumOfSumsIsTheSum: changes are added one by one, and as two sums of them.
func TestDifferences_ASumOfSumsIsTheSum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []Kind{KindCreate, KindDelete, KindSet}
	for range 2000 {
		var all Differences
		var parts [2]Differences
		there := map[string]bool{"a": random.IntN(2) == 0, "b": random.IntN(2) == 0}
		for n := range parts {
			for range random.IntN(5) {
				kind, name := kinds[random.IntN(len(kinds))], []string{"a", "b", "a/x"}[random.IntN(3)]
				if there[name] != (kind != KindCreate) {
					continue // that cannot be
				}
				there[name] = kind != KindDelete
				all.Add(kind, name)
				parts[n].Add(kind, name)
			}
		}
		var sum Differences
		for n := range parts {
			sum.AddAll(*parts[n].Partial())
		}
		if got, want := sum.Partial(), all.Partial(); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v and %+v make %+v, want %+v", *parts[0].Partial(), *parts[1].Partial(), *got, *want)
		}
	}
}
