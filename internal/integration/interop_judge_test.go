package integration

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/txnlog"
)

// hold is one time in which a program believed that it held the lock.
type hold struct {
	who   string
	lib   library
	n     int
	znode string
	reads bool
	from  time.Duration
	to    time.Duration // 0: it believed so to the end
}

// change is one step of ZooKeeper below the path of a lock.
type change struct {
	zxid    int64
	kind    changeKind
	session int64  // that asked for it
	znode   string // name of the contender that came or went
	data    string // that was written
}

type changeKind int

const (
	came     changeKind = iota // a contender has made its znode
	left                       // a request has deleted it
	lapsed                     // the end of its session has deleted it
	worked                     // a holder has written
	grantSet                   // a grant of recipe/lock
)

// verdict is what the judge finds.
type verdict struct {
	violations []string
	holds      map[library]int
	// What Curator and kazoo do not promise, and so is no violation: they have no tokens.
	late    map[library]int // writes of a holder whose session had ended
	overlap map[library]int // beliefs that went on after the session had ended, while another contender held the lock
}

func (v *verdict) violated(format string, args ...any) {
	const most = 20
	if len(v.violations) < most {
		v.violations = append(v.violations, fmt.Sprintf(format, args...))
	}
}

// place is a contender in the line, while its znode is there.
type place struct {
	session  int64
	sequence int
	reads    bool
}

// judgement holds what is known of a line at one point of ZooKeeper's order.
type judgement struct {
	verdict
	now   map[string]place      // the znodes that are there
	was   map[string]changeKind // how the others went
	all   map[string]place      // every znode that has been there
	holds map[string]hold       // by znode
	last  int                   // sequence of the last exclusive holder that has written
}

// judgeLock compares what programs believed with the order of ZooKeeper. harmed says what was
// done to a program.
func judgeLock(holds []hold, changes []change, harmed map[string][]harm) verdict {
	j := judgement{now: map[string]place{}, was: map[string]changeKind{}, all: map[string]place{}, holds: map[string]hold{}, last: -1}
	j.verdict = verdict{holds: map[library]int{}, late: map[library]int{}, overlap: map[library]int{}}
	for _, h := range holds {
		j.holds[h.znode] = h
		j.verdict.holds[h.lib]++
	}
	for _, c := range changes {
		j.follow(c)
	}
	for _, h := range holds {
		if _, known := j.all[h.znode]; !known {
			j.violated("%s held the lock with %s, which was never there", h.who, h.znode)
		}
	}
	j.beliefs(holds, harmed)
	for znode := range j.now {
		j.violated("%s is left", znode)
	}
	return j.verdict
}

func (j *judgement) follow(c change) {
	switch c.kind {
	case came:
		j.now[c.znode] = place{c.session, sequenceOf(c.znode), strings.Contains(c.znode, "READ") || strings.Contains(c.znode, "rlock")}
		j.all[c.znode] = j.now[c.znode]
	case left, lapsed:
		delete(j.now, c.znode)
		j.was[c.znode] = c.kind
	case worked:
		part := strings.Split(c.data, "|") // who, the number of the hold, the znode
		if len(part) != 3 {
			j.violated("0x%x: %q is no work", c.zxid, c.data)
			return
		}
		j.acts(c, part[0], part[2], j.holds[part[2]].lib, "worked")
	case grantSet:
		var g struct{ Znode, Name string }
		if err := json.Unmarshal([]byte(c.data), &g); err != nil {
			j.violated("0x%x: %q is no grant", c.zxid, c.data)
			return
		}
		j.acts(c, g.Name, g.Znode, ringmaster, "was granted the lock")
	}
}

// acts judges a write in the name of a contender: it must be that one's turn.
func (j *judgement) acts(c change, who, znode string, l library, what string) {
	mine, there := j.now[znode]
	if !there || mine.session != c.session {
		if l != ringmaster && j.was[znode] == lapsed {
			j.late[l]++
			return
		}
		j.violated("0x%x: %s %s, and its znode %s was not there", c.zxid, who, what, znode)
		return
	}
	for other, p := range j.now {
		if p.sequence < mine.sequence && !(p.reads && mine.reads) {
			j.violated("0x%x: %s %s with %s, while %s was before it", c.zxid, who, what, znode, other)
		}
	}
	if c.kind != worked || mine.reads {
		return
	}
	if mine.sequence < j.last {
		j.violated("0x%x: %s had its turn with %s after number %d", c.zxid, who, znode, j.last)
	}
	j.last = mine.sequence
}

