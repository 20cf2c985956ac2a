package synthetic

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
)

// Record is what a run leaves.
type Record struct {
	Events    []history.Event
	Exchanges []history.Exchange
	Evidence  *history.Evidence
}

// Run is the record as judges take it.
func (r *Record) Run() history.Run {
	return history.Run{Events: r.Events, Evidence: r.Evidence, Exchanges: r.Exchanges}.MadeByHand()
}

// Operations counts the invocations.
func (r *Record) Operations() int {
	n := 0
	for i := range r.Events {
		if r.Events[i].Type == history.Invoke {
			n++
		}
	}
	return n
}

// fate is what becomes of a write on its way.
type fate int

const (
	answered fate = iota
	unheard       // applied, and the answer is lost
	lost          // it never reaches a server
)

// member is one participant.
type member struct {
	name        string
	life        int
	op          int64
	xid         int32
	session     string
	incarnation int32 // of a worker
}

func (m *member) lifeName() string { return fmt.Sprintf("%s/%d", m.name, m.life) }

// cluster is ZooKeeper and its participants, as far as what they leave goes. Everything
// happens at the time now, which each event moves on a little.
type cluster struct {
	record   Record
	random   *rand.Rand
	now      time.Duration
	zxid     int64
	sessions int
	tree     map[string]history.Node

	masters, workers, clients []*member
	leader                    *member
	epoch                     int32
	term                      history.Event
	nemesis                   member
}

const nobody = -1 // the version that is demanded by who does not care

func newCluster(seed uint64, masters, workers, clients int) *cluster {
	c := &cluster{random: rand.New(rand.NewPCG(seed, 0)), tree: map[string]history.Node{}, nemesis: member{name: "nemesis"}}
	for _, group := range []struct {
		role string
		size int
		list *[]*member
	}{{"master", masters, &c.masters}, {"worker", workers, &c.workers}, {"client", clients, &c.clients}} {
		for i := range group.size {
			m := &member{name: fmt.Sprintf("%s-%d", group.role, i+1), life: 1}
			*group.list = append(*group.list, m)
			c.note(history.Event{Process: "harness", Kind: history.Process, Text: "started", Target: m.lifeName()})
			c.open(m)
		}
	}
	for _, parent := range []string{"/workers", "/tasks", "/assign", "/candidates"} {
		c.write(c.masters[0], create(parent, ""))
	}
	for _, w := range c.workers {
		c.write(w, create("/assign/"+w.name, ""))
		c.register(w)
	}
	c.elect(c.masters[0])
	return c
}

// add appends an event at the next moment.
func (c *cluster) add(e history.Event) history.Event {
	c.now += time.Duration(20+c.random.IntN(180)) * time.Microsecond
	e.At, e.Seq = c.now, len(c.record.Events)+1
	c.record.Events = append(c.record.Events, e)
	return e
}

func (c *cluster) note(e history.Event) {
	e.Type = history.Note
	c.add(e)
}

func (c *cluster) invoke(m *member, e history.Event) history.Event {
	m.op++
	e.Process, e.Life, e.Type, e.Op = m.name, m.life, history.Invoke, m.op
	return c.add(e)
}

func (c *cluster) complete(invoke history.Event, t history.Type, change func(*history.Event)) {
	e := history.Event{
		Process: invoke.Process, Life: invoke.Life, Type: t, Kind: invoke.Kind, Op: invoke.Op,
		Task: invoke.Task, ID: invoke.ID, Token: invoke.Token, Session: invoke.Session,
	}
	if change != nil {
		change(&e)
	}
	c.add(e)
}

// open grants a participant a session.
func (c *cluster) open(m *member) {
	c.sessions++
	c.zxid++
	m.session = fmt.Sprintf("0x%x", c.sessions)
	c.note(history.Event{Process: "harness", Kind: history.Session, Session: m.session, Text: "granted on the wire", Target: m.lifeName()})
	c.note(history.Event{Process: m.name, Life: m.life, Kind: history.Session, Session: m.session, Text: "opened"})
}

// expire ends a session by force, and tells its holder.
func (c *cluster) expire(m *member, kind string) {
	fault := c.invoke(&c.nemesis, history.Event{Kind: history.Fault, Fault: kind, Target: m.name})
	maps.DeleteFunc(c.tree, func(_ string, n history.Node) bool { return n.Owner == m.session })
	c.complete(fault, history.OK, func(e *history.Event) {
		e.Fault, e.Target, e.Session, e.Effective, e.Text = kind, m.name, m.session, true, "session "+m.session+": gone is true"
	})
	c.note(history.Event{Process: m.name, Life: m.life, Kind: history.Session, Session: m.session, Text: "expired"})
}

// sent is a write that is under way.
type sent struct {
	by     *member
	invoke history.Event
	xid    int32
	ops    []history.Op
}

