package queue

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Layout is how the znodes of a queue are named.
type Layout uint8

const (
	// Kazoo is that of kazoo's LockingQueue: see the package's comment.
	Kazoo Layout = iota
	// Curator is that of Curator's DistributedQueue with a lock path: <path>/queue-0000000001 is an
	// item in Curator's serialisation, <lock path>/queue-0000000001 is a claim, and this package's
	// own folders are below the lock path. Items of DistributedPriorityQueue and of
	// DistributedDelayQueue are understood. A znode can have several payloads there.
	Curator
)

// String implements fmt.Stringer.
func (l Layout) String() string {
	switch l {
	case Kazoo:
		return "kazoo"
	case Curator:
		return "curator"
	}
	return fmt.Sprintf("layout(%d)", uint8(l))
}

// paths are the znodes of a queue.
type paths struct {
	layout                               Layout
	entries, taken, delayed, dead, lanes string
}

// pathsOf are those of a queue at path.
func pathsOf(path string, config Config) paths {
	if config.Layout == Curator {
		at := config.LockPath
		return paths{Curator, path, at, at + "/delayed", at + "/dead", at + "/lanes"}
	}
	return paths{Kazoo, path + "/entries", path + "/taken", path + "/delayed", path + "/dead", path + "/lanes"}
}

// folders are the persistent znodes that a queue needs.
func (p paths) folders() []string { return []string{p.entries, p.taken, p.delayed, p.dead, p.lanes} }

// prefix is the path of an item that is put, without its number.
func (p paths) prefix(priority int) string {
	if p.layout == Curator {
		return p.entries + "/queue-"
	}
	return fmt.Sprintf("%s/entry-%03d-", p.entries, priority)
}

// delayedPrefix is the path of a delayed item, without its number.
func (p paths) delayedPrefix(due time.Time, priority int) string {
	return fmt.Sprintf("%s/%013d-%03d-", p.delayed, due.UnixMilli(), priority)
}

// place is the place of an item in the queue, as its name says.
type place struct {
	name     string
	due      int64 // in milliseconds since 1970; 0 for at once
	priority int64
	sequence int32
}

// compare orders places as consumers take them. After 2147483647 ZooKeeper goes on at -2147483648;
// those came later.
func (p place) compare(o place) int {
	later := func(sequence int32) int {
		if sequence < 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(p.due, o.due), cmp.Compare(p.priority, o.priority), cmp.Compare(later(p.sequence), later(o.sequence)),
		cmp.Compare(p.sequence, o.sequence), cmp.Compare(p.name, o.name))
}

// place reads the name of an item. ok is false for other znodes.
func (p paths) place(name string) (place, bool) {
	if p.layout == Curator {
		return curatorPlace(name)
	}
	return kazooPlace(name)
}

func kazooPlace(name string) (place, bool) {
	rest, ok := strings.CutPrefix(name, "entry-")
	number, sequence, cut := strings.Cut(rest, "-")
	priority, bad := strconv.ParseUint(number, 10, 31)
	n, whole := sequenceOf(sequence)
	return place{name: name, priority: int64(priority), sequence: n}, ok && cut && bad == nil && whole
}

// curatorPlace reads the names of three of Curator's queues. A priority is 1 or 0, for its sign, and
// 8 hexadecimal digits. A delay is |milliseconds in hexadecimal|.
func curatorPlace(name string) (place, bool) {
	rest, ok := strings.CutPrefix(name, "queue-")
	p := place{name: name}
	if after, delayed := strings.CutPrefix(rest, "|"); delayed {
		due, sequence, cut := strings.Cut(after, "|")
		at, err := strconv.ParseInt(due, 16, 64)
		n, whole := sequenceOf(sequence)
		p.due, p.sequence = max(at, 0), n
		return p, ok && cut && err == nil && whole
	}
	const width = 9
	if len(rest) > sequenceWidth+1 && len(rest) > width {
		bits, err := strconv.ParseUint(rest[1:width], 16, 32)
		if rest[0] != '0' && rest[0] != '1' || err != nil {
			return p, false
		}
		p.priority, rest = int64(int32(uint32(bits))), rest[width:]
	}
	n, whole := sequenceOf(rest)
	p.sequence = n
	return p, ok && whole
}

// delayedPlace reads the name of a delayed item.
func delayedPlace(name string) (place, bool) {
	due, rest, cut := strings.Cut(name, "-")
	at, bad := strconv.ParseInt(due, 10, 64)
	number, sequence, more := strings.Cut(rest, "-")
	priority, worse := strconv.ParseUint(number, 10, 31)
	n, whole := sequenceOf(sequence)
	return place{name: name, due: at, priority: int64(priority), sequence: n}, cut && more && bad == nil && worse == nil && whole
}

// ZooKeeper pads a sequence number with zeros to this width.
const sequenceWidth = 10

// sequenceOf reads the number that ZooKeeper has put at the end of a name.
func sequenceOf(text string) (int32, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err == nil && len(text) >= sequenceWidth && !strings.HasPrefix(text, "+")
}
