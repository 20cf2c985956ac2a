package harness

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// The volume that can be filled up is large enough for the load. It is no larger than
// the memory that its filling may take from the machine.
const (
	smallest   = 64 << 20
	largest    = 1 << 30
	logPerItem = 8 << 10 // bytes of transaction log that an object of the recipe takes, with a margin
)

// smallLog is the size of that volume, in bytes; 0 if no fault fills it up, or if the
// load is too large for it.
func (c Setup) smallLog() int64 {
	wanted := slices.ContainsFunc(c.plan(), func(f nemesis.Fault) bool { return f.Kind == nemesis.FillDisk })
	size := smallest + int64(c.Rate*c.Time.Seconds()*logPerItem)
	if !wanted || size > largest {
		return 0
	}
	return size
}
