package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording/wordingtest"
	"github.com/ringmaster-zk/ringmaster/record"
)

func TestCodes_HaveTheirSentences(t *testing.T) { wordingtest.Hold(t, texts, ".") }

// check judges a run of the store.
func check(run record.Run) *checker.Result { return checker.Check(run, 1, Judging(2)) }

// rejected lists for each bad history which properties must reject it, and a part of what is said. Each differs
// from the accepted one in one thing.
var rejected = map[string]struct {
	by   []string
	says string
}{
	"AppliedAsTold-not":             {[]string{"AppliedAsTold"}, "m2 was told at 68.000s that its changes of apps/application_0002 are applied, but no write did that"},
	"AppliedAsTold-although":        {[]string{"AppliedAsTold"}, "m2 was told at 68.000s that its changes of apps/application_0002 are not applied, but they were (zxid 0x10)"},
	"AppliedAsTold-twice":           {[]string{"AppliedAsTold"}, "m2 changed apps/application_0001 by one call, which ended at 72.000s, and its changes were applied 2 times"},
	"AppliedAsTold-partly":          {[]string{"AppliedAsTold"}, "m2 made 2 changes by one call, which ended at 72.000s, the first of apps/application_0001. They were not applied by one write (zxid 0x11)"},
	"NoAcknowledgedLost-load":       {[]string{"LoadComplete", "NoAcknowledgedLost", "RecordLinearizable"}, "apps/application_0002 was acknowledged by m1 at 38.000s, and not removed since. m2 loaded all records at 56.000s, and it was not among them"},
	"NoAcknowledgedLost-tree":       {[]string{"NoAcknowledgedLost"}, "apps/application_0001 was acknowledged by m1 at 21.000s, and not removed since. It is not in the final tree"},
	"NoneAcknowledgedByFenced-late": {[]string{"NoneAcknowledgedByFenced"}, "m1/0 acknowledged apps/application_0001 at 57.000s, although m2 had become active at 47.000s"},
	"OnlyTheLastWrites-late":        {[]string{"OnlyTheLastWrites"}, "/HIERARCHIES/2/application_00/09 (zxid 0xf), although a later store had been opened, with epoch 2"},
	"OnlyTheLastWrites-unchecked":   {[]string{"OnlyTheLastWrites"}, "/application_00/01/attempt_1 (zxid 0x10) and did not demand that the epoch of the store is still its own. It was 2"},
	"PartsWhole-torn":               {[]string{"PartsWhole", "RecordLinearizable"}, "m1 read apps/application_0001 at 33.000s, and its value (10:3a6af16b30861786) is none that was written to it"},
	"PartsWhole-missing":            {[]string{"LoadComplete", "PartsWhole"}, "The data of apps/application_0001 points to parts that are not all there (zxid 0x7)"},
	"PartsWhole-gone":               {[]string{"PartsCollected", "PartsWhole"}, "Parts of apps/application_0001 were deleted while the record pointed to them (zxid 0xf)"},
	"LoadComplete-without":          {[]string{"LoadComplete", "RecordLinearizable"}, "m2 loaded all records at 56.000s with epoch 2, without apps/application_0001/attempt_1, which was there when that epoch began (zxid 0xe)"},
	"LoadComplete-other":            {[]string{"LoadComplete", "RecordLinearizable"}, "m2 loaded all records at 56.000s with epoch 2, and apps/application_0001/attempt_1 is not as it was when that epoch began (zxid 0xe)"},
	"EpochsGrow-told":               {[]string{"EpochsGrow"}, "m2 opened the store at 52.000s with epoch 1, but m1 had opened it before with epoch 1"},
	"EpochsGrow-back":               {[]string{"EpochsGrow", "LoadComplete", "OnlyTheLastWrites"}, "The epoch of the store became 1 after 1 (zxid 0xe)"},
	"PartsCollected-left":           {[]string{"PartsCollected"}, "m2 had collected the parts that belong to no record at 60.000s, but 0000000001-y was left"},
	"ServesAfterHeal-never":         {[]string{"ServesAfterHeal"}, "No manager served after all faults were healed: drain: nothing moved"},
	"RecordLinearizable-stale":      {[]string{"RecordLinearizable"}, "apps/application_0001: no order of its 6 operations explains their results"},
	"RecordLinearizable-refused":    {[]string{"RecordLinearizable"}, "apps/application_0001: no order of its 6 operations explains their results"},
}

func TestJudging_AcceptsASoundHistory(t *testing.T) {
	r := check(story(""))
	for _, p := range r.Properties {
		if p.Verdict != checker.Valid && p.Name != checker.ServersAgree || p.Reason == "" {
			t.Errorf("%s: %s: %s", p.Name, p.Verdict, p.Reason)
		}
	}
	for what, want := range map[string]int{
		"calls": 6, "done": 4, "refused": 1, "in_doubt": 1, "batches": 1, "removed": 1, "openings": 2, "loads": 2, "loaded": 3,
		"groups": 2, "collected": 1, "acknowledged": 2,
	} {
		if r.Counts[what] != want {
			t.Errorf("%s is %d, want %d", what, r.Counts[what], want)
		}
	}
}

// elsewhere are the properties of every recipe, and those of who has the lock: their bad histories are
// those of other packages.
var elsewhere = []string{
	checker.SessionsEnd, checker.NoCrash, checker.WritesAccounted, checker.ServersAgree, checker.RecordComplete, "SingleMaster", "ToldTruly", "ElectionLinearizable",
}

func TestJudging_RejectsBadHistories(t *testing.T) {
	covered := map[string]bool{}
	for name, want := range rejected {
		t.Run(name, func(t *testing.T) {
			var got []string
			said := ""
			for _, p := range check(story(name)).Violations() {
				got = append(got, p.Name)
				said += p.Reason + "\n"
			}
			slices.Sort(got)
			if !slices.Equal(got, want.by) || !strings.Contains(said, want.says) {
				t.Errorf("rejected by %q, want %q: %s", got, want.by, said)
			}
		})
		for _, p := range want.by {
			covered[p] = covered[p] || strings.HasPrefix(name, p+"-")
		}
	}
	for _, p := range check(story("")).Properties {
		if !covered[p.Name] && !slices.Contains(elsewhere, p.Name) {
			t.Errorf("no bad history is named for %s", p.Name)
		}
	}
}

// TestJudging_WithoutTheCommits: what is about their order is in doubt, and the rest is judged.
func TestJudging_WithoutTheCommits(t *testing.T) {
	weaker := func(name string) *checker.Result {
		run := story(name)
		run.Commits, run.Evidence.Order, run.Evidence.Weaker = nil, record.FromTree, "the ensemble is external"
		return check(run.MadeByHand())
	}
	for name, want := range map[string]map[string]checker.Verdict{
		"":                              {"OnlyTheLastWrites": checker.Unknown, "LoadComplete": checker.Unknown, "PartsCollected": checker.Unknown, "NoAcknowledgedLost": checker.Valid, "PartsWhole": checker.Valid},
		"NoAcknowledgedLost-load":       {"NoAcknowledgedLost": checker.Invalid},
		"NoneAcknowledgedByFenced-late": {"NoneAcknowledgedByFenced": checker.Invalid},
		"PartsWhole-torn":               {"PartsWhole": checker.Invalid},
		"RecordLinearizable-stale":      {"RecordLinearizable": checker.Invalid},
	} {
		r := weaker(name)
		for _, p := range r.Properties {
			if verdict, is := want[p.Name]; is && p.Verdict != verdict {
				t.Errorf("%q: %s: %s: %s", name, p.Name, p.Verdict, p.Reason)
			}
		}
	}
}
