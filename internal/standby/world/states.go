package world

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	now := look(v.Tree)
	j.services(&f, v, now)
	j.holders(&f, v)
	for _, p := range v.Processes {
		j.told(&f, v, p, now)
	}
	return f
}

// services judges the services that run, whatever became of their processes.
func (j judge) services(f *worlds.Findings, v explore.View, now picture) {
	var all []string
	for i := range j.config.Candidates {
		name := candidate(i + 1)
		epoch, running := j.running(v, name)
		if !running {
			continue
		}
		all = append(all, name)
		if !now.left || now.crumb != j.config.data(name) {
			f.Violate("BreadcrumbNames", "the service of %s runs since epoch %d, and the breadcrumb is %q", name, epoch, now.crumb)
		}
	}
	if len(all) > 1 {
		f.Violate("OneActive", "the services of %v run, and none of them is fenced", all)
	}
}

// holders judges the processes that believe to be active, and whose sessions live.
func (j judge) holders(f *worlds.Findings, v explore.View) {
	var alive []string
	for _, p := range v.Processes {
		if p.Notes[activeNote] != "" && p.Known {
			alive = append(alive, p.Name)
		}
	}
	if len(alive) > 1 && j.config.Library == explore.Honest {
		f.Violate("OneHolder", "%v are active at the same time, and none of their sessions has ended", alive)
	}
}

// told judges what a process was told by the recipe.
func (j judge) told(f *worlds.Findings, v explore.View, p explore.ProcessView, now picture) {
	if e := p.Notes[wroteNote]; e != "" && !now.entries[e] {
		f.Violate("ToldTruly", "%s was told that %s is written, and it is not there", p.Name, e)
	}
	if e := p.Notes[refusedNote]; e != "" && now.entries[e] {
		f.Violate("ToldTruly", "%s was told that %s is not applied, and it is there", p.Name, e)
	}
	if p.Notes[selfNote] != "" {
		f.Violate("OwnNotFenced", "%s fences the breadcrumb of this very life", p.Name)
	}
	if name, epoch, told := strings.Cut(p.Notes[toldNote], " "); told && v.Acts[runs(name)].Token < begun(epochOf(epoch)) {
		f.Violate("ToldTruly", "%s was told that %s is active with epoch %s, and it was not", p.Name, name, epoch)
	}
	if _, running := j.running(v, p.Name); running && p.Running && p.Notes[leftNote] != "" {
		f.Violate("StandbyInTheEnd", "%s has returned, and its service runs", p.Name)
	}
}

// Goal implements explore.Judge: a process is active, its write of the term is there, no request is under
// way, and nothing more will be asked for.
func (j judge) Goal(v explore.View) bool {
	now := look(v.Tree)
	if now.asked {
		return false
	}
	asks := slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool { return p.Name == asker && p.Notes[doneNote] == "" })
	return !asks && slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool {
		epoch, running := j.running(v, p.Name)
		return running && epoch == now.epoch && p.Known && p.Session == now.holder && p.Notes[activeNote] == fmt.Sprint(now.epoch) && now.entries[fmt.Sprint(now.epoch)]
	})
}
