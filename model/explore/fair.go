package explore

// circles is the part of a graph in which a run can go on for ever: the states short of the goal,
// and the transitions between them that are no fault.
type circles struct {
	graph *Graph
	goal  []bool
	to    [][]Edge
	part  []int // the strongly connected part of each state

	// Of the search for those parts:
	order, low []int
	onStack    []bool
	stack      []int
	next       int
	parts      [][]int
}

// Livelock looks for a run that never ends and never reaches the goal, without another fault,
// although no process is neglected for ever. It returns nil if there is none. The graph must be
// complete. Then there is no other run without an end either: a run that writes again and again
// raises versions, so it never comes to a state twice, and its graph would not be complete.
//
// A run is fair if each choice that stays possible is taken at some time. A circle of states can
// be run for ever by a fair run if each choice that is possible in all of its states is one of its
// transitions. If a part of the graph has such a circle, the largest one does, too: the whole
// strongly connected part. So only these are looked at. A request counts as the same choice as
// long as it is at the same place among those of its process. If it moves, that choice is not
// possible in all states; so Livelock may find a circle that is not fair, and never misses one
// that is.
func (g *Graph) Livelock() *Finding {
	c := &circles{graph: g, goal: make([]bool, g.Len()), to: make([][]Edge, g.Len()), part: make([]int, g.Len())}
	s := make(state, g.visited.width)
	for n := range g.Len() {
		g.visited.get(g.ids[n], s)
		c.goal[n] = g.space.verdictOn(s).goal
	}
	for n := range g.Len() {
		for e := range g.Edges(n) {
			if !c.goal[n] && !e.By.fault() {
				c.to[n] = append(c.to[n], e)
			}
		}
	}
	c.divide()
	for _, part := range c.parts {
		if c.fair(part) {
			at := part[0]
			return &Finding{
				[]Violation{{"NoLivelock", "from this state the processes go in a circle for ever and never reach the goal, although none of them is neglected"}},
				append(g.path(g.ids[at]), c.round(at)...),
			}
		}
	}
	return nil
}

// within reports whether a transition stays in its part.
func (c *circles) within(from int, e Edge) bool { return !c.goal[e.To] && c.part[from] == c.part[e.To] }

// fair reports whether a fair run can stay in a part for ever.
func (c *circles) fair(part []int) bool {
	taken, possible := map[Choice]bool{}, map[Choice]int{}
	for _, n := range part {
		for _, e := range c.to[n] {
			possible[e.By]++
			taken[e.By] = taken[e.By] || c.within(n, e)
		}
	}
	stays := false
	for choice, states := range possible {
		if states == len(part) && !taken[choice] {
			return false
		}
		stays = stays || taken[choice]
	}
	return stays
}

// round is a shortest way from a state back to itself, in its part.
func (c *circles) round(at int) Schedule {
	type step struct {
		from int
		by   Choice
	}
	came := map[int]step{}
	for level := []int{at}; len(level) > 0; {
		var next []int
		for _, n := range level {
			for _, e := range c.to[n] {
				if _, seen := came[e.To]; seen || !c.within(n, e) {
					continue
				}
				came[e.To] = step{n, e.By}
				next = append(next, e.To)
			}
		}
		level = next
	}
	var back Schedule
	for n := at; ; {
		last, found := came[n]
		if !found {
			return nil
		}
		back = append(Schedule{last.by}, back...)
		if n = last.from; n == at {
			return back
		}
	}
}

// divide finds the strongly connected parts (Tarjan's algorithm). It keeps its own stack, because
// a graph may be deep.
func (c *circles) divide() {
	n := len(c.to)
	c.order, c.low, c.onStack = make([]int, n), make([]int, n), make([]bool, n)
	for at := range n {
		if c.order[at] == 0 && !c.goal[at] {
			c.visit(at)
		}
	}
}

func (c *circles) visit(root int) {
	type frame struct{ at, edge int }
	frames := []frame{{root, 0}}
	c.enter(root)
	for len(frames) > 0 {
		f := &frames[len(frames)-1]
		if f.edge < len(c.to[f.at]) {
			to := c.to[f.at][f.edge].To
			f.edge++
			switch {
			case c.goal[to]:
			case c.order[to] == 0:
				c.enter(to)
				frames = append(frames, frame{to, 0})
			case c.onStack[to]:
				c.low[f.at] = min(c.low[f.at], c.order[to])
			}
			continue
		}
		at := f.at
		frames = frames[:len(frames)-1]
		if len(frames) > 0 {
			above := frames[len(frames)-1].at
			c.low[above] = min(c.low[above], c.low[at])
		}
		if c.low[at] == c.order[at] {
			c.leave(at)
		}
	}
}

func (c *circles) enter(at int) {
	c.next++
	c.order[at], c.low[at], c.onStack[at] = c.next, c.next, true
	c.stack = append(c.stack, at)
}

// leave takes a finished part from the stack.
func (c *circles) leave(root int) {
	var part []int
	for {
		at := c.stack[len(c.stack)-1]
		c.stack = c.stack[:len(c.stack)-1]
		c.onStack[at], c.part[at] = false, len(c.parts)
		part = append(part, at)
		if at == root {
			c.parts = append(c.parts, part)
			return
		}
	}
}
