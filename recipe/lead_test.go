package recipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// term is what OnLead is called with.
type term struct {
	recipe.Lead
	ctx context.Context
}

// leads has a master lead, and returns its first term.
func (w *world) leads(config recipe.MasterConfig) (*recipe.Master, term) {
	w.t.Helper()
	began := make(chan term, 1)
	config.OnLead = func(ctx context.Context, lead recipe.Lead) {
		select {
		case began <- term{lead, ctx}:
		default: // a later term
		}
		<-ctx.Done()
	}
	m := w.master(config)
	return m, <-began
}

// refused holds an error of Lead against what it must be: of nothing that was applied.
func refused(t *testing.T, what string, err error, is ...error) {
	t.Helper()
	for _, one := range is {
		if !errors.Is(err, one) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("%s: %v (%v), want %v", what, err, zkapi.FateOf(err), one)
		}
	}
}

func TestLead_WritesWhileItLeads(t *testing.T) {
	inBubble(t, func(w *world) {
		m, lead := w.leads(recipe.MasterConfig{Name: "m1"})
		got, err := lead.Write(w.ctx, zkapi.Create("/shards", []byte("3"), zkapi.Persistent), zkapi.Set("/shards", []byte("4"), 0), zkapi.Check("/assign", lead.Epoch()))
		if err != nil || len(got.Results) != 3 || got.Results[0].Path != "/shards" || got.Results[1].Stat.Version != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		_, err = lead.Write(w.ctx, zkapi.Set("/shards", []byte("5"), zkapi.AnyVersion), zkapi.Delete("/shards", 7))
		refused(t, "one operation of two", err, zkapi.ErrBadVersion)
		if errors.Is(err, recipe.ErrFenced) || zkapi.FailedIndex(err) != 1 || lead.ctx.Err() != nil {
			t.Errorf("%v, of operation %d; the term: %v", err, zkapi.FailedIndex(err), lead.ctx.Err())
		}
		if _, err := lead.Write(w.ctx); err != nil {
			t.Errorf("whether it leads: %v", err)
		}
		if data := w.do(zkapi.Get("/shards")).Data; string(data) != "4" {
			t.Errorf("/shards holds %q", data)
		}
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		for what, l := range map[string]recipe.Lead{"after the term": lead.Lead, "of no term": {}} {
			_, err = l.Write(w.ctx, zkapi.Set("/shards", nil, zkapi.AnyVersion))
			refused(t, what, err, recipe.ErrDeposed)
			refused(t, what, l.Proclaim(w.ctx, nil), recipe.ErrDeposed)
		}
	})
}

// TestLead_IsFenced: another master has been elected, and this one has not heard of it.
func TestLead_IsFenced(t *testing.T) {
	for _, proclaims := range []bool{false, true} {
		inBubble(t, func(w *world) {
			_, lead := w.leads(recipe.MasterConfig{Name: "m1", Address: "m1:9"})
			w.do(zkapi.Create("/shards", []byte("3"), zkapi.Persistent))
			w.do(zkapi.Set("/assign", nil, lead.Epoch()))
			var err error
			if proclaims {
				err = lead.Proclaim(w.ctx, []byte("late"))
			} else {
				_, err = lead.Write(w.ctx, zkapi.Set("/shards", []byte("late"), zkapi.AnyVersion))
			}
			refused(t, "by an old master", err, recipe.ErrFenced)
			if data := w.do(zkapi.Get("/shards")).Data; string(data) != "3" {
				t.Errorf("/shards holds %q", data)
			}
			if <-lead.ctx.Done(); !errors.Is(context.Cause(lead.ctx), recipe.ErrFenced) || !errors.Is(context.Cause(lead.ctx), recipe.ErrDeposed) {
				t.Errorf("the term ended with %v", context.Cause(lead.ctx))
			}
		})
	}
}

