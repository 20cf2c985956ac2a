package harness

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// deedsInMemory are the faults that a run in memory has: each is done to one actor,
// which is claimed for it.
var deedsInMemory = map[nemesis.Kind]func(m *memory, a *actor, fault nemesis.Fault) deed{
	nemesis.ExpireMaster: (*memory).expire, nemesis.ExpireBackup: (*memory).expire,
	nemesis.ExpireWorker: (*memory).expire, nemesis.ExpireClient: (*memory).expire,
	nemesis.KillMaster: (*memory).kill, nemesis.KillBackup: (*memory).kill, nemesis.KillWorker: (*memory).kill, nemesis.KillClient: (*memory).kill,
	nemesis.LeaveMaster: (*memory).leave, nemesis.LeaveWorker: (*memory).leave,
	nemesis.CutMaster: (*memory).cut, nemesis.CutBackup: (*memory).cut, nemesis.CutWorker: (*memory).cut, nemesis.CutClient: (*memory).cut,
	nemesis.Reset: (*memory).reset, nemesis.Latency: (*memory).latency,
	nemesis.DropCreate: dropping(isCreate), nemesis.DropMulti: dropping(isMulti), nemesis.DropDelete: dropping(deletes),
}

// expire ends the session with which a participant plays a role.
func (m *memory) expire(a *actor, fault nemesis.Fault) deed {
	var id int64
	return deed{
		session: func() string { return sessionName(id) },
		apply: func(ctx context.Context) error {
			session, err := m.sessionAs(ctx, a, fault.Role)
			if err == nil {
				id = session.ID()
				session.Expire()
			}
			return err
		},
		probe: func(context.Context) finding {
			return found(m.find(id) == nil, "session %s %s", sessionName(id), whether(m.find(id) == nil, "is over", "is not over"))
		},
		heal: nothing,
	}
}

func (m *memory) kill(a *actor, _ nemesis.Fault) deed {
	return deed{
		apply: func(context.Context) error { a.kill(); return nil },
		probe: func(context.Context) finding {
			up := a.port().up()
			return found(up == 0, "%d of its sessions are connected", up).with("sessions connected", up)
		},
		heal: func(context.Context) error { return a.start() },
	}
}

func (m *memory) leave(a *actor, _ nemesis.Fault) deed {
	clean := false
	return deed{
		apply: func(context.Context) error { clean = a.leave(leavePatience); return nil },
		probe: func(context.Context) finding {
			return found(clean, "%s", whether(clean, "it left by itself", "it did not leave by itself"))
		},
		heal: func(context.Context) error { return a.start() },
	}
}

func (m *memory) cut(a *actor, _ nemesis.Fault) deed {
	return deed{
		apply: func(context.Context) error { a.port().cut(); return nil },
		probe: func(context.Context) finding {
			down := a.port().down()
			return found(down > 0, "%d of its sessions are cut off", down).with("sessions cut off", down)
		},
		heal: func(context.Context) error { a.port().mend(); return nil },
	}
}

// reset resets the connections again and again.
func (m *memory) reset(a *actor, fault nemesis.Fault) deed {
	lives := rand.New(rand.NewPCG(uint64(fault.Number), uint64(fault.Pick)))
	var broken atomic.Int64
	d := deed{
		apply: nothing,
		probe: func(context.Context) finding {
			n := broken.Load()
			return found(n >= 2, "%d connections reset", n).with("connections reset", n)
		},
		heal: nothing,
	}
	return d.meanwhile(func(ctx context.Context) {
		for turn := 0; ctx.Err() == nil; turn++ {
			broken.Add(int64(a.port().reset(ctx, turn, shortestLife+time.Duration(lives.Int64N(int64(longestLife-shortestLife))))))
		}
	})
}

// latency makes requests late.
func (m *memory) latency(a *actor, fault nemesis.Fault) deed {
	delays := rand.New(rand.NewPCG(uint64(fault.Number), uint64(fault.Pick)))
	line := func() *line { return &a.port().line }
	return deed{
		apply: func(context.Context) error {
			line().slow(func() time.Duration {
				return leastLate + time.Duration(delays.Int64N(int64(mostLate(fault)-leastLate)))
			})
			return nil
		},
		probe: func(context.Context) finding { return line().look() },
		heal:  func(context.Context) error { line().slow(nil); return nil },
	}
}

// dropping loses the answer to the next write of a participant that is applied and fits.
func dropping(fits func(zkapi.Op) bool) func(*memory, *actor, nemesis.Fault) deed {
	return func(_ *memory, a *actor, _ nemesis.Fault) deed {
		t := &trap{on: fits}
		return deed{
			apply: func(context.Context) error { a.port().set(t); return nil },
			probe: func(context.Context) finding { return t.look() },
			heal:  func(context.Context) error { a.port().set(nil); return nil },
		}
	}
}
