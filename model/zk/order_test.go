package zk

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

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
		for range 100 { // in one goroutine, so that nothing else runs between the write and the look
			set := read(zkapi.Exists("/a").Watched())
			do(t, writer, zkapi.Delete("/a", 0), zkapi.Create("/a", nil, zkapi.Persistent))
			if now := read(zkapi.Exists("/a")); now.Stat.Czxid == set.Stat.Czxid || !set.Watch.Fired() {
				t.Fatalf("lags %v: an answer that shows a write came before the event, or not at all", lags)
			}
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

// TestSession_AnswerIsOnItsWayBeforeALaterEvent: a request and a write of the same znode wait for
// the server, in this order. The event of the write also ends the session. The request has the
// answer of its place in the order, whatever comes before its caller runs.
func TestSession_AnswerIsOnItsWayBeforeALaterEvent(t *testing.T) {
	for range 20 {
		server := NewServer(patience)
		caller, other := server.Open(), server.Open()
		do(t, other, zkapi.Create("/a", nil, zkapi.Persistent))
		var order []string // guarded by the server's lock
		server.Observe(func(_ int64, op zkapi.Op) { order = append(order, op.Kind.String()) })
		caller.OnEvent(func(Event) {
			order = append(order, "event")
			server.drop(caller, errExpired)
		})
		server.mu.Lock()
		var work sync.WaitGroup
		var got zkapi.Result
		var err error
		work.Go(func() { got, err = caller.Do(t.Context(), zkapi.Get("/a").Watched()) })
		letWait()
		work.Go(func() { _, _ = other.Do(t.Context(), zkapi.Delete("/a", 0)) })
		letWait()
		// A goroutine that has waited for a lock for long, and in vain, makes the lock a queue: so
		// the caller could not have it again before the write.
		server.mu.Unlock()
		server.mu.Lock()
		letWait()
		server.mu.Unlock()
		work.Wait()
		switch text := strings.Join(order, ", "); {
		case text == "get, delete, event" && err == nil && got.Found && got.Watch.Fired() && caller.Done().Fired():
		case text == "delete, get" && errors.Is(err, zkapi.ErrNoNode): // a machine that is busy turns them round
		default:
			t.Fatalf("the order is %s, and the answer %+v, %v", text, got, err)
		}
	}
}

// letWait lets the other goroutines come to the server's lock. After a millisecond a mutex may
// become a queue.
func letWait() { time.Sleep(2 * time.Millisecond) }