// TestLead_RefusesTheZnodesOfTheRecipe: an unfitting operation is refused before anything
// is sent.
func TestLead_RefusesTheZnodesOfTheRecipe(t *testing.T) {
	for _, namespace := range []string{"", "/billing"} {
		inBubble(t, func(w *world) {
			_, lead := w.leads(recipe.MasterConfig{Name: "m1", Namespace: namespace})
			sent := 0
			w.env.Server.Observe(func(_ int64, op zkapi.Op) {
				if op.Kind == zkapi.KindMulti {
					sent++
				}
			})
			bad := []zkapi.Op{zkapi.Get("/x"), zkapi.Exists("/x"), zkapi.Children("/x"), zkapi.Sync("/x"), zkapi.Multi(), {}}
			for _, own := range []string{"/master", "/workers", "/tasks", "/assign", "/candidates", "/collect", "/backlog", "/quarantine", "/format"} {
				for _, p := range []string{namespace + own, namespace + own + "/x"} {
					bad = append(bad, zkapi.Create(p, nil, zkapi.Persistent), zkapi.Set(p, nil, zkapi.AnyVersion), zkapi.Delete(p, zkapi.AnyVersion))
				}
			}
			for _, op := range bad {
				_, err := lead.Write(w.ctx, zkapi.Create("/x", nil, zkapi.Persistent), op)
				refused(t, fmt.Sprint(op.Kind, " ", op.Path), err, recipe.ErrInvalid)
				if zkapi.FailedIndex(err) != 1 {
					t.Errorf("%v names operation %d", err, zkapi.FailedIndex(err))
				}
			}
			if sent != 0 {
				t.Errorf("%d writes were sent", sent)
			}
			good := []zkapi.Op{zkapi.Create(namespace+"/tasks2", nil, zkapi.Persistent), zkapi.Create("/x", nil, zkapi.Ephemeral), zkapi.Check(namespace+"/tasks", zkapi.AnyVersion)}
			if _, err := lead.Write(w.ctx, good...); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLead_SaysWhenItIsInDoubt: the answer was lost, or the caller has no more patience.
func TestLead_SaysWhenItIsInDoubt(t *testing.T) {
	inBubble(t, func(w *world) {
		_, lead := w.leads(recipe.MasterConfig{Name: "m1"})
		w.loseOnce(zk.ReplyLost, func(op zkapi.Op) bool {
			return op.Kind == zkapi.KindMulti && len(op.Ops) == 2 && op.Ops[1].Path == "/x"
		})
		if _, err := lead.Write(w.ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err == nil || zkapi.FateOf(err) != zkapi.Unknown || !w.do(zkapi.Exists("/x")).Found {
			t.Errorf("a lost answer: %v", err)
		}
		cause := errors.New("that is enough")
		ctx, cancel := context.WithCancelCause(w.ctx)
		w.ownerOf("/master").Strand()
		time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
		if _, err := lead.Write(ctx, zkapi.Create("/y", nil, zkapi.Persistent)); !errors.Is(err, cause) || zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("no answer: %v", err)
		}
		_, err := lead.Write(ctx, zkapi.Create("/y", nil, zkapi.Persistent))
		refused(t, "no patience", err, cause, zkapi.ErrNotSent)
		began := time.Now()
		if _, err = lead.Write(w.ctx, zkapi.Create("/y", nil, zkapi.Persistent)); !errors.Is(err, recipe.ErrDeposed) || zkapi.FateOf(err) != zkapi.Unknown || time.Since(began) > timeout {
			t.Errorf("the end of the lease: %v after %v", err, time.Since(began))
		}
	})
}

// TestLead_WritesInAHandOver: leadership is over then, and the right to write is not.
func TestLead_WritesInAHandOver(t *testing.T) {
	inBubble(t, func(w *world) {
		began, wrote := make(chan bool, 1), make(chan error, 1)
		m := w.master(recipe.MasterConfig{Name: "m1", OnLead: func(ctx context.Context, lead recipe.Lead) {
			began <- true
			<-ctx.Done()
			_, err := lead.Write(context.WithoutCancel(ctx), zkapi.Create("/farewell", nil, zkapi.Persistent))
			wrote <- err
		}})
		<-began
		if err := m.Close(w.ctx); err != nil {
			t.Error(err)
		}
		if err := <-wrote; err != nil || !w.do(zkapi.Exists("/farewell")).Found {
			t.Error(err)
		}
	})
}

// TestLead_Proclaims: workers and clients are told, and the next master begins with its
// own address.
func TestLead_Proclaims(t *testing.T) {
	inBubble(t, func(w *world) {
		m, lead := w.leads(recipe.MasterConfig{Name: "m1", Address: "m1:9"})
		c, is := w.hearsOfLeaders()
		w.within(time.Second, "m1 leads", is("m1 m1:9 1"))
		if err := lead.Proclaim(w.ctx, []byte("plan 7")); err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "m1 has proclaimed", is("m1 m1:9 1", "m1 plan 7 1"))
		if l, err := c.Leader(w.ctx); err != nil || l.Address != "plan 7" {
			t.Errorf("%+v, %v", l, err)
		}
		refused(t, "too large", lead.Proclaim(w.ctx, bytes.Repeat([]byte("x"), recipe.MaxProclaimed+1)), recipe.ErrInvalid, zkapi.ErrTooLarge)
		w.within(time.Second, "m1 goes on", func() bool { return lead.ctx.Err() == nil })
		if err := m.Close(w.ctx); err != nil {
			t.Error(err)
		}
		w.within(time.Second, "nobody leads", is("m1 m1:9 1", "m1 plan 7 1", "  0"))
		w.leads(recipe.MasterConfig{Name: "m2", Address: "m2:9"})
		w.within(time.Second, "m2 leads", is("m1 m1:9 1", "m1 plan 7 1", "  0", "m2 m2:9 2"))
	})
}

// TestLead_ProclaimsNothingForOthers: a /master that was made by hand stays as it is.
func TestLead_ProclaimsNothingForOthers(t *testing.T) {
	inBubble(t, func(w *world) {
		_, lead := w.leads(recipe.MasterConfig{Name: "m1"})
		w.do(zkapi.Multi(zkapi.Delete("/master", zkapi.AnyVersion), zkapi.Create("/master", []byte("hand"), zkapi.Ephemeral)))
		refused(t, "/master of another", lead.Proclaim(w.ctx, []byte("m1")), recipe.ErrDeposed)
		if data := w.do(zkapi.Get("/master")).Data; string(data) != "hand" {
			t.Errorf("/master holds %q", data)
		}
	})
}
