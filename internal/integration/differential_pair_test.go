package integration

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	model "github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// tally counts what was compared.
type tally struct {
	sequences, disturbed                   atomic.Int64
	requests, parts, refused, glances      atomic.Int64
	events, opened, closed, expired, moved atomic.Int64

	difference atomic.Pointer[string] // the first, with what led to it
}

func (n *tally) String() string {
	return fmt.Sprintf("%d operations (%d refused, %d more inside multis, %d reads without a sync), %d watch events, %d sessions (%d closed, %d expired), %d reconnects, %d sequences, %d given up",
		n.requests.Load(), n.refused.Load(), n.parts.Load(), n.glances.Load(), n.events.Load(), n.opened.Load(), n.closed.Load(), n.expired.Load(), n.moved.Load(), n.sequences.Load(), n.disturbed.Load())
}

// batch is what one write, or one reconnect, tells one session.
type batch struct {
	events   []model.Event
	anyOrder bool
}

// twin is a session of the model, and one on the real ensemble that does the same.
type twin struct {
	name  string
	model *model.Session
	real  *client

	told    []batch // by the model, not yet compared
	unseen  []bool  // writes that the model's session has not seen: whether each tells in any order
	cut     bool
	expired bool // at the servers
	ended   bool // for its owner, too
}

// begin makes what the model tells from here on one batch.
func (x *twin) begin(anyOrder bool) { x.told = append(x.told, batch{anyOrder: anyOrder}) }

func (x *twin) hear(e model.Event) {
	last := &x.told[len(x.told)-1]
	last.events = append(last.events, e)
}

// see lets the model's session learn of one more write.
func (x *twin) see() {
	x.begin(x.unseen[0])
	x.unseen = x.unseen[1:]
	x.model.Advance(1)
}

func (x *twin) seeAll() {
	for len(x.unseen) > 0 {
		x.see()
	}
}

// tb is what testing and rapid have in common.
type tb interface {
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
	Skip(args ...any)
	Cleanup(func())
}

// pair is an ensemble of the model next to a real one, for one sequence of
// operations below one znode.
type pair struct {
	t         tb
	draws     *rapid.T // nil when nothing is drawn
	ctx       context.Context
	addresses []string
	guides    []*client // a session at each server that no sequence touches
	tally     *tally

	root   string
	server *model.Server
	twins  []*twin
	names
	disturbed bool
	log       []string
}

// roots makes the names of the sequences' znodes.
var roots atomic.Int64

func newPair(t tb, ctx context.Context, addresses []string, guides []*client, n *tally) *pair {
	p := &pair{
		t: t, ctx: ctx, addresses: addresses, guides: guides, tally: n, root: fmt.Sprintf("/differential-%d", roots.Add(1)),
		server: model.NewServer(time.Hour), names: newNames(),
	}
	t.Cleanup(func() {
		for _, x := range p.twins {
			x.real.release()
		}
	})
	return p
}

func (p *pair) logf(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf(format, args...))
	p.t.Logf("%s", p.log[len(p.log)-1])
}

// give up a sequence in which the real side lost a connection of itself.
func (p *pair) giveUp(why error) {
	if !p.disturbed {
		p.disturbed = true
		p.tally.disturbed.Add(1)
		p.logf("given up: %v", why)
	}
}

// fail the test, unless the real side was disturbed. The failure itself has no
// names and numbers, which another run of the same sequence would have others of:
// rapid would not know it for the same.
func (p *pair) fail(what, format string, args ...any) {
	for _, x := range p.twins {
		if x.real.disturbed() {
			p.giveUp(fmt.Errorf("%s lost its connection; %s", x.name, fmt.Sprintf(format, args...)))
		}
	}
	if !p.disturbed {
		p.logf(format, args...)
		// What depends on the servers' timing may not happen again for rapid to print.
		first := strings.Join(p.log, "\n")
		p.tally.difference.CompareAndSwap(nil, &first)
		p.t.Fatalf("the model and ZooKeeper differ in %s", what)
	}
}

