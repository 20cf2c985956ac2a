package explore

import (
	"fmt"
	"maps"
	"slices"
)

// act is an action of a process in the system outside ZooKeeper.
type act struct {
	Resource string
	Token    int64
	By       string
	Life     int
}

// Acts is the state of the system outside: for each resource the greatest token that has
// acted, and its process.
type Acts map[string]Acted

// Acted is the process that acted on a resource last.
type Acted struct {
	Token int64
	By    string // process and life
	Stale bool   // it was accepted although a greater token had been seen
	Twice bool   // one token was used by two
}

// refused and accepted are the answers to an act.
const (
	refused  uint32 = 0
	accepted uint32 = 1
)

// with returns the state after an act. A system that fences refuses a smaller token than it
// has seen; a system without fencing shows the damage.
func (a Acts) with(one act, fences bool) (Acts, uint32) {
	by := fmt.Sprintf("%s/%d", one.By, one.Life)
	last, any := a[one.Resource]
	if any && one.Token < last.Token && fences {
		return a, refused
	}
	next := maps.Clone(a)
	if next == nil {
		next = Acts{}
	}
	now := Acted{Token: max(one.Token, last.Token), By: by, Stale: last.Stale, Twice: last.Twice}
	now.Stale = now.Stale || any && one.Token < last.Token
	now.Twice = now.Twice || any && one.Token == last.Token && by != last.By
	next[one.Resource] = now
	return next, accepted
}

func (a Acts) encode() []byte {
	var key []byte
	for _, resource := range slices.Sorted(maps.Keys(a)) {
		key = fmt.Append(key, resource, a[resource], ";")
	}
	return key
}
