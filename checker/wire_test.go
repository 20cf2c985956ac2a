package checker

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

func wire(t *testing.T, name string) []history.Exchange {
	t.Helper()
	exchanges, err := history.ReadExchanges(filepath.Join("testdata", name+".wire.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return exchanges
}

// TestWires judges frozen recordings of what went over the wire: a failover with an
// ambiguous result and two sessions that end unseen, and the same with one thing
// changed each.
func TestWires(t *testing.T) {
	events, evidence := load(t, "accepted")
	for name, says := range map[string]string{
		"ok":                    "20 writes, 1 of them without an answer",
		"stale-write-bad":       "its session was over",
		"name-of-another-bad":   "its session never began epoch 2",
		"assigned-twice-bad":    "assigned already, to worker-1",
		"worker-unchecked-bad":  "the protocol has no such write",
		"unfenced-bad":          "the protocol has no such write",
		"result-of-another-bad": "worker-2 was never given attempt 1",
		"collected-early-bad":   "no status is among what is deleted",
		"wrong-answer-bad":      "every operation could be done",
		"attempt-skipped-bad":   "what is assigned is attempt 1",
		"second-status-bad":     "node exists at operation 1",
	} {
		t.Run(name, func(t *testing.T) {
			r := Check(events, evidence, wire(t, "FollowsProtocol-"+name), 1)
			for _, p := range r.Properties {
				want := Valid
				if p.Name == "FollowsProtocol" {
					if strings.HasSuffix(name, "-bad") {
						want = Invalid
					}
					if !strings.Contains(p.Reason, says) {
						t.Errorf("it says %q, want %q", p.Reason, says)
					}
				}
				if p.Verdict != want {
					t.Errorf("%s: %s: %s", p.Name, p.Verdict, p.Reason)
				}
			}
		})
	}
}

// TestARunWithoutRecordingIsNotJudgedByIt: an older run stays valid, and says so.
func TestARunWithoutRecordingIsNotJudgedByIt(t *testing.T) {
	events, evidence := load(t, "accepted")
	r := Check(events, evidence, nil, 1)
	for _, p := range r.Properties {
		if p.Name == "FollowsProtocol" && p.Verdict != Skipped {
			t.Errorf("%s: %s", p.Verdict, p.Reason)
		}
	}
	if r.Verdict != Valid {
		t.Errorf("the run is %s", r.Verdict)
	}
}
