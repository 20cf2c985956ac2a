package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestHandler_ReturnsAMomentAfterItsEnd: the same moment whenever the same is told to end.
func TestHandler_ReturnsAMomentAfterItsEnd(t *testing.T) {
	journal, _ := recordtest.Journal(t)
	token := recipe.Token{Epoch: 2, Attempt: 3}
	p := participant{Participant: subject.Participant{Seed: 7, Journal: journal, Effect: func(subject.Effect) error { return nil }}}
	payload, err := json.Marshal(Payload{ID: "a", Resident: true})
	if err != nil {
		t.Fatal(err)
	}
	handle := p.handler()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		var told time.Time
		time.AfterFunc(time.Minute, func() { told = time.Now(); stop(recipe.ErrRevoked) })
		_, err := handle(ctx, recipe.Task{Name: "t", Payload: payload, Token: token})
		took := time.Since(told)
		if want := moment(p.Seed, record.Token{Epoch: 2, Attempt: 3}); !errors.Is(err, recipe.ErrRevoked) || took != want {
			t.Errorf("%v after it was told, want %v: %v", took, want, err)
		}
	})
	for _, lost := range []error{recipe.ErrDeposed, recipe.ErrClaimLost} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancelCause(t.Context())
			stop(fmt.Errorf("%w: over", lost))
			began := time.Now()
			participant{Participant: subject.Participant{Seed: 1}}.cleanUp(ctx, record.Token{Epoch: 2})
			if took := time.Since(began); took != 0 {
				t.Errorf("%v: nobody waits for him, and he took %v", lost, took)
			}
		})
	}
	different := map[time.Duration]bool{}
	for attempt := range int32(100) {
		took := moment(p.Seed, record.Token{Epoch: 2, Attempt: attempt})
		if took < shortestMoment || took >= longestMoment {
			t.Errorf("attempt %d lets go after %v", attempt, took)
		}
		different[took] = true
	}
	if len(different) < 50 {
		t.Errorf("%d moments of a hundred", len(different))
	}
}
