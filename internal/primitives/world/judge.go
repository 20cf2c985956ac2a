package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// properties lists the judged properties with their meanings.
var properties = []subject.Property{
	{Name: "AppliedOnce", Says: "the counter has each addition that a user was told of, once, none that it was told is not applied, and no other"},
	{Name: "SumsOnce", Says: "no two users are told the same sum"},
	{Name: "MoneyKept", Says: "all accounts together have the money, in every state and in what every transaction sees"},
	{Name: "RoundsWhole", Says: "a round begins only when its participants are there and those of the round before are gone, and only its participants are in"},
	{Name: "LeaveTogether", Says: "no user is out while another one of its round is in and has not asked to leave"},
	{Name: "WaitsEndInTime", Says: "no user was told that the gate is not set while it was set all the time"},
	{Name: "LiftedOnce", Says: "a gate that was set again after it was lifted stays set"},
	{Name: "TokensOnce", Says: "no two holders of the lease are told the same token"},
	{Name: "TokensGrow", Says: "a user is told a greater token, or number of a round, than before, also if the versions begin again meanwhile"},
	{Name: "LedgerFenced", Says: "no holder of the lease writes after one with a greater token"},
	{Name: "NoZnodeLeft", Says: "a user that is done has one lane at most, and no place in the barrier"},
	{Name: "GoalStaysReachable", Says: "from every state each user can still finish, without another fault"},
	{Name: "NoCrash", Says: "no program panics"},
}

// judge holds the properties.
type judge struct{ config Config }

// text is the data of a znode, and whether it exists.
func text(tree zk.Tree, path string) (string, bool) {
	node, err := tree.Node(path)
	return string(node.Data), err == nil
}

// number is the number in a znode; 0 if there is none.
func number(tree zk.Tree, path string) int64 {
	data, _ := text(tree, path)
	n, _ := strconv.ParseInt(data, 10, 64) // the programs write numbers only
	return n
}

// members are the participants of the round that is in.
func members(tree zk.Tree) (names []string, in bool) {
	data, in := text(tree, barred+"/ready")
	var ready struct{ Members []string }
	_ = json.Unmarshal([]byte(data), &ready) // absent: there are none
	return ready.Members, in
}

// grantOf is what the znode of the lease says.
func grantOf(tree zk.Tree) string { data, _ := text(tree, leased); return data }

// Write implements explore.Judge.
func (j judge) Write(w explore.Write) []explore.Violation {
	var f worlds.Findings
	if w.Err != nil {
		return nil
	}
	if before, after := number(w.Before, counter), number(w.After, counter); before != after && !slices.Contains([]int64{1, 10, 100}, after-before) {
		f.Violate("AppliedOnce", "%s makes %d of the counter, which was %d", w.Process, after, before)
	}
	if before, after := number(w.Before, ledger), number(w.After, ledger); after < before && !j.config.Remade {
		f.Violate("LedgerFenced", "%s writes with token %d, after one with token %d", w.Process, after, before)
	}
	_, was := members(w.Before)
	if names, is := members(w.After); is && !was {
		for _, name := range names {
			if _, there := text(w.Before, barred+"/"+name); !there {
				f.Violate("RoundsWhole", "%s begins a round with %s, which is not there", w.Process, name)
			}
		}
		if len(names) != j.config.fill() {
			f.Violate("RoundsWhole", "%s begins a round with %v", w.Process, names)
		}
	}
	if names, is := members(w.Before); is {
		if now, still := members(w.After); !still || !slices.Equal(now, names) {
			for _, name := range names {
				if _, there := text(w.After, barred+"/"+name); there {
					f.Violate("RoundsWhole", "%s ends the round of %s, which is still there", w.Process, name)
				}
			}
		}
	}
	return f
}

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	sum := number(v.Tree, counter)
	told := map[string]string{}
	for i, p := range v.Processes {
		note := func(name string) int64 { n, _ := strconv.ParseInt(p.Notes[name], 10, 64); return n }
		if i < j.config.Users && j.config.Of == Counter {
			applied, most := sum/unit(i)%10, note(okNote)+note(unknownNote)+note(busyNote)
			if applied < note(okNote) || applied > most && p.Running {
				f.Violate("AppliedOnce", "%d additions of %s are applied; it was told that %d are, and of %d it does not know", applied, p.Name, note(okNote), most-note(okNote))
			}
			if other := told[p.Notes[toldNote]]; other != "" && p.Notes[toldNote] != "" {
				f.Violate("SumsOnce", "%s and %s were told the same sum, %s", other, p.Name, p.Notes[toldNote])
			}
			told[p.Notes[toldNote]] = p.Name
		}
		if seen := p.Notes[seenNote]; seen != "" && note(seenNote) != money {
			f.Violate("MoneyKept", "%s saw %s in all accounts", p.Name, seen)
		}
		j.left(&f, v, p)
	}
	if total := number(v.Tree, accounts[0]) + number(v.Tree, accounts[1]); total != money {
		f.Violate("MoneyKept", "all accounts have %d", total)
	}
	j.together(&f, v)
	j.passed(&f, v)
	j.granted(&f, v)
	return f
}

// granted judges the tokens. Versions that begin again are told to users that have not seen them before.
func (j judge) granted(f *worlds.Findings, v explore.View) {
	holders := map[string]string{}
	for _, p := range v.Processes {
		var before, now int32
		if n, _ := fmt.Sscan(p.Notes[growsNote], &before, &now); n == 2 && now <= before {
			f.Violate("TokensGrow", "%s was told token %d after token %d", p.Name, now, before)
		}
		if token := p.Notes[tokenNote]; token != "" {
			if other := holders[token]; other != "" && !j.config.Remade {
				f.Violate("TokensOnce", "%s and %s were told token %s", other, p.Name, token)
			}
			holders[token] = p.Name
		}
	}
}

