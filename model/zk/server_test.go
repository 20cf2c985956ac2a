package zk

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// do carries out requests that must be answered, and returns the last answer.
func do(t *testing.T, s *Session, ops ...zkapi.Op) zkapi.Result {
	t.Helper()
	var last zkapi.Result
	for _, op := range ops {
		result, err := s.Do(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		last = result
	}
	return last
}

// listen collects the events of a session.
func listen(s *Session) *[]Event {
	var heard []Event
	s.OnEvent(func(e Event) { heard = append(heard, e) })
	return &heard
}

func expect(t *testing.T, heard *[]Event, want ...Event) {
	t.Helper()
	if !slices.Equal(*heard, want) {
		t.Errorf("heard %v, want %v", *heard, want)
	}
	*heard = nil
}

// TestServer_SendsADeletionOnce checks ZooKeeper's rule for a session that watches both
// the data and the children of a znode: it gets one NodeDeleted, which removes both
// watches. A server that lags keeps the rule too.
func TestServer_SendsADeletionOnce(t *testing.T) {
	for _, lags := range []bool{false, true} {
		server := NewServer(time.Second)
		a, b := server.Open(), server.Open()
		heard := listen(a)
		do(t, b, zkapi.Create("/a", nil, zkapi.Persistent))
		data, children := do(t, a, zkapi.Get("/a").Watched()).Watch, do(t, a, zkapi.Children("/a").Watched()).Watch
		if lags {
			a.Lag()
		}
		do(t, b, zkapi.Delete("/a", 0))
		if lags {
			expect(t, heard)
			do(t, a, zkapi.Sync("/"))
		}
		expect(t, heard, Event{NodeDeleted, "/a"})
		if !data.Fired() || !children.Fired() {
			t.Errorf("lags %v: the watch of data has fired: %v, that of children: %v", lags, data.Fired(), children.Fired())
		}
		do(t, b, zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Delete("/a", 0))
		do(t, a, zkapi.Sync("/"))
		expect(t, heard)
	}
}

// TestServer_SendsAMissedDeletionForEachWatch checks ZooKeeper's rule for watches that a
// client sets again: the server looks at them one by one, so a deleted znode has one
// event for its data and one for its children.
func TestServer_SendsAMissedDeletionForEachWatch(t *testing.T) {
	server := NewServer(time.Hour)
	a, b := server.Open(), server.Open()
	heard := listen(a)
	do(t, b, zkapi.Create("/a", nil, zkapi.Persistent))
	do(t, a, zkapi.Get("/a").Watched(), zkapi.Children("/a").Watched())
	a.Cut()
	do(t, b, zkapi.Delete("/a", 0))
	a.Mend()
	expect(t, heard, Event{NodeDeleted, "/a"}, Event{NodeDeleted, "/a"})
}

// TestServer_MergesMissedChanges checks ZooKeeper's rule for a reconnect: only the
// present znode counts. A znode that was deleted and created again has changed, a missing
// znode that exists now was created, and one that was created and deleted gives no event.
func TestServer_MergesMissedChanges(t *testing.T) {
	server := NewServer(time.Hour)
	a, b := server.Open(), server.Open()
	heard := listen(a)
	do(t, b, zkapi.Create("/again", nil, zkapi.Persistent))
	do(t, a, zkapi.Get("/again").Watched(), zkapi.Exists("/new").Watched(), zkapi.Exists("/passing").Watched())
	a.Cut()
	do(t, b, zkapi.Delete("/again", 0), zkapi.Create("/again", nil, zkapi.Persistent), zkapi.Create("/new", nil, zkapi.Persistent),
		zkapi.Create("/passing", nil, zkapi.Persistent), zkapi.Delete("/passing", 0))
	a.Mend()
	expect(t, heard, Event{NodeDataChanged, "/again"}, Event{NodeCreated, "/new"})
	do(t, b, zkapi.Create("/passing", nil, zkapi.Persistent))
	expect(t, heard, Event{NodeCreated, "/passing"})
}

// TestSession_CloseSendsEventsOfItsOwnEphemerals checks ZooKeeper's order at the end of a
// session: its znodes are deleted and their watches fire, and then the close is answered.
func TestSession_CloseSendsEventsOfItsOwnEphemerals(t *testing.T) {
	s := NewServer(time.Second).Open()
	heard := listen(s)
	do(t, s, zkapi.Create("/a", nil, zkapi.Ephemeral), zkapi.Get("/a").Watched())
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, heard, Event{NodeDeleted, "/a"})
}

