package protocol

import "testing"

// TestNumbers_AreASet holds the bits against a map, over the borders of words, and that
// the set before stays what it was.
func TestNumbers_AreASet(t *testing.T) {
	var n numbers
	want := map[int]bool{}
	for _, add := range []int{3, 64, 63, 200, 1, 64, 127, 128} {
		before := n
		was := before.has(add)
		n = n.with(add)
		want[add] = true
		if before.has(add) != was {
			t.Fatalf("%d came into the set before", add)
		}
		for i := range 300 {
			if n.has(i) != want[i] {
				t.Fatalf("after %d: has %d is %v", add, i, n.has(i))
			}
		}
	}
	if a, b := (numbers{}).with(70).with(2), (numbers{}).with(2).with(70); len(a) != len(b) || a[0] != b[0] || a[1] != b[1] {
		t.Errorf("one set is written in two ways: %v, %v", a, b)
	}
}
