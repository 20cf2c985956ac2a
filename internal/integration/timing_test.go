package integration

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestTiming_OfTheServers asks servers with ZooKeeper's own settings for their times, and real
// ones whose four-letter words are as shipped, too.
func TestTiming_OfTheServers(t *testing.T) {
	shipped := together(t, "as-shipped")
	shipped.Settings = append(shipped.Settings, "tickTime=2000")
	silent := shipped
	silent.Settings = append(silent.Settings, "4lw.commands.whitelist=srvr")
	three := zkclient.Timing{Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5, Least: 4 * time.Second, Most: 40 * time.Second}
	one := three
	one.InitLimit, one.SyncLimit = 0, 0
	assumed := func(t zkclient.Timing) zkclient.Timing {
		t.Most, t.Assumed = 0, true
		return t
	}
	for name, c := range map[string]struct {
		config ensemble.Config
		want   zkclient.Timing
	}{
		"three servers": {ensemble.Config{Servers: 3, Profile: shipped}, three},
		"one server":    {ensemble.Config{Servers: 1, Profile: shipped}, one},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, c.config, func(t *testing.T, e driven) { timed(t, e, c.want) })
		})
	}
	for name, c := range map[string]struct {
		servers int
		want    zkclient.Timing
	}{
		"three servers that are not to say": {3, assumed(three)},
		"one server that is not to say":     {1, assumed(one)},
	} {
		t.Run(name, func(t *testing.T) { // which serve does not know
			t.Parallel()
			timed(t, startReal(t, ensemble.Config{Servers: c.servers, Profile: silent}), c.want)
		})
	}
}

func timed(t *testing.T, e driven, want zkclient.Timing) {
	t.Helper()
	driver, err := zkclient.New(zkclient.Config{Servers: e.addresses()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := driver.Timing(t.Context())
	got.Server = ""
	if got != want || err != nil {
		t.Errorf("%+v, want %+v; %v", got, want, err)
	}
}
