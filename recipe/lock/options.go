package lock

import (
	"time"
	"unicode/utf8"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
)

// form is what a contender wants.
type form uint8

const (
	exclusive form = iota
	shared
	permit // of a semaphore
)

// Option changes one call of Lock or TryLock.
type Option func(*wish)

// wish is one call of Lock.
type wish struct {
	path     string
	form     form
	permits  int // of the semaphore; 1 for a lock
	simple   bool
	delay    time.Duration
	data     string
	onRevoke func()
}

// Shared takes the lock together with other shared holders. An exclusive holder waits for all
// shared holders before it, and later shared contenders wait for the exclusive contender. So
// neither starves.
func Shared() Option { return func(w *wish) { w.form = shared } }

// Permits makes the path a semaphore: up to n contenders hold it together. All contenders of one
// path must give the same n: one that gives another n while others are there is refused when its
// turn comes (ErrMixed). A path cannot be a lock and a semaphore.
func Permits(n int) Option { return func(w *wish) { w.form, w.permits = permit, n } }

// Simple takes the lock in the form of one znode, <path>/lock, as it can be made by hand in
// zkCli. All contenders watch that znode, so each release wakes all of them, and no order is
// kept. Use it for few contenders. The simple form and the queue do not know of each other: a
// path must not be used in both (ErrMixed).
func Simple() Option { return func(w *wish) { w.simple = true } }

// Delay is for resources that cannot check tokens: if this holder's lock ends without Release, the
// next holder waits d, from the moment when it sees that, before the lock is granted. So the old
// holder has d longer to stop. The next holder measures d by its own clock: if that clock runs up
// to r too fast (0.01 for one percent), it waits d*(1-r) at least. Not for shared locks and
// semaphores.
func Delay(d time.Duration) Option { return func(w *wish) { w.delay = d } }

// Data is a text in the znode of this contender, for those who look who holds the lock. At most
// MaxData bytes.
func Data(text string) Option { return func(w *wish) { w.data = text } }

// MaxData is the size in bytes of the longest text for Data.
const MaxData = 16 << 10

// OnRevoke calls f once if another program asks for the lock (Locks.Revoke, or Curator's Revoker).
// Nothing else happens: it is up to the holder to release. f is called in a thread of the Locks;
// it must not block.
func OnRevoke(f func()) Option { return func(w *wish) { w.onRevoke = f } }

// longestDelay bounds Delay.
const longestDelay = time.Hour

// mostPermits bounds Permits.
const mostPermits = 1 << 20

// newWish checks a call of Lock.
func newWish(path string, options []Option) (wish, error) {
	w := wish{path: path, permits: 1}
	for _, option := range options {
		if option == nil {
			return w, invalid("an option is nil: leave it out")
		}
		option(&w)
	}
	if err := checkPath(path); err != nil {
		return w, err
	}
	switch {
	case w.permits < 1 || w.permits > mostPermits:
		return w, invalid("Permits(%d): use 1 to %d", w.permits, mostPermits)
	case w.delay < 0 || w.delay > longestDelay:
		return w, invalid("Delay(%v): use up to %v", w.delay, longestDelay)
	case w.delay > 0 && w.form != exclusive:
		return w, invalid("Delay is for exclusive locks: leave it out, because the next holder cannot know which of several ended")
	case w.simple && w.form != exclusive:
		return w, invalid("Simple is for exclusive locks: leave out Shared and Permits, or Simple")
	case len(w.data) > MaxData:
		return w, invalid("Data has %d bytes: at most %d are allowed", len(w.data), MaxData)
	case !utf8.ValidString(w.data):
		return w, invalid("Data is not UTF-8: give a text")
	}
	return w, nil
}

// checkPath checks the path of a lock.
func checkPath(path string) error { return input.CheckPath(role, path, "/locks/invoices") }
