package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// patience is the time that a follower can be without the leader's messages and still
// follow. Lost packets are repeated at growing intervals, so a good part of the
// servers' limit is left for that.
func (c Config) patience() time.Duration { return c.profile().Patience(c.TickTime) * 6 / 10 }

// realServers are the servers of a run's ensemble.
type realServers struct{ run *docker }

// Servers implements nemesis.Ensemble.
func (s realServers) Servers() []nemesis.Server {
	all := make([]nemesis.Server, len(s.run.ensemble.Servers))
	for i, one := range s.run.ensemble.Servers {
		all[i] = server{one}
	}
	return all
}

// Leader implements nemesis.Ensemble.
func (s realServers) Leader(ctx context.Context) (nemesis.Server, bool) {
	leader := s.run.ensemble.Leader(ctx)
	return server{leader}, leader != nil
}

// WaitServing implements nemesis.Ensemble.
func (s realServers) WaitServing(ctx context.Context, n int) error {
	return s.run.ensemble.WaitServing(ctx, n)
}

// SmallLog implements nemesis.Ensemble.
func (s realServers) SmallLog() (nemesis.Server, error) {
	small := s.run.ensemble.SmallLog()
	if small == nil {
		return nil, fmt.Errorf("no server has a small volume: the transaction log of %v with %v %s a second may need more than %d bytes", s.run.config.Time, s.run.config.Rate, s.run.config.Subject.Things(), int64(largest))
	}
	return server{small}, nil
}

// ReaderAt implements nemesis.Ensemble.
func (s realServers) ReaderAt(_ context.Context, at nemesis.Server) (nemesis.Reader, error) {
	return s.run.newObserver([]string{at.Address()})
}

// OverQuota implements nemesis.Ensemble.
func (s realServers) OverQuota() int64 { return s.run.overQuota.Load() }

// server is a server of the ensemble.
type server struct{ *ensemble.Server }

// Name implements nemesis.Server.
func (s server) Name() string { return s.Server.Name }

// Address implements nemesis.Server.
func (s server) Address() string { return s.Server.Address }

// Mode implements nemesis.Server.
func (s server) Mode(ctx context.Context) (string, error) {
	status, err := s.Status(ctx)
	return status.Mode, err
}

func peers(all []nemesis.Server) []*ensemble.Server {
	list := make([]*ensemble.Server, len(all))
	for i, s := range all {
		list[i] = s.(server).Server
	}
	return list
}

// Cut implements nemesis.Server.
func (s server) Cut(ctx context.Context, from ...nemesis.Server) error {
	return s.Server.Cut(ctx, peers(from)...)
}

// Deafen implements nemesis.Server.
func (s server) Deafen(ctx context.Context, to ...nemesis.Server) error {
	return s.Server.Deafen(ctx, peers(to)...)
}

// Packets implements nemesis.Server.
func (s server) Packets(ctx context.Context) (nemesis.Packets, error) {
	seen, err := s.Server.Packets(ctx)
	return nemesis.Packets(seen), err
}

// Reaches implements nemesis.Server.
func (s server) Reaches(ctx context.Context, peer nemesis.Server) (bool, error) {
	return s.Server.Reaches(ctx, peer.(server).Server)
}

// Fsyncs implements nemesis.Server.
func (s server) Fsyncs(ctx context.Context) (nemesis.Fsyncs, error) {
	seen, err := s.Server.Fsyncs(ctx)
	return nemesis.Fsyncs(seen), err
}

// Session implements nemesis.Process.
func (p *process) Session() (int64, bool) {
	session, ok := p.proxy.Session()
	return session.ID, ok
}

// Owns implements nemesis.Process.
func (p *process) Owns(session int64) bool {
	_, known := p.proxy.SessionOf(session)
	return known
}

// EndSession implements nemesis.Process. A server may end the session and its answer be
// lost; then the next server does not know the session any more.
func (p *process) EndSession(ctx context.Context, id int64) (zxid int64, err error) {
	session, known := p.proxy.SessionOf(id)
	if !known {
		return 0, fmt.Errorf("0x%x is no session of %s", id, p.name)
	}
	r := p.run
	sent, tried := clock.Now(), false
	session.Secret = r.config.profile().Secret
	err = r.anyServer(func(address string) error {
		var err error
		zxid, err = ensemble.Expire(ctx, address, session)
		if tried && errors.Is(err, ensemble.ErrSessionGone) {
			return nil
		}
		tried = tried || errors.Is(err, ensemble.ErrUnanswered)
		return err
	})
	if zxid != 0 {
		r.expired(session, sent, zxid)
	}
	return zxid, err
}

