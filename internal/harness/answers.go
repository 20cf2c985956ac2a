package harness

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// trapped is a deed that waits for the answer to a write of a participant.
func trapped(p *process, on func(ensemble.Exchange) bool, does ensemble.Reaction, look func(ensemble.Caught) finding) deed {
	var trap *ensemble.Trap
	return deed{
		apply: func(context.Context) error { trap = p.proxy.Set(on, does); return nil },
		probe: func(context.Context) finding { return look(trap.Caught()) },
		heal:  func(context.Context) error { trap.Open(); return nil },
	}
}

// lost loses the answer to the next write of a participant that is applied and fits.
func lost(p *process, fits func(ensemble.Exchange) bool) deed {
	applied := func(x ensemble.Exchange) bool { return x.Err == nil && fits(x) }
	return trapped(p, applied, ensemble.LoseAnswer, func(c ensemble.Caught) finding {
		if c.Answered == 0 {
			return found(false, "no such write was answered")
		}
		return found(c.Lost, "%s of session %s was applied with zxid 0x%x; %s", described(c.Exchange), sessionName(c.Session), c.Zxid, whether(c.Lost, "its answer was lost", "its answer was not lost")).
			with("zxid", sessionName(c.Zxid)).with("session", sessionName(c.Session)).with("answer lost", c.Lost)
	})
}

func described(x ensemble.Exchange) string {
	if x.Request.Ends() {
		return "the close"
	}
	return describedOp(x.Request.Op)
}

func describedOp(op zkapi.Op) string {
	if op.Kind == zkapi.KindMulti {
		return "a multi"
	}
	return "a " + op.Kind.String() + " of " + op.Path
}

func isCreate(op zkapi.Op) bool { return op.Kind == zkapi.KindCreate }

func isMulti(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti }

func deletes(op zkapi.Op) bool {
	return op.Kind == zkapi.KindDelete || slices.ContainsFunc(op.Ops, deletes)
}

// asking fits a write by what was asked for.
func asking(fits func(zkapi.Op) bool) func(ensemble.Exchange) bool {
	return func(x ensemble.Exchange) bool { return fits(x.Request.Op) }
}

func (r *run) dropCreate(p *process, _ nemesis.Fault) deed { return lost(p, asking(isCreate)) }

func (r *run) dropMulti(p *process, _ nemesis.Fault) deed { return lost(p, asking(isMulti)) }

func (r *run) dropDelete(p *process, _ nemesis.Fault) deed { return lost(p, asking(deletes)) }

// dropClose has a participant leave, and its farewell not be answered.
func (r *run) dropClose(p *process, _ nemesis.Fault) deed {
	d := lost(p, func(x ensemble.Exchange) bool { return x.Request.Ends() })
	set, open := d.apply, d.heal
	d.apply = func(ctx context.Context) error {
		err := set(ctx)
		p.leave(leavePatience)
		return err
	}
	d.heal = func(ctx context.Context) error {
		_ = open(ctx) // a trap opens without an error
		return p.start()
	}
	return d
}

// longestHold is how long an answer waits for a request that does not come, because the
// participant waits for the answer. Then another answer is held. A master that hears
// nothing confirms its claim earlier than that.
const longestHold = 750 * time.Millisecond

// delayReply has the answer to a write wait for the next request.
func (r *run) delayReply(p *process, _ nemesis.Fault) deed {
	write := func(x ensemble.Exchange) bool { return x.Err == nil && !x.Request.Ends() }
	var mu sync.Mutex
	var last ensemble.Caught
	held := 0
	d := deed{
		apply: nothing,
		probe: func(context.Context) finding {
			mu.Lock()
			defer mu.Unlock()
			if held == 0 {
				return found(false, "no write was answered")
			}
			return found(last.Followed, "%d answers were held, the last one to %s, zxid 0x%x, for %v; meanwhile %s", held, described(last.Exchange), last.Zxid, last.Held.Round(time.Millisecond), whether(last.Followed, "another request was sent", "no other request was sent")).
				with("answers held", held).with("last held for", last.Held).with("request sent meanwhile", last.Followed)
		},
		heal: nothing,
	}
	return d.meanwhile(func(ctx context.Context) {
		for followed := false; !followed && ctx.Err() == nil; {
			caught := p.holdAnswer(ctx, write)
			mu.Lock()
			if caught.Answered != 0 {
				last, held = caught, held+1
			}
			followed = caught.Followed
			mu.Unlock()
		}
	})
}

// holdAnswer holds the answer to a write until another request is sent, or for a while,
// and returns what became of it.
func (p *process) holdAnswer(ctx context.Context, on func(ensemble.Exchange) bool) ensemble.Caught {
	trap := p.proxy.Set(on, ensemble.HoldAnswer)
	defer trap.Open()
	select {
	case <-ctx.Done():
		return trap.Caught()
	case <-trap.Sprung:
	}
	timer := time.NewTimer(longestHold)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-trap.Opened:
	case <-timer.C:
	}
	return trap.Caught()
}
