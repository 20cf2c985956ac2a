package queue

import (
	"encoding/binary"
	"fmt"
)

// The serialisation of Curator's queues (ItemSerializer): a version, and for each payload a byte, its
// length and itself; then another byte.
const (
	curatorVersion = 0x00010001
	curatorItem    = 1
	curatorEnd     = 2
)

// encode makes the data of an entry.
func (l Layout) encode(payload []byte) []byte {
	if l != Curator {
		return payload
	}
	data := binary.BigEndian.AppendUint32(nil, curatorVersion)
	data = append(data, curatorItem)
	data = binary.BigEndian.AppendUint32(data, uint32(len(payload)))
	return append(append(data, payload...), curatorEnd)
}

// decode reads the data of an entry.
func (l Layout) decode(data []byte) ([][]byte, error) {
	if l != Curator {
		return [][]byte{data}, nil
	}
	if len(data) < 4 || binary.BigEndian.Uint32(data) != curatorVersion {
		return nil, fmt.Errorf("it is not in the serialisation of Curator's queues")
	}
	var payloads [][]byte
	for rest := data[4:]; len(rest) > 0; {
		switch {
		case rest[0] == curatorEnd:
			return payloads, nil
		case rest[0] != curatorItem || len(rest) < 5:
			return nil, fmt.Errorf("payload %d cannot be read", len(payloads))
		}
		size := binary.BigEndian.Uint32(rest[1:])
		if rest = rest[5:]; uint64(size) > uint64(len(rest)) {
			return nil, fmt.Errorf("payload %d is cut off", len(payloads))
		}
		payloads, rest = append(payloads, rest[:size:size]), rest[size:]
	}
	return nil, fmt.Errorf("its end is missing")
}
