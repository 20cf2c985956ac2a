package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// TestShow_KeepsPhaseAndStateApart: in JSON phase is how far a task is, and state how it
// ended.
func TestShow_KeepsPhaseAndStateApart(t *testing.T) {
	for state, want := range map[recipe.State]string{
		recipe.Pending: `"phase":"pending","attempts"`, recipe.Assigned: `"phase":"assigned","worker":"w1"`,
		recipe.Done: `"phase":"finished","state":"done"`, recipe.Finished: `"phase":"finished","token"`,
	} {
		d := recipe.TaskDetail{TaskInfo: recipe.TaskInfo{Name: "a", State: state}}
		switch {
		case state == recipe.Finished:
			d.Status = &recipe.Status{} // it is not shown
		case state.Ended():
			d.Status = &recipe.Status{State: state}
		case state == recipe.Assigned:
			d.Worker = "w1"
		}
		if line, err := json.Marshal(detailOf(d)); err != nil || !strings.Contains(string(line), want) {
			t.Errorf("%s: %s, want %s", state, line, want)
		}
	}
}
