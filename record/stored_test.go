package record

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// everyKind has an event of each kind, as it was recorded by version 1 of the format.
var everyKind = []struct {
	flat string
	want Event
}{
	{`"type":"invoke","kind":"submit","id":"c.1","due":7`, Event{Type: Invoke, Kind: Submit, Of: Submission{ID: "c.1", Due: 7}}},
	{`"type":"fail","kind":"submit","id":"c.1","text":"the backlog is full (9 of 9)"`, Event{Type: Fail, Kind: Submit, Of: Submission{ID: "c.1", BacklogFull: true, Problem: "the backlog is full (9 of 9)"}}},
	{`"type":"ok","kind":"await","task":"t","id":"c.1","epoch":2,"attempt":1,"state":"done","result":"r"`, Event{Type: OK, Kind: Await, Of: Answer{Task: "t", ID: "c.1", Token: Token{2, 1}, State: "done", Result: "r"}}},
	{`"type":"fail","kind":"cancel","task":"t","text":"no such task"`, Event{Type: Fail, Kind: Cancel, Of: Answer{Task: "t", Problem: "no such task"}}},
	{`"type":"invoke","kind":"execute","task":"t","id":"c.1","epoch":2,"attempt":1`, Event{Type: Invoke, Kind: Execute, Of: Execution{Task: "t", ID: "c.1", Token: Token{2, 1}}}},
	{`"type":"fail","kind":"execute","task":"t","id":"c.resident","state":"lapsed","text":"no"`, Event{Type: Fail, Kind: Execute, Of: Execution{Task: "t", ID: "c.resident", Resident: true, Lapsed: true, Problem: "no"}}},
	{`"type":"ok","kind":"lead","epoch":2,"text":"closed"`, Event{Type: OK, Kind: Lead, Of: Term{Epoch: 2, Cause: "closed"}}},
	{`"type":"fail","kind":"leave","text":"late"`, Event{Type: Fail, Kind: Leave, Of: Departure{Problem: "late"}}},
	{`"type":"ok","kind":"write","session":"0x1","ops":[{"kind":"set","path":"/a","got":3}]`, Event{Type: OK, Kind: Write, Of: Request{Session: "0x1", Ops: []Op{{Kind: "set", Path: "/a", Got: 3}}}}},
	{`"type":"note","kind":"told","task":"t","id":"c.1","attempt":1,"text":"enough"`, Event{Type: Note, Kind: StopRequested, Of: StopRequest{Task: "t", ID: "c.1", Token: Token{0, 1}, Cause: "enough"}}},
	{`"type":"note","kind":"effect","task":"t","accepted":true,"text":"start by worker-2/1"`, Event{Type: Note, Kind: Effect, Of: Act{Task: "t", Accepted: true, Deed: "start", By: Life{"worker-2", 1}}}},
	{`"type":"note","kind":"effect","task":"t","text":"by worker-2/1"`, Event{Type: Note, Kind: Effect, Of: Act{Task: "t", By: Life{"worker-2", 1}}}},
	{`"type":"note","kind":"session","session":"0x1","target":"worker-2/1","text":"granted on the wire"`, Event{Type: Note, Kind: Session, Of: SessionChange{Session: "0x1", Fate: Granted, To: Life{"worker-2", 1}}}},
	{`"type":"note","kind":"session","session":"0x1","text":"opened, timeout 3s"`, Event{Type: Note, Kind: Session, Of: SessionChange{Session: "0x1", Fate: Opened, Timeout: 3 * time.Second}}},
	{`"type":"note","kind":"session","session":"0x1","text":"ended: closed"`, Event{Type: Note, Kind: Session, Of: SessionChange{Session: "0x1", Fate: Closed}}},
	{`"type":"note","kind":"session","session":"0x1","text":"ended: expired by the server"`, Event{Type: Note, Kind: Session, Of: SessionChange{Session: "0x1", Fate: Lost, Detail: "expired by the server"}}},
	{`"type":"note","kind":"process","target":"worker-2/1","text":"started"`, Event{Type: Note, Kind: Process, Of: ProcessChange{Of: Life{"worker-2", 1}, Fate: Started}}},
	{`"type":"note","kind":"process","target":"worker-2/1","text":"exited"`, Event{Type: Note, Kind: Process, Of: ProcessChange{Of: Life{"worker-2", 1}, Fate: Exited}}},
	{`"type":"note","kind":"process","target":"worker-2/1","text":"crashed: exit status 2"`, Event{Type: Note, Kind: Process, Of: ProcessChange{Of: Life{"worker-2", 1}, Fate: Crashed, Detail: "exit status 2"}}},
	{`"type":"note","kind":"process","target":"worker-2/1","text":"signal: killed"`, Event{Type: Note, Kind: Process, Of: ProcessChange{Of: Life{"worker-2", 1}, Fate: Killed, Detail: "signal: killed"}}},
	{`"type":"note","kind":"heard","epoch":2,"text":"master-1"`, Event{Type: Note, Kind: Heard, Of: Leader{Name: "master-1", Epoch: 2}}},
	{`"type":"note","kind":"change","task":"t","state":"finished","target":"worker-2"`, Event{Type: Note, Kind: Change, Of: TaskChange{Task: "t", Fate: Finished, Worker: "worker-2"}}},
	{`"type":"ok","kind":"fault","fault":"expire-elected","target":"master-1,master-2","session":"0xa,0xb","effective":true,"text":"gone"`, Event{Type: OK, Kind: Fault, Of: Injection{Fault: "expire-elected", Targets: []string{"master-1", "master-2"}, Sessions: []string{"0xa", "0xb"}, Effective: true, Evidence: "gone"}}},
	{`"type":"note","kind":"clock","wall":"2026-01-02T03:04:05Z"`, Event{Type: Note, Kind: Clock, Of: Reading{Wall: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}},
	{`"type":"note","kind":"clock","text":"woke up: the clock of leases has gone on by 4.5s, the monotonic clock by 20ms"`, Event{Type: Note, Kind: Clock, Of: Reading{Sleep: &Sleep{4500 * time.Millisecond, 20 * time.Millisecond}}}},
	{`"type":"note","kind":"phase","text":"load for 1m0s, 3 faults planned"`, Event{Type: Note, Kind: Phase, Of: PhaseChange{Part: Loading, Detail: "for 1m0s, 3 faults planned"}}},
}

// TestVersion1_IsRead: what a run has recorded before is what is known today, in the
// same words.
func TestVersion1_IsRead(t *testing.T) {
	kinds := map[Kind]bool{}
	for _, c := range everyKind {
		want := c.want
		want.Seq, want.At, want.Process, want.Life, want.Op = 3, 5, "p", 1, 2
		events, err := Read(strings.NewReader(`{"history":"ringmaster","version":1}` + "\n" + `{"seq":3,"at":5,"process":"p","life":1,"op":2,` + c.flat + "}\n"))
		if err != nil || len(events) != 1 || !reflect.DeepEqual(events[0], want) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", c.flat, events, err, want)
			continue
		}
		var said struct{ Text string }
		if err := json.Unmarshal([]byte("{"+c.flat+"}"), &said); err != nil || events[0].Remark() != said.Text {
			t.Errorf("%s: it says %q, %v", c.flat, events[0].Remark(), err)
		}
		kinds[want.Kind] = true
	}
	for _, kind := range kindsOf(t) {
		if !kinds[kind] {
			t.Errorf("no event of kind %q is tried", kind)
		}
	}
}

