package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	model "github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// conductor replays one schedule.
type conductor struct {
	ctx       context.Context
	world     *explore.World
	programs  []explore.Process // of the real side
	address   string
	namespace string
	admin     *host        // whose session reads the tree at the end
	reader    *hostSession // of it
	players   []*player
	ghosts    map[int64]*player // whose process is gone, by the model's name of their session
	names
	tally *rehearsal
	log   []string

	defect   defect
	patience time.Duration
}

// defect is something that is wrong on purpose.
type defect struct {
	name  string
	tell  func(step int, m *explore.Moment) // changes what the model says
	other string                            // the guard that the real programs do without
	// What the real side does wrong: a request passes that is to be lost, or before it
	// is its turn; a watch event is lost; a session goes on that is to be expired;
	// somebody else writes.
	leaks, hurries, deafens, spares, meddles bool
}

// replay follows the moments of a walk.
func (c *conductor) replay(seed uint64, faults, steps int) error {
	defer c.release()
	if err := c.furnish(); err != nil {
		return err
	}
	var last explore.Moment
	for m, err := range explore.Walk(c.world, seed, faults) {
		if err != nil {
			return err
		}
		if c.defect.tell != nil {
			c.defect.tell(len(c.log), &m)
		}
		if c.defect.meddles && len(c.log) == 20 {
			_, _ = c.reader.do(c.ctx, zkapi.Set("/tasks", nil, zkapi.AnyVersion))
		}
		c.log = append(c.log, fmt.Sprintf("%3d %-11s %-9s %s", len(c.log), m.Happening, m.Process, m.Text))
		if err := c.step(m); err != nil {
			return c.explained(err)
		}
		c.tally.steps.Add(1)
		if last = m; len(c.log) > steps {
			break
		}
	}
	return c.explained(c.end(last))
}

