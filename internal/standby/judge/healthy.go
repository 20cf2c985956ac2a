package judge

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// slow is how long a process may take to act on what it has just said of its own health. It includes the
// time until a hook that does not answer counts as an error.
const slow = 3 * time.Second

// unhealthyLeave: the term of a process that says it is not healthy ends soon, and such a process does not
// become active.
func (f *facts) unhealthyLeave() checker.Property {
	p := checker.NewFindings("UnhealthyLeave")
	bad := 0
	for i, e := range f.healths {
		if history.Of[history.Report](e).Good {
			continue
		}
		bad++
		until := f.sickUntil(i)
		for _, a := range f.actives {
			if a.Invoke.Alive() == e.Alive() {
				f.sick(p, e, until, a)
			}
		}
	}
	return p.Property("Processes said %d times that they are not healthy. The terms of those that were active ended within %v.", bad, slow)
}

// sickUntil is until when a process is not healthy.
func (f *facts) sickUntil(from int) time.Duration {
	life := f.healths[from].Alive()
	for _, e := range f.healths[from+1:] {
		if e.Alive() == life {
			return e.At
		}
	}
	if l := f.Index.LifeOf(life); l != nil {
		if at, ended := l.Over(f.healths[from].At); ended {
			return at
		}
	}
	return f.End
}

// sick judges one time in which a process was active by one in which it was not healthy.
func (f *facts) sick(p *checker.Findings, e record.Event, until time.Duration, a record.Operation) {
	if a.Invoke.Seq > e.Seq {
		if long := a.Invoke.At - e.At; a.Invoke.At < until && long > slow && f.Excuse(a, e.At, a.Invoke.At) == "" {
			p.Violate(wording.Finding{Code: BecameSick, Object: history.Group, Args: wording.Args{
				"process": e.Process, "at": a.Invoke.At, "epoch": a.Invoke.Token().Epoch, "long": long,
			}}, e, a.Invoke)
		}
		return
	}
	end := f.termOver(a)
	if end > e.At && min(end, until)-e.At > slow && f.Excuse(a, e.At, min(end, until)) == "" {
		p.Violate(wording.Finding{Code: StayedSick, Object: history.Group, Args: wording.Args{
			"process": e.Process, "at": e.At, "epoch": a.Invoke.Token().Epoch, "long": end - e.At,
		}}, a.Invoke, e)
	}
}

// termOver is when the context of an active has ended, as the process noted it, or its life.
func (f *facts) termOver(a record.Operation) time.Duration {
	for _, e := range f.overs {
		if e.Alive() == a.Invoke.Alive() && e.Token() == a.Invoke.Token() {
			return e.At
		}
	}
	return f.Lasted(a)
}

// activeAfterHeal: when everything is healed, a process is active, and hands over to another one: each client
// asks for a failover until one is done.
func (f *facts) activeAfterHeal() checker.Property {
	p := checker.NewFindings("ActiveAfterHeal")
	switch {
	case f.NeedsHeal(p):
	case !f.Evidence.Drained:
		p.Violate(wording.Finding{Code: NeverActive, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	return p.Property("A process was active after all faults were healed, and handed over to another one.")
}
