package world

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// picture is a tree as an outsider reads it.
type picture struct {
	line    []entry          // in the order of the queue
	claims  map[string]int64 // by the name of the entry: whose session
	delayed []string         // the items
	dead    []string         // the items
	records map[string]bool  // below the ledger
}

// entry is one item in line.
type entry struct {
	name, item string
	priority   int
	sequence   int
	version    int32 // how often it was taken
}

func look(tree zk.Tree) picture {
	p := picture{claims: map[string]int64{}, records: map[string]bool{}}
	for at, znode := range tree.All() {
		folder, name := at[:max(0, strings.LastIndex(at, "/"))], at[strings.LastIndex(at, "/")+1:]
		switch folder {
		case lineFolder:
			e := entry{name: name, item: string(znode.Data), version: znode.Stat.Version}
			if parts := strings.Split(name, "-"); len(parts) == 3 {
				e.priority, _ = strconv.Atoi(parts[1])
				e.sequence, _ = strconv.Atoi(parts[2])
			}
			p.line = append(p.line, e)
		case claimFolder:
			p.claims[name] = znode.Stat.EphemeralOwner
		case delayedFolder:
			p.delayed = append(p.delayed, string(znode.Data))
		case deadFolder:
			p.dead = append(p.dead, string(znode.Data))
		case ledger:
			p.records[name] = true
		}
	}
	slices.SortFunc(p.line, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.sequence, b.sequence))
	})
	return p
}

// entry is the item in line of that name.
func (p picture) entry(name string) (entry, bool) {
	i := slices.IndexFunc(p.line, func(e entry) bool { return e.name == name })
	if i < 0 {
		return entry{}, false
	}
	return p.line[i], true
}

// held reports whether a consumer has an item in line.
func (p picture) held(name string) bool {
	_, held := p.claims[name]
	return held
}

// places are all items in the queue, those that are in it twice twice.
func (p picture) places() []string {
	all := slices.Concat(p.delayed, p.dead)
	for _, e := range p.line {
		all = append(all, e.item)
	}
	return all
}

// consumed is how often an item was recorded as consumed.
func (p picture) consumed(item string) (times int) {
	for record := range p.records {
		if of, _, _ := strings.Cut(record, "."); strings.HasPrefix(record, item+".") && !strings.HasPrefix(of, working) {
			times++
		}
	}
	return times
}

// recordOf is the record of a consumption.
func (e entry) record() string { return fmt.Sprintf("%s.%d", e.item, e.version) }
