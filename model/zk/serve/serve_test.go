package serve_test

import (
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	lib "github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// start serves on a free port of this machine, until the test ends.
func start(t testing.TB, options serve.Options) (*serve.Ensemble, string) {
	t.Helper()
	e := serve.New(options)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- e.Members()[0].Serve(l) }()
	t.Cleanup(func() {
		e.Close()
		if err := <-served; !errors.Is(err, serve.ErrStopped) {
			t.Errorf("Serve returned %v, want %v", err, serve.ErrStopped)
		}
	})
	return e, l.Addr().String()
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func dial(t testing.TB, address string) *lib.Conn {
	t.Helper()
	c, _, err := lib.Connect([]string{address}, 10*time.Second, lib.WithLogger(quiet{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestServe_ALibraryOfOthers has the client library that package zkclient is built on.
func TestServe_ALibraryOfOthers(t *testing.T) {
	_, address := start(t, serve.Options{})
	c := dial(t, address)
	if _, err := c.Create("/a", []byte("x"), 0, lib.WorldACL(lib.PermAll)); err != nil {
		t.Fatal(err)
	}
	_, _, events, err := c.GetW("/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Set("/a", []byte("y"), 0); err != nil {
		t.Fatal(err)
	}
	if event := <-events; event.Type != lib.EventNodeDataChanged || event.Path != "/a" {
		t.Errorf("the event is %+v", event)
	}
	if data, stat, err := c.Get("/a"); err != nil || string(data) != "y" || stat.Version != 1 || stat.Mtime < stat.Ctime || stat.Ctime == 0 {
		t.Errorf("%q, %+v, %v", data, stat, err)
	}
	answers, err := c.Multi(&lib.CreateRequest{Path: "/b", Acl: lib.WorldACL(lib.PermAll)}, &lib.DeleteRequest{Path: "/none", Version: -1})
	if !errors.Is(err, lib.ErrNoNode) || len(answers) != 2 || !errors.Is(answers[1].Error, lib.ErrNoNode) {
		t.Errorf("a multi with a refused part: %+v, %v", answers, err)
	}
	if names, _, err := c.Children("/"); err != nil || !slices.Equal(names, []string{"a", "zookeeper"}) {
		t.Errorf("the root has %q, %v", names, err)
	}
}

// TestServe_ALibraryReadsTheCommandsOfFourLetters: it reads the date in one form only.
func TestServe_ALibraryReadsTheCommandsOfFourLetters(t *testing.T) {
	_, address := start(t, serve.Options{})
	dial(t, address)
	if oks := lib.FLWRuok([]string{address}, 10*time.Second); !oks[0] {
		t.Error("the server is not ok")
	}
	stats, ok := lib.FLWSrvr([]string{address}, 10*time.Second)
	if s := stats[0]; !ok || s.Error != nil || s.NodeCount != 5 || s.Mode != lib.ModeStandalone || s.Version != serve.Version+"-ringmaster" {
		t.Errorf("srvr is read as %+v", s)
	}
}

func TestServe_ACLsAreEnforced(t *testing.T) {
	_, address := start(t, serve.Options{})
	owner, other := dial(t, address), dial(t, address)
	if err := owner.AddAuth("digest", []byte("u:p")); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Create("/a", []byte("x"), 0, lib.AuthACL(lib.PermAll)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.Get("/a"); !errors.Is(err, lib.ErrNoAuth) {
		t.Errorf("another user reads it: %v", err)
	}
	if _, err := other.Create("/b", nil, 0, lib.AuthACL(lib.PermAll)); !errors.Is(err, lib.ErrInvalidACL) {
		t.Errorf("the scheme auth of a user without credentials: %v", err)
	}
	if data, _, err := owner.Get("/a"); err != nil || string(data) != "x" {
		t.Errorf("the owner reads %q, %v", data, err)
	}
}

// rawConn is a connection whose frames the test makes itself.
type rawConn struct {
	t *testing.T
	net.Conn
}

// raw connects through a pipe, so that it works in virtual time.
func raw(t *testing.T, m *serve.Member) rawConn {
	client, server := net.Pipe()
	go m.ServeConn(server)
	t.Cleanup(func() { _ = client.Close() })
	return rawConn{t, client}
}

func (c rawConn) send(fill func(*jute.Encoder)) {
	c.t.Helper()
	var length, body jute.Encoder
	fill(&body)
	length.Int32(int32(len(body.Bytes)))
	if _, err := c.Write(append(length.Bytes, body.Bytes...)); err != nil {
		c.t.Fatal(err)
	}
}

// receive is the next frame; it is bad if the connection is closed.
func (c rawConn) receive() *jute.Decoder {
	prefix := make([]byte, 4)
	if !c.full(prefix) {
		return &jute.Decoder{Bad: true}
	}
	body := make([]byte, (&jute.Decoder{Rest: prefix}).Int32())
	return &jute.Decoder{Rest: body, Bad: !c.full(body)}
}

func (c rawConn) full(b []byte) bool {
	for len(b) > 0 {
		n, err := c.Read(b)
		if err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

// greet asks for a session and returns its timeout, id and password.
func (c rawConn) greet(timeout time.Duration, id int64, password []byte) (time.Duration, int64, []byte) {
	c.send(func(to *jute.Encoder) {
		to.Int32(0)
		to.Int64(0)
		to.Int32(int32(timeout.Milliseconds()))
		to.Int64(id)
		to.Buffer(password)
	})
	d := c.receive()
	d.Int32()
	granted := time.Duration(d.Int32()) * time.Millisecond
	return granted, d.Int64(), d.Buffer()
}

// call makes a request and returns the code and the rest of the answer.
func (c rawConn) call(xid, opcode int32, fill func(*jute.Encoder)) (int32, *jute.Decoder) {
	c.t.Helper()
	c.send(func(to *jute.Encoder) {
		to.Int32(xid)
		to.Int32(opcode)
		fill(to)
	})
	d := c.receive()
	if got := d.Int32(); got != xid {
		c.t.Fatalf("an answer to %d, want one to %d", got, xid)
	}
	d.Int64()
	return d.Int32(), d
}

func ephemeral(path string) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		to.String(path)
		to.Buffer(nil)
		to.Int32(1)
		to.Int32(31)
		to.String("world")
		to.String("anyone")
		to.Int32(1)
	}
}

// TestDiffers_SessionEndsAtItsTimeout has a client that says nothing for its timeout,
// in virtual time.
func TestDiffers_SessionEndsAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(serve.Options{})
		defer e.Close()
		c := raw(t, e.Members()[0])
		timeout, id, _ := c.greet(time.Hour, 0, nil)
		if timeout != 40*time.Second || id == 0 {
			t.Fatalf("session 0x%x with a timeout of %v, want 40s for a wish of an hour", id, timeout)
		}
		if code, _ := c.call(1, 1, ephemeral("/e")); code != 0 {
			t.Fatalf("create: %d", code)
		}
		time.Sleep(timeout - time.Millisecond)
		if code, _ := c.call(-2, 11, func(*jute.Encoder) {}); code != 0 {
			t.Fatalf("ping: %d", code)
		}
		time.Sleep(timeout - time.Millisecond)
		if _, err := e.Tree().Node("/e"); err != nil {
			t.Fatalf("the ephemeral is gone before the timeout: %v", err)
		}
		time.Sleep(2 * time.Millisecond)
		if _, err := e.Tree().Node("/e"); err == nil {
			t.Error("the ephemeral outlives its session")
		}
		if d := c.receive(); !d.Bad {
			t.Error("the connection of an expired session is open")
		}
	})
}

// TestDiffers_OlderConnectionIsAlwaysClosed attaches a session to a second connection: with
// the password it goes on there, without it not. The first connection is closed either way.
func TestDiffers_OlderConnectionIsAlwaysClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(serve.Options{})
		defer e.Close()
		first := raw(t, e.Members()[0])
		_, id, password := first.greet(10*time.Second, 0, nil)
		second := raw(t, e.Members()[0])
		if _, again, _ := second.greet(10*time.Second, id, password); again != id {
			t.Fatalf("session 0x%x, want 0x%x", again, id)
		}
		if d := first.receive(); !d.Bad {
			t.Error("the older connection is open")
		}
		thief := raw(t, e.Members()[0])
		if timeout, stolen, _ := thief.greet(10*time.Second, id, make([]byte, 16)); stolen != 0 || timeout != 0 {
			t.Errorf("a wrong password got session 0x%x", stolen)
		}
		if d := second.receive(); !d.Bad {
			t.Error("the connection is open after a wrong password")
		}
	})
}

