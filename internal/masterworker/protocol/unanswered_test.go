package protocol

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestFollow_UnansweredElection: a candidate that nobody has answered may have begun an
// epoch, whatever has become of its session since, and nobody has begun two.
func TestFollow_UnansweredElection(t *testing.T) {
	const ms = time.Millisecond
	took := func(session string, version int32, sent, answered time.Duration, zxid int64, refused record.Refusal) record.Exchange {
		x := record.Exchange{Process: session, Session: session, Sent: sent, Answered: answered, Zxid: zxid, Error: refused, Index: -1, Ops: []record.Op{
			{Kind: "create", Path: "/master", Ephemeral: true}, {Kind: "set", Path: "/assign", Version: version, Data: "{}"},
		}}
		switch {
		case refused != "":
			x.Index = 0
		case answered > 0:
			x.Ops[1].Got = version + 1
		}
		return x
	}
	closed := func(session string, sent, answered time.Duration, zxid int64) record.Exchange {
		return record.Exchange{Process: "nemesis", Session: session, Sent: sent, Answered: answered, Zxid: zxid, Index: -1, Close: true}
	}
	first, over := took("a", 0, 1*ms, 2*ms, 10, ""), closed("a", 3*ms, 4*ms, 20)
	lost, gone := took("b", 1, 5*ms, 0, 0, ""), closed("b", 7*ms, 8*ms, 30)
	last := took("c", 2, 9*ms, 10*ms, 40, "")
	for name, c := range map[string]struct {
		exchanges []record.Exchange
		accepted  bool
	}{
		"its session was closed":       {[]record.Exchange{first, over, lost, gone, last}, true},
		"nobody saw its session end":   {[]record.Exchange{first, lost, last}, true},
		"another found /master held":   {[]record.Exchange{first, over, lost, took("c", 1, 6*ms, 7*ms, 25, record.NodeExists), gone, last}, true},
		"two were not answered":        {[]record.Exchange{first, over, lost, took("d", 1, 5*ms, 0, 0, ""), gone, last}, true},
		"it was not applied":           {[]record.Exchange{first, over, lost, took("c", 1, 9*ms, 10*ms, 40, "")}, true},
		"its session was over already": {[]record.Exchange{first, over, gone, took("b", 1, 9*ms, 0, 0, ""), took("c", 2, 10*ms, 11*ms, 40, "")}, false},
		"an epoch is skipped":          {[]record.Exchange{first, over, lost, gone, took("c", 3, 9*ms, 10*ms, 40, "")}, false},
	} {
		claims := Split(c.exchanges, 5)[0]
		if o := Follow(&claims); o.Accepted != c.accepted {
			t.Errorf("%s: accepted %v at %d: %s", name, o.Accepted, o.At, o.Why)
		}
	}
}
