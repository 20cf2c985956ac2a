package nemesis

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// lost loses the answer to the next write of a participant that is applied and fits.
func lost(p Process, fits func(Exchange) bool) Injection {
	applied := func(x Exchange) bool { return x.Err == nil && fits(x) }
	var answer Interception
	return Injection{
		Apply: func(context.Context) error { answer = p.Line().LoseAnswer(applied); return nil },
		Probe: func(context.Context) Finding {
			c := answer.Caught()
			if !c.Answered {
				return Found(false, "no answer to such a write arrived")
			}
			return Found(c.Lost, "%s of session %s was applied with zxid 0x%x; %s", described(c.Exchange), record.Hex(c.Session), c.Zxid, whether(c.Lost, "its answer was lost", "its answer was not lost")).
				With("zxid", record.Hex(c.Zxid)).With("session", record.Hex(c.Session)).With("answer lost", c.Lost)
		},
		Heal: func(context.Context) error { answer.Open(); return nil },
	}
}

func described(x Exchange) string {
	switch {
	case x.Ends():
		return "the close"
	case x.Op.Kind == zkapi.KindMulti:
		return "a multi"
	}
	return "a " + x.Op.Kind.String() + " of " + x.Op.Path
}

func deletes(op zkapi.Op) bool {
	return op.Kind == zkapi.KindDelete || slices.ContainsFunc(op.Ops, deletes)
}

func dropCreate(_ *Injector, p Process, _ Fault) Injection {
	return lost(p, func(x Exchange) bool { return x.Op.Kind == zkapi.KindCreate })
}

func dropMulti(_ *Injector, p Process, _ Fault) Injection {
	return lost(p, func(x Exchange) bool { return x.Op.Kind == zkapi.KindMulti })
}

func dropDelete(_ *Injector, p Process, _ Fault) Injection {
	return lost(p, func(x Exchange) bool { return deletes(x.Op) })
}

// dropClose tells a participant to leave, and loses the answer to the close of its
// session.
func dropClose(_ *Injector, p Process, _ Fault) Injection {
	i := lost(p, Exchange.Ends)
	intercept, open := i.Apply, i.Heal
	i.Apply = func(ctx context.Context) error {
		err := intercept(ctx)
		p.Leave()
		return err
	}
	i.Heal = func(ctx context.Context) error {
		_ = open(ctx) // an interception opens without an error
		return p.Start()
	}
	return i
}

// longestHold is how long an answer waits for another request. The request may never
// come, because the participant waits for the answer; then the next answer is held. A
// master without an answer confirms its claim earlier than that.
const longestHold = 750 * time.Millisecond

// delayReply holds the answer to a write until the next request.
func delayReply(_ *Injector, p Process, _ Fault) Injection {
	var mu sync.Mutex
	var last Caught
	held := 0
	i := Injection{
		Apply: nothing,
		Probe: func(context.Context) Finding {
			mu.Lock()
			defer mu.Unlock()
			if held == 0 {
				return Found(false, "no answer to a write arrived")
			}
			return Found(last.Followed, "%d answers were held, the last one to %s, zxid 0x%x, for %v; meanwhile %s", held, described(last.Exchange), last.Zxid, last.Held.Round(time.Millisecond), whether(last.Followed, "another request was sent", "no other request was sent")).
				With("answers held", held).With("last held for", last.Held).With("request sent meanwhile", last.Followed)
		},
		Heal: nothing,
	}
	return i.meanwhile(func(ctx context.Context) {
		for followed := false; !followed && ctx.Err() == nil; {
			caught := holdAnswer(ctx, wire(p))
			mu.Lock()
			if caught.Answered {
				last, held = caught, held+1
			}
			followed = caught.Followed
			mu.Unlock()
		}
	})
}

// holdAnswer holds the answer to a write until another request is sent, or for a while.
// It returns the write and its answer as caught.
func holdAnswer(ctx context.Context, line Wire) Caught {
	answer := line.Intercept(func(x Exchange) bool { return x.Err == nil && !x.Ends() }, HoldAnswer)
	defer answer.Open()
	select {
	case <-ctx.Done():
		return answer.Caught()
	case <-answer.Answered():
	}
	timer := time.NewTimer(longestHold)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-answer.Opened():
	case <-timer.C:
	}
	return answer.Caught()
}
