package recipe_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// TestIntake_SaysThatItStopped: ctx ends when all that was read has been accepted. The input
// goes on, so the loop must not end without an error.
func TestIntake_SaysThatItStopped(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		cause := errors.New("that is enough")
		ctx, cancel := context.WithCancelCause(w.ctx)
		defer cancel(nil)
		accepted := make(chan bool)
		endless := func(yield func(recipe.Submission) bool) {
			for yield(recipe.Submission{}) {
				<-accepted
			}
		}
		var last error
		n := 0
		for _, err := range c.SubmitAll(ctx, endless) {
			if n++; n == 3 {
				cancel(cause)
			}
			if last = err; err == nil {
				accepted <- true
			}
			if n > 4 {
				break
			}
		}
		if n != 4 || !errors.Is(last, cause) {
			t.Errorf("%d outcomes, the last error is %v", n, last)
		}
		close(accepted)
	})
}
