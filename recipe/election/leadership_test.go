package election_test

import (
	"bytes"
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

func TestWrite_IsAppliedWhileItLeads(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		got, err := l.Write(w.ctx, zkapi.Create("/shards", []byte("3"), zkapi.Persistent), zkapi.Set("/shards", []byte("4"), 0), zkapi.Check(path, l.Epoch()))
		if err != nil || len(got.Results) != 3 || got.Results[0].Path != "/shards" || got.Results[1].Stat.Version != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		_, err = l.Write(w.ctx, zkapi.Set("/shards", []byte("5"), zkapi.AnyVersion), zkapi.Delete("/shards", 7))
		refused(t, "one operation of two", err, zkapi.ErrBadVersion)
		if errors.Is(err, election.ErrFenced) || zkapi.FailedIndex(err) != 1 || l.Context().Err() != nil {
			t.Errorf("%v, of operation %d; the term: %v", err, zkapi.FailedIndex(err), l.Context().Err())
		}
		if _, err := l.Write(w.ctx); err != nil {
			t.Errorf("whether it leads: %v", err)
		}
		if err := l.Resign(w.ctx); err != nil {
			t.Fatal(err)
		}
		_, err = l.Write(w.ctx, zkapi.Set("/shards", nil, zkapi.AnyVersion))
		refused(t, "after the term", err, election.ErrResigned)
		refused(t, "after the term", l.Proclaim(w.ctx, nil), election.ErrResigned)
		if data := w.do(zkapi.Get("/shards")).Data; string(data) != "4" {
			t.Errorf("/shards holds %q", data)
		}
	})
}

// TestWrite_IsFenced: another leader has been elected, and this one has not heard of it.
func TestWrite_IsFenced(t *testing.T) {
	for _, proclaims := range []bool{false, true} {
		inBubble(t, func(w *world) {
			l := w.campaign(w.candidate("a"))
			w.do(zkapi.Create("/shards", []byte("3"), zkapi.Persistent))
			w.do(zkapi.Set(path, nil, l.Epoch()))
			var err error
			if proclaims {
				err = l.Proclaim(w.ctx, []byte("late"))
			} else {
				_, err = l.Write(w.ctx, zkapi.Set("/shards", []byte("late"), zkapi.AnyVersion))
			}
			refused(t, "by an old leader", err, election.ErrFenced)
			if data := w.do(zkapi.Get("/shards")).Data; string(data) != "3" {
				t.Errorf("/shards holds %q", data)
			}
			got, err := w.direct.Do(w.ctx, zkapi.Get(path+"/leader"))
			if err == nil && string(got.Data) != "a:1" || err != nil && !errors.Is(err, zkapi.ErrNoNode) { // its session may be closed by now
				t.Errorf("the leader's znode holds %q: %v", got.Data, err)
			}
			cause := context.Cause(l.Context())
			if !errors.Is(cause, election.ErrFenced) || !errors.Is(cause, election.ErrLost) {
				t.Errorf("the term ended with %v", cause)
			}
		})
	}
}

// TestWrite_RefusesTheZnodesOfTheElection: before anything is sent.
func TestWrite_RefusesTheZnodesOfTheElection(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		sent := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind == zkapi.KindMulti {
				sent++
			}
		})
		for _, op := range []zkapi.Op{
			zkapi.Set(path, nil, zkapi.AnyVersion), zkapi.Delete(path+"/leader", zkapi.AnyVersion), zkapi.Create(path+"/candidates/c-1", nil, zkapi.Persistent),
			zkapi.Get("/a"), zkapi.Sync("/a"), zkapi.Multi(zkapi.Delete("/a", 1)),
		} {
			_, err := l.Write(w.ctx, zkapi.Create("/a", nil, zkapi.Persistent), op)
			refused(t, op.Path, err, election.ErrInvalid)
			if zkapi.FailedIndex(err) != 1 {
				t.Errorf("%v %s: operation %d", op.Kind, op.Path, zkapi.FailedIndex(err))
			}
		}
		if sent > 0 {
			t.Errorf("%d writes were sent", sent)
		}
	})
}

// TestWrite_SaysWhenItIsInDoubt: the answer is lost; then there is no connection until the term
// ends.
func TestWrite_SaysWhenItIsInDoubt(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		w.ownerOf(path + "/leader").CutAtNext(zk.ReplyLost)
		_, err := l.Write(w.ctx, zkapi.Create("/shards", nil, zkapi.Persistent))
		if zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("%v: %v", zkapi.FateOf(err), err)
		}
		if !w.do(zkapi.Exists("/shards")).Found {
			t.Error("it was not applied")
		}
		w.ownerOf(path + "/leader").Cut()
		if _, err = l.Write(w.ctx, zkapi.Create("/more", nil, zkapi.Persistent)); !errors.Is(err, election.ErrLost) {
			t.Errorf("when the term has ended meanwhile: %v", err)
		}
	})
}

