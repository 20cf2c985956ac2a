package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/txnlog"
	"github.com/ringmaster-zk/ringmaster/recipe"
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

// together is one profile that has the settings of several.
func together(t *testing.T, names ...string) ensemble.Profile {
	t.Helper()
	var all ensemble.Profile
	for _, name := range names {
		p, err := ensemble.ProfileNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Settings, all.Java = append(all.Settings, p.Settings...), append(all.Java, p.Java...)
		all.Tick, all.SyncLimit = max(all.Tick, p.Tick), max(all.SyncLimit, p.SyncLimit)
		all.Most, all.Counter = max(all.Most, p.Most), max(all.Counter, p.Counter)
		if p.Secret != "" {
			all.Secret = p.Secret
		}
		if p.Secured != "" {
			all.Secured = p.Secured
		}
	}
	return all
}

// strict is one server with every setting that makes it refuse something.
type strict struct {
	profile ensemble.Profile
	address string
}

// config is that of a client which shows its credentials.
func (s strict) config() zkclient.Config {
	config := zkclient.Config{Servers: []string{s.address}, SessionTimeout: 4 * time.Second}
	if user, password, some := strings.Cut(s.profile.Secret, ":"); some {
		config.Credentials = []zkclient.Credential{zkclient.Digest(user, password)}
	}
	return config
}

func nodeOf(path string, bytes int) zkapi.Op {
	return zkapi.Create(path, make([]byte, bytes), zkapi.Persistent)
}

// TestLimits_OfAStrictServer shows what each of these profiles changes, on one server that has the
// settings of all of them. Only a real server has all of them.
func TestLimits_OfAStrictServer(t *testing.T) {
	t.Parallel()
	p := together(t, "small-requests", "quota", "connections-60", "digest-off", "digest-sha256", "enforce-auth")
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 1, Profile: p})
	s := strict{p, e.Addresses()[0]}
	s.smallRequests(t)
	t.Run("quota: it is an answer", s.answersQuota)
	t.Run("quota: what was refused is done when it is lifted", s.goesOnAfterTheQuota)
	t.Run("connections-60: one more is turned away", s.turnsAway)
	t.Run("digest-sha256: another hash is another identity", s.hashesOtherwise)
	t.Run("enforce-auth: a client without credentials is told", s.wantsCredentials)
	t.Run("digest-off: the log has no digests", func(t *testing.T) {
		dir := t.TempDir()
		if err := e.SaveEvidence(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		name := e.Servers[0].Name
		read, err := txnlog.ReadServer(name, filepath.Join(dir, name))
		if err != nil || len(read.Txns) == 0 {
			t.Fatalf("%d transactions, %v", len(read.Txns), err)
		}
		if i := slices.IndexFunc(read.Txns, func(t txnlog.Txn) bool { return t.HasDigest }); i >= 0 {
			t.Errorf("0x%x has one", read.Txns[i].Zxid)
		}
	})
}

// TestLimits_OfSmallRequests shows what small-requests changes, on a server of model/zk/serve.
// TestLimits_OfAStrictServer has the same of a real one.
func TestLimits_OfSmallRequests(t *testing.T) {
	t.Parallel()
	p := together(t, "small-requests")
	strict{p, startServe(t, ensemble.Config{Servers: 1, Profile: p}).addresses()[0]}.smallRequests(t)
}

func (s strict) smallRequests(t *testing.T) {
	t.Run("small-requests: a large request is told from a lost connection", s.tellsTheLarge)
	t.Run("small-requests: the limit is that of the server to the byte", s.exactLimit)
	t.Run("small-requests: thousands of watches survive a lost connection", s.keepsWatches)
}

func (s strict) tellsTheLarge(t *testing.T) {
	session := opened(t, s.config())
	for try := range 4 {
		_, err := session.Do(t.Context(), nodeOf("/large", 200<<10))
		if zkapi.FateOf(err) != zkapi.Unknown || errors.Is(err, zkapi.ErrProbablyTooLarge) != (try >= 2) {
			t.Errorf("try %d: %v", try, err)
		}
	}
	if _, err := session.Do(t.Context(), nodeOf("/fits", 100<<10)); err != nil {
		t.Errorf("what fits: %v", err)
	}
	if got, err := session.Do(t.Context(), zkapi.Exists("/large")); err != nil || got.Found {
		t.Errorf("what does not fit: %+v, %v", got, err)
	}
}

