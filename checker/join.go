package checker

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/history"
)

// joined pairs the writes that the history has with those that were seen on the wire,
// which have a number there, and an answer whether or not the participant has heard it.
type joined struct {
	writes []int  // by position in the history's writes: of its exchange, or -1
	events []int  // by position in exchanges: of the write in the history, or -1
	begun  []bool // by position in exchanges: the history has a write that was begun for it
}

// group is what is alike: writes in the order in which they were begun, and exchanges.
type group struct{ writes, exchanges []int }

// join pairs what is alike: same process, session and operations. Mostly that is one and
// one. But many may ask for the same at once, a write whose answer was lost is repeated,
// and a proxy that was cut off may send the first on while the second is under way.
func join(writes []history.Operation, exchanges []history.Exchange) joined {
	j := joined{make([]int, len(writes)), make([]int, len(exchanges)), make([]bool, len(exchanges))}
	groups := map[uint64]*group{}
	of := func(process, session string, ops []history.Op) *group {
		key := alike(process, session, ops)
		if groups[key] == nil {
			groups[key] = &group{}
		}
		return groups[key]
	}
	for i, w := range writes {
		j.writes[i] = -1
		g := of(w.Invoke.Process, w.Invoke.Session, w.Invoke.Ops)
		g.writes = append(g.writes, i)
	}
	for i, x := range exchanges {
		j.events[i] = -1
		g := of(x.Process, x.Session, x.Ops)
		g.exchanges = append(g.exchanges, i)
	}
	for _, g := range groups {
		j.answered(g, writes, exchanges)
		j.unanswered(g, writes, exchanges)
	}
	return j
}

// alike is a number for what a write in the history and its exchange have in common.
func alike(process, session string, ops []history.Op) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", process, session)
	for _, op := range ops {
		path := op.Path
		if op.Sequential { // the server completes the name
			path = path[:strings.LastIndexByte(path, '/')+1]
		}
		fmt.Fprintf(h, "\x00%s\x00%s\x00%d\x00%s", op.Kind, path, op.Version, op.Data)
	}
	return h.Sum64()
}

// answered pairs writes whose answer was heard: an exchange lies within its write in
// time. From the last answer on, each takes what was begun last; no other choice pairs
// more.
func (j *joined) answered(g *group, writes []history.Operation, exchanges []history.Exchange) {
	slices.SortStableFunc(g.exchanges, func(a, b int) int {
		return cmp.Or(cmp.Compare(exchanges[b].Answered, exchanges[a].Answered), cmp.Compare(exchanges[b].Zxid, exchanges[a].Zxid))
	})
	for _, at := range g.exchanges {
		x := &exchanges[at]
		j.pair(g, at, func(i int) bool {
			w := &writes[i]
			told := w.Outcome() == history.OK && x.Error == "" || w.Outcome() == history.Fail && x.Error != ""
			ended := max(w.Return(math.MaxInt64), 1) // as an exchange that is answered when the run begins
			return told && x.Answered != 0 && w.Invoke.At <= x.Sent && x.Answered <= ended
		})
	}
}

// unanswered pairs the rest: with writes that had been begun when it was sent, and have
// heard nothing.
func (j *joined) unanswered(g *group, writes []history.Operation, exchanges []history.Exchange) {
	slices.SortStableFunc(g.exchanges, func(a, b int) int {
		return cmp.Or(cmp.Compare(exchanges[a].Sent, exchanges[b].Sent), cmp.Compare(exchanges[a].Xid, exchanges[b].Xid))
	})
	for n, at := range g.exchanges {
		j.begun[at] = n < len(g.writes) && writes[g.writes[n]].Invoke.At <= exchanges[at].Sent
	}
	for _, at := range slices.Backward(g.exchanges) {
		if j.events[at] < 0 {
			j.pair(g, at, func(i int) bool {
				return writes[i].Outcome() == history.Info && writes[i].Invoke.At <= exchanges[at].Sent
			})
		}
	}
}

// pair gives an exchange the last write of its group that fits and has none.
func (j *joined) pair(g *group, exchange int, fits func(write int) bool) {
	for _, i := range slices.Backward(g.writes) {
		if j.writes[i] < 0 && fits(i) {
			j.writes[i], j.events[exchange] = exchange, i
			return
		}
	}
}
