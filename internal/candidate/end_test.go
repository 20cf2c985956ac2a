package candidate

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestEnd_ClosesWhateverTheReason: a client that drains may send its last request, and one that is killed closes
// without one.
func TestEnd_ClosesWhateverTheReason(t *testing.T) {
	killed := errors.New("killed")
	for _, cause := range []error{nil, subject.ErrLeave, killed} {
		ctx, end := context.WithCancelCause(t.Context())
		if cause != nil {
			end(cause)
		}
		closed := false
		err := End(ctx, subject.Participant{Log: slog.New(slog.DiscardHandler)}, func(closing context.Context) error {
			closed = true
			_, limited := closing.Deadline()
			if sends := closing.Err() == nil; sends != (cause == nil) || !limited {
				t.Errorf("%v: it may send: %v, with a deadline: %v", cause, sends, limited)
			}
			return closing.Err()
		})
		if !closed || !errors.Is(err, cause) {
			t.Errorf("%v: closed is %v, the error is %v", cause, closed, err)
		}
		end(nil)
	}
}
