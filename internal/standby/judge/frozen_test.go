package judge

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/checker/wording/wordingtest"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func TestCodes_HaveTheirSentences(t *testing.T) { wordingtest.Hold(t, texts, ".") }

// check judges a run of the switch.
func check(run record.Run) *checker.Result { return checker.Check(run, 1, Judging()) }

// rejected lists for each frozen history which properties must reject it, and a part of what is
// said. The histories differ from accepted.ndjson in one thing each.
var rejected = map[string]checkertest.Rejected{
	"OneActive-bad":                 {[]string{"OneActive", "FencedFirst"}, "candidate-1 became active with epoch 3 at 4.050s, while candidate-1 was active with epoch 1"},
	"ActsInTime-bad":                {[]string{"ActsInTime"}, "candidate-1/1 acted on the system outside at 32.048s, although candidate-1 had become active with epoch 3"},
	"FencedFirst-breadcrumb-bad":    {[]string{"FencedFirst"}, `The breadcrumb named "candidate-1:1", and the process had not fenced it in this term`},
	"FencedFirst-old-bad":           {[]string{"FencedFirst", "FencesTheRightOne"}, "candidate-1/1, which had been active with epoch 1, had not left in good order and was not fenced before"},
	"FencedFirst-early-bad":         {[]string{"FencedFirst"}, "candidate-3 became active with epoch 16 at 128.809s, and had not left its breadcrumb before"},
	"FencesTheRightOne-another-bad": {[]string{"FencedFirst", "FencesTheRightOne"}, `candidate-1 fenced "candidate-9:1" at 31.335s, but the breadcrumb named "candidate-1:1"`},
	"FencesTheRightOne-power-bad":   {[]string{"FencesTheRightOne"}, "candidate-2/1 had the power of candidate-9/1 cut at 31.050s, which it was not told to fence"},
	"BreadcrumbsTrue-another-bad":   {[]string{"FencedFirst", "BreadcrumbsTrue"}, `candidate-3 wrote the breadcrumb "candidate-9:1" at 128.809s`},
	"BreadcrumbsTrue-active-bad":    {[]string{"BreadcrumbsTrue"}, "candidate-3 removed its breadcrumb at 124.280s (zxid 0x61), although it had not become standby"},
	"BreadcrumbsTrue-unhealthy-bad": {[]string{"BreadcrumbsTrue"}, "although it was not healthy"},
	"BreadcrumbsTrue-left-bad":      {[]string{"BreadcrumbsTrue"}, "candidate-3 gave the lock up at 129.600s (zxid 0x6f) after it had become standby in good order, and left its breadcrumb"},
	"FailoversTold-unclean-bad":     {[]string{"FailoversTold"}, "candidate-3 accepted a failover at 124.280s (zxid 0x61), and did not give up the lock and its breadcrumb in the same write"},
	"FailoversTold-overtaken-bad":   {[]string{"FailoversTold"}, "candidate-3 took the lock with epoch 16 at 128.809s (zxid 0x67), 4.529s after a failover to c-candidate-2.1.u6 was accepted"},
	"FailoversTold-elsewhere-bad":   {[]string{"FailoversTold"}, "client-1 asked for a failover to candidate-1, and was told at 32.048s that it is done, with candidate-9 active"},
	"FailoversTold-refused-bad":     {[]string{"FailoversTold"}, "was told at 128.809s that it is refused (no candidate), but candidate-3 accepted the request"},
	"UnhealthyLeave-stayed-bad":     {[]string{"UnhealthyLeave"}, "candidate-3 said at 118.978s that it is not healthy, and its term with epoch 14 went on for 5.302s"},
	"UnhealthyLeave-became-bad":     {[]string{"UnhealthyLeave"}, "candidate-1 became active with epoch 3 at 32.048s, and had been unhealthy for 8.414s"},
	"EpochsTold-bad":                {[]string{"EpochsTold"}, "candidate-3 became active at 128.809s with epoch 21, but ZooKeeper gave it no lock with that epoch"},
	"CausesTold-bad":                {[]string{"CausesTold"}, "its term with epoch 8 is over, and the cause is none that the recipe names"},
	"LedgerInOrder-bad":             {[]string{"LedgerInOrder"}, "but the final tree has entry 1 of epoch 1"},
	"ActiveAfterHeal-bad":           {[]string{"ActiveAfterHeal"}, `no process was active that handed over to another one: drain: no progress for 1m6s; waiting clients: ["client-1"]`},
}

// elsewhere are the properties of every recipe that elects a leader. Their frozen histories are those of another room.
var elsewhere = []string{"SingleMaster", "ToldTruly", "ElectionLinearizable"}

// TestJudging_AcceptsTheAcceptedHistory: in it, candidates are killed and lose their sessions, lives are ended by
// the power switch, attempts to fence fail, and failovers are accepted and refused.
func TestJudging_AcceptsTheAcceptedHistory(t *testing.T) {
	r := checkertest.Accepts(t, Judging(), "accepted")
	for _, what := range []string{"activations", "fencings", "fencings_failed", "given_up", "clean_ends", "failovers", "failovers_refused", "acts", "entries"} {
		if r.Counts[what] == 0 {
			t.Errorf("there are no %s", what)
		}
	}
}

func TestJudging_RejectsBadHistories(t *testing.T) {
	checkertest.Rejects(t, Judging(), rejected, elsewhere...)
}

func TestJudging_DoubtIsNeitherPassNorViolation(t *testing.T) { checkertest.Doubts(t, Judging()) }

// TestJudging_WithoutTheCommits: what is about their order is in doubt, and the rest is judged by the events.
func TestJudging_WithoutTheCommits(t *testing.T) {
	checkertest.WithoutCommits(t, Judging(), map[string]map[string]checker.Verdict{
		"accepted":       {"OneActive": checker.Valid, "ActsInTime": checker.Valid, "FencedFirst": checker.Unknown, "BreadcrumbsTrue": checker.Unknown, "FailoversTold": checker.Unknown},
		"OneActive-bad":  {"OneActive": checker.Invalid},
		"ActsInTime-bad": {"ActsInTime": checker.Invalid},
	})
}

// TestJudging_NothingHappened: a run in which no process was active, and none was fenced, proves nothing.
func TestJudging_NothingHappened(t *testing.T) {
	r := check(recordtest.NewWritten(record.FromMemory).Run)
	for _, why := range []string{"no process became active", "no process was fenced"} {
		if !slices.Contains(r.Vacuous, why) {
			t.Errorf("%q is not among %q", why, r.Vacuous)
		}
	}
}
