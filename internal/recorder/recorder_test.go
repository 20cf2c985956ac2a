package recorder

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestRecorder_SeesEveryWrite does writes in every way that the port has, and
// expects each in the journal with what was heard of it; reads are left out.
func TestRecorder_SeesEveryWrite(t *testing.T) {
	journal, events := recordtest.Journal(t)
	server := zk.NewServer(time.Second)
	env := &Env{Env: &zk.Env{Server: server}, Journal: journal, Namespace: "/space"}
	ctx := context.Background()
	session, err := env.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	do := func(op zkapi.Op) { _, _ = session.Do(ctx, op) }
	do(zkapi.Create("/space", nil, zkapi.Persistent))
	do(zkapi.Create("/space/t-", []byte("x"), zkapi.PersistentSequential))
	do(zkapi.Set("/space/none", nil, 3))
	do(zkapi.Get("/space"))
	session.DoAll(ctx, []zkapi.Op{
		zkapi.Children("/space"),
		zkapi.Multi(zkapi.Check("/space", 0), zkapi.Set("/space", []byte("y"), 0)),
	})
	server.Lose(func(zkapi.Op) zk.Loss { return zk.ReplyLost })
	do(zkapi.Delete("/space/t-0000000000", -1))
	if err := session.Close(ctx); err != nil {
		t.Fatal(err)
	}
	type line struct {
		outcome record.Type
		ops     []record.Op
		gained  []record.Op
	}
	var got []line
	for _, w := range record.Operations(events(), record.Write) {
		got = append(got, line{w.Outcome(), w.Invoke.Ops(), w.Done.Ops()})
	}
	want := []line{
		{record.OK, []record.Op{{Kind: "create"}}, nil},
		{record.OK, []record.Op{{Kind: "create", Path: "/t-", Sequential: true, Data: "x"}}, []record.Op{{Kind: "create", Path: "/t-0000000000"}}},
		{record.Fail, []record.Op{{Kind: "set", Path: "/none", Version: 3}}, nil},
		{record.OK, []record.Op{{Kind: "check"}, {Kind: "set", Data: "y"}}, []record.Op{{Kind: "set", Got: 1}}},
		{record.Info, []record.Op{{Kind: "delete", Path: "/t-0000000000", Version: -1}}, nil},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	notes := 0
	for _, e := range events() {
		if e.Kind == record.Session && e.Session() == "0x1" {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%d notes about the session, want that it opened and that it ended", notes)
	}
}

// TestOpen_NotesWhatWasLost: a holder that opens the next session without having closed the
// lost one has given it up before.
func TestOpen_NotesWhatWasLost(t *testing.T) {
	journal, events := recordtest.Journal(t)
	server := zk.NewServer(time.Second)
	env := &Env{Env: &zk.Env{Server: server}, Journal: journal}
	ctx := context.Background()
	first, err := env.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	server.Sessions()[0].Expire()
	if first.Cause() == nil {
		t.Fatal("the session is not over")
	}
	if _, err := env.Open(ctx); err != nil {
		t.Fatal(err)
	}
	_ = first.Close(ctx) // the end is on record already
	var got []record.SessionFate
	for _, e := range events() {
		if e.Kind == record.Session {
			got = append(got, e.SessionChange().Fate)
		}
	}
	if want := []record.SessionFate{record.Opened, record.Lost, record.Opened}; !slices.Equal(got, want) {
		t.Errorf("noted %q, want %q", got, want)
	}
}

// TestOpen_TellsOfARestore: a recipe that is recorded hears that the ensemble has gone back.
func TestOpen_TellsOfARestore(t *testing.T) {
	journal, _ := recordtest.Journal(t)
	server := zk.NewServer(time.Second)
	env := &Env{Env: &zk.Env{Server: server}, Journal: journal}
	for times := range 2 {
		session, err := env.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := zkapi.WentBack(session); got != times {
			t.Errorf("it went back %d times, want %d", got, times)
		}
		server.Restore(zk.NewTree())
	}
}
