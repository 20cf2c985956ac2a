package serve

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// greet answers the first message of a connection: it begins a session, or attaches an older
// one. It reports whether the connection goes on. The ensemble is locked.
func (c *conn) greet(frame []byte) bool {
	d := jute.Decoder{Rest: frame}
	_ = d.Int32() // the version of the protocol: 0 is the only one
	seen, wish, id, password := d.Int64(), d.Int32(), d.Int64(), d.Buffer()
	if d.Bad {
		return false
	}
	asksReadOnly := len(d.Rest) > 0 // clients before 3.4 do not know of read-only servers
	takesReadOnly := asksReadOnly && d.Bool()
	m, e := c.member, c.member.ensemble
	switch {
	case m.readOnly && !takesReadOnly:
		e.options.Log.Info("a client does not take a read-only server, so it is refused", "client", c.name)
		return false
	case m.view.Refuses(seen):
		e.options.Log.Warn("a client has seen a later zxid than this server, so it is refused", "client", c.name, "zxid", hex(seen), "here", hex(m.view.Tree().Zxid()))
		return false
	case m.readOnly && m.known[id] != nil:
		e.options.Log.Info("a read-only server does not take up a session of the ensemble", "session", hex(id), "client", c.name)
		return false
	}
	timeout := time.Duration(wish) * time.Millisecond
	switch {
	case id == 0 && m.readOnly:
		c.session = m.openLocal(c, timeout)
	case id == 0:
		c.session = e.open(c, timeout)
	default:
		c.session = e.attach(c, id, password, timeout)
	}
	var to jute.Encoder
	to.Int32(0)
	if s := c.session; s != nil {
		to.Int32(int32(s.timeout().Milliseconds()))
		to.Int64(s.id)
		to.Buffer(s.password[:])
	} else {
		e.options.Log.Info("a session that is over was asked for", "session", hex(id), "client", c.name)
		to.Int32(0)
		to.Int64(0)
		to.Buffer(make([]byte, passwordBytes))
	}
	if asksReadOnly {
		to.Bool(m.readOnly)
	}
	c.reply(to.Bytes)
	if c.session == nil {
		c.endOutput()
	}
	return c.session != nil
}

// tellHandshake says why a client that speaks no TLS, or whose certificate is not trusted, gets
// no answer.
func (c *conn) tellHandshake(err error) {
	secure, is := c.net.(*tls.Conn)
	if is && !secure.ConnectionState().HandshakeComplete && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		c.member.ensemble.options.Log.Warn("a client fails to begin TLS, so its connection is closed", "client", c.name, "error", err)
	}
}
