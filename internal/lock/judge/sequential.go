package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
)

// Lock is the sequential specification of a lock or of a semaphore: who holds it, and the
// greatest token so far. The holders that share it, or have a permit of it, are in Shared, by
// their tokens.
type Lock struct {
	Last   int32
	Alone  int32  // the token of the holder that excludes others; 0 if there is none
	Shared string // "3 7 "
}

// Take gives the lock to a holder with that token. most is how many may have a permit of a
// semaphore.
func (l Lock) Take(mode history.Mode, most int, token int32) (Lock, bool) {
	free := l.Alone == 0
	switch mode {
	case history.Exclusive:
		free = free && l.Shared == ""
	case history.Permit:
		free = free && len(strings.Fields(l.Shared)) < most
	}
	if !free || token <= l.Last {
		return l, false
	}
	l.Last = token
	if mode == history.Exclusive {
		l.Alone = token
	} else {
		l.Shared += fmt.Sprintf("%d ", token)
	}
	return l, true
}

// Holds reports whether the holder with that token has the lock.
func (l Lock) Holds(token int32) bool {
	return token == l.Alone || slices.Contains(strings.Fields(l.Shared), fmt.Sprint(token))
}

// Give ends the holding with that token.
func (l Lock) Give(token int32) (Lock, bool) {
	if !l.Holds(token) {
		return l, false
	}
	if l.Alone == token {
		l.Alone = 0
		return l, true
	}
	var rest strings.Builder
	for _, other := range strings.Fields(l.Shared) {
		if other != fmt.Sprint(token) {
			rest.WriteString(other + " ")
		}
	}
	l.Shared = rest.String()
	return l, true
}

// String is the state in words.
func (l Lock) String() string {
	switch {
	case l.Alone != 0:
		return fmt.Sprintf("held with token %d", l.Alone)
	case l.Shared != "":
		return "shared with tokens " + strings.TrimSpace(l.Shared)
	}
	return "free"
}
