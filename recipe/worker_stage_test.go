package recipe

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// stagesThatFollow says which stages may follow one. The stage itself always does.
var stagesThatFollow = map[stage]string{
	stageWaiting:    "outdated running ended settled",
	stageBlocked:    "ended settled",
	stageOutdated:   "ended settled",
	stageRunning:    "returned ended settled",
	stageReturned:   "waiting ended settled",
	stageEnded:      "unresolved settled",
	stageUnresolved: "ended settled",
	stageSettled:    "",
}

// held makes an incarnation that has lost nothing yet.
func held(t *testing.T) *incarnation {
	i := &incarnation{worker: &Worker{log: slog.New(slog.DiscardHandler)}, startable: map[string]*execution{}}
	i.ctx, i.lose = context.WithCancelCause(t.Context())
	return i
}

func TestExecution_EntersOnlyTheStagesThatFollow(t *testing.T) {
	for from := range stageSettled + 1 {
		for to := range stageSettled + 1 {
			i, e := held(t), &execution{task: Task{Name: "t"}, stage: from}
			i.enter(e, to)
			may := from == to || strings.Contains(" "+stagesThatFollow[from]+" ", " "+to.String()+" ")
			lost := errors.Is(context.Cause(i.ctx), ErrClaimLost)
			switch {
			case may && (e.stage != to || lost):
				t.Errorf("%v to %v: it is %v, and the claim is lost: %v", from, to, e.stage, lost)
			case !may && (e.stage != from || !lost):
				t.Errorf("%v to %v is allowed: it is %v, and the claim is lost: %v", from, to, e.stage, lost)
			}
		}
	}
}

func TestExecution_FirstEndCounts(t *testing.T) {
	for from := range stageSettled + 1 {
		i, e := held(t), &execution{task: Task{Name: "t"}, stage: from, err: errStopped}
		i.env, i.ended = deafEnv{}, deafSignal{}
		i.finish(e, nil, nil)
		over := from == stageEnded || from == stageUnresolved || from == stageSettled
		if over != (e.err == errStopped) || over != (len(i.finished) == 0) || over != (e.stage == from) {
			t.Errorf("%v: it is %v, its end %v, and %d are to be recorded", from, e.stage, e.err, len(i.finished))
		}
	}
}

// deafEnv and deafSignal have a time, and wake no thread.
type deafEnv struct{ zkapi.Env }

func (deafEnv) Now() time.Time { return time.Time{} }

type deafSignal struct{ zkapi.Signal }

func (deafSignal) Raise() {}

// TestExecution_ErrorAfterTheEndOfItsContextComesSecond has a handler return a result in the
// very moment in which it is told to end.
func TestExecution_ErrorAfterTheEndOfItsContextComesSecond(t *testing.T) {
	i, e := held(t), &execution{task: Task{Name: "t"}, stage: stageRunning}
	i.env, i.ended = deafEnv{}, deafSignal{}
	returned := make(chan struct{})
	i.endAndCancel(e, errStopped, func() {
		go func() {
			defer close(returned)
			i.finish(e, Result("too late"), nil)
		}()
		select {
		case <-returned:
		case <-time.After(50 * time.Millisecond): // it waits until the end is settled
		}
	})
	<-returned
	if e.err != errStopped || e.result != nil {
		t.Errorf("it ended with %q, %v", e.result, e.err)
	}
}
