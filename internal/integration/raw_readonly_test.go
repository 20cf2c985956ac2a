package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readOnlyTick is the tick of the servers that become read-only: the first wait of a server
// without a leader is not shorter than 2 s, whatever the tick.
const readOnlyTick = 2 * time.Second

// readOnlyServers are the settings of the real servers. Without local sessions a real server has
// a read-only mode, and takes no client into it.
func readOnlyServers(localSessions bool) ensemble.Profile {
	p := rawServer
	p.Java = append(slices.Clone(p.Java), "-Dreadonlymode.enabled=true")
	p.Settings = []string{fmt.Sprintf("localSessionsEnabled=%v", localSessions), fmt.Sprintf("localSessionsUpgradingEnabled=%v", localSessions)}
	return p
}

// TestServe_AgreesWithZooKeeperInReadOnlyMode has a server lose its quorum, really and in
// model/zk/serve, and sends both the same frames. RINGMASTER_NIGHTLY=1 takes all versions, and
// many more requests.
func TestServe_AgreesWithZooKeeperInReadOnlyMode(t *testing.T) {
	ensembletest.NeedDocker(t)
	nightly := os.Getenv("RINGMASTER_NIGHTLY") == "1"
	sequences := uint64(40)
	if nightly {
		sequences = 1000
	}
	onVersions(t, nightly, func(t *testing.T) {
		real := newRealReadOnly(t, readOnlyServers(true))
		ours := newOursReadOnly(t)
		sides := []*readOnlySide{ours, real}
		for _, s := range sides {
			s.prepare(t)
			s.loseQuorum(t)
			s.awaitReadOnly(t)
		}
		t.Run("words", func(t *testing.T) { sameWords(t, ours.address, real.address) })
		t.Run("greetings", func(t *testing.T) { sameSteps(t, sides, readOnlyGreetings()) })
		t.Run("requests", func(t *testing.T) {
			requests := 0
			for seed := uint64(1); seed <= sequences && !t.Failed(); seed++ {
				steps := slices.DeleteFunc(drawSteps(seed, real.raw.old), func(s rawStep) bool { return strings.Contains(s.text, "/zookeeper") })
				requests += len(steps)
				sameSteps(t, sides, steps)
			}
			t.Logf("%d requests", requests)
		})
		t.Run("kazoo", func(t *testing.T) {
			for _, s := range sides {
				otherClient{name: "kazoo_readonly", needs: kazoo, command: python("kazoo_readonly")}.check(t, s.address)
			}
		})
		t.Run("the quorum is back", func(t *testing.T) {
			var outcomes [2]string
			for i, s := range sides {
				outcomes[i] = s.regain(t)
			}
			if outcomes[0] != outcomes[1] {
				t.Errorf("ZooKeeper:\n%sserve:\n%s", outcomes[1], outcomes[0])
			}
		})
	})
}

// TestReadOnly_ARealServerWithoutLocalSessionsTakesNobody shows where serve is kinder: such a
// server answers a greeting that it could take with the refusal of a write.
func TestReadOnly_ARealServerWithoutLocalSessionsTakesNobody(t *testing.T) {
	ensembletest.NeedDocker(t)
	real := newRealReadOnly(t, readOnlyServers(false))
	real.prepare(t)
	real.loseQuorum(t)
	real.awaitReadOnly(t)
	conn, err := net.DialTimeout("tcp", real.address, rawWait)
	if err != nil {
		t.Fatal(err)
	}
	c := &rawClient{side: &real.raw, conn: conn, read: bufio.NewReader(conn)}
	defer c.drop()
	c.send(func(to *jute.Encoder) { rawGreeting{timeout: 40_000, readOnly: true}.encode(to, true) })
	frame, err := c.frame()
	d := jute.Decoder{Rest: frame}
	xid, _, code := d.Int32(), d.Int64(), d.Int32()
	if err != nil || d.Bad || xid != 0 || code != -119 || len(d.Rest) > 0 {
		t.Errorf("it answers %x, %v", frame, err)
	}
}

