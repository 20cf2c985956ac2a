package wire

import "encoding/binary"

// longest is more than any server sends or takes; a frame with a greater length is not
// valid.
const longest = 64 << 20

// prefixBytes is the length in front of each frame.
const prefixBytes = 4

// Frames cuts one direction of a connection into frames. The zero value is at the
// beginning of the stream.
type Frames struct {
	pending []byte // of a frame that is not whole yet
	broken  bool
}

// Feed takes the next bytes of the stream, however they were cut, and returns the
// bodies of the frames that they complete, without their lengths. The bodies may
// share memory with b.
func (f *Frames) Feed(b []byte) [][]byte {
	if f.broken {
		return nil
	}
	if len(f.pending) > 0 {
		f.pending = append(f.pending, b...)
		if len(f.pending) >= prefixBytes {
			if length := int64(int32(binary.BigEndian.Uint32(f.pending))); length <= longest && int64(len(f.pending)) < prefixBytes+length {
				return nil // to avoid a copy for each piece of a long frame
			}
		}
		b = f.pending
	}
	var whole [][]byte
	for len(b) >= prefixBytes {
		length := int64(int32(binary.BigEndian.Uint32(b)))
		if length < 0 || length > longest {
			f.Break()
			return whole
		}
		end := prefixBytes + int(length)
		if len(b) < end {
			break
		}
		whole = append(whole, b[prefixBytes:end:end])
		b = b[end:]
	}
	f.pending = append([]byte(nil), b...)
	return whole
}

// Pending is the number of bytes of a frame that is not whole yet.
func (f *Frames) Pending() int { return len(f.pending) }

// Break says that bytes of the stream are missing, so that nothing after them can
// be read.
func (f *Frames) Break() { f.broken, f.pending = true, nil }

// Broken reports whether the stream cannot be read any more.
func (f *Frames) Broken() bool { return f.broken }

// Frame is a body in the form that goes over the wire, with its length.
func Frame(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, prefixBytes+len(body)), uint32(len(body))), body...)
}

// Framed is the size of a body on the wire, with its length.
func Framed(body []byte) int { return prefixBytes + len(body) }