// open makes one more session, at that server.
func (p *pair) open(server int) {
	x := &twin{name: fmt.Sprintf("session %d", len(p.twins)+1)}
	p.logf("%s opens at server %d", x.name, server+1)
	real, err := connect(p.addresses[server])
	x.real = real
	if real != nil {
		p.twins = append(p.twins, x)
	}
	if err != nil {
		x.ended = true
		p.giveUp(err)
		return
	}
	x.model = p.server.Open()
	x.model.OnEvent(x.hear)
	x.model.Lag() // what the real one may do at any time
	p.ids[x.model.ID()] = real.session.ID
	p.tally.opened.Add(1)
}

// missed tells all other sessions of a write. They see it later.
func (p *pair) missed(by *twin, anyOrder bool) {
	for _, x := range p.twins {
		if x != by && !x.ended {
			x.unseen = append(x.unseen, anyOrder)
		}
	}
}

// count one request.
func (p *pair) count(x *twin, op zkapi.Op, err error) {
	p.tally.requests.Add(1)
	p.tally.parts.Add(int64(len(op.Ops)))
	if err != nil {
		p.tally.refused.Add(1)
	}
	p.logf("%s: %s: %s", x.name, describe(op), outcome(err))
}

// write does a write on both sides. Its answer comes after everything before it.
func (p *pair) write(x *twin, op zkapi.Op) {
	x.seeAll()
	x.begin(false)
	result, err := x.model.Do(p.ctx, op)
	p.missed(x, false)
	p.count(x, op, err)
	p.agree(x, op, result, err)
	p.heard(x, true)
}

// sync brings both sides of a session up to date.
func (p *pair) sync(x *twin) {
	op := zkapi.Sync(p.root)
	x.seeAll()
	result, err := x.model.Do(p.ctx, op)
	p.count(x, op, err)
	p.agree(x, op, result, err)
	p.heard(x, true)
}

// read reads the latest.
func (p *pair) read(x *twin, op zkapi.Op) {
	p.sync(x)
	if p.disturbed {
		return
	}
	result, err := x.model.Do(p.ctx, op)
	p.count(x, op, err)
	p.agree(x, op, result, err)
	p.heard(x, true)
}

// agree does op on the real side and compares.
func (p *pair) agree(x *twin, op zkapi.Op, result zkapi.Result, err error) {
	real, realErr := x.real.do(op)
	if errors.Is(realErr, errDisturbed) {
		p.giveUp(realErr)
		return
	}
	if difference := p.differ(op, result, err, real, realErr); difference != "" {
		p.fail("an answer", "%s: %s: %s", x.name, describe(op), difference)
	}
}

// glance reads without a sync, so that the answer may be an old one. It must be
// that of some moment since what the session saw last, and everything that the
// watches have to tell up to that moment must have been told before.
func (p *pair) glance(x *twin, op zkapi.Op) {
	real, realErr := x.real.do(op)
	if errors.Is(realErr, errDisturbed) {
		p.giveUp(realErr)
		return
	}
	p.tally.glances.Add(1)
	for first := ""; ; x.see() {
		result, err := x.model.Do(p.ctx, op)
		difference := p.differ(op, result, err, real, realErr)
		if difference == "" {
			p.count(x, op, err)
			break
		}
		first = cmp.Or(first, difference)
		if len(x.unseen) == 0 {
			p.fail("an answer", "%s: %s: of no moment: %s; at last %s", x.name, describe(op), first, difference)
			return
		}
	}
	p.heard(x, false)
}

// heard compares the watch events of a session: what the model has told must have
// been heard, and, when all is told, nothing else.
func (p *pair) heard(x *twin, all bool) {
	if p.disturbed {
		return
	}
	for _, b := range x.told {
		events, whole := x.real.takeHeard(len(b.events))
		p.tally.events.Add(int64(len(events)))
		want := slices.Clone(b.events)
		if b.anyOrder {
			slices.SortFunc(want, compareEvents)
			slices.SortFunc(events, compareEvents)
		}
		if !whole || !slices.Equal(want, events) {
			p.fail("watch events", "%s: the model tells %v, ZooKeeper %v", x.name, eventsText(b.events), eventsText(events))
			return
		}
	}
	x.told = nil
	if rest := x.real.rest(); all && len(rest) > 0 {
		p.fail("watch events", "%s: the model tells nothing, ZooKeeper %v", x.name, eventsText(rest))
	}
}