// readOnlySide is an ensemble of three servers. The first one loses the others.
type readOnlySide struct {
	raw        rawSide
	address    string
	loseQuorum func(*testing.T)
	findQuorum func(*testing.T)
}

func newRealReadOnly(t *testing.T, p ensemble.Profile) *readOnlySide {
	t.Helper()
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 3, TickTime: readOnlyTick, Profile: p})
	status, err := e.Servers[0].Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	others := func(do func(*ensemble.Server) error) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := errors.Join(do(e.Servers[1]), do(e.Servers[2])); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &readOnlySide{
		address: e.Servers[0].Address, raw: rawSide{old: strings.HasPrefix(status.Version, "3.8")},
		loseQuorum: others(func(s *ensemble.Server) error { return s.Kill(t.Context()) }),
		findQuorum: others(func(s *ensemble.Server) error { return s.Restart(context.WithoutCancel(t.Context())) }),
	}
}

func newOursReadOnly(t *testing.T) *readOnlySide {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := serve.New(serve.Options{Members: 3, TickTime: readOnlyTick, ReadOnlyMode: true})
	t.Cleanup(e.Close)
	go func() { _ = e.Members()[0].Serve(l) }() // until Close
	others := func(do func(*serve.Member)) func(*testing.T) {
		return func(*testing.T) { do(e.Members()[1]); do(e.Members()[2]) }
	}
	return &readOnlySide{address: l.Addr().String(), loseQuorum: others((*serve.Member).Stop), findQuorum: others((*serve.Member).Start)}
}

// prepare fills the tree. The guide has a session that the whole ensemble knows: a real server
// makes a local one of it until it has an ephemeral.
func (s *readOnlySide) prepare(t *testing.T) {
	t.Helper()
	old := s.raw.old
	s.raw = rawSide{address: s.address, root: "/play", old: old, takes: true, sessions: map[int64]string{}}
	r := &s.raw
	for i := range r.clients {
		r.clients[i] = &rawClient{side: r, name: fmt.Sprint("client ", i)}
	}
	r.guide = &rawClient{side: r, name: "guide"}
	r.greet(r.guide, rawGreeting{timeout: 40_000, readOnly: true})
	create := func(path, data string, acl zkapi.ACL, flags int32) {
		t.Helper()
		code, _ := r.call(r.guide, rawCreate, func(to *jute.Encoder) {
			to.String(r.guide.at(path))
			to.Buffer([]byte(data))
			encodeACL(to, []zkapi.ACL{acl})
			to.Int32(flags)
		})
		if code != 0 || r.guide.conn == nil {
			t.Fatalf("%s is not made: code %d: %s", path, code, r.outcome())
		}
	}
	open := openToAll[0]
	create("/early", "", open, 1)
	if err := r.makeRoot(); err != nil {
		t.Fatal(err)
	}
	create("R/a", "1", open, 0)
	create("R/a/a", "", open, 0)
	create("R/b", "22", zkapi.ACL{Perms: zkapi.PermAll, Scheme: "digest", ID: zkapi.DigestID("u", "p")}, 0)
	create("R/a/b", "", open, 1)
	r.request(r.guide, rawSet, func(to *jute.Encoder) { to.String(r.guide.at("R/a")); to.Buffer([]byte("3")); to.Int32(-1) })
}

// awaitReadOnly waits until the first server is read-only.
func (s *readOnlySide) awaitReadOnly(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); say(t, s.address, "isro") != "ro"; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not read-only: isro says %q", say(t, s.address, "isro"))
		}
	}
	s.raw.guide.drop()
}

// play plays steps with fresh clients: an outcome for each step, and for the end.
func (s *readOnlySide) play(steps []rawStep) []string {
	for i := range s.raw.clients {
		s.raw.clients[i] = &rawClient{side: &s.raw, name: fmt.Sprint("client ", i)}
	}
	defer s.raw.close()
	return s.raw.play(steps)
}