func TestProclaim_ChangesWhatObserversSee(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		o := w.observer()
		if err := l.Proclaim(w.ctx, []byte("ready")); err != nil {
			t.Fatal(err)
		}
		now, err := o.Leader(w.ctx)
		if want := (election.Leader{Data: "ready", Name: "a", Epoch: 1, Session: w.ownerOf(path + "/leader").ID()}); err != nil || now != want {
			t.Errorf("%+v, %v; want %+v", now, err, want)
		}
		err = l.Proclaim(w.ctx, bytes.Repeat([]byte("x"), election.MaxData+1))
		refused(t, "too long", err, election.ErrInvalid)
		refused(t, "too long", err, zkapi.ErrTooLarge)
	})
}

// TestProclaim_NothingForOthers: a person has deleted the leader's znode, and made another one.
func TestProclaim_NothingForOthers(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		w.do(zkapi.Delete(path+"/leader", zkapi.AnyVersion))
		refused(t, "no znode", l.Proclaim(w.ctx, []byte("late")), election.ErrLost)
		w.do(zkapi.Create(path+"/leader", []byte("by hand"), zkapi.Ephemeral))
		refused(t, "another znode", l.Proclaim(w.ctx, []byte("late")), election.ErrLost)
		if err := l.Resign(w.ctx); err != nil {
			t.Fatal(err)
		}
		if data := w.do(zkapi.Get(path + "/leader")).Data; string(data) != "by hand" {
			t.Errorf("the leader's znode holds %q", data)
		}
	})
}

// TestContext_EndsBeforeTheSessionCan: no write is acknowledged any more. The context ends, and
// the session is closed although nobody resigns.
func TestContext_EndsBeforeTheSessionCan(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		session := w.ownerOf(path + "/leader")
		time.Sleep(timeout) // heartbeats keep it
		if l.Context().Err() != nil {
			t.Fatalf("it ended with %v", context.Cause(l.Context()))
		}
		session.Cut()
		cut := time.Now()
		<-l.Context().Done()
		if took := time.Since(cut); took > timeout-timeout/4 {
			t.Errorf("it ended %v after the cut", took)
		}
		if cause := context.Cause(l.Context()); !errors.Is(cause, election.ErrLost) {
			t.Errorf("it ended with %v", cause)
		}
		if !w.do(zkapi.Exists(path + "/leader")).Found {
			t.Error("the session ended before")
		}
		synctest.Wait()
		if !session.Done().Fired() {
			t.Error("the session is not given up")
		}
		if err := l.Resign(w.ctx); !errors.Is(err, election.ErrUnconfirmed) {
			t.Errorf("Resign: %v", err)
		}
	})
}

// TestResign_IsBoundedByItsContext: there is no connection.
func TestResign_IsBoundedByItsContext(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.campaign(w.candidate("a"))
		w.ownerOf(path + "/leader").Cut()
		limited, end := context.WithTimeout(w.ctx, time.Second)
		defer end()
		began := time.Now()
		if err := l.Resign(limited); !errors.Is(err, election.ErrUnconfirmed) {
			t.Errorf("Resign: %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(timeout)
		if left := w.left(); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	})
}

// TestRun_LeadsAgain: the leadership is lost, then the work is done.
func TestRun_LeadsAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		var epochs []int32
		done := errors.New("done")
		err := w.candidate("a").Run(w.ctx, func(ctx context.Context, l *election.Leadership) error {
			if epochs = append(epochs, l.Epoch()); len(epochs) > 2 {
				return done
			}
			w.ownerOf(path + "/leader").Expire()
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), election.ErrLost) {
				t.Errorf("the context ended with %v", context.Cause(ctx))
			}
			return nil
		})
		if !errors.Is(err, done) || !slices.Equal(epochs, []int32{1, 2, 3}) {
			t.Errorf("%v, epochs %v", err, epochs)
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	})
}

// TestRun_HandsOver: it still leads until the work has returned.
func TestRun_HandsOver(t *testing.T) {
	for name, end := range map[string]func(c *election.Candidate, stop context.CancelFunc){
		"the context ends": func(_ *election.Candidate, stop context.CancelFunc) { stop() },
		"Close": func(c *election.Candidate, _ context.CancelFunc) {
			go func() { _ = c.Close(context.Background()) }()
		},
	} {
		inBubble(t, func(w *world) {
			c := w.candidate("a")
			ctx, stop := context.WithCancel(w.ctx)
			defer stop()
			led := w.waits(w.candidate("idle", func(c *election.Config) { c.Path += "2" }))
			(<-led).Resign(w.ctx)
			var next <-chan *election.Leadership
			err := c.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
				next = w.waits(w.candidate("b"))
				end(c, stop)
				<-ctx.Done()
				time.Sleep(timeout / 2)
				if _, err := l.Write(w.ctx, zkapi.Create("/late", nil, zkapi.Persistent)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				select {
				case <-next:
					t.Errorf("%s: another leads before the work has returned", name)
				default:
				}
				return nil
			})
			if err == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, election.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
			handed := time.Now()
			if l := <-next; l.Epoch() != 2 || time.Since(handed) > time.Second {
				t.Errorf("%s: epoch %d after %v", name, l.Epoch(), time.Since(handed))
			}
		})
	}
}

