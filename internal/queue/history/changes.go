package history

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Change is what a write did to the queues and their ledgers, part by part.
type Change struct {
	Made    []Made    // znodes with items that were made
	Gone    []Znode   // znodes with items that were deleted
	Taken   []Taken   // claims that were made
	Ended   []Znode   // claims that were deleted
	Entries []Written // in ledgers
}

// Made is a znode with an item.
type Made struct {
	Znode
	Item Item
	Data string
}

// Taken is a claim of a consumer.
type Taken struct {
	Znode       // of the claim
	Token int32 // the version of the item after the write; 0 if the write does not raise it
}

// Written is an entry in a ledger.
type Written struct {
	Entry
	Queue string
}

// ChangeOf reads a write, which may touch several items. A part that makes a claim, and another that
// deletes the same claim, only look whether there is one.
func ChangeOf(ops []record.Op) (c Change) {
	for _, op := range ops {
		z, known := ParseZnode(op.Path)
		queue, ledger := ParseLedger(op.Path)
		switch {
		case ledger && (op.Kind == "create" || op.Kind == "set"):
			if entry, is := ParseEntry(op.Data); is {
				c.Entries = append(c.Entries, Written{entry, queue})
			}
		case !known:
		case op.Kind == "create" && z.Folder.Holds():
			item, _ := ParseItem(op.Data)
			c.Made = append(c.Made, Made{Znode: z, Item: item, Data: op.Data})
		case op.Kind == "delete" && z.Folder.Holds():
			c.Gone = append(c.Gone, z)
		case op.Kind == "create" && z.Folder == Claims:
			c.Taken = append(c.Taken, Taken{z, raised(ops, z.Item())})
		case op.Kind == "delete" && z.Folder == Claims:
			c.Ended = append(c.Ended, z)
		}
	}
	c.Taken = slices.DeleteFunc(c.Taken, func(t Taken) bool { // the write only looked whether there is a claim
		return slices.ContainsFunc(c.Ended, func(z Znode) bool { return z.Path == t.Path })
	})
	c.Ended = slices.DeleteFunc(c.Ended, func(z Znode) bool {
		return slices.ContainsFunc(ops, func(op record.Op) bool { return op.Kind == "create" && op.Path == z.Path })
	})
	return c
}

// raised is the version of a znode after a write that sets it; 0 if it does not.
func raised(ops []record.Op, path string) int32 {
	i := slices.IndexFunc(ops, func(op record.Op) bool { return op.Kind == "set" && op.Path == path })
	if i < 0 {
		return 0
	}
	return cmp.Or(ops[i].Got, ops[i].Version+1)
}

// Checks reports whether a write is applied only while a take is in force: it demands that the claim
// is there, or that the item still has the token as its version.
func (t Taken) Checks(ops []record.Op) bool {
	return slices.ContainsFunc(ops, func(op record.Op) bool {
		return (op.Kind == "check" || op.Kind == "delete") && (op.Path == t.Path || op.Path == t.Item() && op.Version == t.Token)
	})
}
