package integration

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// rawStep is one step of a sequence: what one client does. It is the same on both servers.
type rawStep struct {
	client int
	text   string
	do     func(*rawSide, *rawClient)
	newer  bool // 3.8 has no such thing
}

// rawDraw draws sequences. What it draws depends on the seed alone, not on answers.
//
// If 3.8 is compared, what differs there is left out: persistent watches, checks of watches,
// the forms of creates in a multi that 3.8 understands otherwise, a check outside of a multi,
// and writes that are cut short, since those take a zxid there. exists needs no permission
// there, so a sequence has either exists or ACLs.
type rawDraw struct {
	*rand.Rand
	old    bool
	closed bool // znodes have ACLs, and exists is left out if old
}

const rawSteps = 60

// drawSteps is the sequence of a seed. The seed 0 stands for the one about quotas.
func drawSteps(seed uint64, old bool) []rawStep {
	if seed == 0 {
		return quotaSteps()
	}
	r := rawDraw{rand.New(rand.NewPCG(seed, 0)), old, !old || seed%2 == 0}
	steps := []rawStep{r.open(0), r.open(1)}
	for len(steps) < rawSteps {
		client := r.IntN(rawClients)
		step := r.kind()(r)
		for old && step.newer {
			step = r.kind()(r)
		}
		step.client = client
		steps = append(steps, step)
	}
	return steps
}

// kinds are what a step may be.
var rawKinds = []struct {
	weight int
	draw   func(rawDraw) rawStep
}{
	{28, func(r rawDraw) rawStep { return r.ask(r.create()) }},
	{8, func(r rawDraw) rawStep { return r.ask(r.delete()) }},
	{8, func(r rawDraw) rawStep { return r.ask(r.set()) }},
	{24, func(r rawDraw) rawStep { return r.ask(r.read()) }},
	{6, func(r rawDraw) rawStep { return r.ask(r.getACL()) }},
	{5, func(r rawDraw) rawStep { return r.ask(r.setACL()) }},
	{12, func(r rawDraw) rawStep { return r.ask(r.multi()) }},
	{4, func(r rawDraw) rawStep { return r.ask(r.multiRead()) }},
	{3, func(r rawDraw) rawStep { return r.ask(r.onePath("sync", rawSync)) }},
	{2, func(r rawDraw) rawStep { return r.ask(r.onePath("ephemerals", rawGetEphemerals)) }},
	{2, func(r rawDraw) rawStep { return r.ask(r.onePath("count children", rawCountChildren)) }},
	{1, func(r rawDraw) rawStep { return r.ask(rawRequest{op: rawWhoAmI, text: "who am I"}) }},
	{2, func(r rawDraw) rawStep { return r.ask(rawRequest{op: rawPing, text: "ping"}) }},
	{6, func(r rawDraw) rawStep { return r.ask(r.watch("add watch", rawAddWatch, 0, 0, 1, 1, 1, 2, -1)) }},
	{5, func(r rawDraw) rawStep { return r.ask(r.watch("check watches", rawCheckWatches, 1, 2, 3, 4, 5, 0, 6)) }},
	{5, func(r rawDraw) rawStep {
		return r.ask(r.watch("remove watches", rawRemoveWatches, 1, 2, 3, 4, 5, 0, 6))
	}},
	{4, func(r rawDraw) rawStep { return r.ask(r.setWatches()) }},
	{3, func(r rawDraw) rawStep { return r.ask(r.auth()) }},
	{1, func(r rawDraw) rawStep { return r.ask(r.odd()) }},
	{4, rawDraw.cut},
	{2, rawDraw.garbage},
	{2, rawDraw.oddGreeting},
	{3, func(r rawDraw) rawStep { return r.open(0) }},
	{4, rawDraw.resume},
	{2, func(r rawDraw) rawStep {
		return rawStep{text: "close the session", do: func(s *rawSide, c *rawClient) { s.endSession(c) }}
	}},
}

func (r rawDraw) kind() func(rawDraw) rawStep {
	all := 0
	for _, k := range rawKinds {
		all += k.weight
	}
	n := r.IntN(all)
	for _, k := range rawKinds {
		if n -= k.weight; n < 0 {
			return k.draw
		}
	}
	panic("unreachable")
}

