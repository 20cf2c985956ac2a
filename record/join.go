package record

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Pairs are the writes of the history, each with its exchange on the wire. The exchange
// has a number, and it has the answer even if the participant did not hear it.
type Pairs struct {
	Exchange []int  // by place of the write: place of its exchange, or -1
	Write    []int  // by place of the exchange: place of its write, or -1
	Begun    []bool // by place of the exchange: the history has a write that was begun for it
}

// group has the writes, in the order in which they began, and the exchanges that look
// alike.
type group struct {
	writes, exchanges []int
	open              int // the writes from here on are paired, all of them
}

// Join pairs writes and exchanges of the same process, session and operations. Mostly a
// group has one write and one exchange. But many callers may send the same request at
// once, a write whose answer was lost is repeated, and a proxy that was cut off may
// send the first request on while the second is under way.
func Join(writes []Operation, exchanges []Exchange) Pairs {
	j := Pairs{make([]int, len(writes)), make([]int, len(exchanges)), make([]bool, len(exchanges))}
	for i := range writes {
		j.Exchange[i] = -1
	}
	for i := range exchanges {
		j.Write[i] = -1
	}
	if len(exchanges) == 0 {
		return j
	}
	begun := sortedByKey(len(writes), func(b []byte, i int) []byte {
		return alike(b, writes[i].Invoke.Process, writes[i].Invoke.Session(), writes[i].Invoke.Ops())
	})
	sent := sortedByKey(len(exchanges), func(b []byte, i int) []byte {
		return alike(b, exchanges[i].Process, exchanges[i].Session, exchanges[i].Ops)
	})
	for len(sent) > 0 {
		var g group
		key := sent[0].key
		for ; len(begun) > 0 && begun[0].key <= key; begun = begun[1:] {
			if begun[0].key == key {
				g.writes = append(g.writes, begun[0].at)
			}
		}
		for ; len(sent) > 0 && sent[0].key == key; sent = sent[1:] {
			g.exchanges = append(g.exchanges, sent[0].at)
		}
		g.open = len(g.writes)
		j.answered(&g, writes, exchanges)
		j.unanswered(&g, writes, exchanges)
	}
	return j
}

// keyed is a position and the number that it is sorted by.
type keyed struct {
	key uint64
	at  int
}

// sortedByKey orders positions by a number for the bytes that describe gives each.
// Positions with the same number keep their order.
func sortedByKey(n int, describe func(b []byte, i int) []byte) []keyed {
	all := make([]keyed, n)
	h := fnv.New64a()
	var b []byte
	for i := range all {
		b = describe(b[:0], i)
		h.Reset()
		_, _ = h.Write(b)
		all[i] = keyed{h.Sum64(), i}
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
	return all
}

// alike encodes the fields that a write in the history and its exchange have in common.
func alike(b []byte, process, session string, ops []Op) []byte {
	b = append(append(append(b, process...), 0), session...)
	for _, op := range ops {
		path := op.Path
		if op.Sequential { // the server completes the name
			path = path[:strings.LastIndexByte(path, '/')+1]
		}
		b = append(append(append(append(b, 0), op.Kind...), 0), path...)
		b = append(strconv.AppendInt(append(b, 0), int64(op.Version), 10), 0)
		b = append(b, op.Data...)
	}
	return b
}

// answered pairs writes whose answer was heard: such an exchange lies within its write
// in time. Going backwards from the last answer, each exchange takes the write that
// began last. No other choice pairs more.
func (j *Pairs) answered(g *group, writes []Operation, exchanges []Exchange) {
	slices.SortStableFunc(g.exchanges, func(a, b int) int {
		return cmp.Or(cmp.Compare(exchanges[b].Answered, exchanges[a].Answered), cmp.Compare(exchanges[b].Zxid, exchanges[a].Zxid))
	})
	for _, at := range g.exchanges {
		x := &exchanges[at]
		j.pair(g, at, func(i int) bool {
			w := &writes[i]
			told := w.Outcome() == OK && x.Error == "" || w.Outcome() == Fail && x.Error != ""
			ended := max(w.Return(math.MaxInt64), 1) // as an exchange that is answered when the run begins
			return told && x.Answered != 0 && w.Invoke.At <= x.Sent && x.Answered <= ended
		})
	}
}

// unanswered pairs the other exchanges with writes that had begun when the exchange was
// sent, and that heard no answer.
func (j *Pairs) unanswered(g *group, writes []Operation, exchanges []Exchange) {
	slices.SortStableFunc(g.exchanges, func(a, b int) int {
		return cmp.Or(cmp.Compare(exchanges[a].Sent, exchanges[b].Sent), cmp.Compare(exchanges[a].Xid, exchanges[b].Xid))
	})
	for n, at := range g.exchanges {
		j.Begun[at] = n < len(g.writes) && writes[g.writes[n]].Invoke.At <= exchanges[at].Sent
	}
	for _, at := range slices.Backward(g.exchanges) {
		if j.Write[at] < 0 {
			j.pair(g, at, func(i int) bool {
				return writes[i].Outcome() == Info && writes[i].Invoke.At <= exchanges[at].Sent
			})
		}
	}
}

// pair gives an exchange the last write of its group that fits and has none.
func (j *Pairs) pair(g *group, exchange int, fits func(write int) bool) {
	for g.open > 0 && j.Exchange[g.writes[g.open-1]] >= 0 {
		g.open--
	}
	for _, i := range slices.Backward(g.writes[:g.open]) {
		if j.Exchange[i] < 0 && fits(i) {
			j.Exchange[i], j.Write[exchange] = exchange, i
			return
		}
	}
}
