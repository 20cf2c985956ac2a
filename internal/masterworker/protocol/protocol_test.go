package protocol

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestFollow_LostAnswerChangesNothing takes the answer from one write after the other: what
// was a behaviour with it is one without it.
func TestFollow_LostAnswerChangesNothing(t *testing.T) {
	tried := 0
	for n, trace := range readCorpus(t) {
		for at := range trace.Writes {
			lost := trace.withoutAnswer(at)
			if lost == nil {
				continue
			}
			tried++
			if o := Follow(lost); !o.Accepted {
				t.Errorf("trace %d without the answer to write %d: %s", n, at, o.Why)
			}
		}
	}
	t.Logf("%d answers", tried)
}

// TestFollow_EndOfASessionMayBeUnseen takes the end of a session out of a trace: it might as well have
// expired.
func TestFollow_EndOfASessionMayBeUnseen(t *testing.T) {
	for n, trace := range readCorpus(t) {
		unseen := trace.clone()
		unseen.Floats = nil
		unseen.Writes = slices.DeleteFunc(unseen.Writes, func(w Write) bool { return w.Kind == Close })
		if len(trace.Floats) == 0 && !Follow(&unseen).Accepted {
			t.Errorf("trace %d", n)
		}
	}
}

// TestSplit_UnansweredWritesThatWereApplied: of some traces no one would believe that what was
// never answered was never applied.
func TestSplit_UnansweredWritesThatWereApplied(t *testing.T) {
	needed := 0
	for _, trace := range readCorpus(t) {
		sure := trace.clone()
		sure.Floats = nil
		if !Follow(&sure).Accepted {
			needed++
		}
	}
	if needed < 3 {
		t.Errorf("%d traces of the corpus need what was not answered", needed)
	}
}

// TestSplit_TakesABatchApart reads a refused multi about two tasks: for the one it was
// refused by its own demand, for the other elsewhere, after three of its own were met.
func TestSplit_TakesABatchApart(t *testing.T) {
	check := func(path string, version int32) record.Op {
		return record.Op{Kind: "check", Path: path, Version: version}
	}
	create := func(path string) record.Op {
		return record.Op{Kind: "create", Path: path, Data: `{"epoch":3,"attempt":1,"incarnation":2}`}
	}
	r := &reader{}
	got := r.read(&record.Exchange{
		Session: "0x1", Answered: 1, Error: record.NodeExists, Index: 4,
		Ops: []record.Op{check("/assign", 3), check("/workers/w", -1), check("/assign/w", 2), create("/assign/w/a"), create("/assign/w/b")},
	}, 1)
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []Write{{Error: Elsewhere, Index: 4}, {Error: record.NodeExists, Index: 3}} {
		w := got[i].write
		if w.Kind != AssignTask || w.Error != want.Error || w.Index != want.Index || w.Incarnation != 2 || w.Epoch != 3 {
			t.Errorf("%s: %+v", got[i].task, w)
		}
	}
}

