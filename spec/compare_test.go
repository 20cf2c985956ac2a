package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/tla"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/roles"
)

func TestCompare(t *testing.T) {
	c := roles.Defaults()
	c.Masters = 1
	if s := os.Getenv("WORLD"); s != "" {
		if err := json.Unmarshal([]byte(s), &c); err != nil {
			t.Fatal(err)
		}
	}
	w, err := c.World()
	if err != nil {
		t.Fatal(err)
	}
	g, err := explore.Explored(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	a := &tla.Graph{}
	for n := range g.Len() {
		a.Colours = append(a.Colours, explored(w, g.Picture(n)).String())
		var to []int
		for e := range g.Edges(n) {
			to = append(to, e.To)
		}
		a.Edges = append(a.Edges, to)
	}
	f, err := os.Open(os.Getenv("DOT"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tla.ReadDot(f, func(v map[string]tla.Value) (string, error) {
		c, err := specified(w, v)
		return c.String(), err
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("explorer", a.Len(), a.Transitions(), a.Depth())
	fmt.Println("tlc     ", b.Len(), b.Transitions(), b.Depth())
	for name, x := range map[string]*tla.Graph{"explorer": a, "tlc": b} {
		seen := map[string]bool{}
		for _, c := range x.Colours {
			seen[c] = true
		}
		m := x.Minimal()
		fmt.Println(name, "colours", len(seen), "minimal", m.Len(), m.Transitions(), m.Depth())
	}
	fmt.Println(tla.Differ(a, b))
}
