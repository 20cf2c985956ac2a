package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// interceptions are the same interception for several participants; only the first
// catch counts.
type interceptions struct {
	of     []Process
	all    []Hold
	caught chan int // index of the participant whose exchange was caught, in order
}

// interceptMasters sets the same interception on all participants that may lead.
func (j *Injector) interceptMasters(fits func(Exchange) bool, does Reaction) *interceptions {
	a := &interceptions{of: slices.DeleteFunc(slices.Clone(j.Processes()), func(p Process) bool { return !p.CanLead() })}
	a.caught = make(chan int, len(a.of))
	for i, p := range a.of {
		a.all = append(a.all, wire(p).Intercept(func(x Exchange) bool {
			if !fits(x) {
				return false
			}
			a.caught <- i
			return true
		}, does))
	}
	return a
}

// first is the first participant that was caught; false if none was caught in time.
func (a *interceptions) first(ctx context.Context, patience time.Duration) (Process, Hold, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case i := <-a.caught:
		return a.of[i], a.all[i], true
	case <-ctx.Done():
		return nil, nil, false
	}
}

func (a *interceptions) open() { a.openBut(nil) }

// openBut opens all interceptions but one, which may hold an exchange.
func (a *interceptions) openBut(one Hold) {
	for _, i := range a.all {
		if i != one {
			i.Open()
		}
	}
}

// How long a fault waits for its target.
const (
	electionPatience = 5 * time.Second
	readPatience     = 500 * time.Millisecond // from an election to the first read
)

// succession is the end of the active master's session and the election of the next one.
type succession struct {
	*Injector
	deposed, winner Process // winner is nil when no master was elected
	taken           []Process
	sessions        []int64 // that were ended
	won             Caught
	end             int64 // of the winner's session, in ZooKeeper's order; 0 when that was not answered
	problem         error
}

// endElected ends the session of the active master, and that of the next one as soon as
// it is elected.
func (j *Injector) endElected(ctx context.Context, _ Fault) (Injection, error) {
	s, err := j.succession(ctx)
	if err != nil {
		return Injection{}, err
	}
	return s.injection(s.apply, s.probe), nil
}

// loseElection ends the session of the active master, and loses the answer to the
// election that follows.
func (j *Injector) loseElection(ctx context.Context, _ Fault) (Injection, error) {
	s, err := j.succession(ctx)
	if err != nil {
		return Injection{}, err
	}
	var election Hold
	i := s.injection(
		func(ctx context.Context) (err error) {
			if election, err = s.provoke(ctx, LoseAnswer); election != nil {
				election.Open()
			}
			return err
		},
		func(context.Context) Finding {
			if election != nil {
				s.won = election.Caught()
			}
			return s.unanswered()
		})
	i.Hit = nil // the winner has lost an answer, but no session, so it is not excused
	return i, nil
}

// unanswered reports whether the winner was elected without hearing it.
func (s *succession) unanswered() Finding {
	if s.problem != nil {
		return Found(false, "%v", s.problem)
	}
	return Found(s.won.Lost, "%s was elected with zxid 0x%x; %s", s.winner.Name(), s.won.Zxid, whether(s.won.Lost, "its answer was lost", "its answer was not lost")).
		With("zxid of the election", record.Hex(s.won.Zxid)).With("answer lost", s.won.Lost)
}

// succession begins with the master that is to be deposed.
func (j *Injector) succession(ctx context.Context) (*succession, error) {
	p, err := j.activeMaster(ctx)
	return &succession{Injector: j, deposed: p, taken: []Process{p}}, err
}

func (s *succession) injection(apply func(context.Context) error, probe func(context.Context) Finding) Injection {
	return Injection{
		Target: s.deposed.Name(),
		Hit:    s.hit, Sessions: func() string { return sessionNames(s.sessions) },
		Apply: apply, Probe: probe, Heal: nothing,
		Done: func() { release(s.Injector, s.taken...) },
	}
}

// hit are the deposed master and, if there is one, the winner.
func (s *succession) hit() string {
	if s.winner == nil || s.winner == s.deposed {
		return s.deposed.Name()
	}
	return names([]Process{s.deposed, s.winner})
}

// apply fails only if no session has been ended yet.
func (s *succession) apply(ctx context.Context) error {
	election, err := s.provoke(ctx, HoldRequests)
	if election == nil {
		return err
	}
	defer election.Open()
	s.problem = s.depose(ctx, election)
	return nil
}

