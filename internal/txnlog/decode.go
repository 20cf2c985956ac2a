package txnlog

import "encoding/binary"

// decoder takes values in ZooKeeper's encoding (jute) off the front of bytes. After
// the first that is not there it is bad, and everything else is zero. A length is
// held against what is left before anything is allocated.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.bad = true
	}
	if d.bad {
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) bool() bool {
	b := d.take(1)
	return len(b) == 1 && b[0] != 0
}

// buffer shares memory with what is decoded. It is nil where the length says so.
func (d *decoder) buffer() []byte {
	n := d.int32()
	if n == -1 {
		return nil
	}
	return d.take(int(n))
}

func (d *decoder) string() string { return string(d.buffer()) }

// count is how many elements follow; none can be smaller than size bytes.
func (d *decoder) count(size int) int {
	n := int(d.int32())
	if n > len(d.rest)/size {
		d.bad = true
		return 0
	}
	return max(n, 0)
}

func (d *decoder) strings() []string {
	const length = 4
	var all []string
	for range d.count(length) {
		all = append(all, d.string())
	}
	return all
}

// skipACL passes over who may do what: no judge needs it.
func (d *decoder) skipACL() {
	const smallest = 12 // permissions, and the lengths of scheme and identity
	for range d.count(smallest) {
		d.int32()
		d.buffer()
		d.buffer()
	}
}
