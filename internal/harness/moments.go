package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ambush is a trap for several participants, of which the first counts.
type ambush struct {
	all    []*process
	traps  []*ensemble.Trap
	caught chan int // index of who was caught, in the order in which they were
}

// ambush sets the same trap for all who may lead.
func (r *run) ambush(on func(ensemble.Exchange) bool, does ensemble.Reaction) *ambush {
	a := &ambush{}
	for _, p := range r.processes {
		if p.role == participant.Master || p.role == participant.Node {
			a.all = append(a.all, p)
		}
	}
	a.caught = make(chan int, len(a.all))
	for i, p := range a.all {
		a.traps = append(a.traps, p.proxy.Set(func(x ensemble.Exchange) bool {
			if !on(x) {
				return false
			}
			a.caught <- i
			return true
		}, does))
	}
	return a
}

// first is the first that is caught, and its trap; false when nobody is in time.
func (a *ambush) first(ctx context.Context, patience time.Duration) (*process, *ensemble.Trap, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case i := <-a.caught:
		return a.all[i], a.traps[i], true
	case <-ctx.Done():
		return nil, nil, false
	}
}

func (a *ambush) open() { a.openBut(nil) }

// openBut opens all traps but one, which may hold something.
func (a *ambush) openBut(one *ensemble.Trap) {
	for _, t := range a.traps {
		if t != one {
			t.Open()
		}
	}
}

// creates reports whether a write was applied that makes a znode that fits.
func creates(x ensemble.Exchange, fits func(path string) bool) bool {
	return x.Err == nil && slices.ContainsFunc(append([]zkapi.Op{x.Request.Op}, x.Request.Op.Ops...), func(op zkapi.Op) bool {
		return op.Kind == zkapi.KindCreate && fits(op.Path)
	})
}

// Patience of the faults that wait for their moment.
const (
	electionPatience = 5 * time.Second
	readPatience     = 500 * time.Millisecond // from an election to the first read
)

// coup ends the session of the active master, and that of the next one as soon as it
// is elected.
type coup struct {
	*run
	deposed, winner *process // winner is nil when nobody was elected
	claimed         []*process
	sessions        []ensemble.Session // that were ended
	won             ensemble.Caught
	end             int64 // of the winner's session, in ZooKeeper's order; 0 when that was not answered
	problem         error
}

func (r *run) elected(ctx context.Context, _ nemesis.Fault) (deed, error) {
	c, err := r.coup(ctx)
	if err != nil {
		return deed{}, err
	}
	return c.deed(c.apply, c.probe), nil
}

// unheard ends the session of the active master, and loses the answer to the election
// that follows.
func (r *run) unheard(ctx context.Context, _ nemesis.Fault) (deed, error) {
	c, err := r.coup(ctx)
	if err != nil {
		return deed{}, err
	}
	var trap *ensemble.Trap
	d := c.deed(
		func(ctx context.Context) (err error) {
			if trap, err = c.provoke(ctx, ensemble.LoseAnswer); trap != nil {
				trap.Open()
			}
			return err
		},
		func(context.Context) finding {
			if trap != nil {
				c.won = trap.Caught()
			}
			return c.unanswered()
		})
	d.hit = nil // the winner has lost an answer, and no session: nothing excuses it
	return d, nil
}

// unanswered says whether the winner was elected and not told.
func (c *coup) unanswered() finding {
	if c.problem != nil {
		return found(false, "%v", c.problem)
	}
	return found(c.won.Lost, "%s was elected with zxid 0x%x; %s", c.winner.name, c.won.Zxid, whether(c.won.Lost, "its answer was lost", "its answer was not lost")).
		with("zxid of the election", sessionName(c.won.Zxid)).with("answer lost", c.won.Lost)
}

// coup begins with the master that is to be deposed.
func (r *run) coup(ctx context.Context) (*coup, error) {
	p, err := r.activeMaster(ctx)
	return &coup{run: r, deposed: p, claimed: []*process{p}}, err
}

func (c *coup) deed(apply func(context.Context) error, probe func(context.Context) finding) deed {
	return deed{
		target: c.deposed.name,
		hit:    c.hit, session: func() string { return sessionNames(c.sessions) },
		apply: apply, probe: probe, heal: nothing,
		done: func() { release(c.claimed) },
	}
}

// hit are the deposed and, if there is one, the winner.
func (c *coup) hit() string {
	if c.winner == nil || c.winner == c.deposed {
		return c.deposed.name
	}
	return names([]*process{c.deposed, c.winner})
}

// apply fails only as long as nobody's session has been ended.
func (c *coup) apply(ctx context.Context) error {
	trap, err := c.provoke(ctx, ensemble.HoldRequests)
	if trap == nil {
		return err
	}
	defer trap.Open()
	c.problem = c.depose(ctx, trap)
	return nil
}

