package zk

import (
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSession_EventComesBeforeWhatItIsAbout has several goroutines of one session that watch and
// read a znode while another session writes it. When an answer shows a write, the event of that
// write has fired; and when the event has fired, the next answer shows the write. In the second
// round the session's server lags, and the answers come from writes and syncs.
func TestSession_EventComesBeforeWhatItIsAbout(t *testing.T) {
	for _, lags := range []bool{false, true} {
		server := NewServer(patience)
		reader, writer := server.Open(), server.Open()
		do(t, writer, zkapi.Create("/a", nil, zkapi.Persistent))
		if lags {
			reader.Lag()
		}
		const writes, readers = 1000, 3
		read := func(op zkapi.Op) zkapi.Result {
			ops := []zkapi.Op{op}
			if lags {
				ops = []zkapi.Op{zkapi.Sync("/"), op}
			}
			replies := reader.DoAll(t.Context(), ops)
			last := replies[len(replies)-1]
			if last.Err != nil {
				t.Error(last.Err)
			}
			return last.Result
		}
		env := &Env{Server: server}
		var work sync.WaitGroup
		for range readers {
			work.Go(func() {
				for set := read(zkapi.Get("/a").Watched()); set.Stat.Version < writes; set = read(zkapi.Get("/a").Watched()) {
					now := read(zkapi.Get("/a"))
					for now.Stat.Version == set.Stat.Version {
						now = read(zkapi.Get("/a"))
					}
					if !set.Watch.Fired() {
						t.Errorf("lags %v: an answer of version %d came before the event", lags, now.Stat.Version)
						return
					}
				}
			})
			work.Go(func() {
				for set := read(zkapi.Get("/a").Watched()); set.Stat.Version < writes; set = read(zkapi.Get("/a").Watched()) {
					if _, err := env.Wait(t.Context(), set.Watch); err != nil {
						t.Error(err)
						return
					}
					if now := read(zkapi.Get("/a")); now.Stat.Version == set.Stat.Version {
						t.Errorf("lags %v: after the event an answer has version %d", lags, now.Stat.Version)
						return
					}
				}
			})
		}
		for version := range int32(writes) {
			do(t, writer, zkapi.Set("/a", nil, version))
		}
		work.Wait()
	}
}

// TestSession_AnswerIsOnItsWayBeforeALaterEvent: while a request is being carried out, others
// already wait to write the same znode, and to end the connection and the session. The request
// has the answer of its place in the order, whatever comes before the caller runs again.
func TestSession_AnswerIsOnItsWayBeforeALaterEvent(t *testing.T) {
	for range 500 {
		server := NewServer(patience)
		caller, other := server.Open(), server.Open()
		do(t, other, zkapi.Create("/a", nil, zkapi.Persistent))
		var order []string // guarded by the server's lock
		caller.OnEvent(func(Event) { order = append(order, "event") })
		var later sync.WaitGroup
		server.Observe(func(session int64, op zkapi.Op) {
			if session != caller.ID() {
				return
			}
			order = append(order, "request")
			later.Go(func() {
				if _, err := other.Do(t.Context(), zkapi.Delete("/a", 0)); err != nil {
					t.Error(err)
				}
				caller.Cut()
				caller.Expire()
				caller.Mend()
			})
		})
		result, err := caller.Do(t.Context(), zkapi.Get("/a").Watched())
		if err != nil || result.Stat.Version != 0 || result.Watch == nil {
			t.Fatalf("the answer is %+v, %v", result, err)
		}
		later.Wait()
		if len(order) != 2 || order[0] != "request" || !result.Watch.Fired() || !caller.Done().Fired() {
			t.Fatalf("the order at the server is %v; the event has fired: %v", order, result.Watch.Fired())
		}
	}
}
