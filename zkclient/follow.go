package zkclient

import (
	"context"
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Requests of a followed read that the library does not know.
const (
	opcodeRemoveWatches = 18
	opcodeAddWatch      = 106

	recursive = 1 // a mode of addWatch
	anyWatch  = 3 // a type of removeWatches
)

// followSteps is how many requests a followed read makes at most, before it gives following up:
// mostly there are none, or the watch and the list.
const followSteps = 6

// follow carries out a followed read. A difference is told without a request, if the server has
// not said that the znode itself was set. Whenever it cannot be told, the whole list is read.
func (s *session) follow(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	since := op.Since
	op.Follow, op.Since = false, 0
	for steps := range followSteps {
		if err := s.admit(ctx, op); err != nil {
			return zkapi.Result{}, err
		}
		if zkapi.CheckPath(op.Path) != nil || !s.maybeAddWatch() {
			break
		}
		result, what := s.feeds.ask(op.Path, since, s.now())
		if what == needNothing {
			return result, nil
		}
		if what == needStat && steps >= followSteps/2 {
			what = needList // it is set again and again; the list has a Stat, too
		}
		step := s.newStep(op, what)
		if err := s.exchange(ctx, step.bundle); errors.Is(err, errLacking) {
			continue // on the next connection
		} else if err != nil {
			return zkapi.Result{}, err
		}
		switch outcome := step.bundle.outcome; {
		case outcome == bundleRefused && what != needStat:
			return zkapi.Result{}, refusal(op, step.bundle.code)
		case outcome == bundleNotSent && what == needWatch:
			return s.Do(ctx, op)
		case step.cursor != 0:
			return step.list(), nil
		}
	}
	return s.Do(ctx, op)
}

// maybeAddWatch reports whether the server knows addWatch, or is to be tried.
func (s *session) maybeAddWatch() bool {
	s.mu.Lock()
	w := s.wire
	s.mu.Unlock()
	return w != nil && w.has(addWatch) != lacking
}

// step is one request of a followed read.
type step struct {
	bundle *bundle
	feed   *feed  // that it is for, when it has been written
	cursor int64  // of the list
	watch  *latch // of the list
}

// newStep makes the request for what is needed. The wire calls its functions.
func (s *session) newStep(op zkapi.Op, what need) *step {
	var fields jute.Encoder
	fields.String(op.Path)
	st := &step{bundle: &bundle{ops: []zkapi.Op{op}}}
	b := st.bundle
	b.goes = func(w *wire) bool {
		st.feed = s.feeds.watched(w, op.Path)
		return st.feed != nil
	}
	switch what {
	case needWatch:
		b.opcode, b.ability = opcodeAddWatch, addWatch
		fields.Int32(recursive)
		b.goes = func(w *wire) bool {
			st.feed = s.feeds.begins(w, op.Path)
			return true
		}
		b.heard = func(w *wire) {
			s.feeds.watches(op.Path, st.feed)
			// In a server before 3.9 it has taken the place of the library's watch on the children.
			w.frame = append(w.frame, eventFrame(nodeChildrenChanged, op.Path)...)
		}
	case needList:
		b.opcode = opcodeChildren
		fields.Bool(false)
		b.heard = func(*wire) { st.cursor, st.watch = s.feeds.listed(op.Path, st.feed, statBehindNames(b.body)) }
	case needStat:
		b.opcode = opcodeExists
		fields.Bool(false)
		b.heard = func(*wire) {
			d := jute.Decoder{Rest: b.body}
			s.feeds.stated(op.Path, st.feed, decodeStat(&d))
		}
	}
	b.fields = fields.Bytes
	return st
}

// statBehindNames is the Stat in a list of children.
func statBehindNames(body []byte) zkapi.Stat {
	b := shape{jute.Decoder{Rest: body}}
	b.texts()
	return decodeStat(&b.Decoder)
}

// list is the answer of a step that has listed the children.
func (st *step) list() zkapi.Result {
	d := jute.Decoder{Rest: st.bundle.body}
	names := append(make([]string, 0), d.Strings()...)
	slices.Sort(names)
	return zkapi.Result{Children: names, Stat: decodeStat(&d), Cursor: st.cursor, Watch: st.watch}
}

// unwatch tells the server that a feed is not wanted any more. The request takes the watches of
// the library on that znode away, too, so these fire.
func (s *session) unwatch(l leaving) {
	var fields jute.Encoder
	fields.String(l.path)
	fields.Int32(anyWatch)
	b := &bundle{ops: []zkapi.Op{zkapi.Children(l.path)}, opcode: opcodeRemoveWatches, fields: fields.Bytes}
	b.goes = func(w *wire) bool { return s.feeds.leave(w, l) }
	b.heard = func(w *wire) { w.frame = append(w.frame, eventFrame(nodeDeleted, l.path)...) } // fires all of them
	_ = s.send(b)                                                                             // if the connection is lost, so is the watch
}

// eventFrame is an event for the library alone.
func eventFrame(kind int32, path string) []byte {
	const connected = 3
	var e jute.Encoder
	e.Int32(xidEvent)
	e.Int64(0)
	e.Int32(0)
	e.Int32(kind)
	e.Int32(connected)
	e.String(path)
	return prefixed(e.Bytes)
}

// sumUp sums up changes in their order.
func sumUp(log []change) *zkapi.Partial {
	kinds := map[int32]zkapi.Kind{nodeCreated: zkapi.KindCreate, nodeDeleted: zkapi.KindDelete, nodeDataChanged: zkapi.KindSet}
	var d zkapi.Differences
	for _, c := range log {
		d.Add(kinds[c.kind], c.name)
	}
	return d.Partial()
}
