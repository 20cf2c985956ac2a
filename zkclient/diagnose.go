package zkclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// Bounds of a diagnosis.
const (
	diagnosisLimit = 2 * time.Second
	// quiet is how long a server that has too many connections may take to end one more. It
	// does so before anything is sent. All other servers wait for the client to begin.
	quiet = 300 * time.Millisecond
	// answerTime is how long a server may take to answer srvr. One that expects TLS waits for
	// more.
	answerTime = 700 * time.Millisecond
	// maxBanner bounds what is read of an answer.
	maxBanner = 1 << 10
)

// diagnosis is the probable cause why a server ends each connection in the handshake. It
// stands for all servers: they have the same configuration.
type diagnosis struct {
	target target
	text   string // cause and remedy
	known  bool   // the cause is one of the servers, and not this session
}

// String implements fmt.Stringer.
func (d diagnosis) String() string {
	return fmt.Sprintf("every server ends the connection in the handshake; %s %s", d.target, d.text)
}

// lastTold is what the log was told last.
type lastTold struct {
	mu   sync.Mutex
	text string
}

// isNews reports whether text is not what was told last. If it is empty, the next one is news.
func (l *lastTold) isNews(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.text
	l.text = text
	return text != before
}

// diagnose finds out why every server ends its connections, and logs that once until a session
// of the Driver has a connection again.
func (s *session) diagnose(t target) {
	ctx, cancel := s.whileOpen()
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, diagnosisLimit)
	defer cancel()
	d := s.config.diagnose(ctx, t)
	s.mu.Lock()
	stale := !s.asked || s.cause != nil || d.text == ""
	if !stale {
		s.diagnosis = d
	}
	s.mu.Unlock()
	if !stale && s.told.isNews(d.text) {
		s.config.Logger.Warn("every server ends the connection in the handshake", "server", t.String(), "cause", d.text)
	}
}

// diagnose asks a server that ends each connection in the handshake. Nothing secret is sent.
func (c *Config) diagnose(ctx context.Context, t target) diagnosis {
	found := func(text string, args ...any) diagnosis {
		return diagnosis{target: t, text: fmt.Sprintf(text, args...), known: true}
	}
	unasked, answer, err := c.greet(ctx, t)
	silent := !unasked && errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case endedByServer(err) && unasked:
		return found("ends connections before anything is sent: probably it has as many from the IP address of this client as its maxClientCnxns allows (60 as shipped)")
	case err != nil && !silent:
		return diagnosis{}
	case strings.Contains(answer, "not currently serving requests"):
		d := found("does not serve clients now: it is starting, or has no leader")
		d.known = false // this passes: a session ends only if its lease does
		return d
	case strings.HasPrefix(answer, "Zookeeper version") || strings.Contains(answer, notWhitelisted):
		if c.TLS != nil {
			return found("is a ZooKeeper without TLS at this port: name the servers' secureClientPort, or leave TLS out (zkclient.Config.TLS, --tls-ca)")
		}
		d := found("serves clients, but not this one: its connections from the IP address of this client may have been as many as its maxClientCnxns allows, or it lacks a write that this session has seen")
		d.known = false
		return d
	case answer != "":
		return found("is probably not a ZooKeeper server: it answers %q", answer[:min(len(answer), 32)])
	case c.TLS == nil && c.speaksTLS(ctx, t):
		return found("wants TLS at this port: give a certificate authority (zkclient.Config.TLS, --tls-ca), or name the servers' clientPort")
	case silent:
		return diagnosis{}
	}
	d := found("ends the connection whatever is sent: it is starting, is no ZooKeeper server, or has too many connections from here (maxClientCnxns)")
	d.known = false
	return d
}

// greet waits a moment for what a server says or does unasked, and then asks for its state
// without TLS. It returns what the server answers, or the error, and whether that came unasked.
func (c *Config) greet(ctx context.Context, t target) (unasked bool, answer string, err error) {
	conn, err := c.Dial(ctx, "tcp", t.address)
	if err != nil {
		return true, "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	b := make([]byte, maxBanner)
	_ = conn.SetReadDeadline(time.Now().Add(quiet))
	n, err := conn.Read(b)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return true, string(b[:n]), err
	}
	if ctx.Err() != nil {
		return true, "", ctx.Err()
	}
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	if _, err = io.WriteString(conn, "srvr"); err == nil {
		n, err = io.ReadFull(conn, b) // until it ends the connection
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, "", err
	}
	return false, string(b[:n]), nil
}

// speaksTLS reports whether a server answers a TLS handshake. It is given nothing after that,
// so that its certificate is of no interest.
func (c *Config) speaksTLS(ctx context.Context, t target) bool {
	conn, err := c.Dial(ctx, "tcp", t.address)
	if err != nil {
		return false
	}
	defer conn.Close()
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	remote, ok := errors.AsType[*net.OpError](err)
	return err == nil || ok && remote.Op == "remote error" // it wants a certificate, too
}
