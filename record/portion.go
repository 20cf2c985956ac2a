package record

import (
	"slices"
	"strings"
)

// Portion says which part of a run belongs to one of several recipes that shared an ensemble.
type Portion struct {
	// Below is the path of the znodes of the recipe, such as /lock.
	Below string
	// Name is the name of a participant as the recipe itself knows it, by its name in the run;
	// false if the participant belongs to another recipe.
	Name func(process string) (own string, mine bool)
}

// Own is a path as the recipe itself knows it; false if the znode is not below that of the recipe.
func (p Portion) Own(path string) (own string, below bool) {
	if path == p.Below {
		return "/", true
	}
	if own, below = strings.CutPrefix(path, p.Below); below && strings.HasPrefix(own, "/") {
		return own, true
	}
	return path, false
}

// Portion is what a run has left of one recipe, as if it had been alone: its participants with
// their own names, its znodes with their own paths. Events keep their numbers. Faults that hit
// only participants of other recipes are left out.
func (r Run) Portion(p Portion) Run {
	sorter := portioner{Portion: p, sessions: map[string]bool{}}
	part := r
	part.Events, part.Exchanges, part.Commits = nil, nil, nil
	for _, e := range r.Events {
		if own, mine := sorter.event(e); mine {
			part.Events = append(part.Events, own)
		}
	}
	if r.Exchanges != nil {
		part.Exchanges = []Exchange{}
	}
	for _, x := range r.Exchanges {
		name, mine := p.Name(x.Process)
		switch {
		case mine:
			x.Process, x.Ops = name, sorter.ops(x.Ops)
			part.Exchanges = append(part.Exchanges, x)
		case sorter.sessions[x.Session]: // the nemesis has ended it
			part.Exchanges = append(part.Exchanges, x)
		}
	}
	if r.Commits != nil {
		part.Commits = []Commit{}
	}
	for _, c := range r.Commits {
		if sorter.sessions[c.Session] {
			c.Ops = sorter.ops(c.Ops)
			part.Commits = append(part.Commits, c)
		}
	}
	part.Evidence = sorter.evidence(r.Evidence)
	return part
}

// portioner goes through a run, and learns which sessions belong to the recipe.
type portioner struct {
	Portion
	sessions map[string]bool
}

// event is an event as the recipe knows it; false if it is about another recipe alone.
func (p portioner) event(e Event) (own Event, mine bool) {
	if name, mine := p.Name(e.Process); mine {
		e.Process = name
		switch of := e.Of.(type) {
		case Request:
			of.Ops = p.ops(of.Ops)
			e.Of = of
		case SessionChange:
			p.sessions[of.Session] = true
		}
		return e, true
	}
	switch of := e.Of.(type) {
	case SessionChange:
		if of.To.Process, mine = p.Name(of.To.Process); mine {
			p.sessions[of.Session] = true
		}
		e.Of = of
	case ProcessChange:
		of.Of.Process, mine = p.Name(of.Of.Process)
		e.Of = of
	case PowerCut:
		of.Of.Process, mine = p.Name(of.Of.Process)
		of.By.Process, _ = p.Name(of.By.Process)
		e.Of = of
	case Act:
		of.By.Process, mine = p.Name(of.By.Process)
		of.Task = strings.TrimPrefix(of.Task, p.Below)
		e.Of = of
	case Injection:
		of.Targets, mine = p.targets(of.Targets)
		e.Of = of
	default:
		mine = RoleOf(e.Process) == HarnessRole || RoleOf(e.Process) == NemesisRole
	}
	return e, mine
}

// targets are the targets of a fault that are the recipe's own, and servers. A fault whose targets
// are not known yet may be any's.
func (p portioner) targets(all []string) (own []string, mine bool) {
	for _, target := range all {
		if name, is := p.Name(target); is {
			own = append(own, name)
		} else if RoleOf(target) == ServerRole {
			own = append(own, target)
		}
	}
	return own, len(own) > 0 || len(all) == 0
}

// ops are the parts of a write, with the paths that the recipe knows.
func (p portioner) ops(all []Op) []Op {
	own := slices.Clone(all)
	for i := range own {
		own[i].Path = p.path(own[i].Path)
	}
	return own
}

func (p portioner) path(path string) string {
	if own, below := p.Own(path); below {
		return own
	}
	return path
}

// evidence is the evidence with the znodes of the recipe.
func (p portioner) evidence(whole *Evidence) *Evidence {
	if whole == nil {
		return nil
	}
	own := *whole
	if whole.Nodes != nil {
		own.Nodes = []Node{}
	}
	for _, n := range whole.Nodes {
		if path, below := p.Own(n.Path); below && path != "/" {
			n.Path = path
			own.Nodes = append(own.Nodes, n)
		}
	}
	if len(whole.Undone) > 0 {
		own.Undone = nil
		for _, of := range whole.Undone {
			if name, mine := p.Name(of); mine {
				own.Undone = append(own.Undone, name)
			} else if of == p.Below {
				own.Undone = append(own.Undone, "/")
			}
		}
		if len(own.Undone) == 0 { // only other recipes had work left
			own.Drained, own.Problem = true, ""
		}
	}
	return &own
}
