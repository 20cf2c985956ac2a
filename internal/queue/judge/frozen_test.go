package judge

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/checker/wording/wordingtest"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func TestCodes_HaveTheirSentences(t *testing.T) { wordingtest.Hold(t, texts, ".") }

// check judges a run of queues.
func check(run record.Run) *checker.Result { return checker.Check(run, 1, Judging()) }

// rejected lists for each frozen history which properties must reject it, and a part of what
// is said. The histories differ from accepted.ndjson in one thing each: a producer puts items,
// one of them delayed, one of them poison, and one whose answer is lost; one of two consumers
// loses its session while it has an item.
var rejected = map[string]checkertest.Rejected{
	"ConsumedOnce-apart-bad":      {[]string{"ConsumedOnce"}, "Item b was consumed at 0.165s (zxid 0x16), and what its consumer writes with that was not written by the same write"},
	"ConsumedOnce-denied-bad":     {[]string{"ConsumedOnce"}, "consumer-1 was told at 0.166s that item b is not recorded as consumed, but it was (zxid 0x16)"},
	"ConsumedOnce-twice-bad":      {[]string{"ConsumedOnce", "ItemLinearizable", "PutOnce"}, "Item a was recorded as consumed twice: for consumer-1, and at 0.241s for consumer-2 (zxid 0x28)"},
	"ConsumedOnce-untrue-bad":     {[]string{"ConsumedOnce", "NothingLeft", "Recovered"}, "consumer-1 was told at 0.164s that item b is recorded as consumed, but no write did that"},
	"DeadLetter-early-bad":        {[]string{"DeadLetter"}, "Item d became the dead letter /queues/jobs/dead/entry-100-0000000000 at 0.220s (zxid 0x23) after 2 takes; /queues/jobs demands 3"},
	"DeadLetter-often-bad":        {[]string{"DeadLetter"}, "consumer-1 took item d at 0.231s (zxid 0x25) for the 4th time, and /queues/jobs allows 3"},
	"Empty-bad":                   {[]string{"Empty"}, "consumer-2 was told at 0.220s that /queues/jobs is empty, but /queues/jobs/entries/entry-100-0000000002 was free during the whole of the take"},
	"ExclusiveClaim-believed-bad": {[]string{"ExclusiveClaim"}, "consumer-2 (token 1) and consumer-1 (token 2) both believed to have item a for 0.004s from 0.179s on"},
	"ExclusiveClaim-other-bad":    {[]string{"ExclusiveClaim"}, "Item b left /queues/jobs/entries/entry-050-0000000001 at 0.165s by consumer-2 (zxid 0x16), while consumer-1 had it with token 1"},
	"ExclusiveClaim-token-bad":    {[]string{"ConsumedOnce", "ExclusiveClaim", "WriteFenced"}, "consumer-1 took item a at 0.179s with token 1 (zxid 0x1a), which is not greater than that of the take before"},
	"ExclusiveClaim-told-bad":     {[]string{"ConsumedOnce", "ExclusiveClaim", "ItemLinearizable", "WriteFenced"}, "consumer-1 was told at 0.157s that it has item b with token 1, but it has no such take"},
	"ItemLinearizable-bad":        {[]string{"ItemLinearizable"}, "d: no order of its 9 operations explains their results"},
	"NoLoss-never-there-bad":      {[]string{"NoLoss"}, "producer-1 was told at 0.438s that item g is in /queues/jobs, but no write put it there"},
	"NoLoss-tree-bad":             {[]string{"NoLoss"}, "Item d was in /queues/jobs/dead/entry-100-0000000000, and nothing took it away, but the final tree does not have it"},
	"NoLoss-vanished-bad":         {[]string{"ConsumedOnce", "NoLoss"}, "Item b was deleted from /queues/jobs/entries/entry-050-0000000001 at 0.165s by consumer-1 (zxid 0x16)"},
	"NoUnexpected-altered-bad":    {[]string{"NoUnexpected"}, "The payload of item c in /queues/jobs/entries/entry-100-0000000004 was changed at 0.424s (zxid 0x29)"},
	"NoUnexpected-denied-bad":     {[]string{"Empty", "NoUnexpected", "Recovered"}, "producer-1 was told at 0.155s that item e will never be in /queues/jobs, but it was put as /queues/jobs/entries/entry-500-0000000009"},
	"NoUnexpected-unknown-bad":    {[]string{"Empty", "NoUnexpected", "Recovered"}, "/queues/jobs/entries/entry-500-0000000009 has the item x, which no producer has put"},
	"NothingLeft-session-bad":     {[]string{"NothingLeft", "Recovered"}, "consumer-2 had given back all at 0.434s, but its claim /queues/jobs/taken/entry-100-0000000004 was there until its session 0x4 ended"},
	"NothingLeft-tree-bad":        {[]string{"NothingLeft"}, "The final tree has /queues/jobs/taken/entry-100-0000000002, and no participant that could own it is left"},
	"Order-early-bad":             {[]string{"Order"}, "Item c came into line as /queues/jobs/entries/entry-100-0000000004 at 0.424s, and it was put at 0.144s with a delay of 10.000s"},
	"Order-overtaken-bad":         {[]string{"Order"}, "consumer-2 took /queues/jobs/entries/entry-100-0000000000 at 0.156s (zxid 0x14)"},
	"PutOnce-bad":                 {[]string{"Empty", "NoUnexpected", "PutOnce", "Recovered"}, "Item b was put as /queues/jobs/entries/entry-050-0000000001, and at 0.155s as /queues/jobs/entries/entry-500-0000000009 (zxid 0x14)"},
	"Recovered-left-bad":          {[]string{"Recovered"}, "/queues/jobs/delayed/0001700000000-100-0000000000 is in the final tree, with item c, although all faults were healed"},
	"Recovered-not-drained-bad":   {[]string{"Recovered"}, `After all faults were healed, the consumers did not empty all queues: drain: no progress for 1m6s; waiting clients: ["consumer-2"]`},
	"StaleEffectsFenced-bad":      {[]string{"StaleEffectsFenced"}, "The system outside accepted an act of consumer-2 with token 1 of /queues/jobs/entries/entry-100-0000000000 at 0.186s, and the greatest token that it had accepted was 2"},
	"WriteFenced-late-bad":        {[]string{"ItemLinearizable", "WriteFenced"}, "consumer-2 wrote about item a in the name of token 1 at 0.193s, and ZooKeeper accepted the write (zxid 0x1d), although the claim was not there"},
	"WriteFenced-none-bad":        {[]string{"WriteFenced"}, "consumer-1 wrote about item a in the name of token 9 at 0.195s, but no take has that token"},
	"WriteFenced-unchecked-bad":   {[]string{"WriteFenced"}, "consumer-1 wrote about item a in the name of token 2 at 0.195s, without a check of its claim"},
}