func oneOf[T any](r rawDraw, from ...T) T { return from[r.IntN(len(from))] }

// rawRequest is a request before it is sent.
type rawRequest struct {
	op    int32
	text  string
	body  func(*rawClient, *jute.Encoder) // nil: none
	newer bool                            // 3.8 answers otherwise
	part  bool                            // 3.8 answers as 3.9 does if it is a part of a multi
}

func (r rawDraw) ask(q rawRequest) rawStep {
	return rawStep{text: q.text, newer: q.newer, do: func(s *rawSide, c *rawClient) {
		if c.conn == nil {
			s.greet(c, rawGreeting{timeout: 40_000, session: c.session, password: c.password, readOnly: true})
		}
		if c.conn == nil { // that session is over
			s.greet(c, rawGreeting{timeout: 40_000, readOnly: true})
		}
		s.request(c, q.op, q.encode(c))
	}}
}

func (q rawRequest) encode(c *rawClient) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		if q.body != nil {
			q.body(c, to)
		}
	}
}

// path draws a path. R stands for the root of the sequence.
func (r rawDraw) path() string {
	if r.IntN(16) == 0 {
		return oneOf(r, null, "", "/", "a", "R/", "R/a/", "R//x", "R/a//b", "R/.", "R/..", "R/a/.", "R/a/../b", "R/\x00", "R/\x1e", "R/\x7f",
			"R/\u0085", "R/\ud7ff", "R/\ue000", "R/\uf8ff", "R/\uf900", "R/\ufff0", "R/\uffff", "R/\U0001f600", "R/ü",
			"/zookeeper", "/zookeeper/config", "/zookeeper/quota", "/zookeeper/none", "//", "R/a/b/", "R/...", "R/.a", "R/\xff")
	}
	return oneOf(r, "R", "R/a", "R/a", "R/a", "R/b", "R/b", "R/a/a", "R/a/a", "R/a/b", "R/b/a", "R/a/a/a")
}

func (c *rawClient) at(path string) string {
	if rest, below := strings.CutPrefix(path, "R"); below {
		return c.side.root + rest
	}
	if rest, below := strings.CutPrefix(path, "Q"); below {
		return "/zookeeper/quota" + c.side.root + rest
	}
	return path
}

// null stands for a string that is none.
const null = "null"

func (c *rawClient) putPath(to *jute.Encoder, path string) {
	if path == null {
		to.Int32(-1)
		return
	}
	to.String(c.at(path))
}

// foreign reports whether a path leads to znodes that all sequences share.
func foreign(path string) bool { return !strings.HasPrefix(path, "R") }

func (r rawDraw) data() []byte {
	return oneOf(r, nil, []byte{}, []byte("1"), []byte("22"))
}

func (r rawDraw) version() int32 {
	return oneOf[int32](r, -1, -1, -1, -1, -1, -1, 0, 0, 0, 1, 2, -2, 1<<31-1)
}

// cut sends a request without its end, or with a length in it that is wrong.
func (r rawDraw) cut() rawStep {
	draws := []func(rawDraw) rawRequest{rawDraw.create, rawDraw.delete, rawDraw.set, rawDraw.read, rawDraw.getACL, rawDraw.setACL, rawDraw.multi,
		rawDraw.multiRead, rawDraw.setWatches, rawDraw.auth, func(r rawDraw) rawRequest { return r.onePath("sync", rawSync) },
		func(r rawDraw) rawRequest { return r.watch("add watch", rawAddWatch, 0, 1) }}
	q := oneOf(r, draws...)(r)
	tail := 1 + r.IntN(12)
	text := fmt.Sprintf("without the last %d bytes: %s", tail, q.text)
	more := r.IntN(4) == 0
	if more {
		text = "with one byte more: " + q.text
	}
	q.newer = q.newer || slices.Contains([]int32{rawCreate, rawCreate2, rawCreateContainer, rawCreateTTL, rawDelete, rawSet, rawSetACL}, q.op)
	whole := q.body
	q.body = func(c *rawClient, to *jute.Encoder) {
		begin := len(to.Bytes)
		whole(c, to)
		if more {
			to.Bytes = append(to.Bytes, 7)
		} else {
			to.Bytes = to.Bytes[:max(begin, len(to.Bytes)-tail)]
		}
	}
	q.text = text
	return r.ask(q)
}

