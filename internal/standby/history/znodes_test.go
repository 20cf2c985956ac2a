package history

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestParseData reads what names a life, and nothing else.
func TestParseData(t *testing.T) {
	for data, want := range map[string]record.Life{
		"candidate-2:3": {Process: "candidate-2", Number: 3}, "a:b:1": {Process: "a:b", Number: 1}, "": {}, "candidate-2": {}, ":1": {}, "candidate-2:": {}, "candidate-2:03": {}, "candidate-2:x": {},
	} {
		life, is := ParseData(data)
		if is != (want.Number > 0) || is && (life != want || DataOf(life) != data) {
			t.Errorf("%q is %v, %v", data, life, is)
		}
	}
}

// TestChangeOf reads each write of the recipe.
func TestChangeOf(t *testing.T) {
	op := func(kind, path, data string) record.Op { return record.Op{Kind: kind, Path: path, Data: data} }
	for name, c := range map[string]struct {
		ops   []record.Op
		holds func(Change) bool
	}{
		"takes":    {[]record.Op{op("create", Lock, "a:1"), op("set", Epoch, "")}, func(c Change) bool { return c.Takes && !c.Gives }},
		"leaves":   {[]record.Op{op("check", Epoch, ""), op("set", Breadcrumb, "a:1")}, func(c Change) bool { return *c.Leaves == "a:1" && !c.Removes }},
		"cleanly":  {[]record.Op{op("delete", Lock, ""), op("delete", Breadcrumb, "")}, func(c Change) bool { return c.Gives && c.Removes && c.Leaves == nil }},
		"asks":     {[]record.Op{op("create", Request, `{"to":"b","id":"1"}`)}, func(c Change) bool { return c.Asks.To == "b" && c.Accepts == nil }},
		"accepts":  {[]record.Op{op("set", Request, `{"to":"b","id":"1","candidate":"c-1","epoch":4}`)}, func(c Change) bool { return c.Accepts.Epoch == 4 && c.Asks == nil }},
		"by hand":  {[]record.Op{op("create", Request, "b")}, func(c Change) bool { return c.Asks == nil && c.Accepts == nil }},
		"joins":    {[]record.Op{op("create", Candidates+"/c-1", "a")}, func(c Change) bool { return c.Joins == "c-1" }},
		"quits":    {[]record.Op{op("delete", Candidates+"/c-1", "")}, func(c Change) bool { return c.Quits == "c-1" }},
		"withdraw": {[]record.Op{op("delete", Request, "")}, func(c Change) bool { return c.Withdraw }},
	} {
		if change := ChangeOf(c.ops); !c.holds(change) {
			t.Errorf("%s: %+v", name, change)
		}
	}
}
