package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestExitCode_PrefersTheMostImportant holds the precedence of the rules: an error may be of
// several kinds.
func TestExitCode_PrefersTheMostImportant(t *testing.T) {
	late := exit.With(exit.Unreachable, errors.New("no answer"))
	signal := exit.With(exit.Interrupted, errors.New("interrupt"))
	for _, c := range []struct {
		want exit.Code
		err  error
	}{
		{exit.Done, nil},
		{exit.Failed, errors.New("disk is full")},
		{exit.InDoubt, &recipe.AmbiguousError{ID: "a", Err: signal}},
		{exit.InDoubt, &recipe.AmbiguousError{ID: "a", Err: zkapi.ErrNoAuth}},
		{exit.Interrupted, fmt.Errorf("%w: %w", recipe.ErrBacklogFull, signal)},
		{exit.WrongUse, errors.Join(recipe.ErrInvalid, zkapi.ErrTooLarge)},
		{exit.Refused, zkapi.ErrTooLarge},
		{exit.Refused, fmt.Errorf("%w: it goes with a session", recipe.ErrObstructed)},
		{exit.Refused, &zkapi.Error{Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrProbablyTooLarge}},
		{exit.InDoubt, &recipe.AmbiguousError{ID: "x", Err: errors.Join(zkapi.ErrConnectionLoss, zkapi.ErrProbablyTooLarge)}},
		{exit.Refused, errors.Join(late, zkapi.ErrUntrusted)},
		{exit.RefusedForNow, errors.Join(late, zkapi.ErrRefused)},
		{exit.RefusedForNow, &zkapi.Error{Kind: zkapi.KindSet, Fate: zkapi.NotApplied, Err: zkapi.Answer(-125)}}, // quota
		{exit.RefusedForNow, zkapi.Answer(-119)},                                                                 // read-only
		{exit.RefusedForNow, zkapi.Answer(-127)},                                                                 // throttled
		{exit.RefusedForNow, zkapi.Answer(-999)},                                                                 // unknown
		{exit.Refused, zkapi.Answer(-6)},                                                                         // not implemented
		{exit.Refused, zkapi.Answer(-114)},                                                                       // ACL
		{exit.Unreachable, zkapi.Answer(-112)},                                                                   // session expired
		{exit.BacklogFull, fmt.Errorf("%w: %w", recipe.ErrBacklogFull, late)},
		{exit.NotFound, fmt.Errorf("task-a was accepted: %w", recipe.ErrNoTask)},
		{exit.Unreachable, &zkapi.Error{Kind: zkapi.KindGet, Err: zkapi.ErrConnectionLoss}},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

// TestExitCode_OrderIsOnThePage: docs/exit-codes.md says which code counts when several fit.
func TestExitCode_OrderIsOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range rules {
		if code := fmt.Sprint(r.code); !slices.Contains(order, code) {
			order = append(order, code)
		}
	}
	want := fmt.Sprintf("the first that fits of %s, %d.", strings.Join(order, ", "), exit.Failed)
	if !strings.Contains(string(page), want) {
		t.Errorf("%q is not on the page", want)
	}
}
