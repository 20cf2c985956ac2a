package harness

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

func nothingGiven(string) bool { return false }

func profiled(t *testing.T, seed uint64, name string, given func(string) bool) Setup {
	t.Helper()
	c := defaults()
	c.Seed = seed
	if err := c.UseProfile(name, given); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUseProfile_DrawsFromTheSeed: one seed gives one profile, and many give all.
func TestUseProfile_DrawsFromTheSeed(t *testing.T) {
	drawn := map[string]bool{}
	for seed := range uint64(300) {
		c := profiled(t, seed, ensemble.AnyProfile, nothingGiven)
		if again := profiled(t, seed, ensemble.AnyProfile, nothingGiven); !reflect.DeepEqual(c.Config, again.Config) {
			t.Fatalf("seed %d gives %+v and %+v", seed, c, again)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("seed %d, %s: %v", seed, c.Profile, err)
		}
		drawn[c.Profile] = true
	}
	for _, p := range ensemble.Profiles {
		if drawn[p.Name] != (p.Open == "") {
			t.Errorf("%s is drawn: %v, and open is %q", p.Name, drawn[p.Name], p.Open)
		}
	}
}

func TestUseProfile_LeavesWhatWasGiven(t *testing.T) {
	c := profiled(t, 1, "as-shipped", nothingGiven)
	if c.TickTime != 2*time.Second || c.SessionTimeout < shortestTimeout || c.SessionTimeout > longestTimeout || c.Holders != 2 {
		t.Errorf("as shipped: %+v", c)
	}
	if patience := c.profile().Patience(c.TickTime); patience != 10*time.Second || patience <= c.SessionTimeout {
		t.Errorf("servers wait %v for each other, the session lasts %v", patience, c.SessionTimeout)
	}
	if want := []string{"worker-2", "worker-3"}; !slices.Equal(c.holders(), want) {
		t.Errorf("holders %q", c.holders())
	}
	c = profiled(t, 1, "as-shipped", func(string) bool { return true })
	if d := defaults(); c.TickTime != d.TickTime || c.SessionTimeout != d.SessionTimeout || c.Holders != 0 {
		t.Errorf("what was given: %+v", c)
	}
	if c := profiled(t, 1, ensemble.Kind, nothingGiven); len(c.holders()) > 0 || len(c.ProfileFaults()) > 0 {
		t.Errorf("the kind one: %+v", c)
	}
}

func TestUseProfile_RefusesWhatCannotBe(t *testing.T) {
	c := defaults()
	if err := c.UseProfile("nonsense", nothingGiven); err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("an unknown profile: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Setup)
		want   string
	}{
		"in memory":           {func(c *Setup) { c.Ensemble, c.Profile, c.Nemesis = Memory, "quota", nil }, "--server-profile quota"},
		"too many holders":    {func(c *Setup) { c.Holders = 3 }, "--holders 3"},
		"nobody to isolate":   {func(c *Setup) { c.Nemesis = []nemesis.Kind{nemesis.IsolateHolder} }, "--holders 1"},
		"a quota on the kind": {func(c *Setup) { c.Nemesis = []nemesis.Kind{nemesis.ExhaustQuota} }, "--server-profile quota"},
	} {
		config := defaults()
		c.change(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	memory := defaults()
	memory.Ensemble = Memory
	if err := memory.UseProfile(ensemble.AnyProfile, nothingGiven); err != nil || memory.Profile != ensemble.Kind {
		t.Errorf("any, in memory: %q, %v", memory.Profile, err)
	}
	quota := profiled(t, 1, "quota", nothingGiven)
	quota.Nemesis = quota.ProfileFaults()
	if err := quota.Validate(); err != nil || !slices.Equal(quota.Nemesis, []nemesis.Kind{nemesis.ExhaustQuota}) {
		t.Errorf("a quota where one is enforced: %v, %v", quota.Nemesis, err)
	}
}
