package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The faults of the network, by name.
const (
	CutMaster    Kind = "cut-master"
	CutBackup    Kind = "cut-backup"
	CutWorker    Kind = "cut-worker"
	CutClient    Kind = "cut-client"
	Mute         Kind = "mute"
	Deafen       Kind = "deafen"
	Reset        Kind = "reset"
	Latency      Kind = "latency"
	Bandwidth    Kind = "bandwidth"
	Drip         Kind = "drip"
	DropCreate   Kind = "drop-create"
	DropMulti    Kind = "drop-multi"
	DropDelete   Kind = "drop-delete"
	DropClose    Kind = "drop-close"
	DelayReply   Kind = "delay-reply"
	FreezeAccept Kind = "freeze-accept"
	CutHandshake Kind = "cut-handshake"
	Move         Kind = "move"
)

var networkFaults = []Entry{
	{
		Kind: CutMaster, Group: "network", Also: []string{"cut", "partition"}, Roles: []Role{ActiveMaster}, Least: 0.3, Most: 1.8,
		Explain: "packets to and from the active master are dropped",
		Probe:   "bytes were dropped",
		Did:     "cut %s off from ZooKeeper",
		Inject:  onOne(cut),
	},
	{
		Kind: CutBackup, Group: "network", Also: []string{"cut", "partition"}, Roles: []Role{Backup}, Least: 0.3, Most: 1.8,
		Explain: "packets to and from a backup are dropped",
		Probe:   "bytes were dropped",
		Did:     "cut %s off from ZooKeeper",
		Inject:  onOne(cut),
	},
	{
		Kind: CutWorker, Group: "network", Also: []string{"cut", "partition"}, Roles: busyWorkers, Least: 0.3, Most: 1.8,
		Explain: "packets to and from a worker are dropped",
		Probe:   "bytes were dropped",
		Did:     "cut %s off from ZooKeeper",
		Inject:  onOne(cut),
	},
	{
		Kind: CutClient, Group: "network", Also: []string{"cut", "client", "partition"}, Roles: []Role{SomeClient}, Least: 0.3, Most: 1.8,
		Explain: "packets to and from a client are dropped",
		Probe:   "bytes were dropped",
		Did:     "cut %s off from ZooKeeper",
		Inject:  onOne(cut),
	},
	{
		Kind: Mute, Group: "network", Also: []string{"partition"}, Roles: anyParticipant, Least: 0.3, Most: 1.5, Needs: Connections,
		Explain: "packets from a participant are dropped, and packets to it arrive",
		Probe:   "bytes from the participant were dropped, and no bytes from the servers",
		Did:     "swallowed what %s sends",
		Inject:  onOne(mute),
	},
	{
		Kind: Deafen, Group: "network", Also: []string{"partition"}, Roles: anyParticipant, Least: 0.3, Most: 1.5, Needs: Connections,
		Explain: "packets to a participant are dropped, and packets from it arrive",
		Probe:   "bytes from the servers were dropped, and no bytes from the participant",
		Did:     "swallowed what is sent to %s",
		Inject:  onOne(deafen),
	},
	{
		Kind: Reset, Group: "network", Roles: anyParticipant, Least: 0.2, Most: 1,
		Explain: "a participant's connections are reset, again and again",
		Probe:   "at least two connections were reset",
		Did:     "reset the connections of %s",
		Inject:  onOne(reset),
	},
	{
		Kind: Latency, Group: "network", Roles: anyParticipant, Least: 0.5, Most: 2,
		Explain: "every packet of a participant arrives late, by a time that varies",
		Probe:   "packets were delayed, and by how long",
		Did:     "delayed the packets of %s",
		Inject:  onOne(latency),
	},
	{
		Kind: Bandwidth, Group: "network", Roles: anyParticipant, Least: 0.5, Most: 2, Needs: Connections,
		Explain: "the bandwidth of a participant is a few kilobytes per second",
		Probe:   "packets had to wait for bandwidth",
		Did:     "gave %s a thin line",
		Inject:  onOne(bandwidth),
	},
	{
		Kind: Drip, Group: "network", Roles: anyParticipant, Least: 0.3, Most: 1.2, Needs: Connections,
		Explain: "answers reach a participant byte by byte, with pauses",
		Probe:   "a frame arrived in many pieces",
		Did:     "let answers drip to %s",
		Inject:  onOne(drip),
	},
	{
		Kind: DropCreate, Group: "network", Also: []string{"drop", "client"}, Roles: []Role{SomeClient}, Least: 0.5, Most: 1.2,
		Explain: "the answer to a client's create is lost with its connection: the znode exists, and the client does not know",
		Probe:   "ZooKeeper applied the create, and the answer did not arrive",
		Did:     "lost an answer to %s",
		Inject:  onOne(dropCreate),
	},
	{
		Kind: DropMulti, Group: "network", Also: []string{"drop"}, Roles: []Role{ActiveMaster, BusiestWorker}, Least: 0.5, Most: 1.2,
		Explain: "the answer to a multi is lost with its connection",
		Probe:   "ZooKeeper applied the multi, and the answer did not arrive",
		Did:     "lost an answer to %s",
		Inject:  onOne(dropMulti),
	},
	{
		Kind: DropDelete, Group: "network", Also: []string{"drop"}, Roles: []Role{BusiestWorker, ActiveMaster}, Least: 0.5, Most: 1.2,
		Explain: "the answer to a write with a delete is lost with its connection",
		Probe:   "ZooKeeper applied the delete, and the answer did not arrive",
		Did:     "lost an answer to %s",
		Inject:  onOne(dropDelete),
	},
	{
		Kind: DropClose, Group: "network", Also: []string{"drop"}, Roles: []Role{SomeWorker, Backup}, Least: 0.1, Most: 0.5, Needs: Connections,
		Explain: "a participant gets SIGTERM, and the answer to the close of its session is lost",
		Probe:   "ZooKeeper ended the session, and the answer did not arrive",
		Did:     "lost an answer to %s",
		Inject:  onOne(dropClose),
	},
	{
		Kind: DelayReply, Group: "network", Roles: []Role{ActiveMaster, SomeClient}, Least: 0.4, Most: 1, Needs: Connections,
		Explain: "the answer to a write is held back until the participant has sent its next request; if no request comes, the answer to the next write is held back",
		Probe:   "the participant sent its next request while the answer was held back",
		Did:     "held an answer to %s",
		Inject:  onOne(delayReply),
	},
	{
		Kind: FreezeAccept, Group: "network", Roles: anyParticipant, Least: 0.3, Most: 1.5, Needs: Connections,
		Explain: "a participant's connections are reset; new connections are accepted and then carry nothing",
		Probe:   "a new connection was accepted, the participant sent bytes, and it received none",
		Did:     "let %s connect to silence",
		Inject:  onOne(freezeAccept),
	},
	{
		Kind: CutHandshake, Group: "network", Also: []string{"cut"}, Roles: anyParticipant, Least: 0.3, Most: 1, Needs: Connections,
		Explain: "a participant's connections are reset; new connections are cut as soon as the server has answered the handshake",
		Probe:   "a server granted or renewed a session, and the answer did not reach the participant",
		Did:     "cut the handshakes of %s",
		Inject:  onOne(cutHandshake),
	},
	{
		Kind: Move, Group: "network", Roles: anyParticipant, Least: 0.2, Most: 1, Needs: Connections,
		Explain: "a participant moves to another server: its connection is reset, and its old server refuses it for a while",
		Probe:   "the same session continues at another server",
		Did:     "moved %s to another server",
		Inject:  onOne(move),
	},
}

