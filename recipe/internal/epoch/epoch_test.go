package epoch

import "testing"

// TestMemory_NegativeVersionIsNoEpoch: neither one that was seen, nor one of a tree that has
// gone back in time.
func TestMemory_NegativeVersionIsNoEpoch(t *testing.T) {
	for _, shown := range []int32{-1, -2, -1 << 31} {
		m := &Memory{}
		m.Saw(7, "this process")
		m.Saw(shown, "this process")
		if err, news := m.Behind(shown, 7); err != nil || news {
			t.Errorf("%d: %v", shown, err)
		}
		if epoch, _ := m.Highest(); epoch != 7 {
			t.Errorf("%d: the highest epoch is %d", shown, epoch)
		}
		if err, _ := m.Behind(3, 7); err == nil {
			t.Error("an epoch that was lower is not noticed")
		}
	}
}