func sameSteps(t *testing.T, sides []*readOnlySide, steps []rawStep) {
	t.Helper()
	got, want := sides[0].play(steps), sides[1].play(steps)
	if difference := firstDifference(steps, got, want); difference != "" {
		t.Errorf("the two servers differ:\n%s", difference)
	}
}

// readOnlyGreetings are the handshakes that matter: with and without the flag, and for the
// session of the guide, which all servers know.
func readOnlyGreetings() []rawStep {
	step := func(text string, do func(s *rawSide, c *rawClient)) rawStep { return rawStep{text: text, do: do} }
	guide := func(wrong, ahead bool) func(s *rawSide, c *rawClient) {
		return func(s *rawSide, _ *rawClient) {
			g := rawGreeting{timeout: 40_000, session: s.guide.session, password: slices.Clone(s.guide.password), readOnly: true}
			if wrong {
				g.password[0]++
			}
			if ahead {
				g.seen = s.guide.seen + 1
			}
			s.greet(s.guide, g)
		}
	}
	return []rawStep{
		step("a client that does not take read-only servers", func(s *rawSide, c *rawClient) {
			s.takes = false
			defer func() { s.takes = true }()
			s.greet(c, rawGreeting{timeout: 40_000, readOnly: true})
		}),
		step("a client that does not know of read-only servers", func(s *rawSide, c *rawClient) { s.greet(c, rawGreeting{timeout: 40_000}) }),
		step("a session that all servers know", guide(false, false)),
		step("a session that all servers know, with a wrong password", guide(true, false)),
		step("a session that all servers know, ahead", guide(false, true)),
		step("a new session", func(s *rawSide, c *rawClient) { s.greet(c, rawGreeting{timeout: 1 << 30, readOnly: true}) }),
		step("ephemerals of all", func(s *rawSide, c *rawClient) {
			s.request(c, rawGetEphemerals, func(to *jute.Encoder) { to.String("/") })
		}),
		step("a write with a body that is none", func(s *rawSide, c *rawClient) { s.request(c, rawCreate, nil) }),
		step("an empty multi", func(s *rawSide, c *rawClient) {
			s.request(c, rawMulti, func(to *jute.Encoder) { to.Int32(-1); to.Bool(true); to.Int32(-1) })
		}),
		step("its end", func(s *rawSide, c *rawClient) { s.request(c, rawClose, nil) }),
		step("the session that has ended", func(s *rawSide, c *rawClient) {
			s.greet(c, rawGreeting{timeout: 40_000, session: c.session, password: c.password, readOnly: true})
		}),
	}
}

// regain has two clients connected when the quorum comes back: both lose their connections, the
// read-only session is over, and that of the guide goes on.
func (s *readOnlySide) regain(t *testing.T) string {
	r := &s.raw
	r.lines = nil
	c := &rawClient{side: r, name: "client"}
	r.greet(c, rawGreeting{timeout: 40_000, readOnly: true})
	r.request(c, rawExists, func(to *jute.Encoder) { to.String(r.root); to.Bool(true) })
	s.findQuorum(t)
	deadline := time.Now().Add(60 * time.Second)
	for {
		_ = c.conn.SetReadDeadline(deadline)
		if _, err := c.read.ReadByte(); err != nil {
			r.note("its connection ends: %v", !errors.Is(err, os.ErrDeadlineExceeded))
			break
		}
		r.note("a byte came")
	}
	c.drop()
	for say(t, s.address, "isro") != "rw" {
		if time.Now().After(deadline) {
			t.Fatal("it does not serve again")
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.greet(c, rawGreeting{timeout: 40_000, session: c.session, password: c.password, readOnly: true})
	g := r.guide
	r.greet(g, rawGreeting{timeout: 40_000, session: g.session, password: g.password, readOnly: true})
	r.request(g, rawGetEphemerals, func(to *jute.Encoder) { to.String("/") })
	g.drop()
	return regexp.MustCompile(`zxid \S+`).ReplaceAllString(r.outcome(), "zxid N") // epochs differ
}
