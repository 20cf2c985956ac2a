package serve

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// parcel is a frame that is sent at a later time.
type parcel struct {
	bytes []byte
	due   time.Time
}

// heldMessage is a message of the client that is carried out at a later time.
type heldMessage struct {
	message
	due time.Time
}

// arrive is one message of the client as a fault lets it arrive: now, later, or never. It
// reports what became of it, and whether the connection goes on.
func (c *conn) arrive(m message) (fate, bool) {
	e := c.member.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	wait, becomes := c.arrives(m)
	switch {
	case becomes == swallowed:
		return becomes, c.open()
	case becomes == lost:
		return becomes, false
	case wait > 0 || len(c.held) > 0 || c.taking:
		return becomes, c.hold(m, wait)
	}
	return becomes, c.take(m)
}

// hold lets a message be carried out after a time, and after all that was held before. It
// reports whether the connection goes on. The ensemble is locked.
func (c *conn) hold(m message, wait time.Duration) bool {
	due := time.Now().Add(wait)
	if n := len(c.held); n > 0 && c.held[n-1].due.After(due) {
		due = c.held[n-1].due
	}
	m.frame = slices.Clone(m.frame)
	c.held = append(c.held, heldMessage{m, due})
	c.bytes += len(m.frame)
	time.AfterFunc(time.Until(due), c.takeHeld)
	for c.bytes > unsentMost && c.open() {
		c.member.ensemble.moved.Wait()
	}
	return c.open()
}

// takeHeld carries out what is due.
func (c *conn) takeHeld() {
	e := c.member.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.taking { // the request before hangs, and whoever carries it out goes on with this one
		return
	}
	c.taking = true
	for len(c.held) > 0 && !c.held[0].due.After(time.Now()) {
		m := c.held[0].message
		c.held, c.bytes = c.held[1:], c.bytes-len(m.frame)
		if !c.take(m) && c.open() {
			c.retire()
		}
		e.moved.Broadcast()
	}
	c.taking = false
}

// queueAfter adds bytes that are sent after a time, and after all that was added before.
func (c *conn) queueAfter(b []byte, wait time.Duration) {
	c.out.Lock()
	defer c.out.Unlock()
	switch {
	case c.ending:
	case wait <= 0 && len(c.late) == 0:
		c.unsent = append(c.unsent, b...)
		c.changed.Broadcast()
	default:
		due := time.Now().Add(wait)
		if n := len(c.late); n > 0 && c.late[n-1].due.After(due) {
			due = c.late[n-1].due
		}
		c.late, c.lateBytes = append(c.late, parcel{b, due}), c.lateBytes+len(b)
		time.AfterFunc(time.Until(due), c.release)
	}
}

// release lets the sender have what is due.
func (c *conn) release() {
	c.out.Lock()
	defer c.out.Unlock()
	for len(c.late) > 0 && !c.late[0].due.After(time.Now()) {
		b := c.late[0].bytes
		c.unsent = append(c.unsent, b...)
		c.late, c.lateBytes = c.late[1:], c.lateBytes-len(b)
	}
	c.changed.Broadcast()
	if c.ending && len(c.late) == 0 {
		c.limitWrites()
	}
}

// discardLate drops what a fault holds back.
func (c *conn) discardLate() {
	c.out.Lock()
	defer c.out.Unlock()
	c.late, c.lateBytes = nil, 0
}

// occupy is how long bytes take on a line of a rate, behind those that are on it. The ensemble
// is locked.
func (c *conn) occupy(way Direction, bytes, rate int) time.Duration {
	line := &c.free[0]
	if way != Requests {
		line = &c.free[1]
	}
	if now := time.Now(); line.Before(now) {
		*line = now
	}
	*line = line.Add(time.Duration(bytes+prefixBytes) * time.Second / time.Duration(rate))
	return time.Until(*line)
}

// swallows reports whether a fault still swallows what the connection carries. The ensemble is
// locked.
func (c *conn) swallows() bool {
	return slices.ContainsFunc(c.member.ensemble.injections, func(i *Injection) bool {
		return i.hits(c) && slices.Contains([]Kind{Cut, Mute, Deafen}, i.fault.Kind)
	})
}

// fate is what becomes of a message.
type fate uint8

const (
	carried   fate = iota
	swallowed      // it never arrives
	lost           // it never arrives, and its connection ends
)

// arrives is what becomes of a message of the client, and how late it is. The ensemble is
// locked.
func (c *conn) arrives(m message) (time.Duration, fate) {
	if m.op == opConnect {
		c.asks = m.session()
	}
	return c.through(Requests, len(m.frame), m.requests)
}

// departs is what becomes of a message to the client, and how late it is. The ensemble is locked.
func (c *conn) departs(body []byte) (time.Duration, fate) {
	xid := int32(binary.BigEndian.Uint32(body))
	if c.asked != nil && (c.asked.op == opConnect || c.asked.xid == xid) {
		c.refused = c.asked.op != opConnect && isRefusal(c.asked.op, body)
		return c.through(Answers, len(body), c.asked.requests)
	}
	return c.through(Events, len(body), func() []Request {
		return []Request{{Path: pathOfEvent(body)}}
	})
}

// isRefusal reports whether an answer says that the request was refused. A multi that was
// refused has the refusals in its parts.
func isRefusal(op opcode, body []byte) bool {
	d := jute.Decoder{Rest: body}
	d.Take(4 + 8) // the xid and the zxid
	return d.Int32() != 0 || op == opMulti && opcode(d.Int32()) == opError && !d.Bool()
}

// through lets the faults decide on a message. The ensemble is locked.
func (c *conn) through(way Direction, bytes int, requests func() []Request) (wait time.Duration, becomes fate) {
	for _, i := range c.member.ensemble.injections {
		if !i.hits(c) {
			continue
		}
		switch kind := i.fault.Kind; {
		case kind == Cut, kind == Mute && way != Requests, kind == Deafen && way == Requests:
			c.lossy = true
			becomes = max(becomes, swallowed)
			i.bite("client", c.name, "message", directions[way])
		case kind == Throttle:
			wait += c.occupy(way, bytes, i.fault.Rate)
			i.bite("client", c.name, "message", directions[way])
		case i.trait.messages && i.fault.Of.Direction == way && i.picks(requests()):
			i.bite("client", c.name, "message", directions[way], "request", requests()[0].String())
			if kind == Lose {
				becomes = lost
			}
			wait += i.fault.By
			if i.fault.Of.Nth > 0 {
				i.stop()
			}
		}
	}
	return wait, becomes
}

// picks reports whether the fault concerns a message to or from such requests; it throws the
// dice.
func (i *Injection) picks(requests []Request) bool {
	of := i.fault.Of
	if !slices.ContainsFunc(requests, of.Request.fits) {
		return false
	}
	i.messages++
	return (of.Nth == 0 || i.messages == of.Nth) && (of.Share == 0 || i.dice.Float64() < of.Share)
}
