package tlc

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Graph is a graph of states. The visible part of a state is its colour. Two states of
// one colour differ only in their later transitions.
type Graph struct {
	Colours []string
	Edges   [][]int // by state: the states that its transitions lead to
}

// Len is the number of states.
func (g *Graph) Len() int { return len(g.Colours) }

// Transitions is the number of transitions.
func (g *Graph) Transitions() int {
	n := 0
	for _, to := range g.Edges {
		n += len(to)
	}
	return n
}

// Depth is the largest distance of a state from the first one, in steps.
func (g *Graph) Depth() int {
	seen := make([]bool, g.Len())
	frontier, depth := []int{0}, -1
	seen[0] = true
	for ; len(frontier) > 0; depth++ {
		var next []int
		for _, n := range frontier {
			for _, to := range g.Edges[n] {
				if !seen[to] {
					seen[to] = true
					next = append(next, to)
				}
			}
		}
		frontier = next
	}
	return depth
}

// ReadDot reads the graph that TLC 1.7 or 1.8 writes with -dump dot. colour is the
// visible part of a state.
func ReadDot(r io.Reader, colour func(map[string]Value) (string, error)) (*Graph, error) {
	g := &Graph{}
	numbers := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	type edge struct{ from, to string }
	var edges []edge
	for lines.Scan() {
		line := lines.Text()
		id, rest, _ := strings.Cut(line, " ")
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			continue
		}
		if to, isEdge := strings.CutPrefix(rest, "-> "); isEdge {
			to, _, _ = strings.Cut(strings.TrimSuffix(to, ";"), " ")
			edges = append(edges, edge{id, to})
			continue
		}
		if _, known := numbers[id]; known {
			continue
		}
		text, isState := strings.CutPrefix(rest, `[label="`)
		if !isState {
			continue
		}
		text, whole := quoted(text)
		if !whole {
			return nil, fmt.Errorf("tlc: the line of state %s is cut off", id)
		}
		variables, err := ParseState(text)
		if err != nil {
			return nil, fmt.Errorf("tlc: state %s: %w", id, err)
		}
		c, err := colour(variables)
		if err != nil {
			return nil, fmt.Errorf("tlc: state %s: %w", id, err)
		}
		numbers[id] = g.Len()
		g.Colours = append(g.Colours, c)
	}
	g.Edges = make([][]int, g.Len())
	for _, e := range edges {
		from, known := numbers[e.from]
		to, also := numbers[e.to]
		if !known || !also {
			return nil, fmt.Errorf("tlc: the transition %s -> %s names a state that is not in the file", e.from, e.to)
		}
		g.Edges[from] = append(g.Edges[from], to)
	}
	return g, lines.Err()
}

// unescaped undoes what TLC does to the text of a state, to write it between quotes.
var unescaped = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)

// quoted is the text up to the quote that ends it, without the escapes. What follows in
// the line of a state is for drawing: a style, or a tooltip, in which TLC from 1.8 on
// repeats the state.
func quoted(line string) (text string, whole bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return unescaped.Replace(line[:i]), strings.HasSuffix(strings.TrimSuffix(line, ";"), "]")
		}
	}
	return "", false
}

// classes gives every state of graphs a number. Two states get the same number if they
// are indistinguishable: they have the same colour, and for every transition of one the
// other has a transition to an indistinguishable state (the coarsest bisimulation;
// Moore's refinement).
func classes(graphs ...*Graph) [][]int {
	all := make([][]int, len(graphs))
	names := map[string]int{}
	name := func(key string) int {
		n, ok := names[key]
		if !ok {
			n = len(names)
			names[key] = n
		}
		return n
	}
	for i, g := range graphs {
		for _, c := range g.Colours {
			all[i] = append(all[i], name(c))
		}
	}
	for count := len(names); ; count = len(names) {
		names = map[string]int{}
		next := make([][]int, len(graphs))
		for i, g := range graphs {
			for n := range g.Colours {
				next[i] = append(next[i], name(signature(all[i], g, n)))
			}
		}
		all = next
		if len(names) == count {
			return all
		}
	}
}

