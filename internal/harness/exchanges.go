package harness

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/recorder"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// holder is the owner of a session.
type holder struct {
	process string
	life    int
}

// nemesisProcess is the process in records of sessions that the nemesis ended.
const nemesisProcess = "nemesis"

// exchanged is a write in the history's terms, still without its times.
func (r *run) exchanged(by holder, session int64, op zkapi.Op, result zkapi.Result, err error) record.Exchange {
	e := record.Exchange{Process: by.process, Life: by.life, Session: fmt.Sprintf("0x%x", session), Index: -1, Close: op.Kind == 0}
	if e.Close {
		e.Error = refusalOf(err)
		return e
	}
	e.Ops = recorder.Describe(op, r.namespace)
	if err != nil {
		e.Error, e.Index = refusalOf(err), zkapi.FailedIndex(err)
		if op.Kind != zkapi.KindMulti {
			e.Index = 0
		}
		return e
	}
	for i, gained := range recorder.Gained(op, result, r.namespace) {
		e.Ops[i].Got = gained.Got
		if gained.Path != "" {
			e.Ops[i].Path = gained.Path
		}
	}
	return e
}

// refusals are the history's names for the reasons of refused writes.
var refusals = []struct {
	err  error
	name record.Refusal
}{
	{zkapi.ErrBadVersion, record.BadVersion}, {zkapi.ErrNoNode, record.NoNode}, {zkapi.ErrNodeExists, record.NodeExists},
	{zkapi.ErrNotEmpty, record.NotEmpty}, {zkapi.ErrEphemeral, record.EphemeralNode}, {zkapi.ErrSessionEnded, record.SessionExpired},
	{zkapi.ErrNoAuth, record.NoAuth}, {zkapi.ErrInvalidPath, record.InvalidPath}, {zkapi.ErrBadArguments, record.BadArguments},
}

func refusalOf(err error) record.Refusal {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	if answer, ok := errors.AsType[zkapi.ServerError](err); ok {
		return record.Refusal(strconv.Itoa(int(answer.Code)))
	}
	if err != nil {
		return record.Refusal(err.Error())
	}
	return ""
}

// quotaExceeded is the server's code.
const quotaExceeded = "-125"

// wrote records a write that the participant's proxy has seen.
func (p *process) wrote(x ensemble.Exchange) {
	life, _ := p.lives.Load(x.Session)
	born, _ := life.(int)
	e := p.run.exchanged(holder{p.name, born}, x.Session, x.Request.Op, x.Result, x.Err)
	e.Xid, e.Zxid, e.Sent = x.Request.Xid, x.Zxid, x.Sent-p.run.origin
	if x.Answered != 0 {
		e.Answered = x.Answered - p.run.origin
	}
	if e.Error == quotaExceeded {
		p.run.overQuota.Add(1)
	}
	p.run.wire.Add(e)
}

// expired records that the nemesis has ended a participant's session.
func (d *docker) expired(s ensemble.Session, sent time.Duration, zxid int64) {
	e := d.exchanged(holder{process: nemesisProcess}, s.ID, zkapi.Op{}, zkapi.Result{}, nil)
	e.Zxid, e.Sent, e.Answered = zxid, sent-d.origin, clock.Now()-d.origin
	d.wire.Add(e)
}

// wrote records a write of an actor. The observer only reads.
func (m *memory) wrote(w zk.Write) {
	by, known := m.owners.Load(w.Session)
	if !known {
		return
	}
	e := m.exchanged(by.(holder), w.Session, w.Op, w.Result, w.Err)
	// The run may begin with a write, and 0 would mean that it was not answered.
	e.Zxid, e.Sent = w.Zxid, m.now()
	e.Answered = max(e.Sent, 1)
	if !w.Expired { // no participant asks for the end of a session that expires
		m.wire.Add(e)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits = append(m.commits, commitOf(e))
}
