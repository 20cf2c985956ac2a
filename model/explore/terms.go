package explore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// terms numbers all values that processes and the world exchange.
type terms struct {
	ops      *interner[zkapi.Op]
	acts     *interner[act]
	outcomes *interner[outcome]
	events   *interner[sessionEvent]
	notes    *interner[map[string]string]
}

func newTerms() *terms {
	return &terms{
		ops: newInterner[zkapi.Op](), acts: newInterner[act](), outcomes: newInterner[outcome](),
		events: newInterner[sessionEvent](), notes: newInterner[map[string]string](),
	}
}

// outcome is a server's answer to one request.
type outcome struct {
	result zkapi.Result
	err    error
	local  bool   // the client library knows it: it cannot be lost
	heard  uint32 // the number of the events that come with it, or 0
}

// Ends of sessions as their owners learn of them.
var (
	errGone          = errors.New("expired by the server, or given up")
	errClosedByOwner = errors.New("closed by its owner")
)

func (t *terms) op(op zkapi.Op) uint32 {
	return t.ops.put(encodeOp(nil, op), func() zkapi.Op { return op })
}

func encodeOp(to []byte, op zkapi.Op) []byte {
	to = append(to, byte(op.Kind), byte(op.Mode))
	if op.Watch {
		to = append(to, 1)
	}
	if op.Follow {
		to = append(to, 2, byte(op.Since))
	}
	to = binary.AppendVarint(to, int64(op.Version))
	to = appendText(appendText(to, op.Path), string(op.Data))
	for _, sub := range op.Ops {
		to = encodeOp(append(to, 0xff), sub)
	}
	return to
}

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func (t *terms) act(a act) uint32 { return t.acts.put(fmt.Append(nil, a), func() act { return a }) }

func (t *terms) outcome(o outcome) uint32 {
	shown := o.result
	shown.Partial = nil
	key := fmt.Append(nil, shown, o.local, o.heard)
	if o.result.Partial != nil {
		key = fmt.Append(key, *o.result.Partial)
	}
	if o.err != nil {
		key = append(key, o.err.Error()...)
	}
	return t.outcomes.put(key, func() outcome { return o })
}

func (t *terms) event(session int, watches ...zk.Watch) uint32 {
	return t.events.put(fmt.Append(nil, session, watches), func() sessionEvent { return sessionEvent{session, watches} })
}

func (t *terms) note(notes map[string]string) uint32 {
	var key []byte
	for _, k := range slices.Sorted(maps.Keys(notes)) {
		key = appendText(appendText(key, k), notes[k])
	}
	return t.notes.put(key, func() map[string]string { return notes })
}

// describe describes a request for people.
func (t *terms) describe(p pending) string {
	switch p.kind {
	case openRequest:
		return "open a session"
	case closeRequest:
		return "close the session"
	case actRequest:
		a := t.acts.get(p.op)
		return fmt.Sprintf("act on %s with token %s", a.Resource, tokenText(a.Token))
	}
	return DescribeOp(t.ops.get(p.op))
}

func tokenText(token int64) string { return fmt.Sprintf("%d.%d", token>>32, token&0xffffffff) }

// DescribeOp is a request in one line, for people.
func DescribeOp(op zkapi.Op) string {
	var text string
	switch op.Kind {
	case zkapi.KindMulti:
		var parts []string
		for _, sub := range op.Ops {
			parts = append(parts, DescribeOp(sub))
		}
		return "multi[" + strings.Join(parts, ", ") + "]"
	case zkapi.KindCreate:
		text = map[zkapi.Mode]string{
			zkapi.Ephemeral: " ephemeral", zkapi.PersistentSequential: " sequential", zkapi.EphemeralSequential: " ephemeral sequential",
		}[op.Mode]
	case zkapi.KindCheck, zkapi.KindSet, zkapi.KindDelete:
		if op.Version != zkapi.AnyVersion {
			text = fmt.Sprintf(" at version %d", op.Version)
		}
	}
	if op.Watch {
		text = " and watch"
	}
	return op.Kind.String() + " " + op.Path + text
}