// TestEvents_AreReadAsTheyWereWritten, those of each kind.
func TestEvents_AreReadAsTheyWereWritten(t *testing.T) {
	for _, c := range everyKind {
		data, err := json.Marshal(c.want)
		if err != nil {
			t.Errorf("%+v: %v", c.want, err)
			continue
		}
		var got Event
		if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", data, got, err, c.want)
		}
	}
}

// kindsOf are all kinds that have a payload.
func kindsOf(t *testing.T) []Kind {
	t.Helper()
	all := []Kind{Submit, Await, Cancel, Execute, Lead, Leave, Write, StopRequested, Effect, Session, Process, Heard, Change, Fault, Clock, Phase}
	for _, kind := range all {
		if fits(kind, nil) {
			t.Errorf("an event of kind %q needs no payload", kind)
		}
	}
	return all
}

// TestEvents_HaveThePayloadOfTheirKind, or are neither written nor read.
func TestEvents_HaveThePayloadOfTheirKind(t *testing.T) {
	for _, e := range []Event{{Kind: Write}, {Kind: Write, Of: Term{}}, {Kind: "unheard of", Of: Term{}}} {
		if data, err := json.Marshal(e); err == nil {
			t.Errorf("written: %s", data)
		}
	}
	for _, text := range []string{`{"kind":"write"}`, `{"kind":"write","term":{}}`, `{"kind":"write","request":{},"term":{}}`, `{"kind":"process","change":{"of":"worker"}}`} {
		var e Event
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("%s was read: %+v", text, e)
		}
	}
	var e Event
	if err := json.Unmarshal([]byte(`{"kind":"of tomorrow"}`), &e); err != nil || e.Kind != "of tomorrow" {
		t.Errorf("a kind that this program does not know: %v", err)
	}
}

