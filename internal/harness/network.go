package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// impaired is a deed that impairs the line of a participant until it is healed. Where
// new connections are what suffers, the old ones are reset.
func impaired(p *process, i ensemble.Impairment, look func(ensemble.Tally) finding) deed {
	return deed{
		apply: func(context.Context) error {
			p.proxy.Impair(i)
			if i.New != ensemble.Admit || i.Refuse != "" {
				p.proxy.Break()
			}
			return nil
		},
		probe: func(context.Context) finding { return look(p.proxy.Tally()) },
		heal:  func(context.Context) error { p.proxy.Heal(); return nil },
	}
}

func (r *run) cut(p *process, _ nemesis.Fault) deed {
	return impaired(p, ensemble.Impairment{Swallow: [2]bool{true, true}}, func(t ensemble.Tally) finding {
		n := t.Swallowed[ensemble.ToServers] + t.Swallowed[ensemble.ToParticipant]
		return found(n > 0, "%d bytes swallowed", n).with("bytes swallowed", n)
	})
}

func (r *run) mute(p *process, _ nemesis.Fault) deed { return oneWay(p, ensemble.ToServers) }

func (r *run) deafen(p *process, _ nemesis.Fault) deed { return oneWay(p, ensemble.ToParticipant) }

// oneWay swallows what goes in one direction.
func oneWay(p *process, lost ensemble.Direction) deed {
	var i ensemble.Impairment
	i.Swallow[lost] = true
	return impaired(p, i, func(t ensemble.Tally) finding {
		mine, theirs := t.Swallowed[ensemble.ToServers], t.Swallowed[ensemble.ToParticipant]
		return found(t.Swallowed[lost] > 0 && t.Swallowed[1-lost] == 0, "%d bytes of the participant were swallowed, %d of the servers", mine, theirs).
			with("participant's bytes swallowed", mine).with("servers' bytes swallowed", theirs)
	})
}

// The lives of a connection between two resets.
const (
	shortestLife = 50 * time.Millisecond
	longestLife  = 400 * time.Millisecond
)

// reset resets the connections again and again.
func (r *run) reset(p *process, fault nemesis.Fault) deed {
	lives := rand.New(rand.NewPCG(uint64(fault.Number), uint64(fault.Pick)))
	d := impaired(p, ensemble.Impairment{}, func(t ensemble.Tally) finding {
		return found(t.Resets >= 2, "%d connections reset", t.Resets).with("connections reset", t.Resets)
	})
	return d.meanwhile(func(ctx context.Context) {
		for ok := true; ok; ok = wait(ctx, shortestLife+time.Duration(lives.Int64N(int64(longestLife-shortestLife)))) {
			p.proxy.Break()
		}
	})
}

// meanwhile has something done over and over from when a deed is applied until it is
// healed; do ends with its context.
func (d deed) meanwhile(do func(ctx context.Context)) deed {
	apply, heal := d.apply, d.heal
	doing, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	d.apply = func(ctx context.Context) error {
		err := apply(ctx)
		if err == nil {
			work.Go(func() { do(doing) })
		}
		return err
	}
	d.heal = func(ctx context.Context) error {
		stop()
		work.Wait()
		return heal(ctx)
	}
	return d
}

// leastLate is how late a packet is at least.
const leastLate = 20 * time.Millisecond

// mostLate is how late a packet is at most: 50 to 300 ms.
func mostLate(fault nemesis.Fault) time.Duration {
	return 50*time.Millisecond + time.Duration(fault.Pick)*250*time.Microsecond
}

// latency makes packets late.
func (r *run) latency(p *process, fault nemesis.Fault) deed {
	return impaired(p, ensemble.Impairment{DelayMin: leastLate, DelayMax: mostLate(fault), Seed: uint64(fault.Pick)}, delayed)
}

// bandwidth leaves 2 to 6 kB a second.
func (r *run) bandwidth(p *process, fault nemesis.Fault) deed {
	return impaired(p, ensemble.Impairment{BytesPerSecond: 2000 + 4*fault.Pick}, delayed)
}

// delayed finds how late packets were.
func delayed(t ensemble.Tally) finding {
	mean, most := (t.LateTotal / time.Duration(max(t.Late, 1))).Round(time.Millisecond), t.LateMost.Round(time.Millisecond)
	return found(t.Late > 0 && t.LateMost > 0, "%d packets were late, by %v on average and %v at most", t.Late, mean, most).
		with("packets delayed", t.Late).with("delay on average", mean).with("delay at most", most)
}

// drip leaves 200 to 1000 bytes a second to the participant, each alone.
func (r *run) drip(p *process, fault nemesis.Fault) deed {
	const many = 16
	pause := time.Millisecond + time.Duration(fault.Pick)*4*time.Microsecond
	return impaired(p, ensemble.Impairment{BytePause: pause}, func(t ensemble.Tally) finding {
		return found(t.Pieces >= many, "a frame arrived in %d pieces, %d frames dripped", t.Pieces, t.Late).with("pieces", t.Pieces).with("frames", t.Late)
	})
}

func (r *run) freezeAccept(p *process, _ nemesis.Fault) deed {
	return impaired(p, ensemble.Impairment{New: ensemble.Freeze}, func(t ensemble.Tally) finding {
		return found(t.Frozen > 0, "%d connections were accepted, spoke, and heard nothing", t.Frozen).with("connections frozen", t.Frozen)
	})
}

func (r *run) cutHandshake(p *process, _ nemesis.Fault) deed {
	return impaired(p, ensemble.Impairment{New: ensemble.CutHandshake}, func(t ensemble.Tally) finding {
		sessions := make([]string, len(t.Unheard))
		for i, id := range t.Unheard {
			sessions[i] = sessionName(id)
		}
		return found(len(sessions) > 0, "%d handshakes were cut after their answer, for sessions %v", len(sessions), sessions).
			with("handshakes cut", len(sessions)).with("sessions", sessions)
	})
}

// move has a session go on at another server.
func (r *run) move(p *process, _ nemesis.Fault) deed {
	session, _ := p.proxy.Session()
	had, connected := p.proxy.ServerOf(session.ID)
	d := impaired(p, ensemble.Impairment{Refuse: had}, func(ensemble.Tally) finding {
		now, there := p.proxy.ServerOf(session.ID)
		return found(there && now != had, "session %s was at %s, and now at %q", sessionName(session.ID), had, now).with("was at", had).with("is at", now)
	})
	if !connected {
		d.apply = func(context.Context) error { return fmt.Errorf("%s is connected to no server", p.name) }
	}
	return d
}
