package record

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// grant is what a stranger says of a lock.
type grant struct {
	Holder string
	Fence  int64
}

const (
	acquire Kind = "acquire"
	noticed Kind = "noticed"
)

func granted(t *testing.T, object string, data any) Own {
	t.Helper()
	own, err := NewOwn(object, data)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// TestOwn_GoesThroughAJournal: a stranger's kinds come back as they were written, with
// everything that others can say of them.
func TestOwn_GoesThroughAJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.ndjson")
	j, err := Create(path, "locker-1", 1, ticking())
	if err != nil {
		t.Fatal(err)
	}
	asked := granted(t, "lock-a", nil)
	asked.ID = "r1"
	got := granted(t, "lock-a", grant{"locker-1", 1 << 60})
	got.ID, got.Token, got.Remark = "r1", Token{Epoch: 2, Attempt: 3}, "it was free"
	j.Complete(j.Add(Event{Type: Invoke, Kind: acquire, Of: asked}), OK, got)
	j.Add(Event{Type: Note, Kind: noticed})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	events, err := ReadFile(path)
	if err != nil || len(events) != 3 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	ops := Operations(events, acquire)
	if len(ops) != 1 || !reflect.DeepEqual(ops[0].Invoke.Own(), asked) || !reflect.DeepEqual(ops[0].Done.Own(), got) || events[2].Of != nil {
		t.Fatalf("got %+v", events)
	}
	done := ops[0].Done
	if done.Object() != "lock-a" || done.ID() != "r1" || done.Token() != got.Token || done.Remark() != "it was free" || done.Task() != "" {
		t.Errorf("object %q, id %q, token %v, remark %q, task %q", done.Object(), done.ID(), done.Token(), done.Remark(), done.Task())
	}
	if data, err := OwnData[grant](done); err != nil || data != (grant{"locker-1", 1 << 60}) {
		t.Errorf("data %+v, %v", data, err)
	}
}

// TestOwn_Misuse: what does not fit is refused where it is written, read or decoded, in
// words that name the kind.
func TestOwn_Misuse(t *testing.T) {
	for _, c := range []struct {
		event Event
		says  string
	}{
		{Event{Kind: Submit, Of: Own{}}, `"submit" has the payload record.Own, which is for kinds that package record does not define`},
		{Event{Kind: Phase, Of: Own{}}, `"phase" has the payload record.Own`},
		{Event{Of: Own{}}, `of kind "" has the payload record.Own`},
		{Event{Kind: acquire, Of: Term{}}, `"acquire" has the payload record.Term: package record does not define the kind`},
		{Event{Kind: acquire, Of: Own{Data: json.RawMessage("{")}}, "unexpected end of JSON"},
	} {
		if _, err := json.Marshal(c.event); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v was written, or not refused with %q: %v", c.event, c.says, err)
		}
	}
	for text, says := range map[string]string{
		`{"kind":"submit","own":{}}`:             "is for kinds that package record does not define",
		`{"kind":"acquire","term":{}}`:           "package record does not define the kind",
		`{"kind":"acquire","own":{},"term":{}}`:  "several payloads",
		`{"kind":"acquire","own":{"object":17}}`: "cannot unmarshal number",
	} {
		var e Event
		if err := json.Unmarshal([]byte(text), &e); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s was read, or not refused with %q: %v", text, says, err)
		}
	}
	if _, err := NewOwn("lock-a", func() {}); err == nil || !strings.Contains(err.Error(), `"lock-a"`) {
		t.Errorf("a function is data: %v", err)
	}
	for _, c := range []struct {
		event Event
		says  string
	}{
		{Event{Seq: 7, Kind: Lead, Of: Term{}}, `event 7, of kind "lead", has the payload record.Term`},
		{Event{Seq: 7, Kind: acquire}, `event 7, of kind "acquire", has the payload <nil>`},
		{Event{Seq: 7, Kind: acquire, Of: Own{}}, "has no data"},
		{Event{Seq: 7, Kind: acquire, Of: granted(t, "a", "text")}, `the data of event 7, of kind "acquire"`},
	} {
		if data, err := OwnData[grant](c.event); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v, not refused with %q: %v", data, c.says, err)
		}
	}
}

// TestJournal_RefusesAMisfit at once, so that no journal holds what cannot be read.
func TestJournal_RefusesAMisfit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.ndjson")
	j, err := Create(path, "locker-1", 1, ticking())
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if cause := recover(); cause == nil || !strings.Contains(cause.(error).Error(), "give the kind another name") {
				t.Errorf("panicked with %v", cause)
			}
		}()
		j.Add(Event{Type: Note, Kind: Change, Of: Own{}})
	}()
	if events, err := ReadFile(path); err != nil || len(events) != 0 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// locks are the objects of a recipe with a znode for each lock.
func locks() Objects {
	return Objects{
		Of: func(path string) string { return strings.TrimPrefix(path, "/locks/") },
		ID: func(path, data string) string { return data },
	}
}

// TestIndex_KnowsTheObjectsOfAnyRecipe, by events, writes, commits and the final tree, with
// the ids that they have; without a word of the recipe only by events.
func TestIndex_KnowsTheObjectsOfAnyRecipe(t *testing.T) {
	create := func(lock, id string) []Op { return []Op{{Kind: "create", Path: "/locks/" + lock, Data: id}} }
	run := Run{
		Events: []Event{
			{Seq: 1, Type: Invoke, Kind: acquire, Of: Own{Object: "b", ID: "r1"}},
			{Seq: 2, Type: Invoke, Kind: Write, Of: Request{Ops: create("a", "r2")}},
			{Seq: 3, Type: Note, Kind: noticed, Of: Own{Object: "a"}},
			{Seq: 4, Type: Note, Kind: noticed, Of: Own{ID: "r1"}},
		},
		Exchanges: []Exchange{{Ops: create("c", "")}},
		Commits:   []Commit{{Ops: create("d", "")}},
		Evidence:  &Evidence{Nodes: []Node{{Path: "/locks/e", Data: "r1"}}},
	}
	for _, c := range []struct {
		znodes     Objects
		objects    []string
		identified []string
		about      int
	}{
		{locks(), []string{"b", "a", "c", "d", "e"}, []string{"b", "e"}, 2},
		{Objects{}, []string{"b", "a"}, []string{"b"}, 1},
	} {
		x := NewIndex(run, c.znodes)
		if got := x.Objects(); !slices.Equal(got, c.objects) {
			t.Errorf("objects %q, want %q", got, c.objects)
		}
		if got := x.Identified("r1"); !slices.Equal(got, c.identified) {
			t.Errorf("of r1 are %q, want %q", got, c.identified)
		}
		if got := x.Touched([]int{2, 4}); len(got) != c.about-1 || c.about == 2 && got[0] != "a" {
			t.Errorf("touched are %q", got)
		}
		if got := x.About("a", 9); len(got) != c.about {
			t.Errorf("about a: %+v", got)
		}
	}
	if got := TaskObjects().Touched([]Op{{Path: "/collect/t"}, {Path: "/assign/w/t"}, {Path: "/tasks/t/status"}, {Path: TasksPath}}); !slices.Equal(got, []string{"t"}) {
		t.Errorf("tasks touched: %q", got)
	}
	if o := TaskObjects(); o.ID("/tasks/t", `{"id":"i"}`) != "i" || o.ID("/tasks/t/status", `{"id":"i"}`) != "" || !o.Notifies(Op{Kind: "set", Path: TasksPath}) || (Objects{}).Notifies(Op{Path: TasksPath}) {
		t.Error("the znodes of tasks are misread")
	}
}