// TestClose_InEachState: while it waits, while it leads, and before and after that.
func TestClose_InEachState(t *testing.T) {
	inBubble(t, func(w *world) {
		fresh := w.candidate("fresh")
		if err := fresh.Close(w.ctx); err != nil {
			t.Errorf("fresh: %v", err)
		}
		if _, err := fresh.Campaign(w.ctx); !errors.Is(err, election.ErrClosed) {
			t.Errorf("Campaign: %v", err)
		}
		if err := fresh.Run(w.ctx, nil); !errors.Is(err, election.ErrClosed) {
			t.Errorf("Run: %v", err)
		}
		leads, waits := w.candidate("leads"), w.candidate("waits", queued)
		l := w.campaign(leads)
		errs := make(chan error, 1)
		go func() { _, err := waits.Campaign(w.ctx); errs <- err }()
		synctest.Wait()
		if err := waits.Close(w.ctx); err != nil || !errors.Is(<-errs, election.ErrClosed) {
			t.Errorf("while it waits: %v", err)
		}
		if err := leads.Close(w.ctx); err != nil || !errors.Is(context.Cause(l.Context()), election.ErrClosed) {
			t.Errorf("while it leads: %v, %v", err, context.Cause(l.Context()))
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
		if err := leads.Close(w.ctx); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

func TestZeroValues_SaySo(t *testing.T) {
	var (
		c *election.Candidate
		l *election.Leadership
		o *election.Observer
	)
	ctx := t.Context()
	_, campaign := c.Campaign(ctx)
	_, write := (&election.Leadership{}).Write(ctx)
	_, leader := (&election.Observer{}).Leader(ctx)
	for what, err := range map[string]error{
		"Campaign": campaign, "Run": (&election.Candidate{}).Run(ctx, nil), "Close": c.Close(ctx), "Write": write, "Proclaim": l.Proclaim(ctx, nil), "Resign": l.Resign(ctx),
		"Context": context.Cause(l.Context()), "Leader": leader, "Close of an observer": o.Close(ctx),
	} {
		if !errors.Is(err, election.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for range o.Observe(ctx) {
		t.Error("an observer of nothing has seen a leader")
	}
	if l.Epoch() != 0 {
		t.Error(l.Epoch())
	}
}

func TestNew_RefusesBadConfigs(t *testing.T) {
	env := &zk.Env{Server: zk.NewServer(timeout)}
	for want, c := range map[string]election.Config{
		"Leader is empty: set Path, or Leader, Epoch and Candidates": {},
		"Candidates is empty":                           {Leader: "/l", Epoch: "/e"},
		`Path "elections/a"`:                            {Path: "elections/a"},
		`Path "/a/"`:                                    {Path: "/a/"},
		`Path "/zookeeper/a"`:                           {Path: "/zookeeper/a"},
		`Path "/": that znode belongs to ZooKeeper`:     {Path: "/"},
		`Leader and Epoch are both "/a"`:                {Path: "/a", Leader: "/a"},
		`Candidates "/l/c" is below the leader's znode`: {Path: "/a", Leader: "/l", Candidates: "/l/c"},
		`Leader "/c/l" is below`:                        {Path: "/a", Leader: "/c/l", Candidates: "/c"},
		"EpochAtLeast -1: use 0 to":                     {Path: "/a", EpochAtLeast: -1},
		"the data of the leader has 16385 bytes":        {Path: "/a", Data: make([]byte, election.MaxData+1)},
	} {
		_, err := election.New(env, c)
		if !errors.Is(err, election.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
		if _, observed := election.NewObserver(env, c); observed == nil || observed.Error() != err.Error() {
			t.Errorf("NewObserver: %v", observed)
		}
	}
	if _, err := election.New(nil, election.Config{Path: "/a"}); !errors.Is(err, election.ErrInvalid) {
		t.Errorf("no Env: %v", err)
	}
}

// TestResign_IsNoErrorInTheLog: an ordinary end is none, as after Close.
func TestResign_IsNoErrorInTheLog(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.candidate("a")
		if err := w.campaign(c).Resign(w.ctx); err != nil {
			t.Fatal(err)
		}
		waiting := w.campaign(w.candidate("b"))
		c = w.candidate("c")
		w.waits(c)
		if err := c.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if w.log.has("session over") != 2 || w.log.has("error=") > 0 {
			t.Errorf("the log: %s", w.log.text.String())
		}
		w.ownerOf(path + "/leader").Expire()
		<-waiting.Context().Done()
		synctest.Wait()
		if w.log.has("session over") != 3 || w.log.has("expired") == 0 {
			t.Errorf("the log of a session that has expired: %s", w.log.text.String())
		}
	})
}
