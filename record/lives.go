package record

import (
	"slices"
	"time"
)

// Lived is one life of a process, by the events of the harness.
type Lived struct {
	Life
	Start Event   // empty if it is not on record
	Ends  []Event // reports of its end; the first counts, unless the process acted later
}

// Over is the end of the life that was going on at a moment; false if that is not on
// record.
func (l *Lived) Over(after time.Duration) (at time.Duration, ended bool) {
	for i := range l.Ends {
		if end := l.Ends[i].At; end > after && (!ended || end < at) {
			at, ended = end, true
		}
	}
	return at, ended
}

// Held is a session, by the events of its holder.
type Held struct {
	Session string
	Opened  Event // empty if it is not on record
	Over    Event // empty if it is not on record
}

// live notes an event of the harness about a process.
func (x *Index) live(e *Event) {
	change := e.ProcessChange()
	at, known := x.lives[change.Of]
	if !known {
		at = len(x.Lives)
		x.lives[change.Of] = at
		x.Lives = append(x.Lives, Lived{Life: change.Of})
	}
	if l := &x.Lives[at]; change.Fate == Started {
		l.Start = *e
	} else {
		l.Ends = append(l.Ends, *e)
	}
}

// LifeOf finds a life; nil if the run does not know it.
func (x *Index) LifeOf(life Life) *Lived {
	at, known := x.lives[life]
	if !known {
		return nil
	}
	return &x.Lives[at]
}

// hold notes an event of a participant about its own session.
func (x *Index) hold(e *Event) {
	change := e.SessionChange()
	if change.Fate == Granted {
		return
	}
	k := holding{e.Process, change.Session}
	at, known := x.holdings[k]
	if !known || change.Fate == Opened {
		at = len(x.Sessions)
		x.holdings[k] = at
		x.Sessions = append(x.Sessions, Held{Session: change.Session})
	}
	switch h := &x.Sessions[at]; {
	case change.Fate == Opened:
		h.Opened = *e
	case h.Over.Of == nil: // the first report of its end counts
		h.Over = *e
	}
}

// Began is the beginning of a part of the run, if it is on record.
func (x *Index) Began(part Part) (Event, bool) {
	i := slices.IndexFunc(x.Phases, func(e Event) bool { return e.PhaseChange().Part == part })
	if i < 0 {
		return Event{}, false
	}
	return x.Phases[i], true
}

// holding is a session of a process.
type holding struct{ process, session string }

// Ended are the sessions of a process, in one life, that ended in some way, by its own
// events.
func (x *Index) Ended(holder Life, fate SessionFate) []Held {
	var all []Held
	for _, h := range x.Sessions {
		if h.Over.SessionChange().Fate == fate && h.Over.Alive() == holder {
			all = append(all, h)
		}
	}
	return all
}