// beliefs judges holds that overlap in time.
func (j *judgement) beliefs(holds []hold, harmed map[string][]harm) {
	byStart := slices.SortedFunc(slices.Values(holds), func(a, b hold) int { return cmp.Compare(a.from, b.from) })
	for i, a := range byStart {
		for _, b := range byStart[i+1:] {
			if a.to != 0 && b.from >= a.to {
				break
			}
			switch {
			case a.reads && b.reads:
			case j.was[a.znode] != lapsed:
				j.violated("%s believed that it held the lock with %s while %s did with %s, and the former's session lived", a.who, a.znode, b.who, b.znode)
			case a.lib == ringmaster && !slices.ContainsFunc(harmed[a.who], func(h harm) bool { return h.excuses(b.from) }):
				j.violated("%s believed that it held the lock with %s while %s did with %s, and it was neither stopped nor its session ended by others", a.who, a.znode, b.who, b.znode)
			default:
				j.overlap[a.lib]++
			}
		}
	}
}

// excuses reports whether a belief may go on at that moment because of the harm. The context of
// recipe/lock ends in time whatever the network does. It cannot while its process is stopped,
// and it cannot know that another process ends its session.
func (h harm) excuses(at time.Duration) bool {
	const slack = time.Second // until a process that goes on, or a client that connects again, has found out
	return (h.kind == stopped || h.kind == expired || h.kind == killed) && h.from <= at && (h.to == 0 || at <= h.to+slack)
}

// sequenceOf is the number at the end of a contender's name.
func sequenceOf(znode string) int {
	const width = 10
	n, err := strconv.Atoi(znode[max(0, len(znode)-width):])
	if err != nil {
		return -1
	}
	return n
}

// changesBelow reads what happened below the path of a lock, in ZooKeeper's order.
func changesBelow(committed []txnlog.Entry, lock, work string) (all []change) {
	owner := map[string]int64{} // of the contenders that are there
	for _, e := range committed {
		add := func(kind changeKind, znode, data string) {
			all = append(all, change{e.Zxid, kind, e.Session, strings.TrimPrefix(znode, lock+"/"), data})
		}
		if e.Opcode == txnlog.CloseSession {
			for _, path := range slices.Sorted(maps.Keys(owner)) {
				if owner[path] == e.Session {
					delete(owner, path)
					add(lapsed, path, "")
				}
			}
			continue
		}
		if _, refused := e.Refused(); refused {
			continue
		}
		for _, part := range e.Parts {
			contends := strings.HasPrefix(part.Path, lock+"/")
			switch {
			case contends && (part.Opcode == txnlog.Create || part.Opcode == txnlog.Create2):
				owner[part.Path] = e.Session
				add(came, part.Path, "")
			case contends && part.Opcode == txnlog.Delete:
				delete(owner, part.Path)
				add(left, part.Path, "")
			case part.Path == work && part.Opcode == txnlog.Set:
				add(worked, "", string(part.Data))
			case part.Path == lock && part.Opcode == txnlog.Set:
				add(grantSet, "", string(part.Data))
			}
		}
	}
	return all
}

// holdsOf are the times in which the programs believed that they held the lock.
func (w *troop) holdsOf() (all []hold) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.programs {
		open := -1
		for _, s := range w.lines[p.name] {
			switch s.What {
			case "holds":
				all = append(all, hold{who: p.name, lib: p.lib, n: s.N, znode: s.Znode, reads: s.Reads, from: s.At})
				open = len(all) - 1
			case "over":
				if open >= 0 && all[open].n == s.N {
					all[open].to, open = s.At, -1
				}
			}
		}
		w.closeAtDeath(p, all)
	}
	return all
}

// closeAtDeath ends the beliefs of a process with its death.
func (w *troop) closeAtDeath(p *program, all []hold) {
	for i := range all {
		if h := &all[i]; h.who == p.name && h.to == 0 {
			for _, done := range w.harmed[p.name] {
				if done.kind == killed && done.from > h.from && (h.to == 0 || done.from < h.to) {
					h.to = done.from
				}
			}
		}
	}
}