// provoke ends the session of the active master, and returns the interception of the
// next election; the winner is set by then. If no master is elected in time, that is a
// problem of the fault and no error.
func (s *succession) provoke(ctx context.Context, does Reaction) (Hold, error) {
	session, err := s.sessionAs(ctx, s.deposed, ActiveMaster)
	if err != nil {
		return nil, err
	}
	elects := s.Settings().Recipe.Elects
	elections := s.interceptMasters(func(x Exchange) bool { return s.partOf(x, elects) }, does)
	if _, err := s.deposed.EndSession(ctx, session); err != nil {
		elections.open()
		return nil, err
	}
	s.sessions = append(s.sessions, session)
	winner, election, ok := elections.first(ctx, electionPatience)
	if !ok {
		elections.open()
		s.problem = fmt.Errorf("no master was elected within %v", electionPatience)
		return nil, nil
	}
	elections.openBut(election)
	s.winner = winner
	if take(s.Injector, winner) {
		s.taken = append(s.taken, winner)
	}
	return election, nil
}

// depose ends the winner's session when its first read waits.
func (s *succession) depose(ctx context.Context, election Hold) (err error) {
	reading, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	for !election.Caught().Waiting && wait(reading, time.Millisecond) {
	}
	defer func() { s.won = election.Caught() }()
	session := election.Caught().Session
	if !s.winner.Owns(session) {
		return errors.New("the winner's session is not known")
	}
	if s.end, err = s.winner.EndSession(ctx, session); err == nil {
		s.sessions = append(s.sessions, session)
	}
	return err
}

func (s *succession) probe(ctx context.Context) Finding {
	if s.problem != nil {
		return Found(false, "%v", s.problem)
	}
	gone, err := s.winner.SessionGone(ctx, s.sessions[len(s.sessions)-1])
	if err != nil {
		return Found(false, "%v", err)
	}
	// A winning session that is gone has ended after its election. Its end has no number
	// if the server did not answer.
	inOrder := s.end == 0 || s.end > s.won.Zxid
	return Found(gone && inOrder && s.won.Waiting && s.won.Passed == 0,
		"%s was elected with zxid 0x%x, and its session ended with zxid 0x%x, and %s; %s, and %d passed", s.winner.Name(), s.won.Zxid, s.end, whether(gone, "is over", "is not over"), whether(s.won.Waiting, "its next request waited", "no request of it waited"), s.won.Passed).
		With("zxid of the election", record.Hex(s.won.Zxid)).With("zxid of the end", record.Hex(s.end)).
		With("request waited", s.won.Waiting).With("requests passed", s.won.Passed).With("session gone", gone)
}

// unread is an assignment to a worker whose session ends before the worker can have
// read the assignment.
type unread struct {
	*Injector
	victim  Process
	session int64
	given   Caught // the assignment
	end     int64  // of the session, in ZooKeeper's order
	passed  int64  // bytes to the victim in between
}

func (j *Injector) endAssigned(p Process, _ Fault) Injection {
	u := &unread{Injector: j, victim: p}
	return Injection{Sessions: func() string { return record.Hex(u.session) }, Apply: u.apply, Probe: u.probe, Heal: nothing}
}

func (u *unread) apply(ctx context.Context) (err error) {
	if u.session, err = u.sessionAs(ctx, u.victim, SomeWorker); err != nil {
		return err
	}
	line, patience := wire(u.victim), u.Settings().SessionTimeout/2
	line.Impair(Impairment{Hold: [2]bool{ToParticipant: true}})
	defer line.Heal()
	since, assigns := u.Now(), u.Settings().Recipe.Assigns
	assignments := u.interceptMasters(func(x Exchange) bool {
		return x.Sent >= since && u.partOf(x, func(part zkapi.Op) bool { return assigns(part, u.victim.Name()) })
	}, Notice)
	defer assignments.open()
	_, assignment, ok := assignments.first(ctx, patience)
	if !ok {
		return fmt.Errorf("nothing was assigned to %s within %v", u.victim.Name(), patience)
	}
	u.given = assignment.Caught()
	u.end, err = u.victim.EndSession(ctx, u.session)
	u.passed = line.Tally().Passed[ToParticipant]
	return err
}

func (u *unread) probe(ctx context.Context) Finding {
	gone, err := u.victim.SessionGone(ctx, u.session)
	if err != nil {
		return Found(false, "%v", err)
	}
	return Found(gone && u.end > u.given.Zxid && u.passed == 0, "something was assigned with zxid 0x%x, and the session ended with zxid 0x%x, and %s; %d bytes passed to the worker in between", u.given.Zxid, u.end, whether(gone, "is over", "is not over"), u.passed).
		With("zxid of the assignment", record.Hex(u.given.Zxid)).With("zxid of the end", record.Hex(u.end)).With("bytes passed", u.passed).With("session gone", gone)
}
