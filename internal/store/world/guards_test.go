package world

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
)

// needed has for each guard a world in which a property is violated without it, after so many steps.
var needed = map[string]struct {
	Config   Config
	Property string
	Steps    int
}{
	"epoch-check":       {with(nil), "OnlyTheActiveWrites", 11},
	"epoch-version":     {with(nil), "FencedByAnother", 5},
	"write-resolved":    {with(func(c *Config) { c.Actives, c.Bounds.Losses = 1, 1 }), "AppliedAsTold", 10},
	"resolved-in-epoch": {with(func(c *Config) { c.Bounds.Losses = 1 }), "AppliedAsTold", 19},
	"load-confirmed":    {with(nil), "LoadIsWhole", 16},
	"batch-in-one":      {with(func(c *Config) { c.Actives = 1 }), "AppliedAsTold", 10},
	"parts-first":       {with(func(c *Config) { c.Actives, c.Large, c.Bounds.Losses = 1, true, 1 }), "ValuesWhole", 12},
}

// TestGuards_EachIsNeeded: without a guard the explorer finds a run in which a property is violated.
func TestGuards_EachIsNeeded(t *testing.T) {
	worldstest.EachGuardIsNeeded(t, Guards(), needed, func(c *Config, guard string) { c.Without = guard })
}
