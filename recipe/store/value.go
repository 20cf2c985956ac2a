package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The data of the znode of a record is the value itself. A value that begins with an @ has the escape in
// front of it, and a value that does not fit into a znode is replaced by a line that says where its parts
// are.
const (
	mark    = "@"
	escape  = "@="
	pointer = "@parts "
)

// pointed says where the parts of a value are.
type pointed struct {
	Group string // the znode whose children the parts are; empty for a value that is in the znode itself
	Count int
	Size  int
	Sum   string // SHA-256 of the value, in hex
}

// String is the data of the znode.
func (p pointed) String() string {
	return fmt.Sprintf("%s%s %d %d %s", pointer, p.Group, p.Count, p.Size, p.Sum)
}

// point is the pointer to the parts of a value.
func point(group string, value []byte, part int) pointed {
	sum := sha256.Sum256(value)
	return pointed{group, (len(value) + part - 1) / part, len(value), hex.EncodeToString(sum[:])}
}

// fits reports whether parts together are the value.
func (p pointed) fits(value []byte) bool {
	sum := sha256.Sum256(value)
	return len(value) == p.Size && hex.EncodeToString(sum[:]) == p.Sum
}

// encode is the data of a znode that has the value itself.
func encode(value []byte) []byte {
	if bytes.HasPrefix(value, []byte(mark)) {
		return append([]byte(escape), value...)
	}
	return value
}

// decode reads the data of a znode: the value, or where it is.
func decode(data []byte) (value []byte, at pointed, err error) {
	switch text := string(data); {
	case strings.HasPrefix(text, escape):
		return data[len(escape):], at, nil
	case strings.HasPrefix(text, pointer):
		fields := strings.Fields(text[len(pointer):])
		if len(fields) != 4 {
			return nil, at, fmt.Errorf("%w: the data of the znode is no pointer to parts: %.80q", ErrDamaged, text)
		}
		at.Group, at.Sum = fields[0], fields[3]
		count, bad := strconv.Atoi(fields[1])
		size, badSize := strconv.Atoi(fields[2])
		if bad != nil || badSize != nil || count < 1 || size < 0 || strings.Contains(at.Group, "/") {
			return nil, at, fmt.Errorf("%w: the data of the znode is no pointer to parts: %.80q", ErrDamaged, text)
		}
		at.Count, at.Size = count, size
		return nil, at, nil
	case strings.HasPrefix(text, mark):
		return nil, at, fmt.Errorf("%w: the data of the znode begins with %.10q: a value that begins with @ has %s in front", ErrDamaged, text, escape)
	}
	return data, at, nil
}

// groupName is the name of the znode above the parts of one value. It begins with the epoch in which they
// were written.
func groupName(epoch int32, unique string) string { return fmt.Sprintf("%010d-%s", epoch, unique) }

// epochOf is the epoch in which parts were written, and false for a name of another form.
func epochOf(group string) (int32, bool) {
	number, _, found := strings.Cut(group, "-")
	n, err := strconv.ParseInt(number, 10, 32)
	return int32(n), found && err == nil && n >= 0
}

// partPath is the znode of a part.
func (l Layout) part(group string, number int) string {
	return fmt.Sprintf("%s/%04d", l.group(group), number)
}
