package agree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// readGraph reads the graph that TLC has written.
func (c Check) readGraph(path string, colour func(*visibleState) string) (*tlc.Graph, error) {
	w, err := c.Machine.World()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("agree: %w", err)
	}
	defer file.Close()
	return tlc.ReadDot(file, func(vars map[string]tlc.Value) (string, error) {
		seen, err := c.Machine.lens().specified(w, vars)
		return colour(&seen), err
	})
}

// explored lets the explorer visit every state of the world.
func (c Check) explored(ctx context.Context) (*explore.Graph, error) {
	w, err := c.Machine.World()
	if err != nil {
		return nil, err
	}
	g, err := explore.Explored(ctx, w)
	if err != nil {
		return nil, err
	}
	if g.Result.Found != nil || !g.Result.Complete {
		return nil, fmt.Errorf("agree: the explorer did not visit every state of %s, it found %+v: run torture explore for the details", c.Name, g.Result.Found)
	}
	return g, nil
}

// ExplorerGraph is the graph that the explorer finds in the world of a check.
func (c Check) ExplorerGraph(ctx context.Context) (*tlc.Graph, error) {
	g, err := c.explored(ctx)
	if err != nil {
		return nil, err
	}
	all := &tlc.Graph{}
	known := make([]map[uint32]string, len(g.Parts(0))) // digests of parts: there are few of each
	for i := range known {
		known[i] = map[uint32]string{}
	}
	for n := range g.Len() {
		var colour []byte
		for i, number := range g.Parts(n) {
			if _, met := known[i][number]; !met {
				known[i][number] = digest(c.Machine.lens().explored(g.Picture(n), i))
			}
			colour = append(colour, known[i][number]...)
		}
		all.Colours, all.Edges = append(all.Colours, shortened(colour)), append(all.Edges, targets(g, n))
	}
	return all, nil
}

// measure gives the size of a graph, and what its states show.
func measure(g *tlc.Graph) Seen {
	looks := slices.Clone(g.Colours)
	slices.Sort(looks)
	looks = slices.Compact(looks)
	all := sha256.New()
	for _, l := range looks {
		all.Write([]byte(l))
	}
	m := g.Minimal()
	return Seen{
		States: m.Len(), Transitions: m.Transitions(), Depth: m.Depth(),
		Looks: len(looks), LooksSHA256: hex.EncodeToString(all.Sum(nil)), Fingerprint: g.Fingerprint(),
	}
}

// Explore computes Seen with the explorer.
func (c Check) Explore(ctx context.Context) (Seen, error) {
	g, err := c.ExplorerGraph(ctx)
	if err != nil {
		return Seen{}, err
	}
	return measure(g), nil
}

// Differ finds the shortest path to a difference between the explorer (the first) and
// TLC (the second) in a complete world; it is empty if there is none.
func (c Check) Differ(ctx context.Context, by tlc.TLC, files fs.FS) (string, error) {
	g, err := c.explored(ctx)
	if err != nil {
		return "", err
	}
	all := &tlc.Graph{}
	for n := range g.Len() {
		var seen visibleState
		picture := g.Picture(n)
		for part := range g.Parts(n) {
			seen = append(seen, c.Machine.lens().explored(picture, part))
		}
		all.Colours, all.Edges = append(all.Colours, seen.String()), append(all.Edges, targets(g, n))
	}
	_, other, err := c.run(ctx, by, files, func(l *visibleState) string { return l.String() })
	if err != nil {
		return "", err
	}
	return tlc.Differ(all, other), nil
}

// targets are the targets of a state's transitions.
func targets(g *explore.Graph, n int) []int {
	var to []int
	for e := range g.Edges(n) {
		to = append(to, e.To)
	}
	return to
}
