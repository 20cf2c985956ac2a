package subject

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// sound is a workload that a run can be made of.
func sound() Workload {
	return Workload{
		Roles: []Role{{Name: "locker", Count: 2, Most: 3, Works: true, Holds: true}, {Name: "judge", Count: 1, Most: 1, Leads: true}},
		Play:  func(context.Context, Participant) error { return nil },
	}
}

// TestWorkload_ValidateNamesWhatIsWrong breaks one thing after the other.
func TestWorkload_ValidateNamesWhatIsWrong(t *testing.T) {
	if err := sound().Validate(); err != nil {
		t.Error(err)
	}
	for says, broken := range map[string]func(*Workload){
		"Play is nil, so":            func(w *Workload) { w.Play = nil },
		"there are no roles":         func(w *Workload) { w.Roles = nil },
		`role "Lock-er"`:             func(w *Workload) { w.Roles[0].Name = "Lock-er" },
		`two roles "judge"`:          func(w *Workload) { w.Roles[0].Name = "judge" },
		"processes of this name":     func(w *Workload) { w.Roles[0].Name = "server" },
		"--holders, its flag, is an": func(w *Workload) { w.Roles[0].Name = "holder" },
		"not within 3 to 3":          func(w *Workload) { w.Roles[0].Least = 3 },
		"not within 0 to 1":          func(w *Workload) { w.Roles[0].Most = 1 },
		"2 roles hold long-liv":      func(w *Workload) { w.Roles[1].Holds = true },
	} {
		w := sound()
		broken(&w)
		if err := w.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

// TestWorkload_ForNemesis: what no role does, no fault aims at, and who leads must be
// found, too.
func TestWorkload_ForNemesis(t *testing.T) {
	w := sound()
	if got, want := w.ForNemesis().Lacks, []nemesis.Role{nemesis.ActiveMaster, nemesis.Backup, nemesis.NextMaster, nemesis.MastersServer, nemesis.SomeClient}; !slices.Equal(got, want) {
		t.Errorf("nobody finds who leads: %q is lacking, want %q", got, want)
	}
	w.Tree.Leader = func(context.Context, nemesis.Znodes) (string, int64, error) { return "", 0, zkapi.ErrNoNode }
	w.Roles[0].Leads = true
	if got, want := w.ForNemesis().Lacks, []nemesis.Role{nemesis.WorkerAlone, nemesis.SomeClient}; !slices.Equal(got, want) {
		t.Errorf("who works leads: %q is lacking, want %q", got, want)
	}
}