func (s strict) exactLimit(t *testing.T) {
	config := s.config()
	config.MaxRequest = s.profile.Most
	session := opened(t, config)
	exact := nodeOf("/exact", 0)
	exact.Data = make([]byte, s.profile.Most-exact.Size())
	if _, err := session.Do(t.Context(), exact); err != nil {
		t.Errorf("%d bytes: %v", exact.Size(), err)
	}
	if _, err := session.Do(t.Context(), nodeOf("/over", s.profile.Most)); !errors.Is(err, zkapi.ErrTooLarge) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("over it: %v", err)
	}
}

func (s strict) keepsWatches(t *testing.T) {
	var line severable
	config := s.config()
	config.Dial, config.SessionTimeout = line.dial, 10*time.Second
	session := opened(t, config)
	var watched []zkapi.Op
	for i := range 3000 {
		watched = append(watched, zkapi.Exists(fmt.Sprintf("/%s/%06d", strings.Repeat("x", 60), i)).Watched())
	}
	for _, reply := range session.DoAll(t.Context(), watched) {
		if reply.Err != nil {
			t.Fatal(reply.Err)
		}
	}
	before, _, next := session.Connection()
	line.cut()
	env, _ := zkclient.New(config)
	if _, err := env.Wait(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := session.Do(t.Context(), zkapi.Exists("/")); err != nil {
			t.Errorf("on the next connection: %v", err)
		}
	}
	if after, up, _ := session.Connection(); !up || after != before+2 {
		t.Errorf("the connection changed %d times, and is up: %v", after-before, up)
	}
}

// limit sets a quota of so many znodes below a path; -1 is none.
func limit(t *testing.T, session zkapi.Session, path string, znodes int) {
	t.Helper()
	at := "/zookeeper/quota" + path
	for _, node := range []struct{ path, data string }{{at, ""}, {at + "/zookeeper_limits", ""}, {at + "/zookeeper_stats", "count=1,bytes=0"}} {
		if _, err := session.Do(t.Context(), zkapi.Create(node.path, []byte(node.data), zkapi.Persistent)); err != nil && !errors.Is(err, zkapi.ErrNodeExists) {
			t.Fatal(err)
		}
	}
	limits := fmt.Appendf(nil, "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=%d", znodes)
	if _, err := session.Do(t.Context(), zkapi.Set(at+"/zookeeper_limits", limits, zkapi.AnyVersion)); err != nil {
		t.Fatal(err)
	}
}

func (s strict) answersQuota(t *testing.T) {
	session := opened(t, s.config())
	if _, err := session.Do(t.Context(), nodeOf("/q", 0)); err != nil {
		t.Fatal(err)
	}
	limit(t, session, "/q", 2)
	if _, err := session.Do(t.Context(), nodeOf("/q/1", 0)); err != nil {
		t.Fatal(err)
	}
	for _, op := range []zkapi.Op{nodeOf("/q/2", 0), zkapi.Multi(zkapi.Check("/q", 0), nodeOf("/q/2", 0), nodeOf("/other", 0))} {
		_, err := session.Do(t.Context(), op)
		if !errors.Is(err, zkapi.ErrQuota) || zkapi.FateOf(err) != zkapi.NotApplied || !zkapi.Curable(err) || !strings.Contains(err.Error(), "QuotaExceeded") {
			t.Errorf("%v: %v", op.Kind, err)
		}
		if at := zkapi.FailedIndex(err); op.Kind == zkapi.KindMulti && at != 1 {
			t.Errorf("operation %d is said to be refused", at)
		}
	}
	if got, err := session.Do(t.Context(), zkapi.Exists("/other")); err != nil || got.Found {
		t.Errorf("what stood beside it: %+v, %v", got, err)
	}
}

