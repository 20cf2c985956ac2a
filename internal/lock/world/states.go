package world

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	if act := v.Acts[work]; act.Stale && j.config.Readers == 0 && j.permits() == 1 {
		f.Violate("StaleEffectsFenced", "a holder has acted outside with a smaller token than was seen there")
	} else if act.Twice {
		f.Violate("TokensGrow", "two holders have acted outside with one token")
	}
	for i, path := range j.config.paths() {
		now, note := look(v.Tree, path), []string{holdsNote, holdsBoth}[i]
		j.holders(&f, v, note)
		for _, p := range v.Processes {
			j.told(&f, p, now, note)
		}
	}
	return f
}

// holders judges the processes that believe to hold the lock. If the server has ended its session,
// a process may not know it yet; then it has a token of its own.
func (j judge) holders(f *worlds.Findings, v explore.View, note string) {
	var writers, readers []string
	with := map[string]string{} // who holds the lock, by token
	for _, p := range v.Processes {
		token := p.Notes[note]
		if token == "" {
			continue
		}
		if other, taken := with[token]; taken {
			f.Violate("TokensGrow", "%s and %s hold the lock with token %s", other, p.Name, token)
		}
		with[token] = p.Name
		switch {
		case !p.Known:
		case strings.HasPrefix(p.Name, "reader"):
			readers = append(readers, p.Name)
		default:
			writers = append(writers, p.Name)
		}
	}
	if j.config.Library == explore.Honest && (len(writers) > j.permits() || len(writers) > 0 && len(readers) > 0) {
		f.Violate("MutualExclusion", "%v hold the lock at the same time, and none of their sessions has ended", slices.Concat(writers, readers))
	}
}

// told judges what a process was told by the recipe of one lock, and has noted.
func (j judge) told(f *worlds.Findings, p explore.ProcessView, now picture, note string) {
	if e := p.Notes[wroteNote]; e != "" && !now.entries[e] {
		f.Violate("ToldTruly", "%s was told that %s is written, and it is not there", p.Name, e)
	}
	if e := p.Notes[refusedNote]; e != "" && now.entries[e] {
		f.Violate("ToldTruly", "%s was told that %s is not applied, and it is there", p.Name, e)
	}
	if token := tokenOf(p.Notes[lostNote]); token != 0 && now.grant.Token == token && now.grant.Released {
		f.Violate("DelayWaited", "%s had lost the lock with token %d, and its end is noted as a release", p.Name, token)
	}
	if !p.Known || j.config.Library != explore.Honest {
		return
	}
	own := slices.ContainsFunc(now.line, func(one contender) bool { return one.session == p.Session })
	if p.Notes[idleNote] != "" && own {
		f.Violate("NoZnodeLeft", "%s wants no lock, and its znode is in the line", p.Name)
	}
	if token := p.Notes[note]; token != "" {
		if holder, there := now.holder(tokenOf(token)); !there || holder.session != p.Session {
			f.Violate("ToldTruly", "%s was told that it holds the lock with token %s, and it has no such znode", p.Name, token)
		}
	}
}

// Goal implements explore.Judge: each process that lives has had its turns, or was asked to leave,
// and no znode is left; or a holder is left, and no process asks it to release the lock. While a delay lasts, nothing need happen, because time passes only by
// sweeps. No delay may follow if all ends are releases.
func (j judge) Goal(v explore.View) bool {
	b := j.config.Bounds
	ends := b.Expiries + b.Cuts + b.Stops + b.Crashes
	if now := look(v.Tree, path); now.delayed() && ends > 0 {
		return true
	}
	if j.config.Asks > 0 && j.nobodyAsks(v, ends > 0) {
		return true
	}
	for _, path := range j.config.paths() {
		if len(look(v.Tree, path).line) > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool { return p.Running && p.Notes[doneNote] == "" })
}

// nobodyAsks reports whether a holder keeps the lock because it is not asked to release it, and never
// will be. If there is one process that never joins again, and the lock was asked for, it must have
// heard of that.
func (j judge) nobodyAsks(v explore.View, again bool) bool {
	for _, p := range v.Processes {
		if p.Name == "asker" && (p.Notes[doneNote] == "" || !again && j.config.Writers+j.config.Readers == 1 && j.config.Rounds == 1 && p.Notes[asksNote] != "0") {
			return false
		}
	}
	held := look(v.Tree, path).granted()
	return len(held) > 0 && !slices.ContainsFunc(held, func(one contender) bool { return one.asked }) &&
		slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool { return p.Notes[holdsNote] != "" })
}
