package election_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func (w *world) observer() *election.Observer {
	w.t.Helper()
	o, err := election.NewObserver(w.env, election.Config{Path: path})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = o.Close(context.Background()) })
	return o
}

func (w *world) makes(paths ...string) {
	w.t.Helper()
	for _, p := range paths {
		w.do(zkapi.Create(p, nil, zkapi.Persistent))
	}
}

// TestByHand_ALeader: a person takes part with zkCli.sh: create -e.
func TestByHand_ALeader(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/elections", path)
		w.do(zkapi.Create(path+"/leader", []byte("me"), zkapi.Ephemeral))
		o := w.observer()
		now, err := o.Leader(w.ctx)
		if want := (election.Leader{Data: "me", Session: w.direct.ID()}); err != nil || now != want || !now.Exists() {
			t.Errorf("%+v, %v", now, err)
		}
		led := w.waits(w.candidate("a"))
		if len(led) > 0 {
			t.Fatal("two lead")
		}
		w.do(zkapi.Delete(path+"/leader", zkapi.AnyVersion))
		l := <-led
		if l.Epoch() != 1 {
			t.Errorf("epoch %d", l.Epoch())
		}
		w.do(zkapi.Delete(path+"/leader", zkapi.AnyVersion))
		w.do(zkapi.Create(path+"/leader", []byte("me"), zkapi.Ephemeral))
		if now, err := o.Leader(w.ctx); err != nil || now.Name != "" || now.Epoch != 0 || now.Data != "me" {
			t.Errorf("of a leader by hand after another one: %+v, %v", now, err)
		}
	})
}

// TestByHand_ZnodesInTheWay: each is named in the log with its remedy, and the candidate leads
// when it is gone.
func TestByHand_ZnodesInTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		make   func(w *world)
		says   string
		remove string
	}{
		"a leader that is persistent": {
			func(w *world) { w.makes("/elections", path, path+"/leader") },
			path + "/leader problem=\"is persistent, but only an ephemeral of a session counts here: there is no leader, and none can be elected\" remedy=\"delete " + path + "/leader\"",
			path + "/leader",
		},
		"an epoch that is ephemeral": {
			func(w *world) { w.makes("/elections"); w.do(zkapi.Create(path, nil, zkapi.Ephemeral)) },
			path + " problem=\"is an ephemeral, but must be persistent: no znode can be created below it\"",
			path,
		},
		"a version that cannot be an epoch": {
			func(w *world) {
				w.makes("/elections", path)
				if err := w.env.Server.SetVersion(path, -7); err != nil {
					w.t.Fatal(err)
				}
			},
			"has version -7, which is negative", path,
		},
	} {
		inBubble(t, func(w *world) {
			c.make(w)
			led := w.waits(w.candidate("a"))
			time.Sleep(time.Minute)
			if len(led) > 0 || w.log.has(c.says) != 1 {
				t.Errorf("%s: %d lead, and the log says\n%s", name, len(led), w.log.text.String())
			}
			w.do(zkapi.Delete(c.remove, zkapi.AnyVersion))
			if l := <-led; l.Epoch() != 1 {
				t.Errorf("%s: epoch %d", name, l.Epoch())
			}
		})
	}
}

// TestByHand_Deposed: a person ends the leadership of whoever leads: set.
func TestByHand_Deposed(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		w.do(zkapi.Set(path, []byte("enough"), zkapi.AnyVersion))
		<-l.Context().Done()
		if cause := context.Cause(l.Context()); !errors.Is(cause, election.ErrFenced) {
			t.Errorf("it ended with %v", cause)
		}
		if l := w.campaign(w.candidate("b")); l.Epoch() != 3 {
			t.Errorf("epoch %d", l.Epoch())
		}
	})
}

// TestByHand_TheEpochIsDeleted: its versions begin again at 0, and a candidate that waits knows what
// was there.
func TestByHand_TheEpochIsDeleted(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.candidate("a")
		for range 2 {
			if err := w.campaign(a).Resign(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		l := w.campaign(a)
		next := w.waits(w.candidate("b"))
		// One write: between two of them the next one could be elected.
		w.do(zkapi.Multi(zkapi.Delete(path+"/leader", zkapi.AnyVersion), zkapi.Delete(path, zkapi.AnyVersion)))
		if l := <-next; l.Epoch() <= 3 {
			t.Errorf("epoch %d comes again", l.Epoch())
		}
		_, err := l.Write(w.ctx, zkapi.Create("/late", nil, zkapi.Persistent))
		refused(t, "by the leader before", err, election.ErrFenced)
	})
}

// TestCampaign_ReturnsRefusals: a server that refuses this process for good. It learns it before
// it waits.
func TestCampaign_ReturnsRefusals(t *testing.T) {
	inBubble(t, func(w *world) {
		w.campaign(w.candidate("other"))
		other := w.ownerOf(path + "/leader").ID()
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session != other && op.Kind == zkapi.KindSet {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		if _, err := w.candidate("a", queued).Campaign(w.ctx); !errors.Is(err, zkapi.ErrNoAuth) || !strings.Contains(err.Error(), "candidate gives up") {
			t.Errorf("Campaign: %v", err)
		}
		if left := w.left(); len(left) != 1 {
			t.Errorf("left are %v", left)
		}
	})
}

// TestQueue_LeadsInOrder: and the end of one wakes one. A znode that is no candidate is skipped.
func TestQueue_LeadsInOrder(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/elections", path, path+"/candidates", path+"/candidates/c-stray-0000000000")
		var led []<-chan *election.Leadership
		for _, name := range []string{"a", "b", "c", "d"} {
			led = append(led, w.waits(w.candidate(name, queued)))
		}
		for i, next := range led {
			l := <-next
			if l.Epoch() != int32(i+1) {
				t.Errorf("candidate %d has epoch %d", i, l.Epoch())
			}
			woken := map[int64]bool{} // sessions
			resigns := w.ownerOf(path + "/leader").ID()
			w.env.Server.Observe(func(session int64, _ zkapi.Op) { woken[session] = woken[session] || session != resigns })
			if err := l.Resign(w.ctx); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			w.env.Server.Observe(nil)
			delete(woken, resigns)
			if len(woken) > 1 {
				t.Errorf("%d candidates were woken", len(woken))
			}
		}
		if w.log.has("it is not in the queue of candidates") == 0 {
			t.Error("the stray znode is not reported")
		}
	})
}

