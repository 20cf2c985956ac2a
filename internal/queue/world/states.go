package world

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	for item, act := range v.Acts {
		if act.Stale {
			f.Violate("StaleEffectsFenced", "a consumer of %s has acted outside with a smaller token than was seen there", item)
		} else if act.Twice {
			f.Violate("ExclusiveClaim", "two takes of %s have acted outside with one token", item)
		}
	}
	now := look(v.Tree)
	with := map[string]string{} // who has an item, by its name, of those whose sessions live
	for _, p := range v.Processes {
		if strings.HasPrefix(p.Name, "producer") {
			j.produced(&f, p, now)
			continue
		}
		j.told(&f, p, now)
		name, _, holds := strings.Cut(p.Notes[holdsNote], " ")
		if !holds || !p.Known || !j.knowing() {
			continue
		}
		if other, taken := with[name]; taken {
			f.Violate("ExclusiveClaim", "%s and %s have %s at the same time, and none of their sessions has ended", other, p.Name, name)
		}
		with[name] = p.Name
	}
	return f
}

// knowing reports whether a consumer whose session lives knows whether it has an item. With a library
// that replaces sessions it does not, and neither when an operator deletes claims.
func (j judge) knowing() bool { return j.config.Library == explore.Honest && !j.config.Hands }

// produced judges what a producer was told.
func (j judge) produced(f *worlds.Findings, p explore.ProcessView, now picture) {
	for _, item := range j.config.items(p.Name) {
		there := slices.Contains(now.places(), item) || now.consumed(item) > 0
		switch told := p.Notes[item]; {
		case told == isPut && !there:
			f.Violate("NoLoss", "%s was told that %s is put, and it is nowhere", p.Name, item)
		case told == isNone && there:
			f.Violate("NoUnexpected", "%s was told that %s is not put, and it is there", p.Name, item)
		}
	}
}

// told judges what a consumer was told by the recipe.
func (j judge) told(f *worlds.Findings, p explore.ProcessView, now picture) {
	for _, note := range []string{ackedNote, wroteNote} {
		if e := p.Notes[note]; e != "" && !now.records[e] {
			f.Violate("ToldTruly", "%s was told that %s is written, and it is not there", p.Name, e)
		}
	}
	if e := p.Notes[refusedNote]; e != "" && now.records[e] {
		f.Violate("ToldTruly", "%s was told that %s is not applied, and it is there", p.Name, e)
	}
	if p.Notes[emptyNote] != "" && slices.ContainsFunc(now.line, func(e entry) bool { return e.untouched() && !now.held(e.name) }) {
		f.Violate("Empty", "%s was told that the queue is empty, and it has an item that no consumer has had", p.Name)
	}
	if !p.Known || j.config.Library != explore.Honest {
		return
	}
	for name, session := range now.claims {
		if session == p.Session && p.Notes[idleNote] != "" {
			f.Violate("NothingLeft", "%s has no item, and its claim to %s is there", p.Name, name)
		}
	}
	if name, token, holds := strings.Cut(p.Notes[holdsNote], " "); holds && j.knowing() {
		if e, there := now.entry(name); !there || now.claims[name] != p.Session || strconv.Itoa(int(e.version)) != token {
			f.Violate("ToldTruly", "%s was told that it has %s with token %s, and it does not", p.Name, name, token)
		}
	}
}

// Goal implements explore.Judge: each producer that lives has put its items, or was asked to leave;
// all items are consumed or dead letters, unless no consumer is there any more; and no claim is left.
// While an item is delayed, nothing need happen, because time passes only by sweeps.
func (j judge) Goal(v explore.View) bool {
	now := look(v.Tree)
	producing := slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool {
		return p.Running && strings.HasPrefix(p.Name, "producer") && p.Notes[doneNote] == ""
	})
	consuming := slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool {
		return p.Running && strings.HasPrefix(p.Name, "consumer") && p.Notes[doneNote] == ""
	})
	return !producing && (len(now.line) == 0 || !consuming) && len(now.claims) == 0
}
