package queue

import (
	"log/slog"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Config describes one process that puts items into a queue, or takes them.
type Config struct {
	// Name of the process, for people. It is in the data of the claims of this process.
	Name string
	// ACL of the znodes that are made. Nil lets every client do everything. All processes of the
	// queue must be able to read, to create, to set and to delete below its path.
	ACL []zkapi.ACL
	// Layout is how the znodes of the queue are named. All programs of one queue use the same.
	Layout Layout
	// LockPath is the lock path of Curator's QueueBuilder, for the layout Curator only. All programs
	// of that queue must have it: without it, Curator's consumers take items that are held here.
	LockPath string
	// Bound is how many items the queue may have for a Put to be accepted, those that are held
	// included and those that are delayed not. 0 is no bound. The bound is a soft one: Put reads
	// the number of items just before it writes, so the queue has at most as many items more as
	// are being put at one moment. Requeue and the end of a delay do not look at the bound.
	Bound int
	// MaxTakes is how often an item may be taken. A consumer that finds one that was taken so
	// often, and is free, moves it to the dead letters. 0 is no limit. Give all consumers the same.
	MaxTakes int
	// Logger receives waits and losses. Nil: nothing is logged.
	Logger *slog.Logger
}

const (
	// DefaultPriority is the priority of an item without the option Priority, as in kazoo.
	DefaultPriority = 100
	// HighestPriority is the greatest number for Priority. Smaller numbers are taken first.
	HighestPriority = 999
	// MostTakes is the greatest Config.MaxTakes.
	MostTakes = 1000
	// LongestDelay is the longest Delay.
	LongestDelay = 10 * 365 * 24 * time.Hour
)

// Option changes one item that is put.
type Option func(*wish)

// wish is one item that is put.
type wish struct {
	priority int
	delay    time.Duration
	waits    bool
	payload  []byte
}

// Priority puts the item in front of all items with a greater number: 0 to HighestPriority. Items of
// the same priority stand in the order in which they were put. The layout Curator has none.
func Priority(number int) Option { return func(w *wish) { w.priority = number } }

// Delay keeps the item from consumers for d. Then it goes behind the items of its priority that are
// there. The moment is that of the producer's clock plus d, and each consumer compares it with its
// own clock: clocks that differ by s make the delay up to s shorter or longer. It also takes a
// consumer of this package that looks: one that waits in Take, or the next Take or TryTake.
func Delay(d time.Duration) Option { return func(w *wish) { w.delay = d } }

// WaitForRoom makes Put wait until the queue has fewer items than Config.Bound, or until ctx ends.
// Without it, Put returns ErrFull at once.
func WaitForRoom() Option { return func(w *wish) { w.waits = true } }

// Item is one of many items for PutAll.
type Item struct {
	Payload []byte
	Options []Option
}

// check returns why a configuration cannot be used for the queue at path.
func (c Config) check(path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	switch {
	case c.Layout > Curator:
		return invalid("Config.Layout is %d: use Kazoo or Curator", c.Layout)
	case c.Layout == Curator && c.LockPath == "":
		return invalid("Config.LockPath is empty: give the lock path that Curator's programs have for this queue")
	case c.Layout != Curator && c.LockPath != "":
		return invalid("Config.LockPath is for the layout Curator: leave it out")
	case c.Bound < 0:
		return invalid("Config.Bound is %d: use 0 for no bound, or a greater number", c.Bound)
	case c.MaxTakes < 0 || c.MaxTakes > MostTakes:
		return invalid("Config.MaxTakes is %d: use 0 for no limit, or 1 to %d", c.MaxTakes, MostTakes)
	case c.LockPath == "":
		return nil
	case c.LockPath == path || strings.HasPrefix(path, c.LockPath+"/"):
		return invalid("Config.LockPath is %s: it cannot be the queue's path %s, or above it", c.LockPath, path)
	}
	return checkPath(c.LockPath)
}

// checkPath checks the path of a queue.
func checkPath(path string) error { return input.CheckPath(role, path, "/queues/mail") }

// wish checks an item that is put.
func (q *Queue) wish(payload []byte, options []Option) (wish, error) {
	w := wish{priority: DefaultPriority, payload: payload}
	for _, option := range options {
		if option == nil {
			return w, invalid("an option is nil: leave it out")
		}
		option(&w)
	}
	switch {
	case w.priority < 0 || w.priority > HighestPriority:
		return w, invalid("Priority(%d): use 0 to %d", w.priority, HighestPriority)
	case w.priority != DefaultPriority && q.config.Layout == Curator:
		return w, invalid("Priority with the layout Curator: leave it out, because Curator's DistributedQueue has no priorities")
	case w.delay < 0 || w.delay > LongestDelay:
		return w, invalid("Delay(%v): use 0 to %v", w.delay, LongestDelay)
	}
	return w, nil
}
