package ensemble

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is one participant's connection to the ensemble: a listener for each server,
// through which all its traffic passes. To impair the proxy is to impair the
// participant.
type Proxy struct {
	listeners []net.Listener
	work      sync.WaitGroup
	hooks     Hooks

	mu         sync.Mutex
	impairment Impairment
	jitter     *rand.Rand
	changed    chan struct{} // closed when the impairment changes
	tally      Tally
	traps      []*Trap // traps that have not triggered
	flows      map[*flow]bool
	frozen     map[net.Conn]bool // connections that get no answers
	session    Session           // the latest
	known      map[int64]grant   // all of them
	closed     bool

	life atomic.Int64 // of the participant, for connections to come
}

// grant is a session of the participant, and the connection that it was on last.
type grant struct {
	Session
	on *flow
}

// Session has the data needed to act in a session's name.
type Session struct {
	ID       int64
	Password [16]byte
	Secret   string // user:password that a connection shows first; "": none
	Life     int    // of the participant, as [Proxy.SetLife] had it when the participant connected
}

// NewProxy opens one local listener for each server, each with a port of its own.
func NewProxy(servers []string, hooks Hooks) (*Proxy, error) {
	return newProxy(servers, hooks, func(int, int) string { return "127.0.0.1:0" })
}

// NewProxyOfOneName opens one local listener for each server, each at an address of its
// own, listed by [LocalAddresses], and all with one port.
func NewProxyOfOneName(servers []string, hooks Hooks) (p *Proxy, err error) {
	local := LocalAddresses(len(servers))
	const tries = 20 // another program may have the port at one of the addresses
	for range tries {
		p, err = newProxy(servers, hooks, func(n, port int) string { return netip.AddrPortFrom(local[n], uint16(port)).String() })
		if err == nil {
			break
		}
	}
	return p, err
}

// LocalAddresses are n addresses of this machine. Linux has all of them.
func LocalAddresses(n int) []netip.Addr {
	all := make([]netip.Addr, n)
	for i := range all {
		all[i] = netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)})
	}
	return all
}

// newProxy opens one listener for each server. The function where returns its address;
// it gets the port of the first listener, or 0.
func newProxy(servers []string, hooks Hooks, where func(n, port int) string) (*Proxy, error) {
	p := &Proxy{
		hooks: hooks, changed: make(chan struct{}), flows: map[*flow]bool{}, frozen: map[net.Conn]bool{}, known: map[int64]grant{},
	}
	for n, server := range servers {
		listener, err := net.Listen("tcp", where(n, p.port()))
		if err != nil {
			_ = p.Close()
			return nil, fmt.Errorf("ensemble: proxy: %w", err)
		}
		p.listeners = append(p.listeners, listener)
		p.work.Go(func() { p.accept(listener, server) })
	}
	return p, nil
}

// SetLife says which life of the participant the connections to come are of. A server
// may grant a session to a life that is over by then.
func (p *Proxy) SetLife(n int) { p.life.Store(int64(n)) }

// port is the port of the first listener, or 0.
func (p *Proxy) port() int {
	if len(p.listeners) == 0 {
		return 0
	}
	return p.listeners[0].Addr().(*net.TCPAddr).Port
}

// AtOneName is the address of the servers of a proxy of one name.
func (p *Proxy) AtOneName() string { return net.JoinHostPort(OneName, strconv.Itoa(p.port())) }

// Addresses are the addresses at which the participant finds the servers.
func (p *Proxy) Addresses() []string {
	var all []string
	for _, l := range p.listeners {
		all = append(all, l.Addr().String())
	}
	return all
}

func (p *Proxy) accept(listener net.Listener, server string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		life := int(p.life.Load())
		p.work.Go(func() { p.serve(client, server, life) })
	}
}

// serve carries one connection. Under a cut the connection is accepted and stays
// silent, as in a network that loses all packets.
func (p *Proxy) serve(client net.Conn, address string, life int) {
	if !p.admit(client, address) {
		return
	}
	server, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		_ = client.Close()
		return
	}
	f := newFlow(client, server, address)
	f.life = life
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		f.close()
		return
	}
	p.flows[f] = true
	p.mu.Unlock()
	if p.hooks.Held != nil {
		p.carryFrames(f)
	} else {
		p.carry(f)
	}
	f.end(p.hooks.Wrote)
	p.mu.Lock()
	delete(p.flows, f)
	p.mu.Unlock()
}

// remember remembers the session of a handshake, before the participant gets it.
func (p *Proxy) remember(f *flow, s Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, had := p.known[s.ID]; !had && p.hooks.Granted != nil {
		p.hooks.Granted(s)
	}
	p.session, p.known[s.ID] = s, grant{s, f}
}

// Session is the participant's latest session, seen in the handshake, or false.
func (p *Proxy) Session() (Session, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session, p.session.ID != 0
}

// ServerOf is the server that a session is connected to, or false if it is not
// connected.
func (p *Proxy) ServerOf(session int64) (address string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.known[session]
	if !ok || !p.flows[g.on] {
		return "", false
	}
	return g.on.address, true
}

// SessionOf is the participant's session with that id, or false.
func (p *Proxy) SessionOf(id int64) (Session, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.known[id]
	return g.Session, ok
}

// Close ends all connections and waits for their goroutines.
func (p *Proxy) Close() error {
	var errs []error
	for _, l := range p.listeners {
		errs = append(errs, l.Close())
	}
	p.mu.Lock()
	p.closed = true
	for f := range p.flows {
		f.close()
	}
	p.thaw()
	p.mu.Unlock()
	p.work.Wait()
	return errors.Join(errs...)
}