func TestServe_ClosedSessionLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(serve.Options{})
		defer e.Close()
		c := raw(t, e.Members()[0])
		c.greet(10*time.Second, 0, nil)
		c.call(1, 1, ephemeral("/e"))
		if code, _ := c.call(2, -11, func(*jute.Encoder) {}); code != 0 {
			t.Errorf("closeSession: %d", code)
		}
		if d := c.receive(); !d.Bad {
			t.Error("the connection is open after closeSession")
		}
		if _, err := e.Tree().Node("/e"); err == nil {
			t.Error("the ephemeral is there after closeSession")
		}
	})
}

// TestServe_EndsAConnectionWithAnImpossibleLength has frames of a negative length, and of one
// byte more than the server takes.
func TestServe_EndsAConnectionWithAnImpossibleLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(serve.Options{MaxBuffer: 100})
		defer e.Close()
		for _, length := range []int32{-1, 101} {
			c := raw(t, e.Members()[0])
			var to jute.Encoder
			to.Int32(length)
			if _, err := c.Write(to.Bytes); err != nil {
				t.Fatal(err)
			}
			if d := c.receive(); !d.Bad {
				t.Errorf("a frame of %d bytes is answered", length)
			}
		}
	})
}

func TestServe_WatchFiresBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(serve.Options{})
		defer e.Close()
		c := raw(t, e.Members()[0])
		c.greet(10*time.Second, 0, nil)
		if code, _ := c.call(1, 3, func(to *jute.Encoder) { to.String("/e"); to.Bool(true) }); code != -101 {
			t.Fatalf("exists: %d", code)
		}
		c.send(func(to *jute.Encoder) { to.Int32(2); to.Int32(1); ephemeral("/e")(to) })
		if event := c.receive(); event.Int32() != -1 {
			t.Error("the answer came before the event")
		}
		if answer := c.receive(); answer.Int32() != 2 {
			t.Error("there is no answer behind the event")
		}
	})
}