// close ends a session; its reply comes after everything before it.
func (p *pair) close(x *twin) {
	p.logf("%s closes", x.name)
	x.seeAll()
	x.model.CatchUp()
	x.begin(true)
	if err := x.model.Close(p.ctx); err != nil {
		p.t.Fatal(err)
	}
	p.missed(x, true)
	if err := x.real.end(); err != nil {
		p.giveUp(err)
		return
	}
	p.heard(x, true)
	x.ended = true
	p.tally.closed.Add(1)
}

// cutOff breaks the connection of a session.
func (p *pair) cutOff(x *twin) {
	p.sync(x) // so that what comes before the cut is told before it
	if p.disturbed {
		return
	}
	p.logf("%s is cut off", x.name)
	x.model.Cut()
	x.cut = true
	if err := x.real.cut(); err != nil {
		p.giveUp(err)
	}
}

// expire ends a session that is cut off at a server.
func (p *pair) expire(x *twin, server int) {
	p.logf("%s expires at server %d", x.name, server+1)
	x.model.Expire()
	p.missed(x, true)
	x.expired = true
	p.tally.expired.Add(1)
	if err := x.real.expire(p.ctx, p.addresses[server]); err != nil {
		p.giveUp(err)
	}
}

// mend lets a session connect again, to a server that has seen everything: what an
// older one would tell depends on how old it is.
func (p *pair) mend(x *twin, server int) {
	p.logf("%s connects to server %d", x.name, server+1)
	if _, err := p.guides[server].do(zkapi.Sync(p.root)); err != nil {
		p.giveUp(err)
		return
	}
	x.begin(true) // the library asks for its watches in no order
	x.model.Mend()
	x.model.Lag()
	x.unseen, x.cut, x.ended = nil, false, x.expired
	p.tally.moved.Add(1)
	if err := x.real.mend(p.addresses[server]); err != nil {
		p.giveUp(err)
		return
	}
	if over := errors.Is(x.model.Cause(), zkapi.ErrSessionEnded); over != x.expired || x.real.hasExpired() != x.expired {
		p.fail("a session's end", "%s: the model says that it has ended: %v, ZooKeeper: %v; it has been expired: %v", x.name, over, x.real.hasExpired(), x.expired)
	}
	p.heard(x, true)
}

// zxids pairs the model's zxids with ZooKeeper's, in order: as long as both sides
// ascend, all comparisons of two zxids have the same result on both.
type zxids []struct{ model, real int64 }

// with adds a pair; false means that it contradicts those that are known.
func (z zxids) with(model, real int64) (zxids, bool) {
	at, known := slices.BinarySearchFunc(z, model, func(e struct{ model, real int64 }, m int64) int { return cmp.Compare(e.model, m) })
	if known {
		return z, z[at].real == real
	}
	if at > 0 && z[at-1].real >= real || at < len(z) && z[at].real <= real {
		return z, false
	}
	return slices.Insert(slices.Clone(z), at, struct{ model, real int64 }{model, real}), true
}

// names are what has other names on both sides.
type names struct {
	ids   map[int64]int64 // of the real sessions, by those of the model
	zxids zxids
}

func newNames() names { return names{ids: map[int64]int64{0: 0}, zxids: zxids{{0, 0}}} }

// differ says how two answers differ, or learns from them and returns "".
func (p *names) differ(op zkapi.Op, m zkapi.Result, mErr error, r zkapi.Result, rErr error) string {
	if outcome(mErr) != outcome(rErr) {
		return fmt.Sprintf("the model says %q, ZooKeeper %q", outcome(mErr), outcome(rErr))
	}
	known := p.zxids
	if difference := p.differIn(&known, m, r); difference != "" {
		return difference
	}
	if len(m.Results) != len(r.Results) {
		return fmt.Sprintf("the model has %d results, ZooKeeper %d", len(m.Results), len(r.Results))
	}
	for i := range m.Results {
		if difference := p.differIn(&known, m.Results[i], r.Results[i]); difference != "" {
			return fmt.Sprintf("result %d (%s): %s", i, describe(op.Ops[i]), difference)
		}
	}
	p.zxids = known
	return ""
}

