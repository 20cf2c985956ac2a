package recipe

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestDoubt_LastsUntilTheTaskIsKnown: a request is in doubt when one of its tries may have
// been applied, and nothing is known of the task afterwards.
func TestDoubt_LastsUntilTheTaskIsKnown(t *testing.T) {
	failed := func(fate zkapi.Fate) error {
		return &zkapi.Error{Kind: zkapi.KindMulti, Fate: fate, Err: zkapi.ErrConnectionLoss}
	}
	late := errors.New("late")
	for _, c := range []struct {
		tries []error
		end   error
		want  bool
	}{
		{[]error{failed(zkapi.Unknown)}, late, true},
		{[]error{failed(zkapi.Unknown), failed(zkapi.NotApplied)}, late, true},
		{[]error{failed(zkapi.NotApplied)}, late, false},
		{nil, late, false},
		{[]error{failed(zkapi.Unknown), nil}, nil, false},
		{[]error{failed(zkapi.Unknown)}, fmt.Errorf("%w: task-a", ErrNoTask), false},
		{[]error{failed(zkapi.Unknown)}, fmt.Errorf("%w: task-a", ErrUnfinished), false},
	} {
		var d doubt
		for _, try := range c.tries {
			if got := d.after(try); got != try {
				t.Errorf("%v became %v", try, got)
			}
		}
		if err := d.asError(c.end); errors.Is(err, ErrInDoubt) != c.want || !errors.Is(err, c.end) {
			t.Errorf("%v, then %v: %v", c.tries, c.end, err)
		}
	}
	if err := error(&AmbiguousError{ID: "a", Err: late}); !errors.Is(err, ErrInDoubt) || !errors.Is(err, late) {
		t.Errorf("%v", err)
	}
}
