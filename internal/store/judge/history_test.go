package judge

import (
	"fmt"
	"strings"
	"time"

	standing "github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// made is a history that is made by hand. Each call lasts three seconds, and its write is in the middle one.
type made struct {
	recordtest.Written
	bad  string // what is wrong with it; empty: nothing
	now  int    // the second
	zxid int64
	op   int64
}

const (
	app     = "apps/application_0001"
	attempt = app + "/attempt_1"
	other   = "apps/application_0002"
	folder  = history.Root + "/RMAppRoot/HIERARCHIES/2/application_00"
	large   = "a large value, which is in two parts"
)

// digest is that of a text.
func digest(text string) string { return history.Digest([]byte(text)) }

// pathOf is the znode of a record.
func pathOf(key string) string {
	return strings.Replace(key, "apps/application_00", folder+"/", 1)
}

// is reports whether this is what is wrong with the history.
func (m *made) is(bad string) bool { return m.bad == bad }

// write is a write of a manager, one second from now.
func (m *made) write(process string, ops ...record.Op) {
	m.zxid++
	m.Write(process, m.now+1, record.OK, m.zxid, ops...)
}

// note notes an operation that begins now, and ends three seconds later.
func (m *made) note(process string, kind record.Kind, outcome record.Type, begin, end record.Payload) {
	m.op++
	at := func(second int, type_ record.Type, of record.Payload) record.Event {
		return record.Event{At: time.Duration(second) * time.Second, Process: process, Type: type_, Kind: kind, Op: 1000 + m.op, Of: of}
	}
	m.Events = append(m.Events, at(m.now, record.Invoke, begin), at(m.now+3, outcome, end))
	m.now += 4
}

// call notes a call of the store.
func (m *made) call(process string, kind record.Kind, epoch int32, outcome record.Type, asked, told any) {
	own := func(data any) record.Own {
		o, err := record.NewOwn("", data)
		if err != nil {
			panic(err)
		}
		o.Token = record.Token{Epoch: epoch}
		return o
	}
	m.note(process, kind, outcome, own(asked), own(told))
}

func op(kind, path, data string, version int32) record.Op {
	o := record.Op{Kind: kind, Path: path, Data: data, Version: version}
	if kind == "set" {
		o.Got = version + 1
	}
	return o
}

func create(path, data string) record.Op { return op("create", path, data, 0) }

// checked is the check of the epoch.
func checked(epoch int32) record.Op { return op("check", history.Epoch, "", epoch) }

// leads has a manager become active, open the store, and load all records.
func (m *made) leads(process string, epoch int32, records ...history.Record) {
	m.write(process, create(standing.Lock, process+":0"), op("set", standing.Epoch, "", epoch-1))
	m.now += 4
	m.op++
	for i, t := range []record.Type{record.Invoke, record.OK} {
		m.Events = append(m.Events, record.Event{
			At: time.Duration(m.now+i*30*int(2-epoch)+i) * time.Second, Process: process, Type: t, Kind: record.Lead, Op: 1000 + m.op, Of: record.Term{Epoch: epoch},
		})
	}
	m.now += 2
	raised, told := epoch, epoch
	if epoch == 2 && m.is("EpochsGrow-back") {
		raised = 1
	}
	if epoch == 2 && m.is("EpochsGrow-told") {
		told = 1
	}
	m.write(process, op("set", history.Epoch, "", raised-1))
	m.call(process, history.Open, told, record.OK, nil, nil)
	m.call(process, history.Load, epoch, record.OK, nil, history.Found{Records: records})
}

// apply is a call that changes records, with its write.
func (m *made) apply(process string, epoch int32, outcome record.Type, told history.Told, changes []history.Change, data ...string) {
	var ops []record.Op
	for i, c := range changes {
		switch {
		case c.Delete:
			ops = append(ops, op("delete", pathOf(c.Key), "", c.If))
		case c.If == history.Absent:
			ops = append(ops, create(pathOf(c.Key), data[i]))
		default:
			ops = append(ops, op("set", pathOf(c.Key), data[i], c.If))
		}
	}
	if told.Refusal == "" {
		m.write(process, append([]record.Op{checked(epoch)}, ops...)...)
	}
	m.call(process, history.Apply, epoch, outcome, history.Asked{Changes: changes}, told)
}

// acknowledge acts on the system outside.
func (m *made) acknowledge(by, key string) {
	m.Events = append(m.Events, record.Event{
		At: time.Duration(m.now) * time.Second, Process: "sink", Type: record.Note, Kind: record.Effect,
		Of: record.Act{Task: key, Accepted: true, By: record.Life{Process: by}},
	})
	m.now++
}

// parts writes a value in two parts.
func (m *made) parts(process, name, value string, epoch int32, both bool) {
	at := history.Parts + "/" + name
	m.write(process, checked(epoch), create(at, app))
	m.write(process, checked(epoch), create(at+"/0000", value[:10]))
	if both {
		m.write(process, checked(epoch), create(at+"/0001", value[10:]))
	}
	m.now += 4
}

// story is a run of two managers. The first one accepts two applications, one of which has a value in parts, and
// is fenced when it has written parts that no record has. The second one loads all, and collects those
// parts; it is refused once, and removes an application.
func story(bad string) record.Run {
	m := &made{Written: recordtest.NewWritten(record.FromMemory), bad: bad, now: 1}
	m.write("m1", create(standing.Epoch, ""), create(history.Epoch, ""))
	m.now += 2
	m.leads("m1", 1)
	m.first()
	m.leads("m2", 2, m.loaded()...)
	m.second()
	if m.is("ServesAfterHeal-never") {
		m.Evidence.Drained, m.Evidence.Problem = false, "drain: nothing moved"
	}
	m.Evidence.Nodes = []record.Node{{Path: pathOf(app)}}
	if m.is("NoAcknowledgedLost-tree") {
		m.Evidence.Nodes = []record.Node{}
	}
	m.Events = record.Merge(m.Events)
	return m.Run
}

// first is what the first manager does.
func (m *made) first() {
	m.apply("m1", 1, record.OK, history.Told{Versions: []int32{0}}, []history.Change{{Key: app, If: history.Absent, Value: digest("one")}}, "one")
	m.acknowledge("m1", app)
	m.parts("m1", "0000000001-x", large, 1, !m.is("PartsWhole-missing"))
	pointer := fmt.Sprintf("@parts 0000000001-x 2 %d sum", len(large))
	m.apply("m1", 1, record.OK, history.Told{Versions: []int32{1, 0}}, []history.Change{
		{Key: app, If: 0, Value: digest(large)}, {Key: attempt, If: history.Absent, Value: digest("@two")},
	}, pointer, "@=@two")
	read := history.Record{Key: app, Version: 1, Value: digest(large)}
	switch {
	case m.is("RecordLinearizable-stale"):
		read = history.Record{Key: app, Version: 0, Value: digest("one")}
	case m.is("PartsWhole-torn"):
		read.Value = digest(large[:10])
	}
	m.call("m1", history.Get, 1, record.OK, history.Wanted{Key: app}, history.Found{Records: []history.Record{read}})
	m.apply("m1", 1, record.Info, history.Told{}, []history.Change{{Key: other, If: history.Absent, Value: digest("three")}}, "three")
	m.acknowledge("m1", other)
	m.parts("m1", "0000000001-y", large, 1, true)
}

// loaded is what the second manager loads.
func (m *made) loaded() []history.Record {
	all := []history.Record{
		{Key: app, Version: 1, Value: digest(large)}, {Key: attempt, Version: 0, Value: digest("@two")}, {Key: other, Version: 0, Value: digest("three")},
	}
	switch {
	case m.is("NoAcknowledgedLost-load"):
		return all[:2]
	case m.is("LoadComplete-without"):
		return []history.Record{all[0], all[2]}
	case m.is("LoadComplete-other"):
		all[1].Version = 1
	}
	return all
}

// second is what the second manager does.
func (m *made) second() {
	if m.is("NoneAcknowledgedByFenced-late") {
		m.acknowledge("m1", app)
	}
	if m.is("OnlyTheLastWrites-late") {
		m.apply("m1", 1, record.Info, history.Told{}, []history.Change{{Key: "apps/application_0009", If: history.Absent, Value: digest("nine")}}, "nine")
	}
	if !m.is("PartsCollected-left") {
		at := history.Parts + "/0000000001-y"
		if m.is("PartsWhole-gone") {
			at = history.Parts + "/0000000001-x"
		}
		m.write("m2", checked(2), op("delete", at+"/0000", "", -1), op("delete", at+"/0001", "", -1), op("delete", at, "", -1))
	}
	m.call("m2", history.Collect, 2, record.OK, nil, history.Swept{Values: 1})
	refused := history.Change{Key: app, If: 7, Value: digest("four")}
	if m.is("RecordLinearizable-refused") {
		refused.If = 1
	}
	m.apply("m2", 2, record.Fail, history.Told{Refusal: history.Changed}, []history.Change{refused}, "four")
	if m.is("OnlyTheLastWrites-unchecked") {
		m.write("m2", op("set", pathOf(attempt), "five", 0))
		m.call("m2", history.Apply, 2, record.OK, history.Asked{Changes: []history.Change{{Key: attempt, If: 0, Value: digest("five")}}}, history.Told{Versions: []int32{1}})
	}
	gone := []history.Change{{Key: other, If: 0, Delete: true}}
	switch {
	case m.is("AppliedAsTold-not"):
		m.call("m2", history.Apply, 2, record.OK, history.Asked{Changes: gone}, history.Told{Versions: []int32{history.Absent}})
	case m.is("AppliedAsTold-although"):
		m.apply("m2", 2, record.Fail, history.Told{}, gone)
	default:
		m.apply("m2", 2, record.OK, history.Told{Versions: []int32{history.Absent}}, gone)
	}
	if m.is("AppliedAsTold-twice") {
		m.write("m2", checked(2), op("set", pathOf(app), "six", 1))
		m.write("m2", checked(2), op("set", pathOf(app), "six", 2))
		m.call("m2", history.Apply, 2, record.OK, history.Asked{Changes: []history.Change{{Key: app, If: history.Any, Value: digest("six")}}}, history.Told{Versions: []int32{2}})
	}
	if m.is("AppliedAsTold-partly") {
		m.write("m2", checked(2), op("set", pathOf(app), "six", 1))
		m.call("m2", history.Apply, 2, record.OK, history.Asked{Changes: []history.Change{{Key: app, If: 1, Value: digest("six")}, {Key: attempt, If: 0, Value: digest("seven")}}}, history.Told{Versions: []int32{2, 1}})
	}
}
