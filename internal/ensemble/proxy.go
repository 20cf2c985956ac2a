package ensemble

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is one participant's way to the ensemble: a listener for each server,
// through which all its traffic passes. Cutting it is cutting the participant.
type Proxy struct {
	listeners []net.Listener
	work      sync.WaitGroup
	dropped   atomic.Int64 // bytes swallowed while cut
	ears      Ears

	mu      sync.Mutex
	cut     bool
	flows   map[*flow]bool
	session Session           // the latest
	known   map[int64]Session // all of them
	latest  *flow             // that the latest session came on
	closed  bool
}

// Session is what is needed to act in a session's name.
type Session struct {
	ID       int64
	Password [16]byte
}

// NewProxy opens one local listener for each server.
func NewProxy(servers []string, ears Ears) (*Proxy, error) {
	p := &Proxy{flows: map[*flow]bool{}, known: map[int64]Session{}, ears: ears}
	for _, server := range servers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			_ = p.Close()
			return nil, fmt.Errorf("ensemble: proxy: %w", err)
		}
		p.listeners = append(p.listeners, listener)
		p.work.Go(func() { p.accept(listener, server) })
	}
	return p, nil
}

// Addresses are where the participant finds the servers.
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
		p.work.Go(func() { p.serve(client, server) })
	}
}

// serve carries one connection. Under a cut it is accepted and stays silent,
// as a network that swallows packets would have it.
func (p *Proxy) serve(client net.Conn, address string) {
	server, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		_ = client.Close()
		return
	}
	f := newFlow(client, server, address)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		f.close()
		return
	}
	p.flows[f] = true
	p.mu.Unlock()
	if p.ears.Held != nil {
		p.conduct(f)
	} else {
		p.carry(f)
	}
	f.end(p.ears.Wrote)
	p.mu.Lock()
	delete(p.flows, f)
	p.mu.Unlock()
}

// carry copies what comes, and reads it along.
func (p *Proxy) carry(f *flow) {
	var pumps sync.WaitGroup
	pumps.Go(func() { p.pump(f.server, f.client, f.swallowed, p.sending(f)); f.close() })
	receiving := p.receiving(f)
	pumps.Go(func() { p.pump(f.client, f.server, receiving, receiving); f.close() })
	pumps.Wait()
}

// pump copies bytes one way until either end closes. What arrives while the
// proxy is cut is lost for good: the stream is broken, and Heal closes it.
func (p *Proxy) pump(to, from net.Conn, swallowed, passes func([]byte)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if p.isCut() {
				p.dropped.Add(int64(n))
				swallowed(buffer[:n])
			} else {
				passes(buffer[:n])
				if _, werr := to.Write(buffer[:n]); werr != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// saw remembers the session of a handshake, before the participant hears of it.
func (p *Proxy) saw(f *flow, s Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, had := p.known[s.ID]; !had && p.ears.Granted != nil {
		p.ears.Granted(s)
	}
	p.session, p.known[s.ID], p.latest = s, s, f
}

func (p *Proxy) isCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

// Cut swallows everything in both directions, on old and new connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
}

// Heal ends the cut. Connections that lost bytes cannot be continued and are
// closed.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		return
	}
	p.cut = false
	for f := range p.flows {
		f.close()
	}
}

// Dropped is how many bytes have been swallowed so far.
func (p *Proxy) Dropped() int64 { return p.dropped.Load() }

// Session is the participant's latest session, seen in the handshake, or false.
func (p *Proxy) Session() (Session, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session, p.session.ID != 0
}

// Server is the server behind the participant's latest connection that has a session,
// or false when it has none now.
func (p *Proxy) Server() (address string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f := range p.flows {
		if f == p.latest {
			return f.address, true
		}
	}
	return "", false
}

// SessionOf is the participant's session with that id, or false.
func (p *Proxy) SessionOf(id int64) (Session, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.known[id]
	return s, ok
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
	p.mu.Unlock()
	p.work.Wait()
	return errors.Join(errs...)
}
