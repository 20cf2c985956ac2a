package cli

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// errTask means that a task is not in the state that was asked for. The command has
// printed its name and state.
var errTask = errors.New("not every task was done")

// errChild means that the command that dev, lock, lead or queue take was given has failed. It has printed the reason.
var errChild = errors.New("the command has failed")

// Misuse is an error about wrong use, for what the flags alone show to be wrong.
func Misuse(format string, args ...any) error { return exit.Misuse(format, args...) }

func misuse(format string, args ...any) error { return exit.Misuse(format, args...) }

// rule gives errors a code.
type rule struct {
	code exit.Code
	fits func(error) bool
}

// rules are tried in order, and the first that fits counts. A request that may have
// been applied is reported, whatever came after it. A signal explains every other
// error. And an answer of the ensemble says more than a timeout.
var rules = []rule{
	{exit.InDoubt, among(recipe.ErrInDoubt, queue.ErrInDoubt, standby.ErrInDoubt, store.ErrInDoubt, errCountUnknown)},
	{exit.Interrupted, given(exit.Interrupted)},
	{exit.WrongUse, given(exit.WrongUse)},
	{exit.WrongUse, among(recipe.ErrInvalid, election.ErrInvalid, lock.ErrInvalid, queue.ErrInvalid, value.ErrInvalid, barrier.ErrInvalid, standby.ErrInvalid, store.ErrInvalid)},
	{exit.Refused, zkapi.Permanent},
	{exit.Refused, among(zkapi.ErrTooLarge, zkapi.ErrProbablyTooLarge, recipe.ErrObstructed, lock.ErrMixed, lock.ErrParent, lock.ErrExhausted, value.ErrNotNumber, value.ErrOverflow, barrier.ErrDouble, store.ErrDamaged)},
	{exit.BacklogFull, among(recipe.ErrBacklogFull, queue.ErrFull)},
	{exit.Lost, given(exit.Lost)},
	{exit.Lost, among(lock.ErrLost, queue.ErrLost, barrier.ErrLost, store.ErrFenced)},
	{exit.NotFound, among(recipe.ErrNoTask, recipe.ErrNoWorker, errNoLeader, queue.ErrUnknownItem, standby.ErrNoActive, standby.ErrNoCandidate, store.ErrAbsent)},
	{exit.NotAsAsked, among(errTask, recipe.ErrUnfinished, lock.ErrHeld, errNotInTime, queue.ErrEmpty, errNoItem, errSome, errBarred, standby.ErrBusy, standby.ErrElsewhere, errNoHandOver, errActive, errNotEmpty, store.ErrChanged, store.ErrNoParent)},
	{exit.RefusedForNow, zkapi.Curable},
	{exit.Unreachable, given(exit.Unreachable)},
	{exit.Unreachable, among(zkapi.ErrConnectionLoss, zkapi.ErrNotSent, zkapi.ErrSessionEnded)},
}

// rank is the number of the first rule that fits an error.
func rank(err error) int {
	for i, r := range rules {
		if r.fits(err) {
			return i
		}
	}
	return len(rules)
}

// ExitCode is the exit code of the command after an error.
func ExitCode(err error) exit.Code {
	if err == nil {
		return exit.Done
	}
	if code, given := exit.Of(err); given && errors.Is(err, errChild) {
		return code
	}
	if i := rank(err); i < len(rules) {
		return rules[i].code
	}
	return exit.Failed
}

// among reports whether an error is one of several.
func among(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

// given reports whether exit.With gave an error that code.
func given(code exit.Code) func(error) bool {
	return func(err error) bool { return exit.Given(err, code) }
}
