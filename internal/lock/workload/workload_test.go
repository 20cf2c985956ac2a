package workload

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWorkload_HasTheFaultsOfWorkersAndClients: a locker holds what the recipe hands out, and puts
// load on it. No role leads.
func TestWorkload_HasTheFaultsOfWorkersAndClients(t *testing.T) {
	w := New()
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	recipe := w.ForNemesis()
	for kind, want := range map[nemesis.Kind]bool{
		nemesis.KillWorker: true, nemesis.KillClient: true, nemesis.TwinWorker: true, nemesis.DropCreate: true, nemesis.DropDelete: true, nemesis.DropMulti: true,
		nemesis.DropClose: true, nemesis.DelayReply: true, nemesis.LagFollower: true, nemesis.StopWorker: true, nemesis.KillMaster: false, nemesis.RestartStorm: false,
	} {
		if why := recipe.Refuses(kind); (why == "") != want {
			t.Errorf("%s: %q", kind, why)
		}
	}
}

// TestDraw_UsesEveryWay of each lock, and only those that it has.
func TestDraw_UsesEveryWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, u := range uses {
		modes, ways, delays, late, underWay, orders := map[history.Mode]bool{}, map[history.Way]bool{}, 0, 0, 0, map[string]bool{}
		for range 500 {
			w := draw(rng, u)
			modes[w.Mode], ways[w.Way] = true, true
			if w.Delay > 0 {
				delays++
			}
			if w.late {
				late++
			}
			if w.underWay {
				underWay++
			}
			orders[fmt.Sprint(w.order)] = true
			if w.holds <= 0 || w.every <= 0 || w.Delay > 0 && w.Mode != history.Exclusive || w.simple != u.simple || w.Yields != u.yields || (w.nags > 0) != u.yields || u.delays && w.Delay == 0 {
				t.Errorf("%s: %+v", u.lock, w)
			}
		}
		want := map[history.Mode]bool{history.Exclusive: true}
		switch {
		case u.permits > 0:
			want = map[history.Mode]bool{history.Permit: true}
		case u.shared:
			want[history.Shared] = true
		}
		allWays, allOrders := 4, 1
		if len(u.together) > 0 { // there is no LockAll that does not wait; 6 orders of 2 of 3 locks, and 6 of all 3
			allWays, allOrders = 3, 12
		}
		if !maps.Equal(modes, want) || len(ways) != allWays || len(orders) != allOrders || late == 0 || underWay == 0 || (delays > 0) != (u.permits == 0) {
			t.Errorf("%s: %v, %v, %v, %d delays, %d late, %d under way", u.name(), modes, ways, orders, delays, late, underWay)
		}
	}
}

// TestLayout_IsPlainForEverySecond, which alone can use a semaphore.
func TestLayout_IsPlainForEverySecond(t *testing.T) {
	for name, want := range map[string]lock.Layout{"locker-1": lock.Plain, "locker-2": lock.Kazoo, "locker-3": lock.Plain, "locker-4": lock.CuratorReadWrite, "locker-11": lock.Plain} {
		if got := layout(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestHeld_CountsWhoseContenderIsThere: the last holder of a lock is known by its name, as long as
// its znode is there.
func TestHeld_CountsWhoseContenderIsThere(t *testing.T) {
	session, err := (&zk.Env{Server: zk.NewServer(time.Minute)}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := uses[0].lock, uses[1].lock
	for path, data := range map[string]string{
		first: `{"znode":"x-W-0000000001","name":"locker-2"}`, second: `{"znode":"y-W-0000000001","name":"locker-3"}`,
	} {
		_, _ = session.Do(t.Context(), zkapi.Create(history.LocksRoot, nil, zkapi.Persistent))
		if _, err := session.Do(t.Context(), zkapi.Create(path, []byte(data), zkapi.Persistent)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := session.Do(t.Context(), zkapi.Create(first+"/x-W-0000000001", nil, zkapi.Ephemeral)); err != nil {
		t.Fatal(err)
	}
	if got, err := held(t.Context(), session); err != nil || !maps.Equal(got, map[string]int{"locker-2": 1}) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestPlay_RefusesAnUnknownRole, and options that cannot be read.
func TestPlay_RefusesAnUnknownRole(t *testing.T) {
	for says, p := range map[string]subject.Participant{
		`unknown role "juggler"`: {Role: "juggler", Options: []byte("{}")}, "unexpected end": {Role: Locker},
	} {
		if err := play(context.Background(), p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