// TestSplit_OpenInboxChecksItsWorker: a master makes an inbox only in a write that also checks that
// the worker is there. The machine refuses it for the same reason as ZooKeeper.
func TestSplit_OpenInboxChecksItsWorker(t *testing.T) {
	epoch := record.Op{Kind: "check", Path: "/assign", Version: 1}
	there := func(w string) record.Op { return record.Op{Kind: "check", Path: "/workers/" + w, Version: -1} }
	inbox := record.Op{Kind: "create", Path: "/assign/w"}
	for says, row := range map[string]struct {
		ops  []record.Op
		kind Kind
	}{
		"it is checked":           {[]record.Op{epoch, there("w"), inbox}, OpenInbox},
		"it is not checked":       {[]record.Op{epoch, inbox}, Stranger},
		"another one is checked":  {[]record.Op{epoch, there("v"), inbox}, Stranger},
		"its claim is checked":    {[]record.Op{epoch, {Kind: "check", Path: "/assign/w", Version: 1}, inbox}, Stranger},
		"it is checked too late":  {[]record.Op{epoch, inbox, there("w")}, Stranger},
		"it is the second of two": {[]record.Op{epoch, there("v"), {Kind: "create", Path: "/assign/v"}, there("w"), inbox}, OpenInbox},
	} {
		got := (&reader{}).read(&record.Exchange{Session: "0x1", Answered: 1, Error: record.NoNode, Index: len(row.ops) - 2, Ops: row.ops}, 1)
		last := got[len(got)-1].write
		if last.Kind != row.kind || row.kind == OpenInbox && (last.Error != record.NoNode || last.Index != 1) {
			t.Errorf("%s: %+v", says, got)
		}
	}
	gone := Trace{Sessions: []string{"m"}, Workers: []string{"w"}, Writes: []Write{
		{Kind: Elect, Session: 1, Index: -1, Got: 1, Acks: true},
		{Kind: OpenInbox, Session: 1, Error: record.NoNode, Index: 1, Epoch: 1, Worker: 1},
	}}
	if o := Follow(&gone); !o.Accepted {
		t.Errorf("a refusal because the worker is gone: %s", o.Why)
	}
	gone.Writes[1].Error, gone.Writes[1].Index = "", -1
	if o := Follow(&gone); o.Accepted {
		t.Error("an inbox is made for a worker that is not there")
	}
}

// TestSplit_PruningBesideADecision: the oldest attempts of a task are pruned in the same write
// in which it is decided about.
func TestSplit_PruningBesideADecision(t *testing.T) {
	r := &reader{}
	prune := func(n int) record.Op {
		return record.Op{Kind: "delete", Path: fmt.Sprintf("/tasks/t/attempt-%d", n), Version: -1}
	}
	got := r.read(&record.Exchange{Session: "0x1", Answered: 1, Index: -1, Ops: []record.Op{
		{Kind: "check", Path: "/assign", Version: 2}, {Kind: "check", Path: "/workers/w", Version: -1}, {Kind: "check", Path: "/assign/w", Version: 3},
		{Kind: "set", Path: "/assign/w/t", Version: -1, Data: `{"epoch":2,"attempt":33,"incarnation":3,"revoked":true}`}, prune(1), prune(2),
	}}, 1)
	if len(got) != 2 || got[0].write.Kind != RevokeTask || got[1].write.Kind != PruneAttempts || got[0].task != "t" || got[1].task != "t" {
		t.Fatalf("%+v", got)
	}
	if children := got[1].write.Children; !slices.Equal(children, []int32{1, 2}) {
		t.Errorf("attempts %v are pruned, want 1 and 2", children)
	}
}

