package ensemble

import (
	"bytes"
	"net"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/wire"
)

// line is one direction of a connection. A reader takes the bytes that arrive, and a
// writer sends them on in the same order, when and as far as the impairment allows.
type line struct {
	proxy    *Proxy
	flow     *flow
	towards  Direction
	from, to net.Conn
	queue    chan packet
}

// packet is the result of one read, or, from a server, at most one frame.
type packet struct {
	bytes     []byte
	arrived   time.Time
	delay     time.Duration
	held      <-chan struct{} // closed when it may go on; nil: it may
	handshake bool            // it is the server's answer to the handshake
	ends      bool            // the connection is reset in its place
	trap      *Trap           // the trap that asked for the reset
}

// queued is how many packets a line holds before it stops reading.
const queued = 256

// carry copies the bytes both ways, and reads the traffic.
func (p *Proxy) carry(f *flow) {
	var work sync.WaitGroup
	for _, l := range []*line{
		{proxy: p, flow: f, towards: ToServers, from: f.client, to: f.server, queue: make(chan packet, queued)},
		{proxy: p, flow: f, towards: ToParticipant, from: f.server, to: f.client, queue: make(chan packet, queued)},
	} {
		work.Go(l.read)
		work.Go(l.write)
	}
	work.Wait()
}

// read takes bytes until an end closes.
func (l *line) read() {
	defer close(l.queue)
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.from.Read(buffer)
		for _, next := range l.arrive(bytes.Clone(buffer[:n])) {
			next.arrived, next.delay = time.Now(), l.proxy.delay()
			select {
			case l.queue <- next:
			case <-l.flow.closed:
				return
			}
			if next.ends {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// arrive makes packets of the bytes that were read. It also decodes a server's bytes,
// so the record of a write does not depend on whether the answer reaches the participant.
func (l *line) arrive(b []byte) []packet {
	if l.towards == ToServers {
		if len(b) == 0 {
			return nil
		}
		return []packet{{bytes: b}}
	}
	var all []packet
	f := l.flow
	missing := -f.from.Pending()
	for _, frame := range f.from.Feed(b) {
		end := missing + wire.Framed(frame)
		missing = 0
		next := l.proxy.receiving(f, frame)
		next.bytes, b = b[:end], b[end:]
		all = append(all, next)
	}
	if len(b) > 0 {
		all = append(all, packet{bytes: b})
	}
	return all
}

// write lets packets go on until one cannot.
func (l *line) write() {
	defer l.flow.close()
	for next := range l.queue {
		if !l.depart(next) {
			return
		}
	}
}

// depart lets a packet go on, and returns false when the connection is over.
func (l *line) depart(next packet) bool {
	if next.held != nil && !l.flow.await(next.held) || !l.flow.pause(next.delay-time.Since(next.arrived)) {
		return false
	}
	if next.ends {
		if next.trap != nil {
			next.trap.lost()
		}
		l.flow.reset()
		return false
	}
	late, pieces := next.delay > 0, 0
	for rest := next.bytes; len(rest) > 0; {
		n, takes := l.proxy.slice(l.towards, len(rest))
		if !l.flow.pause(takes) {
			return false
		}
		pass, wait := l.proxy.leave(l.flow, l.towards, n)
		switch {
		case wait != nil:
			if !l.flow.await(wait) {
				return false
			}
			continue
		case pass:
			l.passes(next, rest[:n])
			if _, err := l.to.Write(rest[:n]); err != nil {
				return false
			}
		case l.towards == ToServers:
			l.flow.to.Break() // later bytes of this connection reach no server as a request
		}
		late = late || takes > 0
		pieces++
		rest = rest[n:]
	}
	if late {
		l.proxy.late(time.Since(next.arrived), l.towards, pieces)
	}
	return true
}

// passes counts bytes that are about to be sent.
func (l *line) passes(from packet, b []byte) {
	switch {
	case l.towards == ToServers:
		l.proxy.sending(l.flow, b)
	case from.handshake:
		l.proxy.recordGrant(l.flow)
	}
}
