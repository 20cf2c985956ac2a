package protocol

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestFollow_MasterOfAnOlderBuild: one whose claim does not say that it knows of acks may delete
// what a worker of this build holds, and gives the record its own epoch. No other may, a
// later one of this build neither.
func TestFollow_MasterOfAnOlderBuild(t *testing.T) {
	const older, ours = `{"holder":"m"}`, `{"holder":"m","acks":true}`
	at := time.Duration(0)
	did := func(session string, ops ...record.Op) record.Exchange {
		at += 2
		return record.Exchange{Process: session, Session: session, Sent: at, Answered: at + 1, Zxid: int64(at), Index: -1, Ops: ops}
	}
	elected := func(session string, version int32, claim string) record.Exchange {
		return did(session, record.Op{Kind: "create", Path: "/master", Ephemeral: true}, record.Op{Kind: "set", Path: "/assign", Version: version, Got: version + 1, Data: claim})
	}
	taken := func(session string, epoch, recorded int32) record.Exchange {
		return did(session, record.Op{Kind: "check", Path: "/assign", Version: epoch}, record.Op{Kind: "delete", Path: "/assign/w/task-a", Version: -1},
			record.Op{Kind: "create", Path: "/tasks/task-a/attempt-1", Data: fmt.Sprintf(`{"epoch":%d,"attempt":1,"worker":"w","reason":"silent"}`, recorded)})
	}
	given := func(claim string) []record.Exchange {
		return []record.Exchange{
			elected("m1", 0, claim),
			did("w", record.Op{Kind: "create", Path: "/assign/w"}),
			did("w", record.Op{Kind: "create", Path: "/workers/w", Ephemeral: true}, record.Op{Kind: "set", Path: "/assign/w", Got: 1, Data: `{"holder":"w","acks":true}`}),
			did("c", record.Op{Kind: "create", Path: "/tasks/task-a", Data: "x"}),
			did("m1", record.Op{Kind: "check", Path: "/assign", Version: 1}, record.Op{Kind: "check", Path: "/workers/w", Version: -1}, record.Op{Kind: "check", Path: "/assign/w", Version: 1},
				record.Op{Kind: "create", Path: "/assign/w/task-a", Data: `{"epoch":1,"attempt":1,"incarnation":1}`}),
			did("w", record.Op{Kind: "check", Path: "/assign/w", Version: 1}, record.Op{Kind: "check", Path: "/assign/w/task-a", Version: -1},
				record.Op{Kind: "create", Path: "/tasks/task-a/progress", Ephemeral: true}),
		}
	}
	// The next worker finds the progress of the one before: so that one's session is there.
	shown := func(master string, epoch int32) []record.Exchange {
		return []record.Exchange{
			did("v", record.Op{Kind: "create", Path: "/assign/v"}),
			did("v", record.Op{Kind: "create", Path: "/workers/v", Ephemeral: true}, record.Op{Kind: "set", Path: "/assign/v", Got: 1, Data: `{"holder":"v","acks":true}`}),
			did(master, record.Op{Kind: "check", Path: "/assign", Version: epoch}, record.Op{Kind: "check", Path: "/workers/v", Version: -1}, record.Op{Kind: "check", Path: "/assign/v", Version: 1},
				record.Op{Kind: "create", Path: "/assign/v/task-a", Data: fmt.Sprintf(`{"epoch":%d,"attempt":2,"incarnation":1}`, epoch)}),
			did("v", record.Op{Kind: "check", Path: "/assign/v", Version: 1}, record.Op{Kind: "check", Path: "/assign/v/task-a", Version: -1},
				record.Op{Kind: "delete", Path: "/tasks/task-a/progress", Version: -1}, record.Op{Kind: "create", Path: "/tasks/task-a/progress", Ephemeral: true}),
		}
	}
	all := func(parts ...[]record.Exchange) []record.Exchange { return slices.Concat(parts...) }
	one := func(x record.Exchange) []record.Exchange { return []record.Exchange{x} }
	for name, c := range map[string]struct {
		exchanges []record.Exchange
		accepted  bool
	}{
		"of an older build":            {all(given(older), one(taken("m1", 1, 1)), shown("m1", 1)), true},
		"of this build":                {all(given(ours), one(taken("m1", 1, 1)), shown("m1", 1)), false},
		"of this build, after another": {all(given(older), one(elected("m2", 1, ours)), one(taken("m2", 2, 1)), shown("m2", 2)), false},
		"of an older build, later":     {all(given(ours), one(elected("m2", 1, older)), one(taken("m2", 2, 2)), shown("m2", 2)), true},
		"it records an epoch of ours":  {all(given(ours), one(elected("m2", 1, older)), one(taken("m2", 2, 1)), shown("m2", 2)), false},
	} {
		traces := Split(c.exchanges, 5)
		if len(traces) != 2 {
			t.Fatalf("%s: %d traces", name, len(traces))
		}
		accepted, why := true, ""
		for _, trace := range traces {
			o := Follow(&trace)
			accepted = accepted && o.Accepted
			why += fmt.Sprintf("%s at %d: %s; ", trace.Name(), o.At, o.Why)
		}
		if accepted != c.accepted {
			t.Errorf("%s: accepted %v: %s", name, accepted, why)
		}
	}
}
