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

// check judges a run of locks.
func check(run record.Run) *checker.Result { return checker.Check(run, 1, Judging()) }

// rejected lists for each frozen history which properties must reject it, and a part of what
// is said. The histories differ from accepted.ndjson in one thing each: three lockers share a
// lock and hold it alone, one of them loses its session, one gives up, one tries; and three
// contend for the two permits of a semaphore.
var rejected = map[string]checkertest.Rejected{
	"MutualExclusion-granted-bad":     {[]string{"InTurn", "MutualExclusion"}, "ZooKeeper granted /locks/orders to locker-2 at 0.392s with token 5 (zxid 0x1e), while locker-1 held it with token 4"},
	"MutualExclusion-permits-bad":     {[]string{"InTurn", "LockLinearizable", "MutualExclusion"}, "ZooKeeper granted /locks/seats to locker-3"},
	"MutualExclusion-believed-bad":    {[]string{"MutualExclusion"}, "locker-1 (token 1) and locker-2 (token 2) both believed to hold /locks/orders for 0.006s"},
	"InTurn-bad":                      {[]string{"InTurn"}, "locker-2 got /locks/orders at 0.392s as number 6 of the line (zxid 0x1e), although number 5, of locker-3, was in front of it"},
	"TokensGrow-back-bad":             {[]string{"LockLinearizable", "TokensGrow", "WritesFenced"}, "locker-3 got /locks/orders at 0.445s with token 6 (zxid 0x2c), after locker-2 had got it with token 7"},
	"TokensGrow-told-bad":             {[]string{"LockLinearizable", "TokensGrow"}, "locker-2 was told at 0.393s that it holds /locks/orders with token 9, but ZooKeeper granted it none such"},
	"WritesFenced-late-bad":           {[]string{"WritesFenced"}, "locker-1 wrote in the name of token 1 of /locks/orders at 0.344s, and ZooKeeper accepted the write (zxid 0xf), although that holder's contender was gone since zxid 0xe"},
	"WritesFenced-early-bad":          {[]string{"LockLinearizable", "WritesFenced"}, "locker-1 wrote in the name of token 6 of /locks/orders at 0.382s, before ZooKeeper granted it that token"},
	"WritesFenced-unchecked-bad":      {[]string{"WritesFenced"}, "without a check that its contender is there"},
	"WritesFenced-no-grant-bad":       {[]string{"WritesFenced"}, "in the name of token 40 of /locks/orders at 0.382s, but ZooKeeper granted no such token"},
	"StaleEffectsFenced-bad":          {[]string{"StaleEffectsFenced"}, "The system outside accepted an act of locker-1 with token 4 of /locks/orders at 0.400s, and the greatest token that it had accepted was 5"},
	"StaleEffectsFenced-refused-bad":  {[]string{"StaleEffectsFenced"}, "The system outside refused an act of locker-2 with token 5"},
	"NothingLeft-tree-bad":            {[]string{"NothingLeft"}, "The final tree has /locks/orders/x-W-0000000009, below /locks/orders"},
	"NothingLeft-session-bad":         {[]string{"NothingLeft"}, "locker-1 had given back all at 0.485s, but /locks/seats/r-S-0000000002, which it had made in session 0x4, was there until that session ended"},
	"FreeAfterHeal-not-drained-bad":   {[]string{"FreeAfterHeal"}, `the lockers did not get all locks: drain: no progress for 1m6s; waiting clients: ["locker-2"]`},
	"FreeAfterHeal-not-taken-bad":     {[]string{"FreeAfterHeal"}, "/locks/orders was not taken after all faults were healed"},
	"DelayWaited-bad":                 {[]string{"DelayWaited"}, "locker-2 got /locks/press at 0.336s with token 2 (zxid 0x23), at most 0.039s after locker-1 (token 1) had ended without giving it back. That holder had asked for a delay of 0.200s"},
	"AllOrNone-some-bad":              {[]string{"AllOrNone"}, "locker-1 asked for several locks together, and was told at 0.147s that it has /locks/east, but it did not get /locks/north"},
	"AllOrNone-kept-bad":              {[]string{"AllOrNone"}, "Its contender /locks/east/b-W-0000000001 stayed in the line of /locks/east, although later writes of its session were answered"},
	"AllOrNone-deadlock-bad":          {[]string{"AllOrNone"}, "locker-2 joined the line of /locks/east at 0.147s (zxid 0x13), behind locker-1, and locker-1 waited behind locker-2 in the line of /locks/north"},
	"RevocationsHeard-never-bad":      {[]string{"RevocationsHeard"}, "was asked at 0.279s to release it. locker-1 held the lock on and never heard of that"},
	"RevocationsHeard-twice-bad":      {[]string{"RevocationsHeard"}, "was told at 0.282s to release it, and had been told so before"},
	"RevocationsHeard-of-nothing-bad": {[]string{"RevocationsHeard"}, "was told at 0.277s to release it, but no participant had asked for that"},
	"LockLinearizable-bad":            {[]string{"LockLinearizable"}, "no order of its 24 operations explains their results"},
}

// TestJudging_AcceptsTheAcceptedHistories. In the second one a locker takes two locks together while
// another one, which names them in the other order, waits and gives up; a holder is asked to release
// its lock; and the session of a holder with a delay is ended.
func TestJudging_AcceptsTheAcceptedHistories(t *testing.T) {
	for name, counts := range map[string]map[string]int{
		"accepted": {
			"attempts": 13, "acquisitions": 10, "shared": 2, "given_up": 3, "releases": 9, "lost": 1,
			"entries": 8, "entries_refused": 1, "effects": 4, "effects_refused": 1, "faults_effective": 1,
		},
		"more-accepted": {
			"attempts": 11, "acquisitions": 9, "shared": 1, "given_up": 2, "releases": 8, "lost": 1,
			"calls": 1, "calls_refused": 1, "delays": 1, "revocations": 1, "revocations_heard": 1,
		},
		"rejoined-accepted": {"calls": 1, "calls_refused": 2, "delays": 1}, // a contender joins again behind one that waits for its old znode
	} {
		t.Run(name, func(t *testing.T) { accepts(t, name, counts) })
	}
}

func accepts(t *testing.T, name string, counts map[string]int) {
	r := checkertest.Accepts(t, Judging(), name)
	for what, want := range counts {
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
		"accepted":                     {"MutualExclusion": checker.Valid, "InTurn": checker.Unknown, "TokensGrow": checker.Valid, "WritesFenced": checker.Valid, "LockLinearizable": checker.Valid},
		"MutualExclusion-believed-bad": {"MutualExclusion": checker.Invalid},
		"LockLinearizable-bad":         {"LockLinearizable": checker.Invalid},
		"TokensGrow-back-bad":          {"TokensGrow": checker.Invalid},
	})
}

// TestJudging_Picture draws a failing and an accepted history.
func TestJudging_Picture(t *testing.T) {
	for _, name := range []string{"accepted", "LockLinearizable-bad"} {
		var page bytes.Buffer
		if err := check(recordtest.Whole(t, name)).WriteLinearizability(&page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, part := range []string{"expire-worker locker-1", "take exclusive", "<html"} {
			if !strings.Contains(page.String(), part) {
				t.Errorf("%s: the picture lacks %q", name, part)
			}
		}
	}
}