// TestRestored_EpochsGoOn: the tree goes back to epoch 1, and processes have seen epoch 4.
func TestRestored_EpochsGoOn(t *testing.T) {
	for _, leads := range []bool{true, false} {
		inBubble(t, func(w *world) {
			a, b := w.candidate("a"), w.candidate("b")
			l := w.campaign(a)
			backup := w.env.Server.Tree()
			for range 3 {
				if err := l.Resign(w.ctx); err != nil {
					t.Fatal(err)
				}
				l = w.campaign(a)
			}
			if l.Epoch() != 4 {
				t.Fatalf("epoch %d", l.Epoch())
			}
			next := w.waits(b)
			if !leads { // the only one that still knows is the one that stands by
				if err := a.Close(w.ctx); err != nil {
					t.Fatal(err)
				}
				l = <-next
			}
			w.env.Server.Restore(backup)
			<-l.Context().Done()
			if !leads {
				next = w.waits(b)
			}
			if l = <-next; l.Epoch() <= 5 {
				t.Errorf("epoch %d comes again", l.Epoch())
			}
			if w.log.has("the ensemble was wiped, replaced or restored") == 0 {
				t.Error("the log does not say it")
			}
		})
	}
}

// TestEpochAtLeast_IsKept: a new process knows only what its operator says.
func TestEpochAtLeast_IsKept(t *testing.T) {
	inBubble(t, func(w *world) {
		if l := w.campaign(w.candidate("a", func(c *election.Config) { c.EpochAtLeast = 700 })); l.Epoch() < 700 {
			t.Errorf("epoch %d", l.Epoch())
		}
	})
}

// TestElection_LostAnswers: the answer to each request before the election is lost once, with the
// request or without it. The candidate leads once, and nothing else is left.
func TestElection_LostAnswers(t *testing.T) {
	for _, queue := range []bool{false, true} {
		for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
			for step := 1; step < 20; step++ {
				inBubble(t, func(w *world) {
					at := 0
					w.env.Server.Lose(func(zkapi.Op) zk.Loss {
						if at++; at == step {
							return loss
						}
						return zk.None
					})
					l := w.campaign(w.candidate("a", func(c *election.Config) { c.Queue = queue }))
					want := []string{path + "/leader"}
					left := slices.DeleteFunc(w.left(), func(p string) bool { return queue && strings.HasPrefix(p, path+"/candidates/c-") })
					if l.Epoch() != 1 || !slices.Equal(left, want) || len(w.left()) > 2 {
						t.Errorf("queue %v, loss %v, step %d: epoch %d, %v", queue, loss, step, l.Epoch(), w.left())
					}
				})
			}
		}
	}
}

// TestObserve_StreamsStates: now, and at each change.
func TestObserve_StreamsStates(t *testing.T) {
	inBubble(t, func(w *world) {
		o := w.observer()
		var seen []string
		over := make(chan struct{})
		go func() {
			defer close(over)
			for l := range o.Observe(w.ctx) {
				seen = append(seen, l.Name+" "+l.Data)
			}
		}()
		synctest.Wait()
		a := w.candidate("a")
		l := w.campaign(a)
		synctest.Wait()
		if err := l.Proclaim(w.ctx, []byte("ready")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, s := range w.env.Server.Sessions() { // also that of the observer
			if s.ID() != w.direct.ID() {
				s.Expire()
			}
		}
		time.Sleep(time.Second)
		w.campaign(w.candidate("b"))
		synctest.Wait()
		if err := o.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		<-over
		if want := []string{" ", "a a:1", "a ready", " ", "b b:1"}; !slices.Equal(seen, want) {
			t.Errorf("seen is %q, want %q", seen, want)
		}
		if _, err := o.Leader(w.ctx); !errors.Is(err, election.ErrClosed) {
			t.Errorf("Leader: %v", err)
		}
	})
}

// TestObserve_AfterAReconnect: what has happened meanwhile is told at once, although no watch fires.
func TestObserve_AfterAReconnect(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		o := w.observer()
		before := w.env.Server.Sessions()
		told := make(chan election.Leader, 10)
		go func() {
			for l := range o.Observe(w.ctx) {
				told <- l
			}
		}()
		synctest.Wait()
		<-told
		for _, s := range w.env.Server.Sessions() {
			if !slices.Contains(before, s) {
				s.Cut()
			}
		}
		if err := l.Resign(w.ctx); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.env.Server.Sessions() {
			if !slices.Contains(before, s) {
				s.Mend()
			}
		}
		began := time.Now()
		if now := <-told; now.Exists() || time.Since(began) > time.Second {
			t.Errorf("%+v after %v", now, time.Since(began))
		}
	})
}

// TestObserver_LeftLoop: a loop that is left ends the stream, and the observer goes on.
func TestObserver_LeftLoop(t *testing.T) {
	inBubble(t, func(w *world) {
		w.campaign(w.candidate("a"))
		o := w.observer()
		for range 2 {
			for l := range o.Observe(w.ctx) {
				if l.Name != "a" {
					t.Errorf("%+v", l)
				}
				break
			}
		}
	})
}
