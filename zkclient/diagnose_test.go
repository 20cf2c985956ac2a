package zkclient

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
)

// warnings is a log whose warnings can be waited for.
type warnings chan string

func (w warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (w warnings) WithAttrs([]slog.Attr) slog.Handler               { return w }
func (w warnings) WithGroup(string) slog.Handler                    { return w }
func (w warnings) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	w <- text
	return nil
}

// endsConnection is a server, how it is connected to, and what is said of it.
type endsConnection struct {
	server *fakeServer
	secure *tls.Config
	says   []string
}

// endsEach are kinds of servers that end each connection in the handshake.
func endsEach(t *testing.T) map[string]endsConnection {
	says := func(answer string) *fakeServer {
		return newFake(t, func(_ int, c net.Conn) {
			word := make([]byte, len("srvr"))
			if _, err := io.ReadFull(c, word); err == nil && string(word) == "srvr" {
				_, _ = io.WriteString(c, answer)
			}
		})
	}
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	overTLS := newFake(t, func(_ int, c net.Conn) {
		_ = tls.Server(c, &tls.Config{Certificates: certified.TLS.Certificates}).Handshake()
	})
	const version = "Zookeeper version: 3.9.3\nMode: follower\n"
	return map[string]endsConnection{
		"is full":            {newFake(t, func(int, net.Conn) {}), nil, []string{"before anything is sent", "maxClientCnxns"}},
		"is full, over TLS":  {newFake(t, func(int, net.Conn) {}), &tls.Config{ServerName: "zk"}, []string{"maxClientCnxns"}},
		"wants TLS":          {overTLS, nil, []string{"wants TLS", "--tls-ca"}},
		"has no TLS":         {says(version), &tls.Config{ServerName: "zk"}, []string{"without TLS", "secureClientPort"}},
		"does not serve":     {says("This ZooKeeper instance is not currently serving requests\n"), nil, []string{"starting, or has no leader"}},
		"serves others":      {says(version), nil, []string{"serves clients, but not this one"}},
		"is another program": {says("-ERR unknown command\r\n"), nil, []string{"probably not a ZooKeeper", `"-ERR unknown command\r\n"`}},
		"ends all":           {newFake(t, func(_ int, c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), nil, []string{"whatever is sent", "maxClientCnxns"}},
	}
}

// TestOpen_SaysWhyEveryServerEndsTheConnection: the probable cause and the remedy are in the
// log at once, and in the error.
func TestOpen_SaysWhyEveryServerEndsTheConnection(t *testing.T) {
	for what, c := range endsEach(t) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			log := make(warnings, 100)
			d, err := New(Config{Servers: []string{c.server.address(), "127.0.0.1:1"}, TLS: c.secure, Logger: slog.New(log)}) // nobody is at port 1
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			line := make(chan string, 1)
			go func() { line <- <-log; cancel() }()
			_, err = d.Open(ctx)
			if err == nil {
				t.Fatal("a session was opened")
			}
			told := ""
			select {
			case told = <-line:
			default:
			}
			for _, want := range append(c.says, "every server ends the connection in the handshake", c.server.address()) {
				if !strings.Contains(err.Error(), want) || !strings.Contains(told, want) {
					t.Errorf("error: %v\nlog: %s\nwant %q", err, told, want)
				}
			}
		})
	}
}

// TestOpen_WarnsOnceOfAllServers: a role asks for a session again and again. The log says it
// when it begins, and again when there was a session between.
func TestOpen_WarnsOnceOfAllServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free atomic.Bool
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": func(c net.Conn) {
			if free.Load() {
				serves(4000)(c)
				return
			}
			request := make([]byte, 1<<10)
			if n, _ := c.Read(request); string(request[:n]) == "srvr" {
				_, _ = io.WriteString(c, "Zookeeper version: 3.9.3\n")
			}
		}}}
		log := make(warnings, 100)
		d := e.driver(t, Config{Servers: []string{"10.0.0.1"}, Logger: slog.New(log)}, nil)
		for i, c := range []struct {
			free bool
			want int
		}{{false, 1}, {false, 0}, {true, 0}, {false, 1}, {false, 0}} {
			free.Store(c.free)
			if c.free {
				s, _ := openIn(t, d)
				_ = s.Close(t.Context())
			} else if err := refused(t.Context(), d); !strings.Contains(err.Error(), "serves clients, but not this one") {
				t.Errorf("%d: %v", i, err)
			}
			if len(log) != c.want {
				t.Errorf("%d: %d warnings, want %d", i, len(log), c.want)
			}
			for len(log) > 0 {
				<-log
			}
		}
	})
}

// TestSession_SaysThatTheServersWereFull: a session that could not connect again because of
// other connections does not say that the ensemble has forgotten it.
func TestSession_SaysThatTheServersWereFull(t *testing.T) {
	server := newFake(t, func(number int, c net.Conn) {
		if number == 1 {
			greet(c, 0xA, 500)
		}
	})
	s := open(t, Config{Servers: []string{server.address()}})
	await(t, "the lease ends", s.done.c)
	if cause := s.Cause(); !errors.Is(cause, ErrLeaseEnded) || errors.Is(cause, ErrForgotten) || !strings.Contains(cause.Error(), "maxClientCnxns") {
		t.Errorf("the cause is %v", cause)
	}
}

// TestBroken_DiagnosesOnlyIfEveryServerEndsConnections: as long as one may still answer,
// nothing is said of all.
func TestBroken_DiagnosesOnlyIfEveryServerEndsConnections(t *testing.T) {
	ends, down := io.EOF, error(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for _, c := range []struct {
		failures [2]error
		want     bool
	}{
		{[2]error{ends, ends}, true}, {[2]error{down, ends}, true}, {[2]error{ends, syscall.ECONNRESET}, true},
		{[2]error{os.ErrDeadlineExceeded, ends}, false}, {[2]error{errNoSession, ends}, false}, {[2]error{down, down}, false}, {[2]error{nil, ends}, false},
	} {
		d, err := New(Config{Servers: []string{"10.0.0.1", "10.0.0.2"}, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("not in this test")
		}})
		if err != nil {
			t.Fatal(err)
		}
		s := &session{config: d.config, done: newLatch(), failures: map[target]failedTry{}, refused: map[target]bool{}, told: &d.told}
		s.route = newRoute(d.names, s.isOver)
		for i, err := range c.failures {
			if err != nil {
				s.broken(target{d.config.Servers[i], d.config.Servers[i]}, err)
			}
		}
		if s.asked != c.want {
			t.Errorf("%v: it asked is %v", c.failures, s.asked)
		}
	}
}
