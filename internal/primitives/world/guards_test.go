package world

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// TestGuards_EachIsNeeded: without a guard the explorer finds a run in which a property is violated.
// The same world with the guard holds it.
func TestGuards_EachIsNeeded(t *testing.T) {
	remade := func(c *Config) { c.Users, c.Rounds, c.Remade = 1, 2, true }
	for guard, c := range map[string]struct {
		config   Config
		violated []string
	}{
		"write-by-lane":                  {with(Counter, func(c *Config) { c.Users, c.Bounds.Losses = 1, 1 }), []string{"AppliedOnce"}},
		"write-resolved":                 {with(Counter, func(c *Config) { c.Users, c.Bounds.Losses = 1, 1 }), []string{"AppliedOnce"}},
		"counter-version":                {with(Counter, nil), []string{"AppliedOnce", "SumsOnce"}},
		"read-check":                     {with(Bank, func(c *Config) { c.Audits = 1 }), []string{"MoneyKept"}},
		"absence-check":                  {with(Bank, func(c *Config) { c.Users, c.Audits = 1, 1 }), []string{"MoneyKept"}},
		"deletions-check":                {with(Bank, func(c *Config) { c.Audits, c.Rounds = 1, 2 }), []string{"MoneyKept"}},
		"begin-check":                    {with(Barrier, func(c *Config) { c.Bounds.Expiries = 1 }), []string{"RoundsWhole"}},
		"round-number":                   {with(Barrier, func(c *Config) { c.Fill, c.Rounds, c.Bounds.Expiries = 1, 2, 1 }), []string{"RoundsWhole"}},
		"join-resolved":                  {with(Barrier, func(c *Config) { c.Bounds.Losses = 1 }), []string{"NoZnodeLeft", "RoundsWhole", "GoalStaysReachable"}},
		"gate-looked-at":                 {with(Gate, nil), []string{"WaitsEndInTime"}},
		"write-by-lane of a lift":        {with(Gate, func(c *Config) { c.Bounds.Losses = 1 }), []string{"LiftedOnce"}},
		"join-check":                     {with(Barrier, remade), []string{"TokensGrow"}},
		"tokens-remembered":              {with(Lease, remade), []string{"TokensGrow"}},
		"tokens-remembered of a barrier": {with(Barrier, remade), []string{"TokensGrow"}},
		"lease-version":                  {with(Lease, nil), []string{"TokensOnce"}},
		"lease-check":                    {with(Lease, func(c *Config) { c.Bounds.Sweeps = 3 }), []string{"LedgerFenced"}},
		"watch-with-read":                {with(Barrier, nil), []string{"GoalStaysReachable"}},
		"look-after-reconnect":           {with(Barrier, func(c *Config) { c.Bounds.Losses = 1 }), []string{"GoalStaysReachable"}},
	} {
		t.Run(guard, func(t *testing.T) {
			c.config.Without, _, _ = strings.Cut(guard, " ")
			r := explored(t, c.config)
			if r.Found == nil {
				t.Fatal("nothing is violated")
			}
			if !slices.ContainsFunc(r.Found.Violations, func(v explore.Violation) bool { return slices.Contains(c.violated, v.Property) }) {
				t.Errorf("violated: %v, not %v", r.Found.Violations, c.violated)
			}
		})
	}
}
