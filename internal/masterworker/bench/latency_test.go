package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/wire"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

func TestTimes_At(t *testing.T) {
	var all times
	for i := 1000; i > 0; i-- {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	for p, want := range map[float64]time.Duration{0: 1, 50: 500, 99: 990, 99.9: 999, 100: 1000} {
		if got := all.at(p); got != want*time.Millisecond {
			t.Errorf("p%v: %v", p, got)
		}
	}
	few := times{3, 1, 2}
	if few.at(50) != 2 || few.at(99.9) != 3 || few.at(1) != 1 || few[0] != 3 {
		t.Errorf("%v", few)
	}
	if got := ratio(times{4, 4, 9}, times{2, 2, 1}); got != 2 {
		t.Errorf("ratio %v", got)
	}
	if got := (times{4e6, 2e6, 10_123_456_789}).longest(); got != "median 4ms, longest 10.12s of 3" {
		t.Error(got)
	}
	if got := (times{4e6, 2e6, 9e6}).tail(); got != "median 4ms, p99 9ms, p99.9 9ms of 3" {
		t.Error(got)
	}
}

func TestMiddle_IsTheMedian(t *testing.T) {
	for _, c := range []struct {
		all  times
		want int
	}{{times{7}, 0}, {times{9, 1, 5}, 2}, {times{4, 3, 2, 1}, 2}, {times{1, 1, 1, 8, 9}, 2}} {
		if got := middle(c.all); got != c.want || c.all[got] != c.all.at(50) {
			t.Errorf("%v: %d", c.all, got)
		}
	}
}

// asked is a request of a test, in milliseconds.
func asked(at, took int, write bool) exchange {
	return exchange{who: "client", what: "create /a", at: time.Duration(at) * time.Millisecond, took: time.Duration(took) * time.Millisecond, write: write, answer: true}
}

func TestCountOf(t *testing.T) {
	event := exchange{at: 3 * time.Millisecond, event: true}
	open := exchange{at: 4 * time.Millisecond, write: true}
	for _, c := range []struct {
		noted []exchange
		want  counts
	}{
		{nil, counts{}},
		{[]exchange{event}, counts{events: 1}},
		{[]exchange{open}, counts{requests: 1, writes: 1}},
		{[]exchange{asked(0, 2, true), event, asked(2, 2, false), open, event}, counts{3, 2, 2}},
	} {
		if got := countOf(c.noted); got != c.want {
			t.Errorf("%+v: %+v", c.noted, got)
		}
	}
}

func TestPrintExchanges(t *testing.T) {
	noted := []exchange{
		asked(0, 2, true),
		{who: "master-1", what: "is told: /tasks/TASK: created", at: 2500 * time.Microsecond, event: true},
		{who: "worker-1", what: "get /x", at: 3 * time.Millisecond},
	}
	var out bytes.Buffer
	if err := printExchanges(&out, noted); err != nil {
		t.Fatal(err)
	}
	want := `  at ms  took ms  who       what
  0.00   2.00     client    create /a
  2.50   -        master-1  is told: /tasks/TASK: created
  3.00   not yet  worker-1  get /x
`
	if out.String() != want {
		t.Errorf("got:\n%s", &out)
	}
}

func TestDescribe(t *testing.T) {
	for want, r := range map[string]wire.Request{
		"create /tasks/TASK":                                  {Op: zkapi.Create("/tasks/task-0000000001", nil, zkapi.Persistent)},
		"exists /tasks/TASK/status (watched)":                 {Op: zkapi.Exists("/tasks/task-1/status").Watched()},
		"multi of 2: check /epoch, create /assign/w/TASK":     {Op: zkapi.Multi(zkapi.Check("/epoch", 1), zkapi.Create("/assign/w/task-1", nil, zkapi.Persistent))},
		"multiRead of 2: get /assign/w/TASK, children /tasks": {Opcode: wire.OpMultiRead, Reads: []zkapi.Op{zkapi.Get("/assign/w/task-1"), zkapi.Children("/tasks")}},
		"addWatch /tasks":                                     {Opcode: wire.OpAddWatch, Path: "/tasks"},
		"removeWatches /tasks":                                {Opcode: wire.OpRemoveWatches, Path: "/tasks"},
		"end of the session":                                  {Opcode: wire.OpClose},
		"request of opcode 107":                               {Opcode: 107},
		"create /" + strings.Repeat("x", longestText-len("create /")) + "...": {Op: zkapi.Create("/"+strings.Repeat("x", longestText), nil, zkapi.Persistent)},
	} {
		if got := describe(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := describeEvent(wire.Event{Type: 4, Path: "/tasks/task-9"}); got != "is told: /tasks/TASK: children changed" {
		t.Error(got)
	}
	if got := describeEvent(wire.Event{Type: 9, Path: "/a"}); got != "is told: /a: event 9" {
		t.Error(got)
	}
}

// TestTape_NotesEachRequestOnce: those of two roles, in order, with answers and events, and only
// those between start and stop.
func TestTape_NotesEachRequestOnce(t *testing.T) {
	server := zktest.Start(t)
	var notes tape
	b := &bed{servers: server.Addresses()}
	session := func(who string) (*zkclient.Driver, zkapi.Session) {
		driver, err := notes.driver(b, who)
		if err != nil {
			t.Fatal(err)
		}
		s, err := driver.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(t.Context()) })
		return driver, s
	}
	do := func(s zkapi.Session, op zkapi.Op) zkapi.Result {
		r, err := s.Do(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	_, first := session("first")
	driver, second := session("second")
	do(first, zkapi.Create("/before", nil, zkapi.Persistent))
	notes.start()
	seen := do(second, zkapi.Exists("/a").Watched())
	do(first, zkapi.Create("/a", nil, zkapi.Persistent))
	if _, err := driver.Wait(t.Context(), seen.Watch); err != nil {
		t.Fatal(err)
	}
	do(second, zkapi.Get("/a"))
	noted := notes.stop()
	do(first, zkapi.Create("/after", nil, zkapi.Persistent))
	if len(notes.stop()) != len(noted) {
		t.Error("the tape runs after its stop")
	}
	want := []string{"second exists /a (watched)", "first create /a", "second is told: /a: created", "second get /a"}
	if len(noted) != len(want) {
		t.Fatalf("%+v", noted)
	}
	last := time.Duration(0)
	for i, e := range noted {
		// A server may send the event before the answer to the create.
		if got := e.who + " " + e.what; got != want[i] || e.at < last || e.answer == e.event || e.answer && e.took <= 0 || e.write != (i == 1) {
			t.Errorf("%d: %+v", i, e)
		}
		last = e.at
	}
	notes.start()
	if noted := notes.stop(); len(noted) != 0 {
		t.Errorf("%+v", noted)
	}
}

// TestTape_KnowsNoLateAnswer: an answer after the stop, or after the next start, is not noted.
func TestTape_KnowsNoLateAnswer(t *testing.T) {
	var notes tape
	notes.start()
	e := notes.note(asked(0, 0, true))
	e.answer = false
	notes.stop()
	notes.answered(e)
	if noted := notes.stop(); len(noted) != 1 || noted[0].answer {
		t.Errorf("%+v", noted)
	}
	notes.start()
	notes.answered(e)
	if noted := notes.stop(); len(noted) != 0 || e.answer {
		t.Errorf("%+v", noted)
	}
}
