package explore

import (
	"context"
	"iter"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Graph is the complete state space of a world, for a comparison with another description of
// the same machine. States are numbered from 0, which is the initial one.
type Graph struct {
	Result *Result

	space   *space
	visited *visited
	path    func(stateID) Schedule // how a state was reached first
	ids     []stateID
	numbers map[stateID]int
}

// Edge is one transition: its choice and the next state.
type Edge struct {
	By Choice
	To int
}

// Explored visits every state of a world, as BFS does, and keeps the graph. An
// exploration that is not complete, or that violates something, is an error of the
// caller's to see in Result.
func Explored(ctx context.Context, w *World) (*Graph, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	b := newBFS(newSpace(w, true), Limits{Threads: 2})
	g := &Graph{space: b.space, visited: b.visited, path: b.path, numbers: map[stateID]int{}}
	if err := guarded(func() { g.Result = b.run(ctx, nil) }); err != nil {
		return nil, err
	}
	if b.broken != nil {
		return nil, b.broken
	}
	first, _ := b.visited.add(b.space.initial(), 0)
	g.number(first)
	for id := range b.visited.all() {
		g.number(id)
	}
	return g, nil
}

func (g *Graph) number(id stateID) {
	if _, known := g.numbers[id]; !known {
		g.numbers[id] = len(g.ids)
		g.ids = append(g.ids, id)
	}
}

// Len is the number of states.
func (g *Graph) Len() int { return len(g.ids) }

// Parts are numbers that stand for the parts of a state: its tree, the system outside,
// the faults that are left, and each process. Equal numbers stand for equal parts.
func (g *Graph) Parts(n int) []uint32 {
	s := make(state, g.visited.width)
	g.visited.get(g.ids[n], s)
	return s
}

// Edges are the transitions that leave a state of a graph that is complete.
func (g *Graph) Edges(n int) iter.Seq[Edge] {
	return func(yield func(Edge) bool) {
		now, then := make(state, g.visited.width), make(state, g.visited.width)
		g.visited.get(g.ids[n], now)
		for _, c := range g.space.choices(now, nil) {
			copy(then, now)
			g.space.advance(then, c)
			id, _ := g.visited.add(then, 0)
			to, visited := g.numbers[id]
			if !visited {
				defective("the graph is not complete: a transition leads to a state that was not visited")
			}
			if !yield(Edge{c, to}) {
				return
			}
		}
	}
}

// Picture is one state, as far as it can be seen from outside the programs.
type Picture struct {
	Tree      zk.Tree
	Acts      Acts
	Left      Bounds // faults that may still happen
	Processes []ProcessPicture
}

// ProcessPicture is one process of a Picture: its requests, its claims, and its state on the
// servers.
type ProcessPicture struct {
	Life      int
	Session   int  // number of the session that it uses, 0 for none
	Known     bool // the server has not ended that session
	Opened    int  // sessions so far
	Overslept bool // it was stopped, and its clock will show it
	Lagging   bool
	Watches   []zk.Watch
	Events    []zk.Watch
	Orphans   []int
	Late      []LateRequest
	Asks      []Asking
	Notes     map[string]string
}

// LateRequest is a request that may still take effect, and whose owner is gone.
type LateRequest struct {
	Session int // its number
	Op      zkapi.Op
}

// Picture shows a state.
func (g *Graph) Picture(n int) Picture {
	x := g.space
	s := make(state, g.visited.width)
	g.visited.get(g.ids[n], s)
	p := Picture{Tree: x.trees.get(s[atTree]), Acts: x.acts.get(s[atActs])}
	for i, kind := range budgets {
		*kind.bound(&p.Left) = int(left(s[atBudget], i))
	}
	for place := range x.world.Processes {
		l := x.links.get(x.procs.get(s[atProcs+place]).link)
		one := ProcessPicture{
			Life: l.lives, Session: l.current, Known: l.known, Opened: l.opened, Overslept: l.overslept, Lagging: l.lagging != 0,
			Watches: l.watches, Events: l.events, Orphans: l.orphans,
		}
		for _, z := range l.late {
			one.Late = append(one.Late, LateRequest{z.session, x.terms.ops.get(z.op)})
		}
		if at := x.at(s, place); at != nil {
			one.Notes, one.Asks = x.terms.notes.get(at.noted), x.asks(at)
		}
		p.Processes = append(p.Processes, one)
	}
	return p
}
