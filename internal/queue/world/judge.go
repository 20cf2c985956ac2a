package world

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// properties lists the judged properties with their meanings.
var properties = []subject.Property{
	{Name: "NoLoss", Says: "an item leaves the queue when its consumer has it recorded as consumed, or as a dead letter, and in no other way; what a producer was told is put is there until then"},
	{Name: "NoUnexpected", Says: "the queue has the items that producers put, and none whose producer was told that it is not put"},
	{Name: "PutOnce", Says: "no item is in the queue twice, or again after its consumption"},
	{Name: "ConsumedOnce", Says: "an item is recorded as consumed once, by the write that deletes it, and by the consumer that has it"},
	{Name: "ExclusiveClaim", Says: "each take raises the version of the item by one; no two processes have an item while their sessions live"},
	{Name: "Order", Says: "no take passes over an item that was in line from the beginning and that no consumer has had"},
	{Name: "Empty", Says: "no consumer is told that the queue is empty while it has such an item"},
	{Name: "DeadLetter", Says: "an item becomes a dead letter after as many takes as the queue demands, and is taken no more often"},
	{Name: "NothingLeft", Says: "a consumer that wants no item, and was told that its last take is over, has no claim"},
	{Name: "WriteFenced", Says: "what a consumer writes about an item is accepted only while it has the item"},
	{Name: "ToldTruly", Says: "what a consumer is told is written is there, what it is told is not applied never is, and who believes to have an item has the claim"},
	{Name: "StaleEffectsFenced", Says: "outside ZooKeeper no smaller token of an item acts after a greater one"},
	{Name: "GoalStaysReachable", Says: "from every state the queue can still be emptied, and no claim be left, without another fault: no wake-up is lost"},
	{Name: "NoCrash", Says: "no program panics"},
}

// judge holds the properties.
type judge struct{ config Config }

// Write implements explore.Judge.
func (j judge) Write(w explore.Write) []explore.Violation {
	if w.Err != nil {
		return nil
	}
	var f worlds.Findings
	before, after := look(w.Before), look(w.After)
	for _, e := range before.line {
		if _, there := after.entry(e.name); !there {
			j.left(&f, w, before, after, e)
		}
	}
	for _, item := range before.delayed {
		if !slices.Contains(after.places(), item) {
			f.Violate("NoLoss", "%s deletes the delayed item %s", w.Process, item)
		}
	}
	for _, e := range after.line {
		if old, was := before.entry(e.name); was {
			j.raised(&f, w, before, after, old, e)
		}
	}
	for record := range after.records {
		if !before.records[record] {
			j.recorded(&f, w, before, after, record)
		}
	}
	j.places(&f, w, before, after)
	return f
}

// left judges a write that takes an item out of the line.
func (j judge) left(f *worlds.Findings, w explore.Write, before, after picture, e entry) {
	session, held := before.claims[e.name]
	switch {
	case slices.Contains(after.dead, e.item):
		if !held && (j.config.MaxTakes == 0 || int(e.version) != j.config.MaxTakes) || held && session != w.Session {
			f.Violate("DeadLetter", "%s makes %s a dead letter after %d takes", w.Process, e.item, e.version)
		}
	case !after.records[e.record()] || before.records[e.record()]:
		f.Violate("NoLoss", "%s deletes %s, and no consumption is recorded", w.Process, e.item)
	case !held || session != w.Session:
		f.Violate("ConsumedOnce", "%s consumes %s, and does not have it", w.Process, e.item)
	}
	if after.held(e.name) {
		f.Violate("NothingLeft", "%s ends %s, and a claim to it stays", w.Process, e.item)
	}
}

