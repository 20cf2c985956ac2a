package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The faults of clocks, by name.
const (
	SleepWorker Kind = "sleep-worker"
	WrongClock  Kind = "wrong-clock"
)

var clockFaults = []Entry{
	{
		Kind: SleepWorker, Group: "clock", ByName: true, Roles: []Role{SomeWorker}, Least: 1.6, Most: 2.4, Needs: Machines | Connections, Asks: LongLived,
		Explain: "the machine of a worker that holds something long-lived sleeps for longer than the session timeout: its connection is cut, the process is stopped (SIGSTOP), and its monotonic clock stands still; after it wakes up, the connection stays cut for one more session timeout",
		Probe:   "the process is stopped at the begin and at the end, for longer than the session timeout, and no server knows its session any more",
		Did:     "put the machine of %s to sleep, with its line dead,",
		Does:    []record.Impact{record.Stops},
		Inject:  (*Injector).sleep,
	},
	{
		Kind: WrongClock, Group: "clock", Roles: anyParticipant, Least: 0.8, Most: 2, Needs: Machines,
		Explain: "a participant gets SIGTERM and restarts with a wall clock that is wrong by hours, ahead or behind; later it restarts with a right clock",
		Probe:   "the participant reads a time that differs from the harness' time by as much",
		Did:     "started %s again with a wrong clock",
		Inject:  onMachine((*Injector).wrongClock),
	},
}

// wrongClock starts a participant again with a wall clock that is wrong by hours, up
// to a day, ahead or behind.
func (j *Injector) wrongClock(p Machine, fault Fault) Injection {
	skew := time.Duration(1+fault.Pick%24) * time.Hour
	if fault.Pick%2 == 1 {
		skew = -skew
	}
	again := func(skew time.Duration) error {
		p.Leave()
		p.SetClock(skew)
		return p.Start()
	}
	return Injection{
		Apply: func(context.Context) error { return again(skew) },
		Probe: func(context.Context) Finding {
			off, err := p.ClockOff()
			if err != nil {
				return Found(false, "%v", err)
			}
			return Found(near(off, skew), "its clock is off by %v", off.Round(time.Second)).With("clock is off by", off.Round(time.Second))
		},
		Heal: func(context.Context) error { return again(0) },
	}
}

// near allows for the time between two readings.
func near(a, b time.Duration) bool { return (a - b).Abs() < time.Minute }

// sleep puts the machine of a worker that holds something long-lived to sleep: its line
// is dead and its process is stopped for longer than its session lasts. When it wakes up,
// its monotonic clock has stood still, and its line stays dead for one more session
// timeout. So only a clock that went on can tell the worker that its time is over.
func (j *Injector) sleep(ctx context.Context, fault Fault) (Injection, error) {
	p, err := j.holder(ctx, fault.Pick)
	if err != nil {
		return Injection{}, err
	}
	i := j.sleepOf(p.(Machine))
	i.Target = p.Name()
	return i, nil
}

func (j *Injector) sleepOf(p Machine) Injection {
	var began time.Duration
	var session int64
	halted := j.stop(p, Fault{})
	return Injection{
		Apply: func(ctx context.Context) error {
			var had bool
			if session, had = p.Session(); !had {
				return fmt.Errorf("%s has no session", p.Name())
			}
			p.Line().Cut()
			began = j.Now()
			return halted.Apply(ctx)
		},
		Probe: func(ctx context.Context) Finding {
			f := halted.Probe(ctx)
			if !f.Effective {
				return f
			}
			gone, err := p.SessionGone(ctx, session)
			if err != nil {
				return Found(false, "%v", err)
			}
			f.Effective = gone
			f.Text += fmt.Sprintf(", its session %s %s", record.Hex(session), whether(gone, "is over", "is not over"))
			return f.With("session gone", gone)
		},
		Heal: func(context.Context) error {
			if !p.Stopped() {
				return p.Continue()
			}
			if err := p.Sleep(j.Now() - began); err != nil {
				return err
			}
			return p.Continue()
		},
		Done: func() {
			j.work.Go(func() {
				wait(context.Background(), j.Settings().SessionTimeout)
				p.Line().Heal()
				release[Process](j, p)
			})
		},
	}
}
