package zkclient

import (
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Bounds of what a DoAll has under way.
const (
	// maxInFlight bounds the requests, and maxBundles the multiReads.
	maxInFlight = 128
	maxBundles  = 16
	// mostReads is how many reads one multiRead has at most. The data of a znode has mostly
	// less than 1 MiB, so that of so many is within maxAnswer.
	mostReads  = 64
	firstReads = 8 // and how many at first
	// mostBundled bounds the frame of a multiRead: every server takes that.
	mostBundled = 32 << 10
	// wantedAnswer is how long an answer should be, by what earlier ones had.
	wantedAnswer = 1 << 20
	// smallData is the data of a znode up to which its children are listed by a multiRead: it has to
	// ask for the data, too.
	smallData = 4 << 10
)

// window says how many operations of a kind are to be asked for by one multiRead, so that its
// answer is not too long. It learns from each answer. Its zero value has learned nothing.
type window struct {
	mu   sync.Mutex
	room int // operations, if they are small
	each int // bytes that an answer has for each of them, lately
	data int // bytes of the data of the znodes, lately
}

// size is the number of operations for the next multiRead, each of which has so many reads; 1
// means that they are to be asked for one by one.
func (w *window) size(reads int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.room == 0 {
		w.room = firstReads
	}
	if reads > 1 && w.data > smallData {
		return 1
	}
	return max(1, min(w.room, mostReads/reads, wantedAnswer/max(w.each, 1)))
}

// fitted learns from an answer to that many operations. When answers
// become smaller, each of them lowers what is expected by an eighth.
func (w *window) fitted(operations, bytes, data int) {
	const memory = 8
	w.mu.Lock()
	defer w.mu.Unlock()
	lately := func(old, now int) int { return max(now, old-(old+memory-1)/memory) }
	w.each = lately(w.each, bytes/operations)
	w.data = lately(w.data, data/operations)
	w.room = min(2*max(w.room, 1), mostReads)
}

// failed learns that the connection ended before an answer to that many operations, or that the
// answer was too long.
func (w *window) failed(operations int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room = min(max(w.room, 1), max(1, operations/2)) // not less if several were under way
}

// saw learns from an answer to a request for one.
func (w *window) saw(r zkapi.Reply) {
	bytes := len(r.Data)
	for _, child := range r.Children {
		bytes += textBytes + len(child)
	}
	w.fitted(1, bytes, int(r.Stat.DataLength))
}