// TestServer_RecordGetsEveryWrite loses requests and answers, and ends sessions.
func TestServer_RecordGetsEveryWrite(t *testing.T) {
	server := NewServer(time.Second)
	var got []string
	server.Record(func(w Write) {
		text := fmt.Sprintf("%d: %d %v %s", w.Zxid, w.Session, w.Op.Kind, w.Op.Path)
		if w.Err != nil {
			text += " refused"
		}
		if w.Expired {
			text += "expired"
		}
		got = append(got, text)
	})
	a, b := server.Open(), server.Open() // zxids 1 and 2
	do(t, a, zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Get("/a"))
	_, _ = b.Do(t.Context(), zkapi.Create("/a", nil, zkapi.Persistent))
	losses := []Loss{RequestLost, ReplyLost}
	server.Lose(func(zkapi.Op) Loss { return losses[0] })
	for range losses {
		_, _ = a.Do(t.Context(), zkapi.Set("/a", nil, 0))
		losses[0] = losses[1]
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Expire()
	want := []string{"3: 1 create /a", "4: 2 create /a refused", "5: 1 set /a", "6: 2 kind(0) ", "7: 1 kind(0) expired"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestSession_TrapLosesTheAnswer answers writes that do not fit, that are refused, or
// that come later.
func TestSession_TrapLosesTheAnswer(t *testing.T) {
	server := NewServer(time.Second)
	s, other := server.Open(), server.Open()
	do(t, s, zkapi.Create("/a", nil, zkapi.Persistent))
	before, _, _ := s.Connection()
	var caught []Write
	s.Trap(func(w Write) bool {
		if w.Op.Kind == zkapi.KindDelete {
			caught = append(caught, w)
		}
		return w.Op.Kind == zkapi.KindDelete
	})
	do(t, s, zkapi.Get("/a"), zkapi.Set("/a", nil, 0))
	if _, err := s.Do(t.Context(), zkapi.Delete("/a", 7)); zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("a refused write was lost: %v", err)
	}
	do(t, other, zkapi.Create("/b", nil, zkapi.Persistent), zkapi.Delete("/b", 0))
	if _, err := s.Do(t.Context(), zkapi.Delete("/a", 1)); zkapi.FateOf(err) != zkapi.Unknown {
		t.Errorf("the answer arrived: %v", err)
	}
	after, up, _ := s.Connection()
	if do(t, s, zkapi.Exists("/a")).Found || !up || after == before {
		t.Errorf("the write was not applied, or the connection did not change: %v, %d", up, after)
	}
	do(t, s, zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Delete("/a", 0))
	if len(caught) != 1 || caught[0].Session != s.ID() || caught[0].Zxid != 8 {
		t.Errorf("caught %+v", caught)
	}
}

// The tests below show what README.md says may differ from ZooKeeper.

func TestDiffers_ExpiryIsNoticedAtOnce(t *testing.T) {
	s := NewServer(time.Second).Open()
	heard := listen(s)
	do(t, s, zkapi.Create("/a", nil, zkapi.Ephemeral), zkapi.Get("/a").Watched())
	s.Expire()
	if !s.Done().Fired() || !errors.Is(s.Cause(), zkapi.ErrSessionEnded) {
		t.Error("the owner did not learn of it")
	}
	expect(t, heard, Event{NodeDeleted, "/a"})
}

func TestDiffers_ReconnectFindsAServerThatIsUpToDate(t *testing.T) {
	server := NewServer(time.Second)
	a, b := server.Open(), server.Open()
	a.Lag()
	do(t, b, zkapi.Create("/a", nil, zkapi.Persistent))
	if do(t, a, zkapi.Exists("/a")).Found {
		t.Error("a server that lags has the write")
	}
	a.Move()
	if !do(t, a, zkapi.Exists("/a")).Found {
		t.Error("the next server does not have the write")
	}
}

func TestDiffers_MissedEventsComeInOrder(t *testing.T) {
	server := NewServer(time.Hour)
	a, b := server.Open(), server.Open()
	heard := listen(a)
	do(t, a, zkapi.Children("/").Watched(), zkapi.Exists("/b").Watched(), zkapi.Exists("/a").Watched())
	a.Cut()
	do(t, b, zkapi.Create("/b", nil, zkapi.Persistent), zkapi.Create("/a", nil, zkapi.Persistent))
	a.Mend()
	expect(t, heard, Event{NodeCreated, "/a"}, Event{NodeCreated, "/b"}, Event{NodeChildrenChanged, "/"})
}

// TestDiffers_PingsLeaveNoGap: both clocks of an idle session begin at the cut. Those of a real
// one begin at its last ping, up to a third of the timeout before.
func TestDiffers_PingsLeaveNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(patience).Open()
		for part := range time.Duration(10) {
			time.Sleep(time.Minute + part*patience/10)
			s.Cut()
			time.Sleep(zkapi.SessionLease(patience) - 1)
			s.Mend()
			if cause := s.Cause(); cause != nil {
				t.Fatal(cause)
			}
		}
	})
}

