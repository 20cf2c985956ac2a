package integration

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestTiming_OfTheServers asks real servers with ZooKeeper's own settings for their
// times, and such whose four-letter words are as shipped, too.
func TestTiming_OfTheServers(t *testing.T) {
	ask := func(profile ensemble.Profile, servers int) (zkclient.Timing, error) {
		profile.Settings = append(profile.Settings, "tickTime=2000")
		e := ensembletest.StartWith(t, ensemble.Config{Servers: servers, Profile: profile})
		driver, err := zkclient.New(zkclient.Config{Servers: e.Addresses()})
		if err != nil {
			t.Fatal(err)
		}
		timing, err := driver.Timing(t.Context())
		timing.Server = ""
		return timing, err
	}
	shipped, err := ensemble.ProfileNamed("as-shipped")
	if err != nil {
		t.Fatal(err)
	}
	want := zkclient.Timing{Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5, Least: 4 * time.Second, Most: 40 * time.Second}
	if got, err := ask(shipped, 3); got != want || err != nil {
		t.Errorf("three servers: %+v, want %+v; %v", got, want, err)
	}
	want.InitLimit, want.SyncLimit = 0, 0
	if got, err := ask(shipped, 1); got != want || err != nil {
		t.Errorf("one server: %+v, want %+v; %v", got, want, err)
	}
	shipped.Settings = append(shipped.Settings, "4lw.commands.whitelist=srvr")
	want = zkclient.Timing{Tick: 2 * time.Second, Least: 4 * time.Second, Assumed: true}
	if got, err := ask(shipped, 1); got != want || err != nil {
		t.Errorf("a server that is not to say: %+v, want %+v; %v", got, want, err)
	}
	want.InitLimit, want.SyncLimit = 10, 5
	if got, err := ask(shipped, 3); got != want || err != nil {
		t.Errorf("three servers that are not to say: %+v, want %+v; %v", got, want, err)
	}
}