// passed judges the gate, which is set until the first user lifts it, and is set again by the second
// one only.
func (j judge) passed(f *worlds.Findings, v explore.View) {
	sets := slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool { return p.Notes[setsNote] != "" })
	_, set := text(v.Tree, gate)
	for _, p := range v.Processes {
		if set && !sets && p.Notes[passedNote] != "" {
			f.Violate("WaitsEndInTime", "%s was told that the gate is not set, and it was never lifted", p.Name)
		}
		if !set && p.Notes[setNote] != "" {
			f.Violate("LiftedOnce", "%s has set the gate again, and it was lifted once more", p.Name)
		}
	}
}

// owned are the znodes below a path that belong to the session of a process, by whether they are
// lanes.
func owned(v explore.View, p explore.ProcessView) (lanes, others int) {
	for path, entry := range v.Tree.All() {
		if entry.Stat.EphemeralOwner == 0 || entry.Stat.EphemeralOwner != p.Session {
			continue
		}
		if strings.Contains(path, "/lane-") {
			lanes++
		} else {
			others++
		}
	}
	return lanes, others
}

// left judges what a process that is done has left.
func (j judge) left(f *worlds.Findings, v explore.View, p explore.ProcessView) {
	if p.Notes[doneNote] == "" || !p.Known || j.config.Library != explore.Honest {
		return
	}
	if lanes, others := owned(v, p); lanes > 1 || others > 0 {
		f.Violate("NoZnodeLeft", "%s is done, and has %d lanes and %d other znodes", p.Name, lanes, others)
	}
}

// together judges who is in the barrier. A process whose session has ended may not know it yet. If the
// numbers begin again, they do not tell the rounds of different users apart.
func (j judge) together(f *worlds.Findings, v explore.View) {
	if j.config.Remade && j.config.fill() < j.config.Users {
		return
	}
	for _, p := range v.Processes {
		for _, other := range v.Processes {
			in := other.Notes[inNote]
			_, place := owned(v, other)
			if in == "" || other.Name == p.Name || !other.Known || !other.Running || place == 0 {
				continue
			}
			if p.Notes[outNote] == in && other.Notes[leavesNote] == "" {
				f.Violate("LeaveTogether", "%s has left round %s, and %s is in", p.Name, in, other.Name)
			}
			if _, own := owned(v, p); p.Notes[inNote] != "" && p.Notes[inNote] != in && p.Known && own > 0 {
				f.Violate("RoundsWhole", "%s is in round %s, and %s in round %s", p.Name, p.Notes[inNote], other.Name, in)
			}
		}
	}
}

// Goal implements explore.Judge: every user that lives is done. A round of the barrier may lack a
// participant for ever if one has lost its place, has died, or has had its rounds. A user may wait for
// ever at a gate that the first one does not lift any more. A lease that its holder has left ends when
// time passes, which is a fault here.
func (j judge) Goal(v explore.View) bool {
	done, alone := 0, 0
	_, set := text(v.Tree, gate)
	over := func(p explore.ProcessView) bool { return !p.Running || p.Notes[doneNote] != "" }
	left := func(p explore.ProcessView) bool {
		return over(p) && strings.Contains(grantOf(v.Tree), `"id":"`+p.Name+".")
	}
	leftOver := slices.ContainsFunc(v.Processes, left)
	for _, p := range v.Processes {
		if over(p) || leftOver || j.config.Of == Gate && set && over(v.Processes[0]) && p.Notes[passedNote] == "" {
			done++
		} else if j.config.Of == Barrier && p.Notes[inNote] == "" {
			alone++
		}
	}
	return done == len(v.Processes) || done+alone == len(v.Processes) && alone < j.config.fill()
}

// version is the version of a znode; -1 if there is none.
func version(tree zk.Tree, path string) int32 {
	node, err := tree.Node(path)
	if err != nil {
		return -1
	}
	return node.Stat.Version
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	var seen []string
	_, was := members(w.Before)
	_, is := members(w.After)
	_, set := text(w.Before, gate)
	_, still := text(w.After, gate)
	grown := version(w.After, j.config.path()) - version(w.Before, j.config.path())
	x, y := number(w.Before, accounts[0]), number(w.After, accounts[0])
	for _, one := range []struct {
		when bool
		name string
	}{
		{w.Err == nil && number(w.Before, counter) != number(w.After, counter), "an addition"},
		{w.Err == nil && x != y, "a transfer"},
		{w.Err == nil && set && !still, "a barrier that is lifted"},
		{w.Err == nil && !set && still, "a barrier that is set"},
		{w.Err == nil && grantOf(w.Before) != grantOf(w.After) && grantOf(w.After) != "{}", "a lease that is taken"},
		{w.Err == nil && number(w.Before, ledger) != number(w.After, ledger), "a write under a lease"},
		{w.Err == nil && !was && is, "a round that begins"},
		{w.Err == nil && was && !is, "a round that ends"},
		{w.Err == nil && w.Process == operator && grown < 0, "versions that begin again"},
		{w.Err == nil && grown > 1, "a version that is raised"},
		{w.Err != nil && zkapi.FailedIndex(w.Err) >= 0, "a write that is refused"},
	} {
		if one.when {
			seen = append(seen, one.name)
		}
	}
	return seen
}
