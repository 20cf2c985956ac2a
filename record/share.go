package record

import (
	"hash/maphash"
	"slices"
)

// shareOps lets exchanges share the parts of their writes with the history, which has
// the same parts once more, so that a long run needs less memory. Exchanges are compared
// with the writes that began shortly before them.
func shareOps(events []Event, exchanges []Exchange) {
	seed := maphash.MakeSeed()
	var recent [1 << 15][]Op
	var b []byte
	slot := func(session string, ops []Op) *[]Op {
		b = alike(b[:0], "", session, ops)
		return &recent[maphash.Bytes(seed, b)%uint64(len(recent))]
	}
	next := 0
	for i := range exchanges {
		x := &exchanges[i]
		for ; next < len(events) && events[next].At <= max(x.Sent, x.Answered); next++ {
			if e := &events[next]; e.Kind == Write && len(e.Ops()) > 0 {
				*slot(e.Session(), e.Ops()) = e.Ops()
			}
		}
		if len(x.Ops) == 0 {
			continue
		}
		if ops := *slot(x.Session, x.Ops); slices.Equal(ops, x.Ops) {
			x.Ops = ops
		}
	}
}
