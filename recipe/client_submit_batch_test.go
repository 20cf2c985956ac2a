package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSubmitAll_KeepsTheBoundOfTheBacklog: it sends what there is room for, finds what is there,
// and waits with the rest, unless that must not wait.
func TestSubmitAll_KeepsTheBoundOfTheBacklog(t *testing.T) {
	inBubble(t, func(w *world) {
		w.leader(recipe.MasterConfig{MaxBacklog: 10})
		time.Sleep(time.Second)
		all := numbered(30)
		all[2].Options = append(all[2].Options, recipe.NoWait())
		limited, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		full := 0
		for n, got := range outcomes(w.client().SubmitAll(limited, slices.Values(all))) {
			if accepted := n < 10; accepted != (got.err == nil) || got.Found || errors.Is(got.err, recipe.ErrInDoubt) {
				t.Errorf("number %d: %+v", n, got)
			}
			if errors.Is(got.err, recipe.ErrBacklogFull) {
				full++
			}
		}
		if n := len(w.do(zkapi.Children("/tasks")).Children); n != 10 || full == 0 {
			t.Errorf("%d tasks are there; %d are told that the backlog is full", n, full)
		}
		there := []recipe.Submission{all[12], all[3], all[14], all[4]}
		there[0].Options = append(there[0].Options, recipe.NoWait())
		there[2].Options = append(there[2].Options, recipe.NoWait())
		for n, got := range outcomes(w.client().SubmitAll(w.ctx, slices.Values(there))) {
			if found := n%2 == 1; found != got.Found || found == errors.Is(got.err, recipe.ErrBacklogFull) {
				t.Errorf("while it is full: number %d: %+v", n, got)
			}
		}
		w.worker("w1", echo)
		for n, got := range outcomes(w.client().SubmitAll(w.ctx, slices.Values(all))) {
			if got.err != nil || got.Found != (n < 10) {
				t.Errorf("with a worker: number %d: %+v", n, got)
			}
		}
	})
}

// TestSubmitAll_DividesWhatIsTooLarge, whether the client knows the limit or the servers close
// the connection. One that is too large by itself is the only one to fail.
func TestSubmitAll_DividesWhatIsTooLarge(t *testing.T) {
	inBubble(t, func(w *world) {
		w.env.Server.MaxBuffer(128 << 10)
		all := numbered(40)
		for n := range all {
			all[n].Payload = make([]byte, 30_000)
		}
		all[11].Payload = make([]byte, 200_000)
		for n, got := range outcomes(w.client().SubmitAll(w.ctx, slices.Values(all))) {
			if large := n == 11; large != errors.Is(got.err, zkapi.ErrProbablyTooLarge) || !large && got.err != nil {
				t.Errorf("number %d: %+v", n, got)
			}
		}
		if n := len(w.do(zkapi.Children("/tasks")).Children); n != len(all)-1 {
			t.Errorf("%d tasks are there", n)
		}
	})
}

// TestSubmitAll_RefusedByTheServer: each of those that are refused for good has an error with its
// own path; what is refused for now waits.
func TestSubmitAll_RefusedByTheServer(t *testing.T) {
	inBubble(t, func(w *world) {
		w.submit()
		refusal := zkapi.ErrNoAuth
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, "/tasks/task-n") {
				return refusal
			}
			return nil
		})
		for n, got := range outcomes(w.client().SubmitAll(w.ctx, slices.Values(numbered(300)))) {
			refused, ok := errors.AsType[*zkapi.Error](got.err)
			if !ok || refused.Path != fmt.Sprintf("/tasks/task-n.%03d", n) || refused.Fate != zkapi.NotApplied || !errors.Is(got.err, zkapi.ErrNoAuth) {
				t.Errorf("number %d: %v", n, got.err)
			}
		}
		refusal = zkapi.ErrQuota
		time.AfterFunc(time.Minute, func() { w.env.Server.Refuse(nil) })
		began := time.Now()
		for n, got := range outcomes(w.client().SubmitAll(w.ctx, slices.Values(numbered(300)))) {
			if got.err != nil || got.Found {
				t.Errorf("number %d: %+v", n, got)
			}
		}
		if after := time.Since(began); after < time.Minute {
			t.Errorf("accepted after %v", after)
		}
	})
}

// TestSubmitAll_Streams: an outcome is there before the next submission has come; a loop that
// ends, and an input that panics, end the call.
func TestSubmitAll_Streams(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		next := make(chan bool, 1)
		var read atomic.Int32
		endless := func(yield func(recipe.Submission) bool) {
			for ; <-next; read.Add(1) {
				if !yield(recipe.Submission{}) {
					return
				}
			}
		}
		next <- true
		n := 0
		for submitted, err := range c.SubmitAll(w.ctx, endless) {
			n++
			if came := int(read.Load()); err != nil || submitted.Found || came != n-1 && came != n {
				t.Fatalf("%+v, %v, read %d of %d", submitted, err, came, n)
			}
			next <- n < 100
		}
		if n != 100 {
			t.Errorf("%d outcomes", n)
		}
		for range c.SubmitAll(w.ctx, slices.Values(numbered(10_000))) {
			break
		}
		if there := len(w.do(zkapi.Children("/tasks")).Children); there > 5000 {
			t.Errorf("%d tasks after a loop that ended at once", there)
		}
		defer func() {
			if said := recover(); said != "no more" {
				t.Errorf("%v", said)
			}
		}()
		for range c.SubmitAll(w.ctx, func(func(recipe.Submission) bool) { panic("no more") }) {
		}
	})
}