func TestDiffers_SyncIsAFence(t *testing.T) {
	server := NewServer(time.Second)
	a, b := server.Open(), server.Open()
	a.Lag()
	do(t, b, zkapi.Create("/a", nil, zkapi.Persistent))
	do(t, a, zkapi.Sync("/"))
	if !do(t, a, zkapi.Exists("/a")).Found {
		t.Error("a sync has not brought the latest write")
	}
}

// TestServer_Refuses applies nothing of a refused request. For a multi the error names
// the operation; an earlier operation that the tree refuses comes first.
func TestServer_Refuses(t *testing.T) {
	s := NewServer(time.Second)
	session := s.Open()
	s.Refuse(func(_ int64, op zkapi.Op) error {
		if op.Path == "/b" {
			return zkapi.ErrQuota
		}
		return nil
	})
	ctx := t.Context()
	for _, c := range []struct {
		op    zkapi.Op
		why   error
		index int
	}{
		{zkapi.Create("/b", nil, zkapi.Persistent), zkapi.ErrQuota, -1},
		{zkapi.Exists("/b"), zkapi.ErrQuota, -1},
		{zkapi.Multi(zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Create("/b", nil, zkapi.Persistent)), zkapi.ErrQuota, 1},
		{zkapi.Multi(zkapi.Delete("/a", -1), zkapi.Create("/b", nil, zkapi.Persistent)), zkapi.ErrNoNode, 0},
	} {
		_, err := session.Do(ctx, c.op)
		if !errors.Is(err, c.why) || zkapi.FateOf(err) != zkapi.NotApplied || c.op.Kind == zkapi.KindMulti && zkapi.FailedIndex(err) != c.index {
			t.Errorf("%v: %v", c.op.Kind, err)
		}
	}
	if found, err := session.Do(ctx, zkapi.Exists("/a")); err != nil || found.Found {
		t.Errorf("/a: %v, %v", found.Found, err)
	}
}

// TestServer_ClosesTheConnectionOnALargeRequest closes the connection each time, and the
// session stays. Small requests are answered. From the third time on the client says why.
func TestServer_ClosesTheConnectionOnALargeRequest(t *testing.T) {
	s := NewServer(time.Second)
	session := s.Open()
	s.MaxBuffer(1000)
	large := zkapi.Create("/large", make([]byte, 1000), zkapi.Persistent)
	for n := range 4 {
		before, _, _ := session.Connection()
		_, err := session.Do(t.Context(), large)
		after, up, _ := session.Connection()
		if !errors.Is(err, zkapi.ErrConnectionLoss) || zkapi.FateOf(err) != zkapi.Unknown || before == after || !up {
			t.Fatalf("%v; the connection is up is %v", err, up)
		}
		if got, want := zkapi.TooLarge(err), n >= 2; got != want {
			t.Errorf("time %d: the client says why: %v", n+1, got)
		}
		if _, err := session.Do(t.Context(), zkapi.Create(fmt.Sprint("/small", n), nil, zkapi.Persistent)); err != nil {
			t.Error(err)
		}
	}
	s.MaxBuffer(0)
	if _, err := session.Do(t.Context(), large); err != nil {
		t.Error(err)
	}
}
