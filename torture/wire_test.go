package torture

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// wireAgainstHistory holds what went over the wire in a run against what the
// participants say of it, two records that are made in different places.
func wireAgainstHistory(t *testing.T, dir string) {
	t.Helper()
	run, err := load(dir)
	if err != nil || len(run.Losses) > 0 {
		t.Fatal(run.Losses, err)
	}
	type count struct{ asked, told, sent, applied int }
	counts := map[string]*count{}
	of := func(process string, life int, session string, ops []record.Op) *count {
		plain := append([]record.Op{}, ops...)
		for i := range plain {
			plain[i].Got = 0
			if plain[i].Sequential { // who asks does not know the number
				plain[i].Path = strings.TrimRight(plain[i].Path, "0123456789")
			}
		}
		key, err := json.Marshal([]any{process, life, session, plain})
		if err != nil {
			t.Fatal(err)
		}
		if counts[string(key)] == nil {
			counts[string(key)] = &count{}
		}
		return counts[string(key)]
	}
	zxids, answered, ended := map[int64]bool{}, 0, 0
	for _, x := range run.Exchanges {
		if x.Answered != 0 {
			answered++
			if zxids[x.Zxid] || x.Zxid == 0 || x.Answered < x.Sent {
				t.Errorf("two writes, or none, at one place: %+v", x)
			}
			zxids[x.Zxid] = true
		}
		if x.Close {
			ended++
			continue
		}
		c := of(x.Process, x.Life, x.Session, x.Ops)
		c.sent++
		if x.Answered != 0 && x.Error == "" {
			c.applied++
			for _, op := range x.Ops {
				if op.Kind == "set" && op.Version >= 0 && op.Got != op.Version+1 {
					t.Errorf("a set of version %d made %d: %+v", op.Version, op.Got, x)
				}
			}
		}
	}
	for _, w := range record.Operations(run.Events, record.Write) {
		c := of(w.Invoke.Process, w.Invoke.Life, w.Invoke.Session(), w.Invoke.Ops())
		c.asked++
		if w.Outcome() == record.OK {
			c.told++
		}
	}
	for what, c := range counts {
		if c.sent > c.asked || c.told > c.applied {
			t.Errorf("asked %d times, sent %d; applied %d times, told so %d: %s", c.asked, c.sent, c.applied, c.told, what)
		}
	}
	t.Logf("%d exchanges, %d answered, %d of them the ends of sessions", len(run.Exchanges), answered, ended)
	if answered < 100 || ended == 0 {
		t.Error("that is too little to say anything")
	}
}
