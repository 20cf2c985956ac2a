package leadership

import (
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Leaders is who led in a run, and who tried to.
type Leaders struct {
	of        *checker.Case
	terms     []record.Operation // of masters that believed to lead
	elections []election
	acts      []act
	begun     map[int32][]string // by epoch: who has begun it, or may have
}

// election is one try to become master.
type election struct {
	op    *checker.Write
	epoch int32 // the epoch that it begins, if it was won
	won   record.Type
}

// act is a write in the name of an epoch, as a master makes it.
type act struct {
	op    *checker.Write
	epoch int32
}

// Claim reads from one part of a write the epoch in whose name the write is; false if
// the part says nothing of an epoch.
type Claim func(op record.Op) (epoch int32, claims bool)

// Of reads who led in a run. A write that checks the version of [record.AssignPath] is in
// the name of that epoch. A recipe whose writes name their epoch elsewhere as well gives
// a claim, which finds a write that lacks the check; otherwise it is nil.
func Of(c *checker.Case, claim Claim) *Leaders {
	l := &Leaders{of: c, terms: record.Operations(c.Events, record.Lead)}
	for i := range c.Writes {
		l.read(&c.Writes[i], claim)
	}
	for _, e := range c.Index.Elections {
		w := &c.Writes[e.Write]
		l.elections = append(l.elections, election{op: w, epoch: e.Epoch, won: w.Outcome()})
	}
	if c.HasTree() {
		l.resolve()
	} else {
		for _, e := range l.elections {
			c.Resolved.ByTree(e.won, record.Info)
		}
	}
	l.begun = l.whoBegan()
	return l
}

// read finds the epoch in whose name a write is.
func (l *Leaders) read(w *checker.Write, claim Claim) {
	a, acts := act{op: w}, false
	for _, op := range w.Invoke.Ops() {
		if op.Kind == "check" && record.ParsePath(op.Path).Kind == record.Assign {
			a.epoch, acts = op.Version, true
		} else if claim != nil {
			if epoch, claims := claim(op); claims {
				a.epoch, acts = epoch, true
			}
		}
	}
	if acts {
		l.acts = append(l.acts, a)
	}
}

// resolve uses the fact that an epoch begins once. A try to begin an epoch was
// lost if another try began it. If no try was answered, the process that leads the
// epoch has won it with its last try, because it tries again only when it knows that
// the try before was lost.
func (l *Leaders) resolve() {
	winner := map[int32]int{} // index of the try
	for i, e := range l.elections {
		if e.won == record.OK {
			winner[e.epoch] = i
		}
	}
	leads := map[int32]record.Event{}
	for _, t := range l.terms {
		leads[t.Invoke.Token().Epoch] = t.Invoke
	}
	for i, e := range l.elections {
		if _, known := winner[e.epoch]; known && l.elections[winner[e.epoch]].won == record.OK {
			continue
		}
		if term, led := leads[e.epoch]; led && e.won == record.Info && e.op.Invoke.Alive() == term.Alive() && e.op.Invoke.At < term.At {
			winner[e.epoch] = i // the last one stays
		}
	}
	for i, e := range l.elections {
		if e.won != record.Info {
			continue
		}
		at, known := winner[e.epoch]
		_, led := leads[e.epoch]
		switch {
		case known && at == i:
			l.elections[i].won = record.OK
		case known || led:
			l.elections[i].won = record.Fail
		}
		l.of.Resolved.ByTree(record.Info, l.elections[i].won)
	}
}

// Elected is how many elections were won.
func (l *Leaders) Elected() int {
	won := 0
	for _, e := range l.elections {
		if e.won == record.OK {
			won++
		}
	}
	return won
}

// Ahead is how far the wall clock of an epoch's master was ahead of that of the harness,
// if it was by more than a minute.
func (l *Leaders) Ahead() map[int32]time.Duration {
	skews, ahead := l.of.Skews(), map[int32]time.Duration{}
	for _, term := range l.terms {
		// A correction of the clock by a second is not a fault.
		if skew := skews[term.Invoke.Alive()]; skew > time.Minute {
			ahead[term.Invoke.Token().Epoch] = skew
		}
	}
	return ahead
}

// whoBegan are the masters that have begun each epoch. If it is not known which one has,
// they are all that may have.
func (l *Leaders) whoBegan() map[int32][]string {
	began, known := map[int32][]string{}, map[int32]bool{}
	for _, e := range l.elections {
		switch {
		case e.won == record.OK:
			began[e.epoch] = []string{e.op.Invoke.Process}
		case e.won == record.Info && !known[e.epoch]:
			began[e.epoch] = append(began[e.epoch], e.op.Invoke.Process)
		}
		known[e.epoch] = known[e.epoch] || e.won == record.OK
	}
	return began
}

// Heard judges an event of the kind [record.Heard]: the leader that a participant is told
// of was elected. The finding says how it is wrong.
func (l *Leaders) Heard(e record.Event) (found wording.Finding, wrong bool) {
	leader := e.Leader()
	if leader.Epoch <= 0 || slices.Contains(l.begun[leader.Epoch], leader.Name) {
		return found, false
	}
	return wording.Finding{Code: OtherLeader, Args: wording.Args{
		"process": e.Process, "at": e.At, "leader": leader.Name, "epoch": leader.Epoch,
		"elected": strings.Join(l.begun[leader.Epoch], " or "),
	}}, true
}

// ToldTruly: every leader that a participant is told of was elected.
func (l *Leaders) ToldTruly() checker.Property {
	p := checker.NewFindings("ToldTruly")
	heard := 0
	for _, e := range l.of.Events {
		if e.Kind != record.Heard {
			continue
		}
		heard++
		if found, wrong := l.Heard(e); wrong {
			p.Violate(found, e)
		}
	}
	return p.Property("Participants heard %d times who leads. Every answer was right.", heard)
}

// Judgement judges a run that is about nothing but who leads.
func (l *Leaders) Judgement() checker.Judgement {
	j := checker.Judgement{
		Judges:   []checker.Judge{{Name: "SingleMaster", Judge: l.SingleMaster}, {Name: "ToldTruly", Judge: l.ToldTruly}},
		Searches: []checker.Search{l.Linearizable()},
		Counts:   map[string]int{"elections": l.Elected()},
		Texts:    Texts(),
	}
	if l.Elected() == 0 {
		j.Vacuous = append(j.Vacuous, "no master was elected")
	}
	return j
}
