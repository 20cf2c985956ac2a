package disk

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// format is the first line of the file. The number is that of the format.
const format = "ringmaster state 1\n"

// headerBytes is the length of what is in front of a frame's body: its length, the checksum of
// the length, and the checksum of the body.
const headerBytes = 8 + 4 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends one frame.
func appendFrame(to, body []byte) []byte {
	length := binary.BigEndian.AppendUint64(nil, uint64(len(body)))
	to = append(to, length...)
	to = binary.BigEndian.AppendUint32(to, crc32.Checksum(length, castagnoli))
	to = binary.BigEndian.AppendUint32(to, crc32.Checksum(body, castagnoli))
	return append(to, body...)
}

// headed reports whether a frame begins at an offset, as far as its header says, and where it
// ends, which may be behind the end of the file.
func headed(file []byte, at int) (end int, ok bool) {
	if len(file)-at < headerBytes {
		return 0, false
	}
	length := file[at : at+8]
	n := binary.BigEndian.Uint64(length)
	const most = 1 << 40 // no frame is as long; it keeps the sum in range
	if n > most || binary.BigEndian.Uint32(file[at+8:]) != crc32.Checksum(length, castagnoli) {
		return 0, false
	}
	return at + headerBytes + int(n), true
}

// whole returns the body of the frame at an offset, and where the frame ends.
func whole(file []byte, at int) (body []byte, end int, ok bool) {
	end, ok = headed(file, at)
	if !ok || end > len(file) {
		return nil, 0, false
	}
	body = file[at+headerBytes : end]
	return body, end, binary.BigEndian.Uint32(file[at+12:]) == crc32.Checksum(body, castagnoli)
}

// wholeBehind looks for a whole frame behind the damaged one at an offset. A frame that is only
// written in part has none behind it, because each is on the disk before the next is written.
func wholeBehind(file []byte, at int) bool {
	from := at + 1
	if end, ok := headed(file, at); ok {
		from = end
	}
	for ; from+headerBytes <= len(file); from++ {
		// Where a crash has left zeros, nothing begins: the checksum of the length 0 is not 0.
		if _, _, ok := whole(file, from); ok {
			return true
		}
	}
	return false
}

// appendRecord appends a record to the body of a frame.
func appendRecord(to, record []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(record))), record...)
}

// records takes the body of a frame apart.
func records(body []byte) (all [][]byte, ok bool) {
	for len(body) > 0 {
		n, size := binary.Uvarint(body)
		if size <= 0 || n > uint64(len(body)-size) {
			return nil, false
		}
		all = append(all, bytes.Clone(body[size:size+int(n)]))
		body = body[size+int(n):]
	}
	return all, true
}
