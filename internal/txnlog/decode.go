package txnlog

import "github.com/ringmaster-zk/ringmaster/internal/jute"

// decoder knows what logs and snapshots are made of.
type decoder struct{ jute.Decoder }

// skipACL passes over who may do what: no judge needs it.
func (d *decoder) skipACL() {
	const smallest = 12 // permissions, and the lengths of scheme and identity
	for range d.Count(smallest) {
		d.Int32()
		d.Buffer()
		d.Buffer()
	}
}
