package world

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	if act := v.Acts[leadership]; act.Stale {
		f.Violate("StaleEffectsFenced", "a leader has acted outside with a smaller epoch than was seen there")
	} else if act.Twice {
		f.Violate("UniqueEpochs", "two leaders have acted outside with one epoch")
	}
	j.leaders(&f, v)
	now := look(v.Tree)
	for _, p := range v.Processes {
		j.told(&f, p, now)
	}
	return f
}

// leaders judges the processes that believe to lead. If the server has ended its session, a
// process may not know it yet; then it leads in an epoch of its own.
func (j judge) leaders(f *worlds.Findings, v explore.View) {
	var alive []string
	in := map[string]string{} // who leads, by epoch
	for _, p := range v.Processes {
		epoch := p.Notes[leadsNote]
		if epoch == "" {
			continue
		}
		if other, taken := in[epoch]; taken {
			f.Violate("UniqueEpochs", "%s and %s lead in epoch %s", other, p.Name, epoch)
		}
		if in[epoch] = p.Name; p.Known {
			alive = append(alive, p.Name)
		}
	}
	if len(alive) > 1 && j.config.Library == explore.Honest {
		f.Violate("SingleMaster", "%v lead at the same time, and none of their sessions has ended", alive)
	}
}

// told judges what a leader was told by the recipe.
func (j judge) told(f *worlds.Findings, p explore.ProcessView, now picture) {
	if e := p.Notes[wroteNote]; e != "" && !now.entries[e] {
		f.Violate("ToldTruly", "%s was told that %s is written, and it is not there", p.Name, e)
	}
	if e := p.Notes[refusedNote]; e != "" && now.entries[e] {
		f.Violate("ToldTruly", "%s was told that %s is not applied, and it is there", p.Name, e)
	}
	if data := p.Notes[proclaimedNote]; data != "" && now.holder != 0 && now.holder == p.Session && now.data != data {
		f.Violate("ToldTruly", "%s was told that %q is proclaimed, and /master has %q", p.Name, data, now.data)
	}
}

// Goal implements explore.Judge: a master leads, all its writes of the term are there, and it
// is proclaimed.
func (j judge) Goal(v explore.View) bool {
	now := look(v.Tree)
	return slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool {
		return p.Known && p.Session == now.holder && p.Notes[leadsNote] == fmt.Sprint(now.epoch) &&
			now.last == entry(now.epoch, j.config.Writes) && now.data == proclamation(p.Name, now.epoch)
	})
}

// refused names the required events among refusals.
func refused(w explore.Write) []string {
	first := zkapi.FailedIndex(w.Err) == 0
	switch {
	case first && errors.Is(w.Err, zkapi.ErrBadVersion) && w.Op.Ops[0].Kind == zkapi.KindCheck:
		return []string{"a stale leader that was fenced"}
	case !first && errors.Is(w.Err, zkapi.ErrNodeExists) && written(w.Op):
		return []string{"a write that is found to be there"}
	}
	return nil
}
