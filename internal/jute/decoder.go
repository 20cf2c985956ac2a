package jute

import "encoding/binary"

// Decoder takes values off the front of Rest. After the first missing value it is Bad,
// and all later values are zero.
type Decoder struct {
	Rest []byte
	Bad  bool
}

// Take returns the next n bytes, without copying; nil if there are fewer.
func (d *Decoder) Take(n int) []byte {
	if n < 0 || n > len(d.Rest) {
		d.Bad = true
	}
	if d.Bad {
		return nil
	}
	taken := d.Rest[:n:n]
	d.Rest = d.Rest[n:]
	return taken
}

// Int32 decodes an int.
func (d *Decoder) Int32() int32 {
	if b := d.Take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Int64 decodes a long.
func (d *Decoder) Int64() int64 {
	if b := d.Take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Bool decodes a boolean.
func (d *Decoder) Bool() bool {
	b := d.Take(1)
	return len(b) == 1 && b[0] != 0
}

// Buffer decodes bytes, without copying. It is nil if the length says so.
func (d *Decoder) Buffer() []byte {
	n := d.Int32()
	if n == -1 {
		return nil
	}
	return d.Take(int(n))
}

// String decodes a string.
func (d *Decoder) String() string { return string(d.Buffer()) }

// Count decodes how many elements follow, each at least size bytes long. A nil vector
// has none.
func (d *Decoder) Count(size int) int {
	const null = -1
	n := int(d.Int32())
	if n < null || n > len(d.Rest)/size {
		d.Bad = true
		return 0
	}
	return max(n, 0)
}

// Strings decodes a vector of strings.
func (d *Decoder) Strings() []string {
	const length = 4
	var all []string
	for range d.Count(length) {
		all = append(all, d.String())
	}
	return all
}
