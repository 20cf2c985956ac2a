package jute

import "encoding/binary"

// Encoder appends values to Bytes.
type Encoder struct{ Bytes []byte }

// Int32 encodes an int.
func (e *Encoder) Int32(v int32) { e.Bytes = binary.BigEndian.AppendUint32(e.Bytes, uint32(v)) }

// Int64 encodes a long.
func (e *Encoder) Int64(v int64) { e.Bytes = binary.BigEndian.AppendUint64(e.Bytes, uint64(v)) }

// Bool encodes a boolean.
func (e *Encoder) Bool(v bool) {
	if v {
		e.Bytes = append(e.Bytes, 1)
	} else {
		e.Bytes = append(e.Bytes, 0)
	}
}

// Buffer encodes bytes. Nil has a code of its own, and differs from no bytes.
func (e *Encoder) Buffer(v []byte) {
	if v == nil {
		e.Int32(-1)
		return
	}
	e.Int32(int32(len(v)))
	e.Bytes = append(e.Bytes, v...)
}

// String encodes a string.
func (e *Encoder) String(v string) {
	e.Int32(int32(len(v)))
	e.Bytes = append(e.Bytes, v...)
}

// Strings encodes a vector of strings.
func (e *Encoder) Strings(v []string) {
	e.Int32(int32(len(v)))
	for _, s := range v {
		e.String(s)
	}
}
