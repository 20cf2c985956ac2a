package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestFollowsProtocol_OfFrozenWires judges frozen recordings of what went over the wire: a failover with an
// ambiguous result and two sessions that end unseen, and the same with one thing
// changed each.
func TestFollowsProtocol_OfFrozenWires(t *testing.T) {
	run := recordtest.Frozen(t, "accepted")
	for name, says := range map[string]string{
		"ok":                    "20 writes, 1 of them without an answer",
		"stale-write-bad":       "its session was over",
		"name-of-another-bad":   "its session never began epoch 2",
		"assigned-twice-bad":    "assigned already, to worker-1",
		"worker-unchecked-bad":  "the protocol has no such write",
		"unfenced-bad":          "the protocol has no such write",
		"result-of-another-bad": "worker-2 was never given attempt 1",
		"collected-early-bad":   "the write does not delete the status",
		"wrong-answer-bad":      "every operation could be done",
		"attempt-skipped-bad":   "worker-1 was never given attempt 2",
		"other-token-bad":       "worker-1 was never given attempt 1 of epoch 2",
		"second-status-bad":     "node exists at operation 1",
	} {
		t.Run(name, func(t *testing.T) {
			run.Exchanges = recordtest.Wire(t, "FollowsProtocol-"+name)
			r := check(run.MadeByHand())
			for _, p := range r.Properties {
				want := checker.Valid
				if p.Name == "FollowsProtocol" {
					if strings.HasSuffix(name, "-bad") {
						want = checker.Invalid
					}
					if !strings.Contains(p.Reason, says) {
						t.Errorf("it says %q, want %q", p.Reason, says)
					}
				}
				if lacks := p.Verdict == checker.Skipped && p.Name != "FollowsProtocol"; p.Verdict != want && !lacks {
					t.Errorf("%s: %s: %s", p.Name, p.Verdict, p.Reason)
				}
			}
		})
	}
}

// TestFollowsProtocol_ShowsAForeignWrite: of a write that the protocol does not have it is told what it
// was, and where the history has it.
func TestFollowsProtocol_ShowsAForeignWrite(t *testing.T) {
	run := recordtest.Frozen(t, "accepted")
	run.Exchanges = recordtest.Wire(t, "FollowsProtocol-ok")
	last := &run.Exchanges[len(run.Exchanges)-1]
	last.Close, last.Process, last.Session, last.Sent, last.Answered = false, "master-2", "0x2", 6050*time.Millisecond, 6080*time.Millisecond
	last.Ops = slices.Clone(run.Events[31-1].Ops())
	last.Ops[0].Ephemeral = false
	for _, p := range check(run.MadeByHand()).Properties {
		if p.Name == "FollowsProtocol" && (!strings.Contains(p.Reason, "It was: create /master, set /assign.") || !slices.Equal(p.Events, []int{31, 32})) {
			t.Errorf("%s %v", p.Reason, p.Events)
		}
	}
}

// TestFollowsProtocol_UnknownWithoutAWire: an older run stays valid, and says so.
func TestFollowsProtocol_UnknownWithoutAWire(t *testing.T) {
	run := recordtest.Frozen(t, "accepted")
	r := check(run)
	for _, p := range r.Properties {
		if p.Name == "FollowsProtocol" && p.Verdict != checker.Skipped {
			t.Errorf("%s: %s", p.Verdict, p.Reason)
		}
	}
	if r.Verdict != checker.Valid {
		t.Errorf("the run is %s", r.Verdict)
	}
}
