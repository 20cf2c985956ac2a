package synthetic

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Record is the record of a run.
type Record struct {
	Events    []record.Event
	Exchanges []record.Exchange
	Evidence  *record.Evidence
}

// Run is the record as judges take it.
func (r *Record) Run() record.Run {
	return record.Run{Events: r.Events, Evidence: r.Evidence, Exchanges: r.Exchanges}.MadeByHand()
}

// Operations counts the invocations.
func (r *Record) Operations() int {
	n := 0
	for i := range r.Events {
		if r.Events[i].Type == record.Invoke {
			n++
		}
	}
	return n
}

// fate is the fate of a write on its way.
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

func (m *member) alive() record.Life { return record.Life{Process: m.name, Number: m.life} }

// cluster simulates ZooKeeper and its participants, as far as their records go.
// Everything happens at the time now, which each event moves on a little.
type cluster struct {
	record   Record
	random   *rand.Rand
	now      time.Duration
	zxid     int64
	sessions int
	tree     map[string]record.Node

	masters, workers, clients []*member
	leader                    *member
	epoch                     int32
	term                      record.Event
	nemesis                   member
}

const nobody = -1 // demands any version

func newCluster(seed uint64, masters, workers, clients int) *cluster {
	c := &cluster{random: rand.New(rand.NewPCG(seed, 0)), tree: map[string]record.Node{}, nemesis: member{name: "nemesis"}}
	for _, group := range []struct {
		role string
		size int
		list *[]*member
	}{{"master", masters, &c.masters}, {"worker", workers, &c.workers}, {"client", clients, &c.clients}} {
		for i := range group.size {
			m := &member{name: fmt.Sprintf("%s-%d", group.role, i+1), life: 1}
			*group.list = append(*group.list, m)
			c.note(record.Event{Process: "harness", Kind: record.Process, Of: record.ProcessChange{Fate: record.Started, Of: m.alive()}})
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
func (c *cluster) add(e record.Event) record.Event {
	c.now += time.Duration(20+c.random.IntN(180)) * time.Microsecond
	e.At, e.Seq = c.now, len(c.record.Events)+1
	c.record.Events = append(c.record.Events, e)
	return e
}

func (c *cluster) note(e record.Event) {
	e.Type = record.Note
	c.add(e)
}

func (c *cluster) invoke(m *member, e record.Event) record.Event {
	m.op++
	e.Process, e.Life, e.Type, e.Op = m.name, m.life, record.Invoke, m.op
	return c.add(e)
}

func (c *cluster) complete(invoke record.Event, t record.Type, of record.Payload) {
	c.add(record.Event{Process: invoke.Process, Life: invoke.Life, Type: t, Kind: invoke.Kind, Op: invoke.Op, Of: of})
}

// over ends a write.
func (c *cluster) over(w sent, t record.Type, problem string) {
	c.complete(w.invoke, t, record.Request{Session: w.invoke.Session(), Problem: problem})
}

// open grants a participant a session.
func (c *cluster) open(m *member) {
	c.sessions++
	c.zxid++
	m.session = fmt.Sprintf("0x%x", c.sessions)
	c.note(record.Event{Process: "harness", Kind: record.Session, Of: record.SessionChange{Session: m.session, Fate: record.Granted, To: m.alive()}})
	c.note(record.Event{Process: m.name, Life: m.life, Kind: record.Session, Of: record.SessionChange{Session: m.session, Fate: record.Opened}})
}

// expire ends a session by force, and tells its holder.
func (c *cluster) expire(m *member, kind string) {
	fault := c.invoke(&c.nemesis, record.Event{Kind: record.Fault, Of: record.Injection{Fault: kind, Targets: []string{m.name}}})
	maps.DeleteFunc(c.tree, func(_ string, n record.Node) bool { return n.Owner == m.session })
	c.complete(fault, record.OK, record.Injection{
		Fault: kind, Targets: []string{m.name}, Sessions: []string{m.session}, Effective: true, Evidence: "session " + m.session + ": gone is true",
	})
	c.note(record.Event{Process: m.name, Life: m.life, Kind: record.Session, Of: record.SessionChange{Session: m.session, Fate: record.Lost, Detail: "expired"}})
}

// sent is a write that is under way.
type sent struct {
	by     *member
	invoke record.Event
	xid    int32
	ops    []record.Op
}

func (c *cluster) send(m *member, ops ...record.Op) sent {
	m.xid++
	return sent{m, c.invoke(m, record.Event{Kind: record.Write, Of: record.Request{Session: m.session, Ops: ops}}), m.xid, ops}
}

// arrive ends a write that ZooKeeper does not refuse.
func (c *cluster) arrive(w sent, f fate) {
	if f == lost {
		c.over(w, record.Info, "connection lost")
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
		c.over(w, record.Info, "connection lost")
		return
	}
	c.record.Exchanges = append(c.record.Exchanges, x)
	c.over(w, record.OK, "")
}

// refuse ends a write that ZooKeeper refuses because of one operation or, with -1,
// because of its session.
func (c *cluster) refuse(w sent, why record.Refusal, index int) {
	c.zxid++
	x := c.exchange(w, w.ops)
	x.Error, x.Index = why, index
	c.record.Exchanges = append(c.record.Exchanges, x)
	c.over(w, record.Fail, string(why))
}

func (c *cluster) exchange(w sent, ops []record.Op) record.Exchange {
	return record.Exchange{
		Process: w.by.name, Life: w.by.life, Session: w.invoke.Session(), Xid: w.xid,
		Sent: w.invoke.At + 1, Answered: c.now + 1, Zxid: c.zxid, Index: -1, Ops: ops,
	}
}

// write sends a write that is answered before anything else happens.
func (c *cluster) write(m *member, ops ...record.Op) { c.arrive(c.send(m, ops...), answered) }

func (c *cluster) apply(by *member, op *record.Op) {
	switch n := c.tree[op.Path]; op.Kind {
	case "create":
		n = record.Node{Path: op.Path, Data: op.Data, Czxid: c.zxid, Mzxid: c.zxid}
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
	c.write(w, record.Op{Kind: "create", Path: "/workers/" + w.name, Data: w.name + ":0", Ephemeral: true},
		set("/assign/"+w.name, w.incarnation, fmt.Sprintf(`{"holder":%q,"session":%q}`, w.name, w.session)))
	w.incarnation++
}

// elect begins the next epoch.
func (c *cluster) elect(m *member) {
	c.write(m, record.Op{Kind: "create", Path: "/master", Data: m.name + ":0", Ephemeral: true},
		set("/assign", c.epoch, fmt.Sprintf(`{"holder":%q,"session":%q,"acks":true}`, m.name, m.session)))
	c.epoch++
	c.leader = m
	c.term = c.invoke(m, record.Event{Kind: record.Lead, Of: record.Term{Epoch: c.epoch}})
	for _, client := range c.clients {
		c.note(record.Event{Process: client.name, Life: client.life, Kind: record.Heard, Of: record.Leader{Name: m.name, Epoch: c.epoch}})
	}
}

// finish is the record of a run that was healed and drained.
func (c *cluster) finish() *Record {
	c.complete(c.term, record.OK, record.Term{Epoch: c.epoch, Cause: "closed"})
	c.note(record.Event{Process: "harness", Kind: record.Phase, Of: record.PhaseChange{Part: record.Collecting}})
	e := &record.Evidence{
		Healed: true, Drained: true, Nodes: make([]record.Node, 0, len(c.tree)),
		Order: record.FromTree, Weaker: "the servers of a synthetic run have no logs",
	}
	for _, path := range slices.Sorted(maps.Keys(c.tree)) {
		e.Nodes = append(e.Nodes, c.tree[path])
	}
	c.record.Evidence = e
	return &c.record
}

func create(path, data string) record.Op {
	return record.Op{Kind: "create", Path: path, Data: data}
}

func remove(path string, version int32) record.Op {
	return record.Op{Kind: "delete", Path: path, Version: version}
}

func check(path string, version int32) record.Op {
	return record.Op{Kind: "check", Path: path, Version: version}
}

func set(path string, version int32, data string) record.Op {
	return record.Op{Kind: "set", Path: path, Version: version, Data: data}
}

// encode is for data that can be encoded.
func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
