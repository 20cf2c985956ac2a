package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWorkload_HasTheFaultsOfMastersAndClients: candidates lead, and no role works.
func TestWorkload_HasTheFaultsOfMastersAndClients(t *testing.T) {
	w := New()
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	recipe := w.ForNemesis()
	for kind, want := range map[nemesis.Kind]bool{
		nemesis.KillMaster: true, nemesis.StopMaster: true, nemesis.KillClient: true, nemesis.DropMulti: true, nemesis.DropDelete: true,
		nemesis.DropCreate: false, nemesis.KillWorker: false, nemesis.TwinWorker: false, nemesis.RestartStorm: false,
	} {
		if why := recipe.Refuses(kind); (why == "") != want {
			t.Errorf("%s: %q", kind, why)
		}
	}
}

// TestOpen_UntilAProcessIsActive: the lock alone does not do, and neither does the breadcrumb of another.
func TestOpen_UntilAProcessIsActive(t *testing.T) {
	session := zk.NewServer(time.Minute).Open()
	for _, step := range []struct {
		op   zkapi.Op
		open int
	}{
		{zkapi.Create(candidate.Ledger, nil, zkapi.Persistent), 1},
		{zkapi.Create(history.Lock, []byte("candidate-1:2"), zkapi.Ephemeral), 1},
		{zkapi.Create(history.Breadcrumb, []byte("candidate-1:1"), zkapi.Persistent), 1},
		{zkapi.Set(history.Breadcrumb, []byte("candidate-1:2"), zkapi.AnyVersion), 0},
		{zkapi.Delete(history.Lock, zkapi.AnyVersion), 1},
	} {
		if _, err := session.Do(t.Context(), step.op); err != nil {
			t.Fatal(err)
		}
		if got, err := open(t.Context(), session); err != nil || got.Items != step.open || (got.Left == "") == (step.open > 0) {
			t.Errorf("after %v: %+v, %v", step.op, got, err)
		}
	}
}

// TestMood_IsDrawn: a candidate is healthy most of the time, never ill for long, and the same seed and life
// have the same moods.
func TestMood_IsDrawn(t *testing.T) {
	p := participant{Participant: subject.Participant{Seed: 7, Life: 2, Now: func() time.Duration { return time.Second }}}
	one, two := newMood(p), newMood(p)
	ill, long, most, tells := 0, 0, 0, 0
	const looks = 6000
	for n := range looks {
		now := time.Second + time.Duration(n)*100*time.Millisecond
		bad, hangs, told := one.at(now)
		if b, h, _ := two.at(now); b != bad || h != hangs || hangs && !bad {
			t.Fatalf("at %v: %v and %v", now, bad, b)
		}
		if told {
			tells++
		}
		if long++; !bad {
			long = 0
		} else {
			ill++
		}
		most = max(most, long)
	}
	if ill < looks/20 || ill > looks/4 || most > 26 || tells < 20 {
		t.Errorf("ill %d of %d times, %d times in a row, told %d times", ill, looks, most, tells)
	}
}
