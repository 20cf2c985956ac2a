package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// severable is a dialer whose connections can be cut all at once.
type severable struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (s *severable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = append(s.conns, c)
	}
	return c, err
}

func (s *severable) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

// opened is a session on a real server until the test ends.
func opened(t *testing.T, config zkclient.Config) zkapi.Session {
	t.Helper()
	env, err := zkclient.New(config)
	if err != nil {
		t.Fatal(err)
	}
	session, err := env.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close(context.Background()) })
	return session
}

// TestAServerWithSmallLimits has a jute.maxbuffer of 128 KiB and enforces quotas.
func TestAServerWithSmallLimits(t *testing.T) {
	const most = 128 << 10
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 1, Profile: ensemble.Profile{
		Java: []string{fmt.Sprintf("-Djute.maxbuffer=%d", most)}, Settings: []string{"enforceQuota=true"},
	}})
	servers := []string{e.Servers[0].Address}
	data := func(path string, bytes int) zkapi.Op {
		return zkapi.Create(path, make([]byte, bytes), zkapi.Persistent)
	}

	t.Run("a large request is told from a lost connection", func(t *testing.T) {
		s := opened(t, zkclient.Config{Servers: servers})
		for try := range 4 {
			_, err := s.Do(t.Context(), data("/large", 200<<10))
			if zkapi.FateOf(err) != zkapi.Unknown || errors.Is(err, zkapi.ErrProbablyTooLarge) != (try >= 2) {
				t.Errorf("try %d: %v", try, err)
			}
		}
		if _, err := s.Do(t.Context(), data("/fits", 100<<10)); err != nil {
			t.Errorf("what fits: %v", err)
		}
		if got, err := s.Do(t.Context(), zkapi.Exists("/large")); err != nil || got.Found {
			t.Errorf("what does not fit: %+v, %v", got, err)
		}
	})
	t.Run("the limit is that of the server to the byte", func(t *testing.T) {
		s := opened(t, zkclient.Config{Servers: servers, MaxRequest: most})
		exact := data("/exact", 0)
		exact.Data = make([]byte, most-exact.Size())
		if _, err := s.Do(t.Context(), exact); err != nil {
			t.Errorf("%d bytes: %v", exact.Size(), err)
		}
		if _, err := s.Do(t.Context(), data("/over", most)); !errors.Is(err, zkapi.ErrTooLarge) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("over it: %v", err)
		}
	})
	t.Run("thousands of watches survive a lost connection", func(t *testing.T) {
		var line severable
		s := opened(t, zkclient.Config{Servers: servers, Dial: line.dial, SessionTimeout: 10 * time.Second})
		var watched []zkapi.Op
		for i := range 3000 {
			watched = append(watched, zkapi.Exists(fmt.Sprintf("/%s/%06d", strings.Repeat("x", 60), i)).Watched())
		}
		for _, reply := range s.DoAll(t.Context(), watched) {
			if reply.Err != nil {
				t.Fatal(reply.Err)
			}
		}
		before, _, next := s.Connection()
		line.cut()
		env, _ := zkclient.New(zkclient.Config{Servers: servers})
		if _, err := env.Wait(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := s.Do(t.Context(), zkapi.Exists("/")); err != nil {
				t.Errorf("on the next connection: %v", err)
			}
		}
		if after, up, _ := s.Connection(); !up || after != before+2 {
			t.Errorf("the connection changed %d times, and is up: %v", after-before, up)
		}
	})
	t.Run("a quota is an answer", func(t *testing.T) {
		s := opened(t, zkclient.Config{Servers: servers})
		const limits = "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2"
		for _, op := range []zkapi.Op{
			data("/q", 0), data("/zookeeper/quota/q", 0),
			zkapi.Create("/zookeeper/quota/q/zookeeper_limits", []byte(limits), zkapi.Persistent),
			zkapi.Create("/zookeeper/quota/q/zookeeper_stats", []byte("count=1,bytes=0"), zkapi.Persistent), data("/q/1", 0),
		} {
			if _, err := s.Do(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		for _, op := range []zkapi.Op{data("/q/2", 0), zkapi.Multi(zkapi.Check("/q", 0), data("/q/2", 0), data("/other", 0))} {
			_, err := s.Do(t.Context(), op)
			if !errors.Is(err, zkapi.ErrQuota) || zkapi.FateOf(err) != zkapi.NotApplied || !zkapi.Curable(err) || !strings.Contains(err.Error(), "QuotaExceeded") {
				t.Errorf("%v: %v", op.Kind, err)
			}
			if at := zkapi.FailedIndex(err); op.Kind == zkapi.KindMulti && at != 1 {
				t.Errorf("operation %d is said to be refused", at)
			}
		}
		if got, err := s.Do(t.Context(), zkapi.Exists("/other")); err != nil || got.Found {
			t.Errorf("what stood beside it: %+v, %v", got, err)
		}
	})
}

// TestAServerThatEnforcesAuthentication refuses every request of who has shown no
// credentials, and closes the connection each time, but grants sessions.
func TestAServerThatEnforcesAuthentication(t *testing.T) {
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 1, Profile: ensemble.Profile{
		Settings: []string{"enforce.auth.enabled=true", "enforce.auth.schemes=digest"},
	}})
	config := zkclient.Config{Servers: []string{e.Servers[0].Address}}
	s := opened(t, config)
	_, err := s.Do(t.Context(), zkapi.Get("/"))
	if !errors.Is(err, zkapi.ErrAuthFailed) || !zkapi.Permanent(err) || zkapi.FateOf(err) != zkapi.NotApplied || !strings.Contains(err.Error(), "SessionClosedRequireSaslAuth") {
		t.Errorf("without credentials: %v", err)
	}
	if !s.Done().Fired() || !errors.Is(s.Cause(), zkapi.ErrAuthFailed) {
		t.Errorf("the session goes on: %v", s.Cause())
	}
	config.Credentials = []zkclient.Credential{zkclient.Digest("me", secret)}
	if _, err := opened(t, config).Do(t.Context(), zkapi.Get("/")); err != nil {
		t.Errorf("with credentials: %v", err)
	}
}
