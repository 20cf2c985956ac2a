package wording

import (
	"testing"
	"time"
)

// TestFinding_Repeats: a part of a run may know less of a finding, and nothing else.
func TestFinding_Repeats(t *testing.T) {
	whole := Finding{Property: "P", Code: SessionOver, Object: "t", Events: []int{1, 2}, Zxid: 7, Args: Args{"at": time.Second, "before": 6, "process": "m"}}
	for name, c := range map[string]struct {
		change func(*Finding)
		want   bool
	}{
		"the same":       {func(*Finding) {}, true},
		"other events":   {func(f *Finding) { f.Events = nil }, true},
		"no order":       {func(f *Finding) { f.Zxid, f.Args = 0, Args{"at": time.Second, "process": "m"} }, true},
		"another zxid":   {func(f *Finding) { f.Zxid = 8 }, false},
		"another code":   {func(f *Finding) { f.Code = SessionUsed }, false},
		"another task":   {func(f *Finding) { f.Object = "u" }, false},
		"another time":   {func(f *Finding) { f.Args = Args{"at": time.Minute} }, false},
		"another judge":  {func(f *Finding) { f.Property = "Q" }, false},
		"something more": {func(f *Finding) { f.Args = Args{"until": 1} }, false},
	} {
		part := whole
		if c.change(&part); part.Repeats(whole) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}
