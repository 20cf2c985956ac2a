package participant

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func newJournal(t *testing.T) (*record.Journal, func() []record.Event) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "j.ndjson")
	now := time.Duration(0)
	j, err := record.Create(path, "p", 1, func() time.Duration { now++; return now })
	if err != nil {
		t.Fatal(err)
	}
	return j, func() []record.Event {
		events, err := record.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
}

// TestRecorderSeesEveryWrite does writes in every way that the port has, and
// expects each in the journal with what was heard of it; reads are left out.
func TestRecorderSeesEveryWrite(t *testing.T) {
	journal, events := newJournal(t)
	server := zk.NewServer(time.Second)
	env := &recorder{Env: &zk.Env{Server: server}, journal: journal, namespace: "/space"}
	ctx := context.Background()
	session, err := env.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	do := func(op zkapi.Op) { _, _ = session.Do(ctx, op) }
	do(zkapi.Create("/space", nil, zkapi.Persistent))
	do(zkapi.Create("/space/t-", []byte("x"), zkapi.PersistentSequential))
	do(zkapi.Set("/space/none", nil, 3))
	do(zkapi.Get("/space"))
	session.DoAll(ctx, []zkapi.Op{
		zkapi.Children("/space"),
		zkapi.Multi(zkapi.Check("/space", 0), zkapi.Set("/space", []byte("y"), 0)),
	})
	server.Lose(func(zkapi.Op) zk.Loss { return zk.ReplyLost })
	do(zkapi.Delete("/space/t-0000000000", -1))
	if err := session.Close(ctx); err != nil {
		t.Fatal(err)
	}
	type line struct {
		outcome record.Type
		ops     []record.Op
		gained  []record.Op
	}
	var got []line
	for _, w := range record.Operations(events(), record.Write) {
		got = append(got, line{w.Outcome(), w.Invoke.Ops(), w.Done.Ops()})
	}
	want := []line{
		{record.OK, []record.Op{{Kind: "create"}}, nil},
		{record.OK, []record.Op{{Kind: "create", Path: "/t-", Sequential: true, Data: "x"}}, []record.Op{{Kind: "create", Path: "/t-0000000000"}}},
		{record.Fail, []record.Op{{Kind: "set", Path: "/none", Version: 3}}, nil},
		{record.OK, []record.Op{{Kind: "check"}, {Kind: "set", Data: "y"}}, []record.Op{{Kind: "set", Got: 1}}},
		{record.Info, []record.Op{{Kind: "delete", Path: "/t-0000000000", Version: -1}}, nil},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	notes := 0
	for _, e := range events() {
		if e.Kind == record.Session && e.Session() == "0x1" {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%d notes about the session, want that it opened and that it ended", notes)
	}
}

// TestSinkFences sends effects out of order.
func TestSinkFences(t *testing.T) {
	journal, events := newJournal(t)
	sink, err := ListenSink(journal)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dialSink(sink.Address())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		token record.Token
		want  error
	}{
		{record.Token{Epoch: 1, Attempt: 1}, nil}, {record.Token{Epoch: 2, Attempt: 2}, nil}, {record.Token{Epoch: 1, Attempt: 1}, errFencedBySink},
		{record.Token{Epoch: 2, Attempt: 2}, nil},
	} {
		if err := client.effect(EffectArgs{Task: "t", Token: step.token}); err != step.want {
			t.Errorf("%+v: %v, want %v", step.token, err, step.want)
		}
	}
	if err := client.effect(EffectArgs{Task: "other", Token: record.Token{Epoch: 1, Attempt: 1}}); err != nil {
		t.Errorf("another task: %v", err)
	}
	_ = client.Close()
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if got := len(events()); got != 5 {
		t.Errorf("%d effects in the journal, want 5", got)
	}
	if _, err := dialSink(sink.Address()); err == nil {
		t.Error("a closed sink answers")
	}
}

// TestWorkloadIsDrawnFromTheSeed draws it twice, and looks that every kind of task
// comes up.
func TestWorkloadIsDrawnFromTheSeed(t *testing.T) {
	draws := func(seed uint64) (all []wish) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for range 2000 {
			all = append(all, draw(rng, "id"))
		}
		return all
	}
	first := draws(7)
	if !reflect.DeepEqual(first, draws(7)) || reflect.DeepEqual(first, draws(8)) {
		t.Error("the workload does not depend on the seed alone")
	}
	var once, always, stubborn, long int
	asked := map[string]int{}
	for _, w := range first {
		p := w.payload
		for what, does := range map[string]bool{
			"priority": w.options.Priority != 0, "key": w.options.Key != "", "attempts": w.options.MaxAttempts > 0, "delay": w.delay > 0,
			"timeout": w.options.Timeout > 0 && p.Hangs > 0, "silence": w.options.HeartbeatTimeout > 0 && p.Hangs > 0, "progress": p.Progress,
			"cancel": w.cancel > 0, "twice": w.twice, "collect": w.collect,
		} {
			if does {
				asked[what]++
			}
		}
		switch {
		case p.Failures >= MaxAttempts:
			always++
		case p.Failures > 0:
			once++
		}
		if p.Stubborn {
			stubborn++
		}
		if p.Millis >= 100 {
			long++
		}
	}
	for _, what := range []string{"priority", "key", "attempts", "delay", "timeout", "silence", "progress", "cancel", "twice", "collect"} {
		if asked[what] < 10 {
			t.Errorf("of %d tasks %d ask for %s", len(first), asked[what], what)
		}
	}
	if once < 100 || always < 5 || stubborn < 100 || long < 200 {
		t.Errorf("of %d tasks %d fail at first, %d always, %d are stubborn, %d are long", len(first), once, always, stubborn, long)
	}
}

func TestConfigAndBack(t *testing.T) {
	want := Config{Name: "worker-1", Role: Worker, Life: 2, Servers: []string{"a:1"}, Rate: 1.5, Seed: 9}
	if got, err := Decode(want.Encode()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Decode("{"); err == nil {
		t.Error("half a config was accepted")
	}
}