// raised judges what a write does to an item that stays in line.
func (j judge) raised(f *worlds.Findings, w explore.Write, before, after picture, old, now entry) {
	if old.item != now.item {
		f.Violate("NoUnexpected", "%s makes %s of %s", w.Process, now.item, old.item)
	}
	taken := after.held(now.name) && !before.held(now.name)
	if taken != (now.version == old.version+1) || !taken && now.version != old.version {
		f.Violate("ExclusiveClaim", "%s writes %s with version %d, which had %d before; there is a new claim: %v", w.Process, now.item, now.version, old.version, taken)
	}
	if !taken {
		return
	}
	if j.config.MaxTakes > 0 && int(now.version) > j.config.MaxTakes {
		f.Violate("DeadLetter", "%s takes %s for the %dth time", w.Process, now.item, now.version)
	}
	for _, other := range before.line {
		if other.name == now.name {
			break
		}
		if other.untouched() && !after.held(other.name) {
			f.Violate("Order", "%s takes %s, and %s is in front of it", w.Process, now.item, other.item)
		}
	}
}

// untouched reports whether an item was in line from the beginning, and no consumer has had it.
func (e entry) untouched() bool { return e.version == 0 && strings.HasPrefix(e.item, stock+".") }

// recorded judges a write that makes a record in the ledger.
func (j judge) recorded(f *worlds.Findings, w explore.Write, before, after picture, record string) {
	name, works := strings.CutPrefix(record, working)
	at := strings.LastIndexByte(name, '.')
	item, token := name[:at], name[at+1:]
	i := slices.IndexFunc(before.line, func(e entry) bool { return e.item == item })
	if works {
		if i < 0 || !before.held(before.line[i].name) || before.claims[before.line[i].name] != w.Session || strconv.Itoa(int(before.line[i].version)) != token {
			f.Violate("WriteFenced", "%s writes %s, and does not have the item any more", w.Process, record)
		}
		return
	}
	if i < 0 || slices.ContainsFunc(after.line, func(e entry) bool { return e.item == item }) {
		f.Violate("ConsumedOnce", "%s records %s, and the write does not delete the item", w.Process, record)
	}
	if after.consumed(item) > 1 {
		f.Violate("ConsumedOnce", "%s records %s, and %s was consumed before", w.Process, record, item)
	}
}

// places judges where each item is.
func (j judge) places(f *worlds.Findings, w explore.Write, before, after picture) {
	old := before.places()
	all := after.places()
	for i, item := range all {
		if slices.Contains(all[:i], item) || after.consumed(item) > 0 {
			f.Violate("PutOnce", "%s makes a second %s", w.Process, item)
		}
		from, _, _ := strings.Cut(item, ".")
		if !slices.Contains(old, item) && from != w.Process {
			f.Violate("NoUnexpected", "%s puts %s", w.Process, item)
		}
	}
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	if w.Err != nil {
		return refused(w)
	}
	before, after := look(w.Before), look(w.After)
	var seen []string
	see := func(when bool, name string) {
		if when && !slices.Contains(seen, name) {
			seen = append(seen, name)
		}
	}
	for _, e := range after.line {
		_, was := before.entry(e.name)
		see(!was && !slices.Contains(before.delayed, e.item), "a put")
		see(!was && slices.Contains(before.delayed, e.item), "an item that is due")
		see(after.held(e.name) && !before.held(e.name), "a take")
		see(after.held(e.name) && !before.held(e.name) && e.version > 1, "a second take of an item")
		see(!after.held(e.name) && before.held(e.name), "an item that is given back")
	}
	see(len(after.delayed) > len(before.delayed), "a put")
	see(len(after.dead) > len(before.dead), "a dead letter")
	see(len(after.claims) > len(before.claims)+1, "a take of several")
	for record := range after.records {
		see(!before.records[record] && !strings.HasPrefix(record, working), "a consumption")
		see(!before.records[record] && strings.HasPrefix(record, working), "a write of a consumer")
	}
	return seen
}

// refused names what a refusal shows.
func refused(w explore.Write) []string {
	at := zkapi.FailedIndex(w.Err)
	if at < 0 || at >= len(w.Op.Ops) {
		return nil
	}
	lane := strings.HasPrefix(w.Op.Ops[at].Path, laneFolder+"/")
	switch {
	case lane && errors.Is(w.Err, zkapi.ErrBadVersion):
		return []string{"a write that is found to be applied"}
	case takes(w.Op) && !lane:
		return []string{"a consumer that comes second"}
	}
	return nil
}
