package queue_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// journal is a log that tests can search.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// skips are the items that the log says are skipped, once for each time.
func (j *journal) skips() (items []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		if _, after, found := strings.Cut(line, `msg="an item is skipped"`); found {
			_, after, _ = strings.Cut(after, "item=")
			name, _, _ := strings.Cut(after, " ")
			items = append(items, name)
		}
	}
	return items
}

func (w *world) logged(config queue.Config) (*queue.Queue, *journal) {
	log := &journal{}
	config.Logger = slog.New(slog.NewTextHandler(log, nil))
	return w.queueOf(config), log
}

// denies has the server refuse requests of the queue's processes about some znodes. A multi is asked
// for each of its ops.
func (w *world) denies(denied func(op zkapi.Op) bool) {
	direct := w.direct.ID()
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
		if session != direct && denied != nil && denied(op) {
			return zkapi.ErrNoAuth
		}
		return nil
	})
}

// TestTake_SkipsWhatItMayNotTouch: the ACL of one znode is another one. The others are handed out, and
// the log says it once. When a person has given it the right ACL, it is taken.
func TestTake_SkipsWhatItMayNotTouch(t *testing.T) {
	for name, kinds := range map[string][]zkapi.Kind{
		"no read": {zkapi.KindGet, zkapi.KindSet}, "no write": {zkapi.KindSet},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				q, log := w.logged(queue.Config{})
				ids := w.puts(q, "foreign a b")
				w.denies(func(op zkapi.Op) bool { return strings.HasSuffix(op.Path, ids[0]) && isOneOf(op.Kind, kinds) })
				if got := w.drains(q); got != "a b" {
					t.Errorf("taken: %q", got)
				}
				waits := w.later(q.Take)
				time.Sleep(5 * time.Minute)
				if skips := log.skips(); len(skips) != 1 || skips[0] != ids[0] {
					t.Errorf("skipped: %v", skips)
				}
				w.denies(nil)
				if got := w.arrives(time.Minute, waits); string(got.Payload()) != "foreign" {
					t.Errorf("taken: %q", got.Payload())
				}
			})
		})
	}
}

func isOneOf(kind zkapi.Kind, kinds []zkapi.Kind) bool {
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// TestTake_SkipsDelayedItems that this process may not read. Those behind it are due as well.
func TestTake_SkipsDelayedItems(t *testing.T) {
	inBubble(t, func(w *world) {
		q, log := w.logged(queue.Config{})
		w.puts(q, "foreign a b", queue.Delay(time.Second))
		w.denies(func(op zkapi.Op) bool {
			return op.Kind == zkapi.KindGet && strings.HasPrefix(op.Path, path+"/delayed/") && strings.HasSuffix(op.Path, "0000000000")
		})
		w.puts(q, "now")
		time.Sleep(2 * time.Second)
		if got := w.drains(q); got != "now a b" && got != "a b now" {
			t.Errorf("taken: %q", got)
		}
		if skips := log.skips(); len(skips) != 1 {
			t.Errorf("skipped: %v", skips)
		}
	})
}

// TestTake_SkipsWhatCannotBeBuried: the servers let no process make dead letters.
func TestTake_SkipsWhatCannotBeBuried(t *testing.T) {
	inBubble(t, func(w *world) {
		q, log := w.logged(queue.Config{MaxTakes: 1})
		ids := w.puts(q, "poison")
		w.releases(w.takes(q))
		w.denies(func(op zkapi.Op) bool {
			return op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, path+"/dead/")
		})
		w.puts(q, "good")
		if got, skips := w.drains(q), log.skips(); got != "good" || len(skips) != 1 || skips[0] != ids[0] {
			t.Errorf("taken: %q; skipped: %v", got, skips)
		}
	})
}

// TestTake_SkipsWhatIsTooLarge to be moved: the servers accept less than when it was put.
func TestTake_SkipsWhatIsTooLarge(t *testing.T) {
	inBubble(t, func(w *world) {
		q, log := w.logged(queue.Config{})
		large := strings.Repeat("x", 20<<10)
		w.puts(q, "a "+large+" b", queue.Delay(time.Second))
		w.env.Server.MaxBuffer(10 << 10)
		w.puts(q, "now")
		time.Sleep(2 * time.Second)
		var got []string
		for range 3 {
			taken := w.arrives(time.Minute, w.later(q.Take))
			got = append(got, string(taken.Payload()))
			w.acks(taken)
		}
		if text := strings.Join(got, " "); text != "now a b" && text != "a b now" && text != "a now b" {
			t.Errorf("taken: %.60q", text)
		}
		synctest.Wait()
		if skips := log.skips(); len(skips) != 1 || len(w.below("/delayed")) != 1 {
			t.Errorf("skipped: %v; delayed: %v", skips, w.below("/delayed"))
		}
		if _, err := q.TryTake(w.ctx); !errors.Is(err, queue.ErrEmpty) {
			t.Errorf("in the end: %v", err)
		}
	})
}

// TestToken_OfALargeItem: its version is lifted by writes that a server accepts.
func TestToken_OfALargeItem(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, strings.Repeat("x", 50<<10))
		backup := w.env.Server.Tree()
		taken := w.takes(q)
		last := taken.Token()
		w.releases(taken)
		w.env.Server.Restore(backup)
		w.direct = w.env.Server.Open()
		w.env.Server.MaxBuffer(1 << 20)
		if taken := w.takes(q); taken.Token() <= last {
			t.Errorf("the token %d after %d", taken.Token(), last)
		}
	})
}

// TestLog_NamesTheProcess as such: it is no queue.
func TestLog_NamesTheProcess(t *testing.T) {
	inBubble(t, func(w *world) {
		q, log := w.logged(queue.Config{Name: "host-1"})
		w.later(q.Take)
		time.Sleep(time.Second)
		log.mu.Lock()
		defer log.mu.Unlock()
		if text := log.text.String(); !strings.Contains(text, " process=host-1 path="+path) || strings.Contains(text, "queue=host-1") {
			t.Errorf("the log: %s", text)
		}
	})
}