func (c *cluster) send(m *member, ops ...history.Op) sent {
	m.xid++
	return sent{m, c.invoke(m, history.Event{Kind: history.Write, Session: m.session, Ops: ops}), m.xid, ops}
}

// arrive ends a write that ZooKeeper does not refuse.
func (c *cluster) arrive(w sent, f fate) {
	if f == lost {
		c.complete(w.invoke, history.Info, func(e *history.Event) { e.Text = "connection lost" })
		return
	}
	c.zxid++
	ops := slices.Clone(w.ops)
	for i := range ops {
		c.apply(w.by, &ops[i])
	}
	x := c.exchange(w, ops)
	if f == unheard {
		x.Answered, x.Zxid = 0, 0
		c.record.Exchanges = append(c.record.Exchanges, x)
		c.complete(w.invoke, history.Info, func(e *history.Event) { e.Text = "connection lost" })
		return
	}
	c.record.Exchanges = append(c.record.Exchanges, x)
	c.complete(w.invoke, history.OK, nil)
}

// refuse ends a write that ZooKeeper refuses for the sake of one operation, or, with
// -1, for its session.
func (c *cluster) refuse(w sent, why history.Refusal, index int) {
	c.zxid++
	x := c.exchange(w, w.ops)
	x.Error, x.Index = why, index
	c.record.Exchanges = append(c.record.Exchanges, x)
	c.complete(w.invoke, history.Fail, func(e *history.Event) { e.Text = string(why) })
}

func (c *cluster) exchange(w sent, ops []history.Op) history.Exchange {
	return history.Exchange{
		Process: w.by.name, Life: w.by.life, Session: w.invoke.Session, Xid: w.xid,
		Sent: w.invoke.At + 1, Answered: c.now + 1, Zxid: c.zxid, Index: -1, Ops: ops,
	}
}

// write is one that is answered before anything else happens.
func (c *cluster) write(m *member, ops ...history.Op) { c.arrive(c.send(m, ops...), answered) }

func (c *cluster) apply(by *member, op *history.Op) {
	switch n := c.tree[op.Path]; op.Kind {
	case "create":
		n = history.Node{Path: op.Path, Data: op.Data, Czxid: c.zxid, Mzxid: c.zxid}
		if op.Ephemeral {
			n.Owner = by.session
		}
		c.tree[op.Path] = n
	case "set":
		n.Data, n.Mzxid, n.Version = op.Data, c.zxid, n.Version+1
		op.Got = n.Version
		c.tree[op.Path] = n
	case "delete":
		delete(c.tree, op.Path)
	}
}

// register takes the claim of a worker.
func (c *cluster) register(w *member) {
	c.write(w, history.Op{Kind: "create", Path: "/workers/" + w.name, Data: w.name + ":0", Ephemeral: true},
		set("/assign/"+w.name, w.incarnation, fmt.Sprintf(`{"holder":%q,"session":%q}`, w.name, w.session)))
	w.incarnation++
}

// elect begins the next epoch.
func (c *cluster) elect(m *member) {
	c.write(m, history.Op{Kind: "create", Path: "/master", Data: m.name + ":0", Ephemeral: true},
		set("/assign", c.epoch, fmt.Sprintf(`{"holder":%q,"session":%q,"acks":true}`, m.name, m.session)))
	c.epoch++
	c.leader = m
	c.term = c.invoke(m, history.Event{Kind: history.Lead, Token: history.Token{Epoch: c.epoch}})
	for _, client := range c.clients {
		c.note(history.Event{Process: client.name, Life: client.life, Kind: history.Heard, Text: m.name, Token: history.Token{Epoch: c.epoch}})
	}
}

// finish is the record of a run that was healed and drained.
func (c *cluster) finish() *Record {
	c.complete(c.term, history.OK, func(e *history.Event) { e.Text = "closed" })
	c.note(history.Event{Process: "harness", Kind: history.Phase, Text: "collect"})
	e := &history.Evidence{
		Healed: true, Drained: true, Nodes: make([]history.Node, 0, len(c.tree)),
		Order: history.FromTree, Weaker: "the servers of a synthetic run have no logs",
	}
	for _, path := range slices.Sorted(maps.Keys(c.tree)) {
		e.Nodes = append(e.Nodes, c.tree[path])
	}
	c.record.Evidence = e
	return &c.record
}

func create(path, data string) history.Op {
	return history.Op{Kind: "create", Path: path, Data: data}
}

func remove(path string, version int32) history.Op {
	return history.Op{Kind: "delete", Path: path, Version: version}
}

func check(path string, version int32) history.Op {
	return history.Op{Kind: "check", Path: path, Version: version}
}

func set(path string, version int32, data string) history.Op {
	return history.Op{Kind: "set", Path: path, Version: version, Data: data}
}

// encode is for data that can be encoded.
func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