// provoke ends the session of the active master and returns the trap of the next one,
// which is the winner by then. If nobody is elected in time, that is the problem, and
// no error.
func (c *coup) provoke(ctx context.Context, does ensemble.Reaction) (*ensemble.Trap, error) {
	session, err := c.sessionAs(ctx, c.deposed, nemesis.ActiveMaster)
	if err != nil {
		return nil, err
	}
	a := c.ambush(func(x ensemble.Exchange) bool {
		return creates(x, func(path string) bool { return path == c.namespace+"/master" })
	}, does)
	if _, err := c.run.end(ctx, session); err != nil {
		a.open()
		return nil, err
	}
	c.sessions = append(c.sessions, session)
	winner, trap, ok := a.first(ctx, electionPatience)
	if !ok {
		a.open()
		c.problem = fmt.Errorf("nobody was elected within %v", electionPatience)
		return nil, nil
	}
	a.openBut(trap)
	c.winner = winner
	if winner.claim() {
		c.claimed = append(c.claimed, winner)
	}
	return trap, nil
}

// depose ends the winner's session when its first read waits.
func (c *coup) depose(ctx context.Context, trap *ensemble.Trap) (err error) {
	reading, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	for !trap.Caught().Waiting && wait(reading, time.Millisecond) {
	}
	defer func() { c.won = trap.Caught() }()
	session, known := c.winner.proxy.SessionOf(trap.Caught().Session)
	if !known {
		return errors.New("the winner's session is not known")
	}
	if c.end, err = c.run.end(ctx, session); err == nil {
		c.sessions = append(c.sessions, session)
	}
	return err
}

func (c *coup) probe(ctx context.Context) finding {
	if c.problem != nil {
		return found(false, "%v", c.problem)
	}
	gone, err := c.gone(ctx, c.sessions[len(c.sessions)-1])
	if err != nil {
		return found(false, "%v", err)
	}
	// A session that has won and is gone has ended after that. Its end has no number if
	// the server did not answer.
	inOrder := c.end == 0 || c.end > c.won.Zxid
	return found(gone && inOrder && c.won.Waiting && c.won.Passed == 0,
		"%s was elected with zxid 0x%x, and its session ended with zxid 0x%x, and %s; %s, and %d passed", c.winner.name, c.won.Zxid, c.end, whether(gone, "is over", "is not over"), whether(c.won.Waiting, "its next request waited", "no request of it waited"), c.won.Passed).
		with("zxid of the election", sessionName(c.won.Zxid)).with("zxid of the end", sessionName(c.end)).
		with("request waited", c.won.Waiting).with("requests passed", c.won.Passed).with("session gone", gone)
}

// theft ends a worker's session when a task has just been assigned to it, and it cannot
// have read that.
type theft struct {
	*run
	victim  *process
	session ensemble.Session
	given   ensemble.Caught // the assignment
	end     int64           // of the session, in ZooKeeper's order
	passed  int64           // bytes to the victim in between
}

func (r *run) assigned(p *process, _ nemesis.Fault) deed {
	t := &theft{run: r, victim: p}
	return deed{session: func() string { return sessionName(t.session.ID) }, apply: t.apply, probe: t.probe, heal: nothing}
}

func (t *theft) apply(ctx context.Context) (err error) {
	if t.session, err = t.sessionAs(ctx, t.victim, nemesis.SomeWorker); err != nil {
		return err
	}
	proxy, patience := t.victim.proxy, t.config.SessionTimeout/2
	proxy.Impair(ensemble.Impairment{Hold: [2]bool{ensemble.ToParticipant: true}})
	defer proxy.Heal()
	since, inbox := clock.Now(), t.namespace+"/assign/"+t.victim.name+"/"
	a := t.ambush(func(x ensemble.Exchange) bool {
		return x.Sent >= since && creates(x, func(path string) bool { return strings.HasPrefix(path, inbox) })
	}, ensemble.Notice)
	defer a.open()
	_, trap, ok := a.first(ctx, patience)
	if !ok {
		return fmt.Errorf("nothing was assigned to %s within %v", t.victim.name, patience)
	}
	t.given = trap.Caught()
	t.end, err = t.run.end(ctx, t.session)
	t.passed = proxy.Tally().Passed[ensemble.ToParticipant]
	return err
}

func (t *theft) probe(ctx context.Context) finding {
	gone, err := t.gone(ctx, t.session)
	if err != nil {
		return found(false, "%v", err)
	}
	return found(gone && t.end > t.given.Zxid && t.passed == 0, "a task was assigned with zxid 0x%x, and the session ended with zxid 0x%x, and %s; %d bytes passed to the worker in between", t.given.Zxid, t.end, whether(gone, "is over", "is not over"), t.passed).
		with("zxid of the assignment", sessionName(t.given.Zxid)).with("zxid of the end", sessionName(t.end)).with("bytes passed", t.passed).with("session gone", gone)
}