func (r rawDraw) open(client int) rawStep {
	timeout, readOnly := oneOf[int32](r, 40_000, 40_000, 1<<30), r.IntN(4) > 0
	return rawStep{client: client, text: fmt.Sprintf("begin a session, timeout %d, mentions read-only servers %v", timeout, readOnly), do: func(s *rawSide, c *rawClient) {
		if c.conn != nil {
			s.endSession(c)
		} else if c.session != 0 {
			s.greet(c, rawGreeting{timeout: 40_000, session: c.session, password: c.password, readOnly: true})
			if c.conn != nil {
				s.endSession(c)
			}
		}
		s.greet(c, rawGreeting{timeout: timeout, readOnly: readOnly})
	}}
}

// resume has a client come back to its session, with the older connection open or not.
func (r rawDraw) resume() rawStep {
	broken, wrong, ahead, seen := r.IntN(2) == 0, r.IntN(5) == 0, r.IntN(6) == 0, r.IntN(2) == 0
	return rawStep{text: fmt.Sprintf("resume the session, old connection broken %v, wrong password %v, from the future %v, zxid sent %v", broken, wrong, ahead, seen), do: func(s *rawSide, c *rawClient) {
		if c.session == 0 {
			s.note("no session")
			return
		}
		if broken {
			c.drop()
		}
		g := rawGreeting{timeout: 40_000, session: c.session, password: slices.Clone(c.password), readOnly: true}
		if wrong {
			g.password[3]++
		}
		if seen {
			g.seen = c.seen
		}
		if ahead {
			g.seen = c.seen + 1_000_000
		}
		s.greet(c, g)
	}}
}

// garbage sends random bytes as the body of a request. Creates are left out, since one that is
// well-formed by chance would make a znode outside of the root.
func (r rawDraw) garbage() rawStep {
	op := oneOf(r, rawDelete, rawExists, rawGet, rawGetACL, rawChildren, rawSync, rawChildren2, rawMultiRead, rawAuth,
		rawSetWatches, rawSetWatches2, rawGetEphemerals, rawAddWatch, rawCheckWatches, rawRemoveWatches, rawReconfig)
	bytes := make([]byte, r.IntN(24))
	for i := range bytes {
		bytes[i] = oneOf[byte](r, 0, 0, 0, 0, 1, 2, 3, 0x7f, 0xff, 0xff, '/', 'a')
	}
	newer := slices.Contains([]int32{rawDelete, rawAddWatch, rawCheckWatches, rawRemoveWatches, rawSetWatches2}, op)
	return r.ask(rawRequest{op, fmt.Sprintf("request %d with the body %x", op, bytes), func(_ *rawClient, to *jute.Encoder) {
		to.Bytes = append(to.Bytes, bytes...)
	}, newer, true})
}

// oddGreeting is the handshake of somebody else: it is too short, or asks for a session that
// never was.
func (r rawDraw) oddGreeting() rawStep {
	g := rawGreeting{timeout: oneOf[int32](r, 40_000, 0, -1), session: oneOf[int64](r, 5, -1, 1<<60), password: oneOf(r, nil, []byte{}, []byte("1"), make([]byte, 16)), readOnly: r.IntN(2) == 0}
	cut := r.IntN(40)
	return rawStep{text: fmt.Sprintf("another client greets with %+v, at most %d bytes", g, cut), do: func(s *rawSide, _ *rawClient) {
		conn, err := net.DialTimeout("tcp", s.address, rawWait)
		if err != nil {
			s.note("no connection: %v", err)
			return
		}
		other := &rawClient{side: s, conn: conn, read: bufio.NewReader(conn)}
		defer other.drop()
		other.send(func(to *jute.Encoder) {
			begin := len(to.Bytes)
			g.encode(to, s.takes)
			to.Bytes = to.Bytes[:min(len(to.Bytes), begin+cut)]
		})
		frame, err := other.frame()
		s.note("%x %v", frame, err)
		s.note("then %v", other.ended())
	}}
}