// TestHistories_AreWrittenInTheNewestVersion: a reader of before refuses them.
func TestHistories_AreWrittenInTheNewestVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.ndjson")
	if err := WriteFile(path, []Event{{Seq: 1, Kind: Phase, Of: PhaseChange{Part: Ending}}}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	want := `{"history":"ringmaster","version":2}
{"seq":1,"at":0,"process":"","type":"","kind":"phase","phase":{"part":"end"}}
`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
}

// TestRoleOf_Names: the name of a process says what it is.
func TestRoleOf_Names(t *testing.T) {
	for name, want := range map[string]Role{
		"master-1": MasterRole, "worker-12": WorkerRole, "node-2": NodeRole, "client-1": ClientRole, "zk1": ServerRole, "zk1,zk2": ServerRole,
		"harness": HarnessRole, "nemesis": NemesisRole, "sink": SinkRole, "": "", "worker": "", "final tree": "",
	} {
		if got := RoleOf(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestInjection_Robs: what stops a process, or takes its session, is no surprise to judges.
func TestInjection_Robs(t *testing.T) {
	for fault, want := range map[string]bool{"stop-worker": true, "sleep-worker": true, "expire-elected": true, "kill-worker": false, "cut-worker": false, "pause-worker": true} {
		if got := (Injection{Fault: fault}).Robs(); got != want {
			t.Errorf("%s: %v", fault, got)
		}
	}
	if (Injection{Fault: "pause-worker", Effective: true}).Robs() {
		t.Error("a pause was as long as planned, and robs")
	}
}

// TestInjection_IsJudgedByWhatTheRecordSays: a name says what a fault does only where the
// record does not.
func TestInjection_IsJudgedByWhatTheRecordSays(t *testing.T) {
	if freeze := (Injection{Fault: "freeze-worker", Did: "froze %s", Does: []Impact{Stops}}); !freeze.Robs() || !freeze.Halts() || freeze.Pauses() {
		t.Error("a fault that stops its target is not known to do so")
	}
	if tickle := (Injection{Fault: "kill-time", Did: "tickled %s"}); tickle.Kills() || tickle.Restarts() || tickle.Robs() {
		t.Error("a fault is judged by its name against what the record says")
	}
	begun := Event{Of: Injection{Fault: "freeze-worker", Did: "froze %s", Does: []Impact{Stops}}}
	if over := (Operation{Invoke: begun, Done: Event{Type: OK, Of: Injection{Effective: true}}}).Fault(); !over.Halts() || over.Did == "" || !over.Effective {
		t.Errorf("when it is over, what it does is forgotten: %+v", over)
	}
}