// goesOnAfterTheQuota has a master that may not assign, and a client that may not submit,
// until the quota on their namespace is lifted.
func (s strict) goesOnAfterTheQuota(t *testing.T) {
	const namespace = "/work"
	var logs locked
	env, err := zkclient.New(s.config())
	if err != nil {
		t.Fatal(err)
	}
	see := recipe.Observers{Logger: slog.New(slog.NewTextHandler(&logs, nil))}
	g := group{t: t, env: env, namespace: namespace, see: see}
	g.start("m1", "w1")
	g.does("before", 30*time.Second)
	submitted, err := g.client.Submit(t.Context(), []byte("meanwhile"), recipe.NotBefore(time.Now().Add(time.Second)))
	later := submitted.Task
	if err != nil {
		t.Fatal(err)
	}
	session := opened(t, s.config())
	limit(t, session, namespace, 1)
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	_, err = g.client.Submit(short, nil)
	cancel()
	if ambiguous, some := errors.AsType[*recipe.AmbiguousError](err); !errors.Is(err, zkapi.ErrQuota) || some {
		t.Errorf("submitted under the quota: %v, %v", err, ambiguous)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(logs.String(), "QuotaExceeded"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the master does not say that it is refused:\n%s", logs.String())
		}
	}
	limit(t, session, namespace, -1)
	lifted, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if status, err := g.client.Await(lifted, later); err != nil || status.State != recipe.Done {
		t.Errorf("what was refused: %+v, %v\n%s", status, err, logs.String())
	}
}

func (s strict) turnsAway(t *testing.T) {
	const most = 60
	hold := opened(t, s.config()) // it counts, too
	var kept []net.Conn
	defer func() {
		for _, c := range kept {
			_ = c.Close()
		}
	}()
	for range most - 5 { // in all of the test they must not become too old: after 10 s without a session the server ends them
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c)
	}
	for turnedAway := false; !turnedAway && len(kept) <= most; {
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, err = c.Read(make([]byte, 1)) // the server says nothing to those that it keeps
			kept = append(kept, c)
		}
		turnedAway = !errors.Is(err, os.ErrDeadlineExceeded)
	}
	if n := len(kept); n != most && n != most-1 { // one has a session, and the last one was turned away at once or a moment later
		t.Fatalf("the server keeps %d", n)
	}
	env, err := zkclient.New(s.config())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if session, err := env.Open(short); err == nil {
		t.Errorf("one more is let in")
		_ = session.Close(t.Context())
	} else if !strings.Contains(err.Error(), "maxClientCnxns") {
		t.Errorf("one more: %v", err)
	}
	if _, err := hold.Do(t.Context(), zkapi.Exists("/")); err != nil {
		t.Errorf("one that was there before: %v", err)
	}
	_ = kept[0].Close()
	opened(t, s.config())
}

func (s strict) hashesOtherwise(t *testing.T) {
	session := opened(t, s.config())
	user, password, _ := strings.Cut(s.profile.Secret, ":")
	id, err := zkapi.DigestIDWith(s.profile.Secured, user, password)
	if err != nil {
		t.Fatal(err)
	}
	for path, c := range map[string]struct {
		id   string
		want error
	}{"/hashed": {id, nil}, "/hashed-otherwise": {zkapi.DigestID(user, password), zkapi.ErrNoAuth}} {
		op := nodeOf(path, 0).WithACL([]zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "digest", ID: c.id}})
		if _, err := session.Do(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Do(t.Context(), zkapi.Get(path)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", path, err, c.want)
		}
	}
}

// wantsCredentials: the server grants sessions, refuses every request of those that have
// shown nothing, and closes the connection each time.
func (s strict) wantsCredentials(t *testing.T) {
	config := s.config()
	config.Credentials = nil
	session := opened(t, config)
	_, err := session.Do(t.Context(), zkapi.Get("/"))
	if !errors.Is(err, zkapi.ErrAuthFailed) || !zkapi.Permanent(err) || zkapi.FateOf(err) != zkapi.NotApplied || !strings.Contains(err.Error(), "SessionClosedRequireSaslAuth") {
		t.Errorf("without credentials: %v", err)
	}
	if !session.Done().Fired() || !errors.Is(session.Cause(), zkapi.ErrAuthFailed) {
		t.Errorf("the session goes on: %v", session.Cause())
	}
	if _, err := opened(t, s.config()).Do(t.Context(), zkapi.Get("/")); err != nil {
		t.Errorf("with credentials: %v", err)
	}
}
