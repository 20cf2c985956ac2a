package history

import (
	"strconv"
	"strings"
)

// The roots of the znodes of a run. A queue is a znode below the first. Each queue has a ledger,
// which only its consumers write.
const (
	QueuesRoot  = "/queues"
	LedgersRoot = "/ledgers"
)

// LedgerOf is the znode that the consumers of a queue write.
func LedgerOf(queue string) string { return LedgersRoot + strings.TrimPrefix(queue, QueuesRoot) }

// ParseLedger reads the queue that a ledger belongs to. ok is false for other znodes.
func ParseLedger(path string) (queue string, ok bool) {
	name, found := strings.CutPrefix(path, LedgersRoot+"/")
	return QueuesRoot + "/" + name, found && name != "" && !strings.Contains(name, "/")
}

// Folder is a folder of a queue.
type Folder string

// The folders.
const (
	Line    Folder = "entries" // items that consumers may take
	Claims  Folder = "taken"   // ephemerals: each is the claim of a consumer to the item of that name
	Delayed Folder = "delayed" // items that are not due yet
	Dead    Folder = "dead"    // items that were taken too often
	Lanes   Folder = "lanes"   // ephemerals: each makes the writes of one process count once
)

// Holds reports whether the znodes of the folder hold items.
func (f Folder) Holds() bool { return f == Line || f == Delayed || f == Dead }

// Znode is a znode in a folder of a queue. Its Place is that of an item in line, and of the claim to it.
type Znode struct {
	Path   string
	Queue  string // its path
	Folder Folder
	Name   string
	Place
}

// Place is where an item stands in line.
type Place struct {
	Priority int
	Sequence int64
}

// Before reports whether an item stands before another one.
func (p Place) Before(other Place) bool {
	return p.Priority < other.Priority || p.Priority == other.Priority && p.Sequence < other.Sequence
}

// digits is how long the sequence number in a name is.
const digits = 10

// ParseZnode reads the path of a znode in a folder of a queue. ok is false for other znodes, and for
// a name in line that has no number yet.
func ParseZnode(path string) (z Znode, ok bool) {
	rest, below := strings.CutPrefix(path, QueuesRoot+"/")
	parts := strings.Split(rest, "/")
	if !below || len(parts) != 3 {
		return z, false
	}
	z = Znode{Path: path, Queue: QueuesRoot + "/" + parts[0], Folder: Folder(parts[1]), Name: parts[2]}
	switch z.Folder {
	case Delayed, Dead, Lanes:
		return z, true
	case Line, Claims:
		z.Place, ok = parsePlace(z.Name)
		return z, ok
	}
	return z, false
}

// parsePlace reads the name of an item in line: entry-100-0000000007.
func parsePlace(name string) (p Place, ok bool) {
	rest, named := strings.CutPrefix(name, "entry-")
	priority, number, cut := strings.Cut(rest, "-")
	if !named || !cut || len(number) != digits {
		return p, false
	}
	var errs [2]error
	p.Priority, errs[0] = strconv.Atoi(priority)
	p.Sequence, errs[1] = strconv.ParseInt(number, 10, 64)
	return p, errs[0] == nil && errs[1] == nil
}

// ItemOf is the znode that holds the item which a znode of a queue is about: itself, or for a claim
// the item in line. It is empty for all others.
func ItemOf(path string) string {
	z, ok := ParseZnode(path)
	switch {
	case !ok:
		return ""
	case z.Folder == Claims:
		return z.Item()
	case z.Folder.Holds():
		return path
	}
	return ""
}

// Item is the path of the item in line that a claim is about.
func (z Znode) Item() string { return z.Queue + "/" + string(Line) + "/" + z.Name }

// IDOf is the id of the item that a znode holds, by its data; empty if it holds none.
func IDOf(path, data string) string {
	item, ok := ParseItem(data)
	if ItemOf(path) == "" || !ok {
		return ""
	}
	return item.ID
}
