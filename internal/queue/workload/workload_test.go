package workload

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWorkload_HasTheFaultsOfWorkersAndClients: a consumer holds what the recipe hands out, and a
// producer puts load on it. No role leads.
func TestWorkload_HasTheFaultsOfWorkersAndClients(t *testing.T) {
	w := New()
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	recipe := w.ForNemesis()
	for kind, want := range map[nemesis.Kind]bool{
		nemesis.KillWorker: true, nemesis.KillClient: true, nemesis.TwinWorker: true, nemesis.DropCreate: false, nemesis.DropDelete: true, nemesis.DropMulti: true,
		nemesis.DropClose: true, nemesis.ExpireAssigned: true, nemesis.LagFollower: true, nemesis.StopWorker: true, nemesis.KillMaster: false, nemesis.RestartStorm: false,
	} {
		if why := recipe.Refuses(kind); (why == "") != want {
			t.Errorf("%s: %q", kind, why)
		}
	}
}

// TestDraw_UsesEveryWay of a put.
func TestDraw_UsesEveryWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	number := 0
	id := func() string { number++; return fmt.Sprint(number) }
	seen, items := map[string]bool{}, 0
	for range 300 {
		b := draw(rng, id)
		seen["several"] = seen["several"] || len(b.orders) > 1
		seen["gives up"] = seen["gives up"] || b.within > 0
		for _, o := range b.orders {
			items++
			seen["delay"] = seen["delay"] || o.Delay > 0
			seen["priority"] = seen["priority"] || o.Priority != queue.DefaultPriority
			seen["poison"] = seen["poison"] || o.Poison
			seen["waits"] = seen["waits"] || o.waits
			if want := o.Together; want != len(b.orders) || o.Queue != jobs || o.ID == "" {
				t.Errorf("%+v", o)
			}
		}
	}
	if len(seen) != 6 || number != items {
		t.Errorf("%v; %d items have %d ids", seen, items, number)
	}
}

// TestDrawn_UsesEveryWay of a take.
func TestDrawn_UsesEveryWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ends, seen := map[string]bool{}, map[string]bool{}
	for range 300 {
		w := drawn(rng)
		ends[w.end] = true
		seen["try"] = seen["try"] || w.try
		seen["many"] = seen["many"] || w.many > 1
		seen["gives up"] = seen["gives up"] || w.within > 0
		seen["late"] = seen["late"] || w.late
		seen["long"] = seen["long"] || w.holds > 100*time.Millisecond
		if w.every <= 0 || w.many < 1 || w.try && w.many > 1 {
			t.Errorf("%+v", w)
		}
	}
	if !maps.Equal(ends, map[string]bool{"ack": true, "release": true, "bury": true}) || len(seen) != 5 || !seen["try"] || !seen["many"] || !seen["gives up"] || !seen["late"] || !seen["long"] {
		t.Errorf("%v, %v", ends, seen)
	}
}

// TestTree_TellsWhoHasWhat: a claim has the name of its consumer, and items that are in line or
// delayed are open.
func TestTree_TellsWhoHasWhat(t *testing.T) {
	session, err := (&zk.Env{Server: zk.NewServer(time.Minute)}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o, err := open(t.Context(), session); err != nil || o.Items != 0 || o.Left != "" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, op := range []zkapi.Op{
		zkapi.Create(history.QueuesRoot, nil, zkapi.Persistent), zkapi.Create(jobs, nil, zkapi.Persistent),
		zkapi.Create(in(history.Line), nil, zkapi.Persistent), zkapi.Create(in(history.Claims), nil, zkapi.Persistent), zkapi.Create(in(history.Delayed), nil, zkapi.Persistent),
		zkapi.Create(in(history.Line)+"/entry-100-0000000000", nil, zkapi.Persistent), zkapi.Create(in(history.Line)+"/entry-100-0000000001", nil, zkapi.Persistent),
		zkapi.Create(in(history.Delayed)+"/1700000000000-100-0000000000", nil, zkapi.Persistent),
		zkapi.Create(in(history.Claims)+"/entry-100-0000000000", []byte("consumer-2"), zkapi.Ephemeral),
	} {
		if _, err := session.Do(t.Context(), op); err != nil {
			t.Fatal(op.Path, err)
		}
	}
	if got, err := held(t.Context(), session); err != nil || !maps.Equal(got, map[string]int{"consumer-2": 1}) {
		t.Errorf("%v, %v", got, err)
	}
	if o, err := open(t.Context(), session); err != nil || o.Items != 3 || o.Left != "2 items in line, 1 delayed" {
		t.Errorf("%+v, %v", o, err)
	}
	claim := zkapi.Set(in(history.Claims)+"/entry-100-0000000000", []byte("consumer-2"), 0)
	if !assigns(claim, "consumer-2") || assigns(claim, "consumer-1") || assigns(zkapi.Set(jobs, []byte("consumer-2"), 0), "consumer-2") {
		t.Error("a claim is not that of its consumer")
	}
}

// TestPlay_RefusesAnUnknownRole, and options that cannot be read.
func TestPlay_RefusesAnUnknownRole(t *testing.T) {
	env := &zk.Env{Server: zk.NewServer(time.Minute)}
	for says, p := range map[string]subject.Participant{
		`unknown role "juggler"`: {Role: "juggler", Options: []byte("{}"), Env: env}, "unexpected end": {Role: Consumer, Env: env},
	} {
		if err := play(context.Background(), p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
