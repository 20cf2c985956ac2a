package history

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The roots of the znodes of a run. A lock is a znode below the first, and its contenders are
// the znodes below it. Each lock has two ledgers, which only its holders write.
const (
	LocksRoot   = "/locks"
	LedgersRoot = "/ledgers"
)

// LedgerOf is the znode that the holders of a lock write in one mode. Each mode has its own,
// because many may share a lock, and then their tokens come in any order.
func LedgerOf(lock string, mode Mode) string {
	return LedgersRoot + strings.TrimPrefix(lock, LocksRoot) + "-" + string(mode)
}

// ParseLedger reads the lock and the mode that a ledger belongs to. ok is false for other znodes.
func ParseLedger(path string) (lock string, mode Mode, ok bool) {
	name, found := strings.CutPrefix(path, LedgersRoot+"/")
	if !found || strings.Contains(name, "/") {
		return "", "", false
	}
	for _, mode := range []Mode{Exclusive, Shared, Permit} {
		if lock, found := strings.CutSuffix(name, "-"+string(mode)); found {
			return LocksRoot + "/" + lock, mode, true
		}
	}
	return "", "", false
}

// IsLock reports whether a path is that of a lock.
func IsLock(path string) bool {
	name, below := strings.CutPrefix(path, LocksRoot+"/")
	return below && name != "" && !strings.Contains(name, "/")
}

// Contender is a znode that stands in the line of a lock.
type Contender struct {
	Path     string
	Lock     string // its path
	Mode     Mode
	Sequence int64 // its place in the line
}

// marks are what is in front of the sequence number of a contender, in the names of each layout:
// those of the ZooKeeper documentation, Curator's, and kazoo's. The longer ones come first.
var marks = []struct {
	text string
	mode Mode
}{
	{"-__WRIT__", Exclusive}, {"-__READ__", Shared}, {"__rlock__", Shared}, {"__lock__", Exclusive}, {"-lock-", Exclusive}, {"-W-", Exclusive}, {"-R-", Shared}, {"-S-", Permit},
}

// SimpleName is the name of the only contender of a lock in the simple form.
const SimpleName = "lock"

// digits is how long the sequence number in a name is.
const digits = 10

// ParseContender reads the path of a contender. ok is false for other znodes.
func ParseContender(path string) (c Contender, ok bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 || !IsLock(path[:at]) {
		return c, false
	}
	if path[at+1:] == SimpleName {
		return Contender{Path: path, Lock: path[:at], Mode: Exclusive}, true
	}
	if len(path)-at-1 <= digits {
		return c, false
	}
	name, number := path[at+1:len(path)-digits], path[len(path)-digits:]
	c = Contender{Path: path, Lock: path[:at]}
	for _, mark := range marks {
		if strings.HasSuffix(name, mark.text) {
			var err error
			c.Mode = mark.mode
			c.Sequence, err = strconv.ParseInt(number, 10, 64)
			return c, err == nil
		}
	}
	return c, false
}

// LockOf is the lock that a znode belongs to: the lock itself, a contender, another znode below
// it, or a ledger. It is empty for other znodes.
func LockOf(path string) string {
	if lock, _, is := ParseLedger(path); is {
		return lock
	}
	rest, below := strings.CutPrefix(path, LocksRoot+"/")
	if name, _, _ := strings.Cut(rest, "/"); below && name != "" {
		return LocksRoot + "/" + name
	}
	return ""
}

// revocation is the data of a contender that is asked to release its lock. It is Curator's.
const revocation = "__REVOKE__"

// Change is what a write did to the locks and their ledgers, part by part.
type Change struct {
	Joined  []Contender
	Granted []Grant
	Left    []string // contenders that were deleted, by path
	Asked   []string // contenders that were asked to release the lock, by path
	Entries []Written
}

// Grant is a contender that was given its lock.
type Grant struct {
	Contender
	Token int32 // 0 if the write does not say it
}

// Written is an entry in a ledger.
type Written struct {
	Entry
	Lock string
	Mode Mode
}

// ChangeOf reads a write. A grant raises the version of a lock while its contender is there: it
// checks or sets the contender in the same write, or, in the simple form, creates it. The version of
// the lock after that is the token. A write that deletes the contender grants nothing.
func ChangeOf(ops []record.Op) (c Change) {
	var there []Contender // that the write demands or makes
	for _, op := range ops {
		contender, contends := ParseContender(op.Path)
		lock, mode, ledger := ParseLedger(op.Path)
		switch {
		case contends && op.Kind == "delete":
			c.Left = append(c.Left, op.Path)
		case contends && op.Kind == "set" && op.Data == revocation:
			c.Asked = append(c.Asked, op.Path)
		case contends && op.Kind == "create" && !op.Ephemeral: // made by hand: it stands in no line
		case contends:
			if op.Kind == "create" {
				c.Joined = append(c.Joined, contender)
			}
			if !slices.Contains(there, contender) {
				there = append(there, contender)
			}
		case ledger && (op.Kind == "create" || op.Kind == "set"):
			if entry, is := ParseEntry(op.Data); is {
				c.Entries = append(c.Entries, Written{entry, lock, mode})
			}
		}
	}
	for _, contender := range there {
		if token, raised := raises(ops, contender.Lock); raised && !slices.Contains(c.Left, contender.Path) {
			c.Granted = append(c.Granted, Grant{contender, token})
		}
	}
	return c
}

// raises finds the part of a write that sets a lock, and the version after it.
func raises(ops []record.Op, lock string) (version int32, found bool) {
	i := slices.IndexFunc(ops, func(op record.Op) bool { return op.Kind == "set" && op.Path == lock })
	if i < 0 {
		return 0, false
	}
	return cmp.Or(ops[i].Got, ops[i].Version+1), true
}

// Checks reports whether a write is applied only while a grant is in force: it demands that the
// contender is there, or that the version of the lock is still the token.
func (g Grant) Checks(ops []record.Op) bool {
	return slices.ContainsFunc(ops, func(op record.Op) bool {
		return op.Kind == "check" && (op.Path == g.Path || op.Path == g.Lock && op.Version == g.Token)
	})
}
