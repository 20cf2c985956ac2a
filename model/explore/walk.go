package explore

import (
	"errors"
	"iter"
	"math/rand/v2"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Happening is the kind of event in a step of a schedule.
type Happening string

// The happenings of a [Moment], with the names that schedules in files use.
const (
	Begins       Happening = "begin" // of the world: before the first step
	Serves       Happening = "serve"
	LosesRequest Happening = "lose-before"
	LosesReply   Happening = "lose-after"
	Delivers     Happening = "deliver"
	Notices      Happening = "notice"
	Restarts     Happening = "restart"
	Expires      Happening = "expire"
	Leaves       Happening = "leave"
	Sweeps       Happening = "sweep"
	Breaks       Happening = "break"
	Stops        Happening = "stop"
	ClockJumps   Happening = "leap"
	Crashes      Happening = "crash"
	EndsOrphan   Happening = "end-ghost" // the server ends a session whose owner is gone
	ServesLate   Happening = "late"      // a request takes effect whose owner is gone
)

// Asking is a pending request of a process: a request of a session, the end of a session, a
// new one, or an act outside.
type Asking struct {
	Opens, Closes bool
	Op            zkapi.Op // of a session, if its kind says so
	Resource      string   // of an act
	Token         int64
}

// Moment is one step of a schedule and the state after it, for a caller that repeats the step
// on the same programs elsewhere and compares.
type Moment struct {
	Step
	Happening Happening
	Place     int    // of the process in its world
	Which     int    // of its requests
	Asked     Asking // that request
	Result    zkapi.Result
	Err       error    // of an act or a request that was served, or whose answer was lost
	Session   int64    // whose owner is gone
	Event     zk.Watch // that is delivered

	View   View
	Asks   [][]Asking   // that each process waits for, in order
	Events [][]zk.Watch // that are under way to each process, in order
}

// Walk draws a schedule from a seed and goes through it, step by step, until nothing
// can happen any more. The first moment is the beginning. A fault is drawn as often
// as the last argument says, in a hundred steps at which one is possible. An error
// ends the walk.
func Walk(w *World, seed uint64, faults int) iter.Seq2[Moment, error] {
	return func(yield func(Moment, error) bool) {
		if err := w.Validate(); err != nil {
			yield(Moment{}, err)
			return
		}
		if w.Follow {
			yield(Moment{}, errors.New("explore: steps of a world with Follow cannot be repeated elsewhere: leave Follow out"))
			return
		}
		err := guarded(func() { newSpace(w, false).moments(rareFaults{rand.New(rand.NewPCG(seed, 0)), faults}, yield) })
		if err != nil {
			yield(Moment{}, err)
		}
	}
}

// rareFaults draws faults now and then only.
type rareFaults struct {
	rng    *rand.Rand
	faults int // in a hundred
}

func (d rareFaults) draw(_ int, choices []Choice) Choice {
	var faults, others []Choice
	for _, c := range choices {
		if c.fault() {
			faults = append(faults, c)
		} else {
			others = append(others, c)
		}
	}
	from := others
	if len(others) == 0 || len(faults) > 0 && d.rng.IntN(100) < d.faults {
		from = faults
	}
	return from[d.rng.IntN(len(from))]
}

func (x *space) moments(d drawer, yield func(Moment, error) bool) {
	s := x.initial()
	if !yield(x.moment(s, Moment{Happening: Begins}), nil) {
		return
	}
	for step := range longest {
		choices := x.choices(s, nil)
		if len(choices) == 0 {
			return
		}
		c := d.draw(step, choices)
		m := x.before(s, c)
		x.advance(s, c)
		if !yield(x.moment(s, m), nil) {
			return
		}
	}
}

// before describes a choice in the state before it.
func (x *space) before(s state, c Choice) Moment {
	p := c.process()
	m := Moment{Step: x.explain(s, c), Happening: Happening(choiceNames[c.kind()]), Place: p, Which: c.request()}
	l := x.links.get(x.procs.get(s[atProcs+p]).link)
	switch c.kind() {
	case deliverChoice:
		m.Event = l.events[0]
	case endOrphanChoice:
		m.Session = sessionID(p, l.orphans[c.which()])
	case lateChoice:
		z := l.late[c.which()]
		m.Session, m.Asked = sessionID(p, z.session), Asking{Op: x.terms.ops.get(z.op)}
		o := x.terms.outcomes.get(x.serve(s[atTree], z.op, m.Session).outcome)
		m.Result, m.Err = o.result, o.err
	case serveChoice, loseBefore, loseAfter:
		r := x.at(s, p).requests[c.request()]
		m.Asked = x.asking(r)
		switch r.kind {
		case opRequest:
			op := m.Asked.Op
			o := x.terms.outcomes.get(x.serve(l.sees(s[atTree], op), r.op, sessionID(p, r.session)).outcome)
			m.Result, m.Err = o.result, o.err
		case actRequest:
			if _, answer := x.acts.get(s[atActs]).with(x.terms.acts.get(r.op), !x.world.Unfenced); answer == refused {
				m.Err = errStale
			}
		}
	}
	return m
}

// moment adds the state after a step.
func (x *space) moment(s state, m Moment) Moment {
	m.View = x.view(s)
	for p := range x.world.Processes {
		var asks []Asking
		if at := x.at(s, p); at != nil {
			asks = x.asks(at)
		}
		m.Asks = append(m.Asks, asks)
		m.Events = append(m.Events, x.links.get(x.procs.get(s[atProcs+p]).link).events)
	}
	return m
}

// asks are the requests of a process, in order.
func (x *space) asks(at *local) []Asking {
	var all []Asking
	for _, r := range at.requests {
		all = append(all, x.asking(r))
	}
	return all
}

func (x *space) asking(r pending) Asking {
	switch r.kind {
	case openRequest:
		return Asking{Opens: true}
	case closeRequest:
		return Asking{Closes: true}
	case actRequest:
		a := x.terms.acts.get(r.op)
		return Asking{Resource: a.Resource, Token: a.Token}
	}
	return Asking{Op: x.terms.ops.get(r.op)}
}

// String describes the request for people.
func (a Asking) String() string {
	switch {
	case a.Opens:
		return "open a session"
	case a.Closes:
		return "close the session"
	case a.Resource != "":
		return "act on " + a.Resource + " with token " + tokenText(a.Token)
	}
	return DescribeOp(a.Op)
}