func TestJudging_AcceptsTheAcceptedHistory(t *testing.T) {
	r := checkertest.Accepts(t, Judging(), "accepted")
	for what, want := range map[string]int{
		"items": 6, "put": 4, "not_put": 1, "put_in_doubt": 1, "takes": 8, "empty": 1, "consumed": 4, "released": 3, "lost": 1, "lapsed": 1, "dead": 1,
		"entries": 8, "entries_refused": 1, "effects": 4, "effects_refused": 1, "faults_effective": 1,
	} {
		if r.Counts[what] != want {
			t.Errorf("%s is %d, want %d", what, r.Counts[what], want)
		}
	}
}

func TestJudging_RejectsBadHistories(t *testing.T) { checkertest.Rejects(t, Judging(), rejected) }

func TestJudging_DoubtIsNeitherPassNorViolation(t *testing.T) { checkertest.Doubts(t, Judging()) }

// TestJudging_WithoutTheCommits: what is about their order is in doubt, and the rest is judged by
// time.
func TestJudging_WithoutTheCommits(t *testing.T) {
	checkertest.WithoutCommits(t, Judging(), map[string]map[string]checker.Verdict{
		"accepted": {
			"NoLoss": checker.Valid, "NoUnexpected": checker.Valid, "ConsumedOnce": checker.Valid, "ExclusiveClaim": checker.Valid,
			"Order": checker.Unknown, "Empty": checker.Unknown, "WriteFenced": checker.Valid, "ItemLinearizable": checker.Valid,
		},
		"NoLoss-tree-bad":             {"NoLoss": checker.Invalid},
		"ConsumedOnce-twice-bad":      {"ConsumedOnce": checker.Invalid},
		"ExclusiveClaim-believed-bad": {"ExclusiveClaim": checker.Invalid},
		"ItemLinearizable-bad":        {"ItemLinearizable": checker.Invalid},
	})
}

// TestJudging_Picture draws a failing and an accepted history.
func TestJudging_Picture(t *testing.T) {
	for _, name := range []string{"accepted", "ItemLinearizable-bad"} {
		var page bytes.Buffer
		if err := check(recordtest.Whole(t, name)).WriteLinearizability(&page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, part := range []string{"expire-worker consumer-2", "take, token 1", "<html"} {
			if !strings.Contains(page.String(), part) {
				t.Errorf("%s: the picture lacks %q", name, part)
			}
		}
	}
}