// TestInterop_JudgeNotices gives the judge small histories, each with one defect.
func TestInterop_JudgeNotices(t *testing.T) {
	const one, two, foreign = "a-lock-0000000001", "b-lock-0000000002", "c__lock__0000000003"
	grant := func(who, znode string) string { return fmt.Sprintf(`{"name":%q,"znode":%q}`, who, znode) }
	fine := []change{
		{1, came, 11, one, ""}, {2, came, 12, two, ""}, {3, came, 13, foreign, ""},
		{4, grantSet, 11, "", grant("go", one)}, {5, worked, 11, "", "go|1|" + one}, {6, left, 11, one, ""},
		{7, worked, 12, "", "java|1|" + two}, {8, lapsed, 12, two, ""}, {9, worked, 13, "", "py|1|" + foreign}, {10, left, 13, foreign, ""},
	}
	holds := []hold{
		{"go", ringmaster, 1, one, false, 10, 20}, {"java", curator, 1, two, false, 30, 50}, {"py", kazooLock, 1, foreign, false, 40, 60},
	}
	without := func(zxid int64) []change {
		return slices.DeleteFunc(slices.Clone(fine), func(c change) bool { return c.zxid == zxid })
	}
	at := func(zxid int64, c change) []change {
		all := append(without(zxid), c)
		slices.SortStableFunc(all, func(a, b change) int { return cmp.Compare(a.zxid, b.zxid) })
		return all
	}
	belief := func(i int, from, to time.Duration) []hold {
		all := slices.Clone(holds)
		all[i].from, all[i].to = from, to
		return all
	}
	v := judgeLock(holds, fine, nil)
	if len(v.violations) > 0 || v.overlap[curator] != 1 || v.holds[kazooLock] != 1 {
		t.Errorf("of a good history: %+v", v)
	}
	if v := judgeLock(holds, at(9, change{9, worked, 14, "", "java|1|" + two}), nil); len(v.violations) > 0 || v.late[curator] != 1 {
		t.Errorf("of a late write that is not promised away: %+v", v)
	}
	for _, c := range []struct {
		holds   []hold
		changes []change
		want    string
	}{
		{holds, at(5, change{5, worked, 12, "", "java|1|" + two}), "java worked with " + two + ", while " + one + " was before it"},
		{holds, at(4, change{4, grantSet, 12, "", grant("go", two)}), "go was granted the lock with " + two + ", while " + one + " was before it"},
		{holds, at(6, change{6, lapsed, 11, one, ""})[:6], "is left"},
		{holds, without(10), foreign + " is left"},
		{holds, at(9, change{9, worked, 11, "", "go|1|" + one}), "go worked, and its znode " + one + " was not there"},
		{holds, at(9, change{9, worked, 14, "", "py|1|" + foreign}), "py worked, and its znode " + foreign + " was not there"},
		{holds, without(2), "java held the lock with " + two + ", which was never there"},
		{belief(0, 10, 35), fine, "go believed that it held the lock with " + one + " while java did with " + two + ", and the former's session lived"},
		{belief(0, 10, 0), at(6, change{6, lapsed, 11, one, ""}), "neither stopped nor its session ended"},
		{belief(2, 5, 0), fine, "py believed that it held the lock"},
	} {
		if v := judgeLock(c.holds, c.changes, nil); !strings.Contains(strings.Join(v.violations, "\n"), c.want) {
			t.Errorf("not noticed: %s; found %q", c.want, v.violations)
		}
	}
	order := []change{{1, came, 11, two, ""}, {2, worked, 11, "", "go|1|" + two}, {3, left, 11, two, ""}, {4, came, 12, one, ""}, {5, worked, 12, "", "java|1|" + one}, {6, left, 12, one, ""}}
	if v := judgeLock(belief(1, 30, 40)[:2], order, nil); !strings.Contains(fmt.Sprint(v.violations), "after number 2") {
		t.Errorf("a turn out of order is not noticed: %q", v.violations)
	}
	readers := slices.Clone(holds[:2])
	readers[0].reads, readers[1].reads, readers[0].to = true, true, 60
	readers[0].znode, readers[1].znode = "a-__READ__0000000001", "b-__READ__0000000002"
	if v := judgeLock(readers, []change{{1, came, 11, readers[0].znode, ""}, {2, came, 12, readers[1].znode, ""}, {3, worked, 12, "", "java|1|" + readers[1].znode}, {4, left, 11, readers[0].znode, ""}, {5, left, 12, readers[1].znode, ""}}, nil); len(v.violations) > 0 {
		t.Errorf("readers share: %q", v.violations)
	}
}
