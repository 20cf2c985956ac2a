package synthetic

import (
	"reflect"
	"testing"
)

// TestRun_IsTheSameForASeed: and another seed another one.
func TestRun_IsTheSameForASeed(t *testing.T) {
	once, again, other := Run(7, 500), Run(7, 500), Run(8, 500)
	if !reflect.DeepEqual(once, again) {
		t.Error("one seed has made two runs")
	}
	if reflect.DeepEqual(once.Events, other.Events) {
		t.Error("two seeds have made one run")
	}
	if n := float64(once.Operations()); n < 500*PerTask {
		t.Errorf("%v operations are fewer than %v for each of 500 tasks", n, PerTask)
	}
}

// TestRun_EventsAreInOrder: numbered from 1 and ever later, as a merged history is, and no
// two writes have one place in ZooKeeper's order.
func TestRun_EventsAreInOrder(t *testing.T) {
	for name, r := range map[string]*Record{"run": Run(1, 500), "contested": Contested(4)} {
		for i := range r.Events {
			if e := r.Events[i]; e.Seq != i+1 || i > 0 && e.At <= r.Events[i-1].At {
				t.Fatalf("%s: event %d has number %d and time %v", name, i, e.Seq, e.At)
			}
		}
		last := int64(0)
		for _, x := range r.Exchanges {
			if x.Answered != 0 && x.Zxid <= last {
				t.Fatalf("%s: zxid %d after %d", name, x.Zxid, last)
			}
			last = max(last, x.Zxid)
		}
	}
}