func signature(class []int, g *Graph, n int) string {
	to := make([]int, len(g.Edges[n]))
	for i, s := range g.Edges[n] {
		to[i] = class[s]
	}
	slices.Sort(to)
	key := strconv.AppendInt(nil, int64(class[n]), 36)
	for _, c := range slices.Compact(to) {
		key = strconv.AppendInt(append(key, ' '), int64(c), 36)
	}
	return string(key)
}

// Minimal is the graph with indistinguishable states merged.
func (g *Graph) Minimal() *Graph {
	class := classes(g)[0]
	number := map[int]int{}
	m := &Graph{}
	var first []int
	for n, c := range class {
		if _, known := number[c]; !known {
			number[c] = m.Len()
			m.Colours = append(m.Colours, g.Colours[n])
			first = append(first, n)
		}
	}
	for _, n := range first {
		var to []int
		for _, s := range g.Edges[n] {
			to = append(to, number[class[s]])
		}
		slices.Sort(to)
		m.Edges = append(m.Edges, slices.Compact(to))
	}
	return m
}

// Fingerprint is the same for two graphs if and only if they are indistinguishable (up
// to collisions: it is 128 bits of SHA-256). It is made from the first state and all
// distinguishable states, each with its successors.
func (g *Graph) Fingerprint() string {
	now := make([]string, g.Len())
	for n, c := range g.Colours {
		now[n] = hash(c)
	}
	for count := len(compacted(now)); ; {
		next := make([]string, g.Len())
		for n := range g.Colours {
			to := make([]string, len(g.Edges[n]))
			for i, s := range g.Edges[n] {
				to[i] = now[s]
			}
			next[n] = hash(now[n] + strings.Join(compacted(to), ""))
		}
		all := compacted(next)
		if len(all) == count { // now separates all distinguishable states; next shows how they are connected
			return hex.EncodeToString([]byte(hash(now[0] + strings.Join(all, ""))))
		}
		now, count = next, len(all)
	}
}

// compacted are the distinct values, in order.
func compacted(values []string) []string {
	all := slices.Clone(values)
	slices.Sort(all)
	return slices.Compact(all)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return string(sum[:16])
}

// Differ returns nothing if the graphs are indistinguishable. Otherwise it returns the
// shortest path to a difference, and what each graph shows there.
func Differ(a, b *Graph) (difference string) {
	class := classes(a, b)
	if class[0][0] == class[1][0] {
		return ""
	}
	type pair struct{ a, b int }
	type visit struct {
		pair
		from int
	}
	seen := map[pair]bool{{0, 0}: true}
	queue := []visit{{pair{0, 0}, -1}}
	for at := 0; at < len(queue); at++ {
		now := queue[at]
		ofA, ofB := byColour(a, now.a), byColour(b, now.b)
		for _, c := range slices.Sorted(keys(ofA, ofB)) {
			if len(ofA[c]) == 0 || len(ofB[c]) == 0 {
				var way []string
				for i := at; i >= 0; i = queue[i].from {
					way = append(way, a.Colours[queue[i].a])
				}
				slices.Reverse(way)
				who := map[bool]string{true: "only the first graph", false: "only the second graph"}[len(ofB[c]) == 0]
				return fmt.Sprintf("after %d steps, through\n%s\n%s goes on to\n%s", len(way)-1, strings.Join(way, "\n"), who, c)
			}
			for _, x := range ofA[c] {
				for _, y := range ofB[c] {
					if p := (pair{x, y}); !seen[p] && class[0][x] != class[1][y] && (len(ofA[c]) == 1 && len(ofB[c]) == 1 || !anyEqual(class, ofA[c], ofB[c])) {
						seen[p] = true
						queue = append(queue, visit{p, at})
					}
				}
			}
		}
	}
	return "the graphs differ, but no single path shows it"
}

func anyEqual(class [][]int, ofA, ofB []int) bool {
	for _, x := range ofA {
		for _, y := range ofB {
			if class[0][x] == class[1][y] {
				return true
			}
		}
	}
	return false
}

func byColour(g *Graph, n int) map[string][]int {
	found := map[string][]int{}
	for _, to := range g.Edges[n] {
		c := g.Colours[to]
		if !slices.Contains(found[c], to) {
			found[c] = append(found[c], to)
		}
	}
	return found
}

func keys(maps ...map[string][]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range maps {
			for k := range m {
				if !seen[k] {
					seen[k] = true
					if !yield(k) {
						return
					}
				}
			}
		}
	}
}
