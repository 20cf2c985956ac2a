package explore_test

import (
	"reflect"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// TestWalk_IsDrawnFromItsSeed goes through the same schedule twice, to a state in which
// the goal is reached, and through another schedule.
func TestWalk_IsDrawnFromItsSeed(t *testing.T) {
	config := world.Defaults()
	config.Bounds.Losses, config.Bounds.Expiries = 1, 1
	w, err := config.World()
	if err != nil {
		t.Fatal(err)
	}
	walk := func(seed uint64) (all []explore.Moment) {
		for m, err := range explore.Walk(w, seed, 10) {
			if err != nil {
				t.Fatal(err)
			}
			m.View, m.Asks = explore.View{Tree: m.View.Tree, Processes: m.View.Processes}, nil
			all = append(all, m)
		}
		return all
	}
	texts := func(all []explore.Moment) (lines []string) {
		for _, m := range all {
			lines = append(lines, string(m.Happening)+m.Process+m.Text)
		}
		return lines
	}
	first, again, other := walk(1), walk(1), walk(2)
	if !reflect.DeepEqual(texts(first), texts(again)) {
		t.Error("one seed, two schedules")
	}
	if reflect.DeepEqual(texts(first), texts(other)) {
		t.Error("two seeds, one schedule")
	}
	last := first[len(first)-1]
	if !w.Judge.Goal(last.View) || first[0].Happening != explore.Begins {
		t.Errorf("from %s to the goal is %v in %d steps", first[0].Happening, w.Judge.Goal(last.View), len(first))
	}
	kinds := map[explore.Happening]bool{}
	for seed := range uint64(20) {
		for _, m := range walk(seed) {
			kinds[m.Happening] = true
			if m.Happening == explore.Serves && m.Asked.Op.Kind == 0 && m.Asked.Resource == "" && !m.Asked.Closes {
				t.Errorf("there is no request in %+v", m.Step)
			}
		}
	}
	for _, kind := range []explore.Happening{explore.Serves, explore.LosesRequest, explore.LosesReply, explore.Delivers, explore.Breaks, explore.Expires, explore.Notices} {
		if !kinds[kind] {
			t.Errorf("nothing of the kind %s in 20 schedules", kind)
		}
	}
}
