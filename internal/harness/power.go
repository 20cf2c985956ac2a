package harness

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// power is the power switch of a run. It ends a life of a participant at the request of
// another one, and starts the participant again a little later. Some of its attempts fail, by
// the seed of the run.
type power struct {
	run *run

	mu     sync.Mutex
	lives  map[record.Life]*faulty
	awaits map[string]bool // participants that are to be started again
	closed bool            // it answers no more

	asked, restarts sync.WaitGroup
	on              context.Context // ends when nothing is to be started any more
	stop            context.CancelFunc
}

func newPower(r *run) *power {
	p := &power{run: r, lives: map[record.Life]*faulty{}, awaits: map[string]bool{}}
	p.on, p.stop = context.WithCancel(context.Background())
	return p
}

// faulty is what is wrong with the switch of one life. The draws depend on the seed and on the
// life alone, so they do not change with what else happens in the run.
type faulty struct {
	rng  *rand.Rand
	left int // attempts that are still to fail
}

// powerStream separates the draws of the switch from other draws.
const powerStream = 0x90e4

// mostFailures is how many attempts at one life fail at most. It is more than a recipe's
// patience, so that one that gives up is seen, too.
const mostFailures = 9

// drawn is what is wrong with the switch of a life. Half of the lives end at the first attempt.
func drawn(seed uint64, of record.Life) *faulty {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(of.String())) // never fails
	f := &faulty{rng: rand.New(rand.NewPCG(seed^hash.Sum64(), powerStream))}
	switch f.rng.IntN(8) {
	case 0, 1:
		f.left = 1 + f.rng.IntN(2)
	case 2, 3:
		f.left = 3 + f.rng.IntN(mostFailures-2)
	}
	return f
}

// attempt is one attempt to end a life.
type attempt struct {
	takes   time.Duration // before anything happens
	fails   bool          // what is answered
	acts    bool          // what happens
	restart time.Duration // until the participant is started again
}

// next draws an attempt.
func (f *faulty) next() attempt {
	a := attempt{acts: true, takes: 5*time.Millisecond + time.Duration(f.rng.Int64N(int64(80*time.Millisecond)))}
	if f.rng.IntN(8) == 0 {
		a.takes = time.Duration(f.rng.Int64N(int64(time.Second)))
	}
	a.restart = 200*time.Millisecond + time.Duration(f.rng.Int64N(int64(time.Second)))
	if f.left > 0 {
		f.left--
		a.fails, a.acts = true, f.rng.IntN(3) == 0
	}
	return a
}

// attempt draws the next attempt at a life; false if the switch is closed. Otherwise the caller
// says by asked when the attempt is over.
func (p *power) attempt(of record.Life) (attempt, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return attempt{}, false
	}
	p.asked.Add(1)
	if p.lives[of] == nil {
		p.lives[of] = drawn(p.run.config.Seed, of)
	}
	return p.lives[of].next(), true
}

// off ends a life; see [subject.Participant.PowerOff]. over reports whether the life is over,
// also if the switch says that it failed.
func (p *power) off(by, of record.Life) (over bool, err error) {
	at := slices.IndexFunc(p.run.members, func(m member) bool { return m.Name() == of.Process })
	if at < 0 {
		return false, fmt.Errorf("harness: power switch: there is no participant %q", of.Process)
	}
	a, open := p.attempt(of)
	if !open {
		return false, subject.ErrPowerSwitch
	}
	defer p.asked.Done()
	target := p.run.members[at]
	cut := record.PowerCut{Of: of, By: by}
	event := p.run.harness.Add(record.Event{Type: record.Invoke, Kind: record.PowerOff, Of: cut})
	wait(context.Background(), a.takes)
	done, ended := record.Fail, false
	if a.acts {
		ended, err = target.powerOff(of.Number)
		done, over = record.OK, err == nil
		cut.Already = over && !ended
	}
	switch {
	case err != nil:
		done, cut.Problem = record.Info, err.Error()
	case a.fails:
		err, cut.Problem = subject.ErrPowerSwitch, subject.ErrPowerSwitch.Error()
		if a.acts {
			done = record.Info
		}
	}
	p.run.harness.Complete(event, done, cut)
	if ended {
		p.later(target, of, a.restart)
	}
	return over, err
}

// later starts a participant again.
func (p *power) later(target member, of record.Life, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on.Err() != nil {
		return
	}
	p.awaits[target.Name()] = true
	p.restarts.Go(func() {
		wait(p.on, after)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.awaits, target.Name())
		if p.on.Err() == nil {
			p.run.warn(target.again(of.Number))
		}
	})
}

// owes reports whether a participant is to be started again.
func (p *power) owes(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.awaits[name]
}

// rest has no participant started any more.
func (p *power) rest() {
	p.mu.Lock()
	p.stop()
	p.mu.Unlock()
	p.restarts.Wait()
}

// close ends the switch, when every attempt is over.
func (p *power) close() {
	p.rest()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.asked.Wait()
}