// impaired impairs the line of a participant until it is healed.
func impaired(p Process, i Impairment, look func(Tally) Finding) Injection {
	return suffering(p, func() { wire(p).Impair(i) }, look)
}

// suffering runs an action on the line of a participant until it is healed.
func suffering(p Process, apply func(), look func(Tally) Finding) Injection {
	return Injection{
		Apply: func(context.Context) error { apply(); return nil },
		Probe: func(context.Context) Finding { return look(p.Line().Tally()) },
		Heal:  func(context.Context) error { p.Line().Heal(); return nil },
	}
}

func cut(_ *Injector, p Process, _ Fault) Injection {
	return suffering(p, func() { p.Line().Cut() }, func(t Tally) Finding {
		return Found(t.Lost.N > 0, "%d %s", t.Lost.N, t.Lost.Of).With(t.Lost.Of, t.Lost.N)
	})
}

func mute(_ *Injector, p Process, _ Fault) Injection { return oneWay(p, ToServers) }

func deafen(_ *Injector, p Process, _ Fault) Injection { return oneWay(p, ToParticipant) }

// oneWay swallows all bytes in one direction.
func oneWay(p Process, lost Direction) Injection {
	var i Impairment
	i.Swallow[lost] = true
	return impaired(p, i, func(t Tally) Finding {
		mine, theirs := t.Swallowed[ToServers], t.Swallowed[ToParticipant]
		return Found(t.Swallowed[lost] > 0 && t.Swallowed[1-lost] == 0, "%d bytes of the participant were swallowed, %d of the servers", mine, theirs).
			With("participant's bytes swallowed", mine).With("servers' bytes swallowed", theirs)
	})
}