// TestFollow_CancelMayNotNotify: a client that may not set /tasks cancels without it.
func TestFollow_CancelMayNotNotify(t *testing.T) {
	status := record.Op{Kind: "create", Path: "/tasks/t/status", Data: `{"state":"cancelled"}`}
	for name, ops := range map[string][]record.Op{"rings": {status, {Kind: "set", Path: "/tasks", Version: -1}}, "does not ring": {status}} {
		got := (&reader{}).read(&record.Exchange{Session: "0x1", Answered: 1, Index: -1, Ops: ops}, 1)
		if len(got) != 1 || got[0].write.Kind != CancelTask || got[0].task != "t" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestSplit_ForeignWrites: what the recipe never writes is no write of the protocol.
func TestSplit_ForeignWrites(t *testing.T) {
	for _, ops := range [][]record.Op{
		{{Kind: "delete", Path: "/master", Version: -1}},
		{{Kind: "create", Path: "/master", Ephemeral: true}},
		{{Kind: "create", Path: "/tasks/t/status", Data: "done"}},
		{{Kind: "delete", Path: "/tasks/t", Version: -1}},
		{{Kind: "create", Path: "/assign/w/t", Data: `{"epoch":1,"attempt":1,"incarnation":1}`}},
		{{Kind: "check", Path: "/assign", Version: 1}, {Kind: "set", Path: "/tasks/t", Version: -1}},
		{{Kind: "check", Path: "/assign", Version: 1}, {Kind: "delete", Path: "/assign/w/t", Version: -1}, {Kind: "create", Path: "/assign/v/t"}},
		{{Kind: "check", Path: "/assign/w/t", Version: 1}},
		{{Kind: "check", Path: "/assign/w", Version: 1}, {Kind: "delete", Path: "/assign/v/t", Version: -1}},
		{{Kind: "set", Path: "/assign", Version: -1}},
	} {
		r := &reader{}
		for _, got := range r.read(&record.Exchange{Session: "0x1", Answered: 1, Index: -1, Ops: ops}, 1) {
			if got.write.Kind != Stranger {
				t.Errorf("%v is taken for %s", ops, got.write.Kind)
			}
		}
	}
}

// TestFollow_WhenAnUnansweredWriteMayBeApplied: after what was over before it was sent,
// and before what its session has sent after it.
func TestFollow_WhenAnUnansweredWriteMayBeApplied(t *testing.T) {
	submit := func(session, task string, sent, answered int, zxid int64) record.Exchange {
		return record.Exchange{
			Process: "c", Session: session, Sent: millis(sent), Answered: millis(answered), Zxid: zxid, Index: -1,
			Ops: []record.Op{{Kind: "create", Path: "/tasks/" + task}},
		}
	}
	refused := func(x record.Exchange) record.Exchange {
		x.Error, x.Index = record.NodeExists, 0
		return x
	}
	traces := Split([]record.Exchange{
		submit("0x1", "t", 10, 0, 0),
		submit("0x9", "other", 1, 2, 1),
		refused(submit("0x2", "t", 11, 12, 5)),
		refused(submit("0x1", "t", 20, 21, 9)),
	}, 5)
	trace := traces[2]
	if trace.Task != "t" || len(trace.Floats) != 1 || trace.Floats[0].Since != 1 || trace.Floats[0].Until != 2 {
		t.Fatalf("%+v", trace)
	}
	if o := Follow(&trace); !o.Accepted {
		t.Error(o.Why)
	}
	trace.Floats = nil
	if o := Follow(&trace); o.Accepted || !strings.Contains(o.Why, "every operation could be done") {
		t.Errorf("%+v", o)
	}
}

// TestFollow_GivesUpOnTooManyStates: a search that is given up accepts nothing and rejects
// nothing.
func TestFollow_GivesUpOnTooManyStates(t *testing.T) {
	trace := Trace{Task: "t", Sessions: []string{"0x1"}, Writes: []Write{{Kind: CancelTask, Session: 1, Error: record.NoNode}}}
	for range maxOpen + 1 {
		trace.Floats = append(trace.Floats, Float{Write: Write{Kind: SubmitTask, Session: 1, Index: -1}, Since: 1, Until: 1})
	}
	if o := Follow(&trace); !o.GaveUp || o.Accepted {
		t.Errorf("%+v", o)
	}
	trace.Floats = trace.Floats[:12]
	if o := Follow(&trace); o.GaveUp || !o.Accepted {
		t.Errorf("%+v", o)
	}
}

// TestReadAnswers_OfTLC: what TLC prints must be about all traces.
func TestReadAnswers_OfTLC(t *testing.T) {
	traces := make([]Trace, 2)
	got, err := ReadAnswers("noise\n<<\"FURTHEST\", 2, 7>>\n<<\"FURTHEST\", 1, 1>>\n", traces)
	if err != nil || fmt.Sprint(got) != "[0 6]" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "<<\"FURTHEST\", 1, 1>>\n", "<<\"FURTHEST\", 3, 1>>\n<<\"FURTHEST\", 1, 1>>\n"} {
		if _, err := ReadAnswers(bad, traces); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func BenchmarkFollow(b *testing.B) {
	corpus := readCorpus(b)
	for b.Loop() {
		for i := range corpus {
			Follow(&corpus[i])
		}
	}
	b.ReportMetric(float64(len(corpus)*b.N)/b.Elapsed().Seconds(), "traces/s")
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }
