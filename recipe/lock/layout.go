package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Layout is how the znodes of contenders are named. Contenders of different layouts see each
// other here. Which settings programs of other libraries need to see them, the package comment says.
type Layout uint8

// The layouts. Each name ends with the sequence number that ZooKeeper gives.
const (
	// Plain: <unique>-W-0000000001 for an exclusive lock, <unique>-R-0000000001 for a shared one,
	// <unique>-S-0000000001 for a permit of a semaphore.
	Plain Layout = iota
	// Curator is that of InterProcessMutex, which go-zookeeper's Lock has as well:
	// _c_<uuid>-lock-0000000001. It has exclusive locks only.
	Curator
	// CuratorReadWrite is that of InterProcessReadWriteLock: _c_<uuid>-__WRIT__0000000001 and
	// _c_<uuid>-__READ__0000000001.
	CuratorReadWrite
	// Kazoo is that of kazoo's Lock, WriteLock and ReadLock: <uuid>__lock__0000000001 and
	// <uuid>__rlock__0000000001.
	Kazoo
)

// marks are the texts before the sequence number that tell what a contender wants, in every
// layout. The longer of two that fit counts, so it is in front.
var marks = []struct {
	text string
	form form
}{
	{"__rlock__", shared}, {"__lock__", exclusive}, {"__READ__", shared}, {"__WRIT__", exclusive},
	{"-lock-", exclusive}, {"-W-", exclusive}, {"-R-", shared}, {"-S-", permit},
}

// check returns an error for a number that is no layout.
func (l Layout) check() error {
	if l > Kazoo {
		return invalid("Layout %d: use Plain, Curator, CuratorReadWrite or Kazoo", l)
	}
	return nil
}

// mark is what the names of contenders of that form end with, in front of the number.
func (l Layout) mark(f form) (string, error) {
	written := map[Layout][3]string{
		Plain:            {exclusive: "-W-", shared: "-R-", permit: "-S-"},
		Curator:          {exclusive: "-lock-"},
		CuratorReadWrite: {exclusive: "-__WRIT__", shared: "-__READ__"},
		Kazoo:            {exclusive: "__lock__", shared: "__rlock__"},
	}[l][f]
	if written == "" {
		return "", invalid("this layout has no names for shared locks or semaphores: use another Layout")
	}
	return written, nil
}

// prefix is the name of a contender without its number. unique is a name that comes from
// Env.Unique.
func (l Layout) prefix(unique, mark string) string {
	switch l {
	case Curator, CuratorReadWrite:
		return "_c_" + uuid(unique, "-") + mark
	case Kazoo:
		return uuid(unique, "") + mark
	}
	return unique + mark
}

// uuid makes a unique name look like a UUID, because Curator reads one.
func uuid(unique, between string) string {
	sum := sha256.Sum256([]byte(unique))
	text := hex.EncodeToString(sum[:16])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, between)
}

// place is the place of a contender in a line, as its name says.
type place struct {
	name     string
	form     form
	sequence int32
}

// ZooKeeper pads a sequence number with zeros to this width. After 2147483647 the numbers are
// negative, and the sign counts.
const sequenceWidth = 10

// readName reads the name of a contender, in whatever layout it is. ok is false for other znodes.
func readName(name string) (p place, ok bool) {
	rest := strings.TrimRight(name, "0123456789")
	digits := name[len(rest):]
	for _, m := range marks {
		var sign string
		switch {
		case strings.HasSuffix(rest, m.text) && len(digits) == sequenceWidth:
		case strings.HasSuffix(rest, m.text+"-") && (len(digits) == sequenceWidth || len(digits) == sequenceWidth-1):
			sign = "-"
		default:
			continue
		}
		n, err := strconv.ParseInt(sign+digits, 10, 32)
		return place{name, m.form, int32(n)}, err == nil
	}
	return place{}, false
}

// String implements fmt.Stringer.
func (l Layout) String() string {
	names := [...]string{Plain: "plain", Curator: "curator", CuratorReadWrite: "curator-read-write", Kazoo: "kazoo"}
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("layout(%d)", uint8(l))
}
