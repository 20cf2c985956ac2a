package judge

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/protocol"
	"github.com/ringmaster-zk/ringmaster/internal/parallel"
	"github.com/ringmaster-zk/ringmaster/record"
)

// followsProtocol: everything on the wire, in ZooKeeper's own order, is a behaviour of
// the protocol. Every write was allowed to its session at its time, and every answer is
// the protocol's.
func (f *facts) followsProtocol() checker.Property {
	exchanges := f.Index.Run.Exchanges
	const name = "FollowsProtocol"
	if exchanges == nil {
		return checker.Property{Name: name, Verdict: checker.Skipped, Reason: "The run has no record of the requests and answers on the wire, so this was not judged."}
	}
	p := checker.NewFindings(name)
	if len(exchanges) == 0 {
		p.Doubt(wording.Finding{Code: NoExchange})
	}
	traces, violations := f.follow(p, exchanges)
	for _, v := range violations {
		at := v.by.Answered
		if i := f.Index.Write[v.exchange]; i >= 0 {
			at = f.Index.Moment(i)
		}
		found := wording.Finding{Code: NotAllowed, Object: v.task, Zxid: v.by.Zxid, Exchange: wording.ExchangeOf(v.by), Args: wording.Args{
			"at": at, "process": v.by.Process, "why": v.why,
		}}
		if v.strange {
			found.Args[wording.Listed] = f.Index.Znodes.Touched(v.by.Ops)
		}
		p.Violate(found, f.EventsOf(v.exchange)...)
	}
	unanswered := 0
	for i := range exchanges {
		if exchanges[i].Answered == 0 {
			unanswered++
		}
	}
	return p.Property("%d writes, %d of them without an answer, are a behaviour of the protocol: the writes of the claims, and the writes of each of %d tasks.",
		len(exchanges), unanswered, traces-1)
}

// deviation is a write that the protocol does not allow at its place.
type deviation struct {
	trace    int
	task     string // of the trace; empty of the claims
	exchange int    // place of the write
	by       *record.Exchange
	why      string
	strange  bool // the protocol has no such write
}

// follow follows every trace of a run, several at a time. It returns the number of
// traces, and where they leave the protocol, in ZooKeeper's order, because the first
// deviation explains the others. If it cannot decide a trace, it reports a doubt.
func (f *facts) follow(p *checker.Findings, exchanges []record.Exchange) (traces int, found []deviation) {
	var mu sync.Mutex
	var gaveUp []deviation
	parallel.Each(protocol.Parts(exchanges, f.Policy.MaxAttempts), func(n int, part protocol.Part) {
		t, o := part.Follow()
		mu.Lock()
		defer mu.Unlock()
		traces++
		switch {
		case o.GaveUp:
			gaveUp = append(gaveUp, deviation{trace: n, why: o.Why})
		case !o.Accepted:
			w := &t.Writes[o.At]
			x := &exchanges[w.Exchange-1]
			if w.Kind == protocol.Stranger {
				o.Why += " It was: " + operations(x) + "."
			}
			found = append(found, deviation{n, t.Task, w.Exchange - 1, x, o.Why, w.Kind == protocol.Stranger})
		}
	})
	slices.SortFunc(gaveUp, func(a, b deviation) int { return cmp.Compare(a.trace, b.trace) })
	for _, d := range gaveUp {
		p.Doubt(wording.Finding{Code: NotFollowed, Args: wording.Args{"why": d.why}})
	}
	slices.SortFunc(found, func(a, b deviation) int {
		return cmp.Or(cmp.Compare(a.by.Zxid, b.by.Zxid), cmp.Compare(a.trace, b.trace))
	})
	return traces, found
}

// operations describes a write.
func operations(x *record.Exchange) string { return strings.Join(wording.Parts(x.Ops), ", ") }