// The lives of a connection between two resets.
const (
	shortestLife = 50 * time.Millisecond
	longestLife  = 400 * time.Millisecond
)

// reset resets the connections again and again.
func reset(_ *Injector, p Process, fault Fault) Injection {
	lives := rand.New(rand.NewPCG(uint64(fault.Number), uint64(fault.Pick)))
	var resets atomic.Int64
	i := Injection{
		Apply: nothing,
		Probe: func(context.Context) Finding {
			n := resets.Load()
			return Found(n >= 2, "%d connections reset", n).With("connections reset", n)
		},
		Heal: nothing,
	}
	return i.meanwhile(func(ctx context.Context) {
		for turn := 0; ctx.Err() == nil; turn++ {
			pause := shortestLife + time.Duration(lives.Int64N(int64(longestLife-shortestLife)))
			resets.Add(int64(p.Line().Reset(ctx, turn, pause)))
		}
	})
}

// leastLate is the least delay of a packet.
const leastLate = 20 * time.Millisecond

// latency delays packets by at most 50 to 300 ms.
func latency(_ *Injector, p Process, fault Fault) Injection {
	most := 50*time.Millisecond + time.Duration(fault.Pick)*250*time.Microsecond
	return suffering(p, func() { p.Line().Delay(leastLate, most, uint64(fault.Pick)) }, delayed)
}

// bandwidth limits a line to 2 to 6 kB a second.
func bandwidth(_ *Injector, p Process, fault Fault) Injection {
	return impaired(p, Impairment{BytesPerSecond: 2000 + 4*fault.Pick}, delayed)
}

// delayed finds how late packets were.
func delayed(t Tally) Finding {
	mean, most := (t.LateTotal / time.Duration(max(t.Late.N, 1))).Round(time.Millisecond), t.LateMost.Round(time.Millisecond)
	return Found(t.Late.N > 0 && t.LateMost > 0, "%d %s were late, by %v on average and %v at most", t.Late.N, t.Late.Of, mean, most).
		With(t.Late.Of+" delayed", t.Late.N).With("delay on average", mean).With("delay at most", most)
}

// drip limits the bytes to the participant to 200 to 1000 a second, one by one.
func drip(_ *Injector, p Process, fault Fault) Injection {
	const many = 16
	pause := time.Millisecond + time.Duration(fault.Pick)*4*time.Microsecond
	return impaired(p, Impairment{BytePause: pause}, func(t Tally) Finding {
		return Found(t.Pieces >= many, "a frame arrived in %d pieces, %d frames dripped", t.Pieces, t.Late.N).With("pieces", t.Pieces).With("frames", t.Late.N)
	})
}

func freezeAccept(_ *Injector, p Process, _ Fault) Injection {
	return impaired(p, Impairment{New: Freeze}, func(t Tally) Finding {
		return Found(t.Frozen > 0, "%d connections were accepted, sent bytes, and received none", t.Frozen).With("connections frozen", t.Frozen)
	})
}

func cutHandshake(_ *Injector, p Process, _ Fault) Injection {
	return impaired(p, Impairment{New: CutGreeting}, func(t Tally) Finding {
		sessions := make([]string, len(t.Unheard))
		for i, id := range t.Unheard {
			sessions[i] = record.Hex(id)
		}
		return Found(len(sessions) > 0, "%d handshakes were cut after their answer, for sessions %v", len(sessions), sessions).
			With("handshakes cut", len(sessions)).With("sessions", sessions)
	})
}

// move makes a session go on at another server.
func move(_ *Injector, p Process, _ Fault) Injection {
	session, _ := p.Session()
	had, connected := wire(p).ServerOf(session)
	i := impaired(p, Impairment{Refuse: had}, func(Tally) Finding {
		now, there := wire(p).ServerOf(session)
		return Found(there && now != had, "session %s was at %s, and now at %q", record.Hex(session), had, now).With("was at", had).With("is at", now)
	})
	if !connected {
		i.Apply = func(context.Context) error { return fmt.Errorf("%s is connected to no server", p.Name()) }
	}
	return i
}
