package world

import (
	"errors"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// properties lists the judged properties with their meanings.
var properties = []subject.Property{
	{Name: "MutualExclusion", Says: "no write of an earlier holder is accepted after a later grant; no two processes that exclude each other hold the lock while their sessions live"},
	{Name: "FifoInOrder", Says: "the queue grants in the order in which the contenders came"},
	{Name: "TokensGrow", Says: "each grant has a greater token than all grants before it, and the version of the path is the token"},
	{Name: "NoZnodeLeft", Says: "a process that wants no lock, and was told that the last one is over, has no znode in the line"},
	{Name: "WritesInOne", Says: "what a holder writes in one call is there whole, or not at all"},
	{Name: "ToldTruly", Says: "what a holder is told is written is there, what it is told is not applied never is, and who believes to hold the lock has its znode"},
	{Name: "StaleEffectsFenced", Says: "outside ZooKeeper no smaller token acts after a greater one"},
	{Name: "DelayWaited", Says: "after a holder with a delay has ended without a release, no other process is granted the lock before the delay is over"},
	{Name: "GoalStaysReachable", Says: "from every state each process can still have its turns, and leave no znode, without another fault: no wake-up is lost, no two processes wait for each other, and a holder hears that it is asked to release the lock"},
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
	for _, path := range j.config.paths() {
		before, after := look(w.Before, path), look(w.After, path)
		if path == other {
			before.last = "" // an entry has the token of the first lock
		}
		for _, now := range after.granted() {
			if _, had := before.holder(now.token); !had {
				j.granted(&f, w, before, after, now)
			}
		}
	}
	before, after := look(w.Before, path), look(w.After, path)
	if after.last != before.last || len(after.entries) > len(before.entries) {
		j.entered(&f, w, before, after)
	}
	return f
}

// granted judges a write that grants the lock.
func (j judge) granted(f *worlds.Findings, w explore.Write, before, after picture, now contender) {
	if now.token != after.version || now.token <= before.version || now.token <= tokenOf(before.last) {
		f.Violate("TokensGrow", "%s is granted token %d; the path has version %d, and had %d before", w.Process, now.token, after.version, before.version)
	}
	if j.config.timeless() && before.delayed() {
		f.Violate("DelayWaited", "%s is granted the lock, and no time has passed since %s ended without a release", w.Process, before.grant.Znode)
	}
	var earlier, others []contender
	for _, one := range after.line {
		switch {
		case one.name == now.name || one.shared && now.shared:
			continue
		case one.sequence < now.sequence:
			earlier = append(earlier, one)
		}
		if one.token > 0 {
			others = append(others, one)
		}
	}
	if free := j.permits() - 1; len(earlier) > free || len(others) > free {
		if len(others) > free {
			f.Violate("MutualExclusion", "%s is granted the lock, and %v hold it", w.Process, names(others))
		}
		if len(earlier) > free && !j.config.Simple {
			f.Violate("FifoInOrder", "%s is granted the lock, and %v came before", w.Process, names(earlier))
		}
	}
}

// timeless reports whether the processes wait for no delay to its end, because their clocks do not
// move so far.
func (c Config) timeless() bool {
	return c.Bounds.Cuts+c.Bounds.Stops == 0 && time.Duration(c.Bounds.Sweeps)*explore.SweepTime < delay
}

// permits is how many may hold the lock.
func (j judge) permits() int { return max(1, j.config.Permits) }

func names(of []contender) (all []string) {
	for _, one := range of {
		all = append(all, one.name)
	}
	return all
}

// entered judges a write that changes the ledger.
func (j judge) entered(f *worlds.Findings, w explore.Write, before, after picture) {
	token := tokenOf(after.last)
	holder, holds := before.holder(token)
	if !holds {
		f.Violate("MutualExclusion", "%s writes with token %d, which no holder has any more", w.Process, token)
	}
	second := func(one contender) bool { return one.session == holder.session }
	if holds && j.config.Both && !slices.ContainsFunc(look(w.Before, other).granted(), second) {
		f.Violate("MutualExclusion", "%s writes and does not hold the second lock", w.Process)
	}
	if j.config.Readers == 0 && j.permits() == 1 && token < tokenOf(before.last) {
		f.Violate("MutualExclusion", "%s writes with token %d after token %s", w.Process, token, before.last)
	}
	if before.entries[after.last] || !after.entries[after.last] || len(after.entries) != len(before.entries)+1 {
		f.Violate("WritesInOne", "%s writes a part of %s", w.Process, after.last)
	}
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	before, after := look(w.Before, path), look(w.After, path)
	if w.Err != nil {
		if zkapi.FailedIndex(w.Err) == 0 && errors.Is(w.Err, zkapi.ErrNoNode) && written(w.Op) {
			return []string{"a stale holder that was fenced"}
		}
		if zkapi.FailedIndex(w.Err) > 0 && errors.Is(w.Err, zkapi.ErrNodeExists) && written(w.Op) {
			return []string{"a write that is found to be there"}
		}
		return nil
	}
	left := func(granted bool) bool {
		return slices.ContainsFunc(before.line, func(one contender) bool {
			return (one.token > 0) == granted && !slices.ContainsFunc(after.line, func(now contender) bool { return now.name == one.name })
		})
	}
	var seen []string
	for _, one := range []struct {
		when bool
		name string
	}{
		{after.version == 1 && before.version == 0, "a grant"},
		{after.version > 1 && after.version > before.version, "a second grant"},
		{after.last != before.last, "a write of a holder"},
		{len(after.granted()) > 1, "several holders"},
		{len(after.line) > max(1, len(before.line)), "a contender that waits"},
		{w.Op.Kind == zkapi.KindSet && string(w.Op.Data) == revocation, "a request to release"},
		{left(true), "a release"},
		{left(false), "a contender that leaves the line"},
	} {
		if one.when {
			seen = append(seen, one.name)
		}
	}
	return seen
}