// SessionGone implements nemesis.Process.
func (p *process) SessionGone(ctx context.Context, id int64) (gone bool, err error) {
	session, known := p.proxy.SessionOf(id)
	if !known {
		return false, fmt.Errorf("0x%x is no session of %s", id, p.name)
	}
	err = p.run.anyServer(func(address string) error {
		alive, err := ensemble.SessionAlive(ctx, address, session)
		gone = err == nil && !alive
		return err
	})
	return gone, err
}

// anyServer tries an action on one server after the other until it succeeds.
func (d *docker) anyServer(action func(address string) error) error {
	var errs []error
	for _, address := range d.ensemble.Addresses() {
		err := action(address)
		if err == nil || errors.Is(err, ensemble.ErrSessionGone) {
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Line implements nemesis.Process.
func (p *process) Line() nemesis.Line { return proxied{p} }

// proxied is the line of a process, which goes through a proxy.
type proxied struct{ process *process }

// Impair implements nemesis.Wire.
func (l proxied) Impair(i nemesis.Impairment) {
	l.process.proxy.Impair(ensemble.Impairment{
		Swallow: i.Swallow, Hold: i.Hold, DelayMin: i.DelayMin, DelayMax: i.DelayMax, BytesPerSecond: i.BytesPerSecond, BytePause: i.BytePause,
		New: ensemble.Admission(i.New), Refuse: i.Refuse, Seed: i.Seed,
	})
	if i.New != nemesis.Admit || i.Refuse != "" {
		l.process.proxy.Break()
	}
}

// Cut implements nemesis.Line.
func (l proxied) Cut() { l.process.proxy.Cut() }

// Delay implements nemesis.Line.
func (l proxied) Delay(least, most time.Duration, seed uint64) {
	l.Impair(nemesis.Impairment{DelayMin: least, DelayMax: most, Seed: seed})
}

// LoseAnswer implements nemesis.Line.
func (l proxied) LoseAnswer(fits func(nemesis.Exchange) bool) nemesis.Interception {
	return l.Intercept(fits, nemesis.LoseAnswer)
}

// Heal implements nemesis.Line.
func (l proxied) Heal() { l.process.proxy.Heal() }

// Tally implements nemesis.Line.
func (l proxied) Tally() nemesis.Tally {
	t := l.process.proxy.Tally()
	return nemesis.Tally{
		Passed: t.Passed, Swallowed: t.Swallowed,
		Lost: nemesis.Count{N: t.Swallowed[ensemble.ToServers] + t.Swallowed[ensemble.ToParticipant], Of: "bytes swallowed"},
		Late: nemesis.Count{N: int64(t.Late), Of: "packets"}, LateTotal: t.LateTotal, LateMost: t.LateMost, Pieces: t.Pieces,
		Frozen: t.Frozen, Unheard: t.Unheard,
	}
}

// Reset implements nemesis.Line.
func (l proxied) Reset(ctx context.Context, _ int, pause time.Duration) int {
	n := l.process.proxy.Break()
	wait(ctx, pause)
	return n
}

// ServerOf implements nemesis.Wire.
func (l proxied) ServerOf(session int64) (address string, connected bool) {
	return l.process.proxy.ServerOf(session)
}

// Intercept implements nemesis.Wire.
func (l proxied) Intercept(fits func(nemesis.Exchange) bool, does nemesis.Reaction) nemesis.Hold {
	run := l.process.run
	return intercepted{l.process.proxy.SetTrap(func(x ensemble.Exchange) bool { return fits(run.seen(x)) }, ensemble.Reaction(does)), run}
}

// intercepted is an interception in the proxy.
type intercepted struct {
	*ensemble.Trap
	run *docker
}

// Answered implements nemesis.Hold.
func (i intercepted) Answered() <-chan struct{} { return i.Triggered }

// Opened implements nemesis.Hold.
func (i intercepted) Opened() <-chan struct{} { return i.Trap.Opened }

// Caught implements nemesis.Hold.
func (i intercepted) Caught() nemesis.Caught {
	c := i.Trap.Caught()
	return nemesis.Caught{
		Exchange: i.run.seen(c.Exchange), Answered: c.Answered != 0,
		Lost: c.Lost, Followed: c.Followed, Held: c.Held, Waiting: c.Waiting, Passed: c.Passed,
	}
}

// seen converts an exchange into the nemesis' type.
func (d *docker) seen(x ensemble.Exchange) nemesis.Exchange {
	op := x.Request.Op
	if x.Request.Ends() {
		op = zkapi.Op{}
	}
	return nemesis.Exchange{Op: op, Session: x.Session, Zxid: x.Zxid, Sent: x.Sent - d.origin, Err: x.Err}
}