func (p *names) differIn(known *zxids, m, r zkapi.Result) string {
	switch {
	case m.Path != r.Path:
		return fmt.Sprintf("the model made %s, ZooKeeper %s", m.Path, r.Path)
	case m.Found != r.Found:
		return fmt.Sprintf("found: the model says %v, ZooKeeper %v", m.Found, r.Found)
	case !bytes.Equal(m.Data, r.Data):
		return fmt.Sprintf("data: the model says %q, ZooKeeper %q", m.Data, r.Data)
	case !slices.Equal(m.Children, r.Children):
		return fmt.Sprintf("children: the model says %q, ZooKeeper %q", m.Children, r.Children)
	}
	owner, ok := p.ids[m.Stat.EphemeralOwner]
	if !ok || owner != r.Stat.EphemeralOwner {
		return fmt.Sprintf("owner: the model says %d, which is 0x%x, ZooKeeper 0x%x", m.Stat.EphemeralOwner, owner, r.Stat.EphemeralOwner)
	}
	for _, z := range []struct {
		name        string
		model, real int64
	}{{"czxid", m.Stat.Czxid, r.Stat.Czxid}, {"mzxid", m.Stat.Mzxid, r.Stat.Mzxid}, {"pzxid", m.Stat.Pzxid, r.Stat.Pzxid}} {
		var fits bool
		if *known, fits = known.with(z.model, z.real); !fits {
			return fmt.Sprintf("%s: the model's 0x%x cannot be ZooKeeper's 0x%x; known is %x", z.name, z.model, z.real, *known)
		}
	}
	if a, b := plain(m.Stat), plain(r.Stat); a != b {
		return fmt.Sprintf("the model says %+v, ZooKeeper %+v", a, b)
	}
	return ""
}

// plain is a Stat without what has other names on both sides.
func plain(s zkapi.Stat) zkapi.Stat {
	s.Czxid, s.Mzxid, s.Pzxid, s.EphemeralOwner = 0, 0, 0, 0
	return s
}

// outcome is an error's class, and which operation of a multi it is of.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	text := err.Error()
	for _, class := range answers {
		if errors.Is(err, class) {
			text = class.Error()
		}
	}
	if i := zkapi.FailedIndex(err); i >= 0 {
		text = fmt.Sprintf("operation %d: %s", i, text)
	}
	return text
}

var modeNames = [...]string{zkapi.Persistent: "", zkapi.Ephemeral: " ephemeral", zkapi.PersistentSequential: " sequential", zkapi.EphemeralSequential: " ephemeral sequential"}

// describe is a request in one line.
func describe(op zkapi.Op) string {
	switch op.Kind {
	case zkapi.KindMulti:
		var parts []string
		for _, sub := range op.Ops {
			parts = append(parts, describe(sub))
		}
		return "multi[" + strings.Join(parts, "; ") + "]"
	case zkapi.KindCreate:
		return fmt.Sprintf("create %s%s %q", op.Path, modeNames[op.Mode], op.Data)
	case zkapi.KindSet:
		return fmt.Sprintf("set %s %q version %d", op.Path, op.Data, op.Version)
	case zkapi.KindDelete, zkapi.KindCheck:
		return fmt.Sprintf("%v %s version %d", op.Kind, op.Path, op.Version)
	}
	if op.Watch {
		return fmt.Sprintf("%v %s watched", op.Kind, op.Path)
	}
	return fmt.Sprintf("%v %s", op.Kind, op.Path)
}

var typeNames = [...]string{model.NodeCreated: "NodeCreated", model.NodeDeleted: "NodeDeleted", model.NodeDataChanged: "NodeDataChanged", model.NodeChildrenChanged: "NodeChildrenChanged"}

func eventsText(events []model.Event) string {
	texts := []string{}
	for _, e := range events {
		texts = append(texts, typeNames[e.Type]+" "+e.Path)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func compareEvents(a, b model.Event) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Type, b.Type))
}