// furnish makes the tree with which the world begins, and the processes.
func (c *conductor) furnish() error {
	driver, err := zkclient.New(zkclient.Config{Servers: []string{c.address, c.address}})
	if err != nil {
		return err
	}
	c.admin = newHost("admin", 1, c.namespace, driver)
	session, err := driver.Open(c.ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	c.reader = &hostSession{Session: session, host: c.admin}
	if _, err := session.Do(c.ctx, zkapi.Create(c.namespace, nil, zkapi.Persistent)); err != nil {
		return err
	}
	plain := model.NewTree() // whose zxids tell the order of all writes
	for path, entry := range c.world.Tree.All() {
		if path == "/" {
			continue
		}
		create := zkapi.Create(path, entry.Data, zkapi.Persistent)
		plain, _, _, _ = plain.Write(create, 0)
		if _, err := c.reader.do(c.ctx, create); err != nil {
			return err
		}
	}
	for _, path := range c.world.Beside {
		if _, err := c.reader.do(c.ctx, zkapi.Create(path, nil, zkapi.Persistent)); err != nil {
			return err
		}
	}
	world := *c.world
	world.Tree = plain
	c.world = &world
	c.players, c.ghosts = make([]*player, len(c.world.Processes)), map[int64]*player{}
	return nil
}

// start begins a life of a process, behind a proxy of its own.
func (c *conductor) start(place, life int, m explore.Moment) (err error) {
	name := c.world.Processes[place].Name
	p := &player{name: name, hurries: c.defect.hurries, patience: c.patience, changed: make(chan struct{}, 1)}
	// Two names for one server: with one the library pauses before it connects again.
	p.proxy, err = ensemble.NewProxy([]string{c.address, c.address}, ensemble.Hooks{Held: p.held, Wrote: func(x ensemble.Exchange) {
		p.update(func() { p.wrote = append(p.wrote, x) })
	}})
	if err != nil {
		return err
	}
	driver, err := zkclient.New(zkclient.Config{Servers: p.proxy.Addresses(), SessionTimeout: 10 * time.Second})
	if err != nil {
		return errors.Join(err, p.proxy.Close())
	}
	p.host = newHost(name, life, c.namespace, driver)
	c.players[place] = p
	p.host.begin(c.programs[place].Program)
	return c.proceed(place, m)
}

// step does what the model has done, and compares what follows.
func (c *conductor) step(m explore.Moment) error {
	if m.Happening == explore.Begins {
		for place := range c.world.Processes {
			if err := c.start(place, 1, m); err != nil {
				return err
			}
		}
		return c.asks(m)
	}
	p := c.players[m.Place]
	var err error
	switch m.Happening {
	case explore.Serves, explore.LosesRequest, explore.LosesReply:
		err = c.request(p, m)
	case explore.Delivers:
		err = c.deliver(p, m.Event)
	case explore.Breaks:
		c.tally.breaks.Add(1)
		err = c.broken(p)
	case explore.Expires:
		c.tally.expired.Add(1)
		return c.expire(p)
	case explore.Stops:
		c.tally.stops.Add(1)
		return c.expire(p)
	case explore.ClockJumps:
		p.host.clock = p.host.clock.Add(hostTimeout)
	case explore.Crashes:
		c.tally.crashes.Add(1)
		c.crash(p)
		return c.asks(m)
	case explore.EndsOrphan:
		if err := c.expire(c.ghosts[m.Session]); err != nil {
			return err
		}
		c.ghosts[m.Session].proxy.Break()
		c.ghosts[m.Session].dismiss(c.ctx)
		delete(c.ghosts, m.Session)
		return c.asks(m)
	case explore.ServesLate:
		c.tally.late.Add(1)
		if err := c.late(c.ghosts[m.Session], m); err != nil {
			return err
		}
		return c.asks(m)
	case explore.Notices:
		err = c.notice(p)
	case explore.Leaves:
		c.tally.leaves.Add(1)
		p.host.leave.fired = true
	case explore.Restarts:
		c.tally.restarts.Add(1)
		if !p.gone {
			p.dismiss(c.ctx)
		}
		if err := c.start(m.Place, p.host.life+1, m); err != nil {
			return err
		}
		return c.asks(m)
	case explore.Sweeps:
		c.tally.sweeps.Add(1)
		p.host.clock = p.host.clock.Add(hostSweep)
	default:
		return fmt.Errorf("%s cannot be replayed", m.Happening)
	}
	if err == nil {
		err = c.proceed(m.Place, m)
	}
	if err == nil {
		err = c.asks(m)
	}
	return err
}

// proceed lets a process go on, and answers at once what the world answers at once.
func (c *conductor) proceed(place int, m explore.Moment) error {
	p := c.players[place]
	for {
		p.host.settle()
		at := slices.IndexFunc(p.host.asked, func(r *hostRequest) bool {
			if r.Opens || r.Op.Kind == 0 {
				return r.Opens
			}
			_, _, constant := c.world.Constant(r.Op)
			return constant
		})
		if at < 0 {
			return c.sendAll(p)
		}
		r := p.host.asked[at]
		switch {
		case r.Opens:
			if err := c.open(p, r, m.View.Processes[place].Session); err != nil {
				return err
			}
		case !m.View.Processes[place].Known: // nobody answers, and it makes no difference
			r.result, r.err, _ = c.world.Constant(r.Op)
		default:
			c.tally.constants.Add(1)
			if err := c.perform(p, r, (*ensemble.Held).Pass); err != nil {
				return err
			}
			if zkapi.FateOf(r.err) == zkapi.Unknown {
				return unlike("%s: %v: %v", p.name, r.Asking, r.err)
			}
		}
		c.rename(&r.result)
		p.host.answer(r)
	}
}

func (c *conductor) open(p *player, r *hostRequest, id int64) error {
	p.update(func() { p.opens = true })
	session, err := p.host.driver.Open(c.ctx)
	p.update(func() { p.opens = false })
	if err != nil {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	c.ids[id] = session.ID()
	s := &hostSession{Session: session, id: id, host: p.host, watches: map[model.Watch][]*hostSource{}}
	s.expected, _, _ = session.Connection()
	p.host.session, r.opened = s, s
	return nil
}

// send lets the client send a request, and returns when the proxy holds it.
func (c *conductor) send(p *player, r *hostRequest) error {
	sent := &sending{done: make(chan struct{})}
	go func() { // ends with the connection, at the latest
		defer close(sent.done)
		if r.Closes {
			sent.Err = r.session.Session.Close(c.ctx)
			return
		}
		sent.Result, sent.Err = r.session.do(c.ctx, r.Op)
	}()
	if !p.await(func() bool {
		if len(p.requests) > 0 {
			sent.held, p.requests = p.requests[0], p.requests[1:]
		}
		return sent.held != nil
	}) {
		return unlike("%s: %v does not reach the proxy", p.name, asking(r.Asking))
	}
	got := sent.held.Request
	if want := below(c.namespace, r.Op); got.Ends() != r.Closes || !r.Closes && !sameOnWire(want, got.Op) {
		return unlike("%s asks for %v, and sends %+v", p.name, asking(r.Asking), got)
	}
	r.sent = sent
	return nil
}

// sendAll lets the client send everything that its process has asked for, but the end
// of the session, after which it sends nothing else.
func (c *conductor) sendAll(p *player) error {
	for _, r := range p.host.asked {
		if r.sent == nil && r.Op.Kind != 0 {
			if err := c.send(p, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// perform decides what becomes of a request that the proxy holds. The answer is not
// given to the process yet.
func (c *conductor) perform(p *player, r *hostRequest, decide func(*ensemble.Held) error) error {
	if r.sent == nil {
		if err := c.send(p, r); err != nil {
			return err
		}
	}
	if c.defect.hurries {
		decide = func(*ensemble.Held) error { return nil }
	}
	if err := decide(r.sent.held); err != nil {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	select {
	case <-r.sent.done:
	case <-time.After(c.patience):
		return unlike("%s: %v is not answered", p.name, asking(r.Asking))
	}
	if slices.ContainsFunc(p.host.asked, func(o *hostRequest) bool { return o.sent != nil && o.sent.held.Request.Xid < r.sent.held.Request.Xid }) {
		c.tally.overtaking.Add(1)
	}
	r.result, r.err = r.sent.Result, r.sent.Err
	return nil
}

// unsent waits until the client has given up what was on its way on a connection that
// is gone. It went nowhere, so that it can be sent again.
func (c *conductor) unsent(p *player) error {
	for _, r := range p.host.asked {
		if r.sent == nil {
			continue
		}
		select {
		case <-r.sent.done:
			r.sent = nil
		case <-time.After(c.patience):
			return unlike("%s: the client still waits for %v", p.name, asking(r.Asking))
		}
	}
	return nil
}

// request is a request that is served, or lost before or after that.
func (c *conductor) request(p *player, m explore.Moment) error {
	if m.Which >= len(p.host.asked) {
		return unlike("%s asks for nothing any more", p.name)
	}
	r := p.host.asked[m.Which]
	switch {
	case m.Asked.Resource != "":
		c.tally.acts.Add(1)
		r.err = m.Err
	case m.Asked.Closes:
		c.tally.closed.Add(1)
		if err := c.perform(p, r, (*ensemble.Held).Pass); err != nil {
			return err
		}
		if r.err != nil {
			return unlike("%s: the end of its session: %v", p.name, r.err)
		}
		p.host.answer(r)
		return c.ended(p)
	case m.Happening == explore.Serves:
		if err := c.perform(p, r, (*ensemble.Held).Pass); err != nil {
			return err
		}
		if err := c.compare(p, r.Op, m, r.result, r.err); err != nil {
			return err
		}
		c.rename(&r.result)
		c.watch(r)
	default:
		if err := c.lose(p, r, m); err != nil {
			return err
		}
	}
	p.host.answer(r)
	return nil
}

// watch puts a source of this side before the real watch: it fires when the schedule
// says so.
func (c *conductor) watch(r *hostRequest) {
	if r.Op.Watch && r.err == nil {
		source := &hostSource{real: r.result.Watch}
		w := model.WatchOf(r.Op)
		r.session.watches[w] = append(r.session.watches[w], source)
		r.result.Watch = source
	}
}

// lose breaks the connection with a request under way, before or after it took effect.
func (c *conductor) lose(p *player, r *hostRequest, m explore.Moment) error {
	c.tally.losses.Add(1)
	p.update(func() { p.wrote = nil })
	err := c.perform(p, r, func(h *ensemble.Held) error {
		if m.Happening == explore.LosesReply || c.defect.leaks {
			arrived, err := h.PassUnanswered()
			if err != nil {
				return err
			}
			select {
			case <-arrived:
			case <-time.After(c.patience):
				return errors.New("no answer")
			}
		}
		c.cut(p)
		return nil
	})
	if err != nil {
		return err
	}
	if zkapi.FateOf(r.err) != zkapi.Unknown || !errors.Is(r.err, zkapi.ErrConnectionLoss) {
		return unlike("%s: %s was lost, and it is told %v", p.name, describe(r.Op), r.err)
	}
	if m.Happening == explore.LosesReply {
		p.mu.Lock()
		wrote := slices.Clone(p.wrote)
		p.mu.Unlock()
		if len(wrote) != 1 || wrote[0].Answered == 0 {
			return unlike("%s: %s: the proxy has seen %+v", p.name, describe(r.Op), wrote)
		}
		stripped := wrote[0].Result
		stripped.Path = strings.TrimPrefix(stripped.Path, c.namespace)
		stripped.Results = slices.Clone(stripped.Results)
		for i := range stripped.Results {
			stripped.Results[i].Path = strings.TrimPrefix(stripped.Results[i].Path, c.namespace)
		}
		if err := c.compare(p, r.Op, m, stripped, wrote[0].Err); err != nil {
			return err
		}
	} else if err := c.untouched(p); err != nil {
		return err
	}
	return c.again(p)
}

// broken breaks the connection with nothing under way.
func (c *conductor) broken(p *player) error {
	c.cut(p)
	return c.again(p)
}

// cut breaks the connection: the client sees it go, and will see it come again.
func (c *conductor) cut(p *player) {
	p.host.session.expected += 2
	p.proxy.Break()
}

// again waits until the client has connected again.
func (c *conductor) again(p *player) error {
	s := p.host.session
	if !p.await(func() bool { change, up, _ := s.Connection(); return up && change == s.expected }) {
		change, up, _ := s.Connection()
		return fmt.Errorf("%w: %s does not connect again: up %v, %d changes, %d expected; %v", errDisturbed, p.name, up, change, s.expected, s.Cause())
	}
	p.forget()
	return c.unsent(p)
}

// expire ends a session at the server; its owner does not know yet.
func (c *conductor) expire(p *player) error {
	session, ok := p.proxy.SessionOf(p.host.session.Session.ID())
	if !ok {
		return unlike("%s: the proxy knows nothing of its session", p.name)
	}
	if c.defect.spares {
		return nil
	}
	if _, err := ensemble.Expire(c.ctx, c.address, session); err != nil {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	p.forget()
	return nil
}

// notice lets a process learn that its session is over.
func (c *conductor) notice(p *player) error {
	s := p.host.session
	c.cut(p)
	if !p.await(s.Done().Fired) {
		return unlike("%s does not learn that its session is over", p.name)
	}
	if !errors.Is(s.Cause(), zkclient.ErrExpired) {
		return fmt.Errorf("%w: %s: %w", errDisturbed, p.name, s.Cause())
	}
	return c.ended(p)
}

// ended is the end of a session as its owner learns of it.
func (c *conductor) ended(p *player) error {
	s := p.host.session
	if !p.await(func() bool { _, up, _ := s.Connection(); return !up }) {
		return unlike("%s has lost its session, and thinks that it is connected", p.name)
	}
	if err := c.unsent(p); err != nil {
		return err
	}
	s.over()
	p.forget()
	return nil
}

// crash ends a process: nothing runs any more. What its client has sent is still held,
// and its session lives until the model ends it: as far as the servers know, their
// client has not hung up yet.
func (c *conductor) crash(p *player) {
	p.host.discard()
	p.gone = true
	if s := p.host.session; s != nil && !s.Done().Fired() {
		c.ghosts[s.id] = p
	} else {
		p.dismiss(c.ctx)
	}
}

// late lets a write of a process that is gone take effect.
func (c *conductor) late(p *player, m explore.Moment) error {
	at := slices.IndexFunc(p.host.asked, func(r *hostRequest) bool { return r.sent != nil && sameOp(r.Op, m.Asked.Op) })
	if at < 0 {
		return unlike("%s has not sent %s", p.name, describe(m.Asked.Op))
	}
	r := p.host.asked[at]
	if err := c.perform(p, r, (*ensemble.Held).Pass); err != nil {
		return err
	}
	p.host.asked = slices.Delete(p.host.asked, at, at+1)
	return c.compare(p, r.Op, m, r.result, r.err)
}

// deliver lets a process hear of a watch event. The end of a znode that is watched in
// both tables is two events of the model, and one of ZooKeeper.
func (c *conductor) deliver(p *player, w model.Watch) error {
	c.tally.events.Add(1)
	s := p.host.session
	sources := s.watches[w]
	fired := func() bool {
		return len(sources) > 0 && !slices.ContainsFunc(sources, func(source *hostSource) bool { return !source.real.Fired() })
	}
	var held *ensemble.Held
	if !p.await(func() bool {
		at := slices.IndexFunc(p.events, func(h *ensemble.Held) bool { return tells(h, c.namespace, w) })
		if at >= 0 {
			held = p.events[at]
			p.events = slices.Delete(p.events, at, at+1)
		}
		return held != nil || fired()
	}) {
		return unlike("%s: the model tells of %v, ZooKeeper of nothing", p.name, w)
	}
	if held != nil && !c.defect.deafens {
		if err := held.Pass(); err != nil {
			return fmt.Errorf("%w: %w", errDisturbed, err)
		}
	}
	if !p.await(fired) {
		return unlike("%s: the watch of %v does not fire", p.name, w)
	}
	for _, source := range sources {
		source.fired = true
	}
	delete(s.watches, w)
	return nil
}

// release gives everything back.
func (c *conductor) release() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), 5*time.Second)
	defer cancel()
	var group sync.WaitGroup
	for _, p := range slices.Concat(c.players, slices.Collect(maps.Values(c.ghosts))) {
		if p != nil && p.host != nil && p.left.CompareAndSwap(false, true) {
			group.Go(func() { p.dismiss(ctx) })
		}
	}
	group.Wait()
	if c.reader != nil {
		_ = c.reader.Session.Close(ctx)
	}
}
