package recipe

import (
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestMaster_ForgetsThatItTookATaskThatIsGone: a master that remembers it would take the worker's
// claim at once when it takes the same task from the same worker again. The task may be quarantined
// when the worker gives it back, and the list of the inbox may be whole or be the differences.
func TestMaster_ForgetsThatItTookATaskThatIsGone(t *testing.T) {
	errHidden := errors.New("hidden")
	for name, row := range map[string]struct {
		hidden bool
		inbox  zkapi.Result
	}{
		"differences":                      {false, zkapi.Result{Partial: &zkapi.Partial{Gone: []string{"t1"}}}},
		"differences, beside a quarantine": {true, zkapi.Result{Partial: &zkapi.Partial{Gone: []string{"t1"}}}},
		"whole":                            {false, zkapi.Result{}},
		"whole, beside a quarantine":       {true, zkapi.Result{}},
	} {
		obs := Observers{}.filled("master", "m1")
		env := &zk.Env{Server: zk.NewServer(0)}
		r := &reconciler{
			env: env, term: &leadership{&elect.Term{Term: &term.Term{Active: t.Context()}}, obs}, view: decide.NewView(), quarantine: newQuarantine(env, obs),
			listWatch: map[string]zkapi.Source{}, lists: map[string]*followedList{},
		}
		r.view.AddAssignment("w1", "t1")
		r.view.Apply(decide.Transition{Action: decide.TakeTask, Task: "t1", Holder: "w1"}, 1, r.now())
		if row.hidden {
			r.quarantineTask("t1", errHidden, true)
		}
		if len(r.view.Worker("w1").Taken) != 1 {
			t.Fatalf("%s: nothing was taken", name)
		}
		if row.inbox.Partial != nil {
			r.inboxChanged("w1", row.inbox)
		} else {
			r.listed("w1", row.inbox)
		}
		if _, taken := r.view.Worker("w1").Taken["t1"]; taken {
			t.Errorf("%s: it remembers it", name)
		}
	}
}
