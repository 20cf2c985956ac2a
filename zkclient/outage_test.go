package zkclient

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// with is the lines with a text in them.
func (l *lines) with(text string) (found []string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// outside is a network in memory, in virtual time. While it is cut, each connection is
// refused, and the established ones end when cut is called.
type outside struct {
	isCut atomic.Bool
	mu    sync.Mutex
	ends  []net.Conn
}

var errRefused = errors.New("connection refused")

func (o *outside) dial(context.Context, string, string) (net.Conn, error) {
	if o.isCut.Load() {
		return nil, errRefused
	}
	ours, theirs := net.Pipe()
	o.mu.Lock()
	o.ends = append(o.ends, theirs)
	o.mu.Unlock()
	go func() {
		defer theirs.Close()
		if greet(theirs, 0xA, 10_000) {
			serve(theirs, asked.usual)
		}
	}()
	return ours, nil
}

func (o *outside) cut() {
	o.isCut.Store(true)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.ends {
		_ = c.Close()
	}
}

// inOutage runs a test with a driver on a network in memory, in virtual time.
func inOutage(t *testing.T, test func(t *testing.T, o *outside, d *Driver, log *lines)) {
	synctest.Test(t, func(t *testing.T) {
		o, log := &outside{}, &lines{}
		d, err := New(Config{Servers: []string{"zk1"}, Dial: o.dial, Logger: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		test(t, o, d, log)
		time.Sleep(time.Minute) // the library's goroutines end
	})
}

// TestOpen_SaysWithinASecondThatNoSessionComes: once in an outage, however often Open is
// called, and once when it is over.
func TestOpen_SaysWithinASecondThatNoSessionComes(t *testing.T) {
	const begins, ends = "no session: waiting until a server grants one", "a server has granted a session"
	inOutage(t, func(t *testing.T, o *outside, d *Driver, log *lines) {
		o.cut()
		failed := make(chan error, 2)
		for range cap(failed) {
			go func() { _, err := d.Open(t.Context()); failed <- err }()
		}
		time.Sleep(time.Second)
		if got := log.with(begins); len(got) != 1 || !strings.Contains(got[0], "zk1:2181: connection refused") || !strings.Contains(got[0], "since=") {
			t.Errorf("after a second: %q", got)
		}
		if why := zkapi.WhyUnreachable(d); why == nil || !strings.Contains(why.Reason, "zk1:2181: connection refused") {
			t.Errorf("why: %v", why)
		}
		for range cap(failed) {
			if err := <-failed; !strings.Contains(err.Error(), "connection refused") {
				t.Error(err)
			}
		}
		ended := time.AfterFunc(5*time.Second, func() { o.isCut.Store(false) })
		defer ended.Stop()
		s, err := d.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b, e := log.with(begins), log.with(ends); len(b) != 1 || len(e) != 1 || !strings.Contains(e[0], "after=1") {
			t.Errorf("when it is over: %q and %q", b, e)
		}
		if why := zkapi.WhyUnreachable(d); why != nil {
			t.Errorf("when it is over: %v", why)
		}
		_ = s.Close(t.Context())
	})
}

// TestSession_SaysThatItsConnectionIsLost: in the log, and in the errors of requests that
// were not sent.
func TestSession_SaysThatItsConnectionIsLost(t *testing.T) {
	const begins, ends = "the connection is lost: waiting", "a server has taken the session up again"
	inOutage(t, func(t *testing.T, o *outside, d *Driver, log *lines) {
		s, err := d.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o.cut()
		synctest.Wait()
		if why := zkapi.WhyUnreachable(s); why == nil {
			t.Error("it has a connection")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err = s.Do(ctx, zkapi.Get("/x"))
		why, told := errors.AsType[*zkapi.Unreachable](err)
		if !told || !strings.Contains(why.Reason, "zk1:2181: connection refused") || !errors.Is(err, zkapi.ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request: %v", err)
		}
		if got := log.with(begins); len(got) != 1 || !strings.Contains(got[0], "connection refused") {
			t.Errorf("after two seconds: %q", got)
		}
		o.isCut.Store(false)
		if _, err := s.Do(t.Context(), zkapi.Get("/x")); !errors.Is(err, zkapi.ErrNoNode) {
			t.Errorf("when it is over: %v", err)
		}
		if got := log.with(ends); len(got) != 1 || zkapi.WhyUnreachable(s) != nil || len(log.with("no session")) != 0 {
			t.Errorf("when it is over: %q", got)
		}
		_ = s.Close(t.Context())
	})
}

// TestSession_ShortLossIsNotTold: a connection that is replaced at once is no news.
func TestSession_ShortLossIsNotTold(t *testing.T) {
	inOutage(t, func(t *testing.T, o *outside, d *Driver, log *lines) {
		s, err := d.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o.cut()
		o.isCut.Store(false)
		time.Sleep(time.Minute)
		if got := log.with("the connection"); len(got) != 0 || s.Done().Fired() {
			t.Errorf("%q, %v", got, s.Cause())
		}
		_ = s.Close(t.Context())
	})
}
