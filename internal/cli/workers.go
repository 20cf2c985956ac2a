package cli

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Pruning is the command workers prune.
type Pruning struct {
	UnusedFor time.Duration
	JSON      bool
}

// prunedLine is a line of workers prune --json.
type prunedLine struct {
	Worker  string `json:"worker"`
	Removed bool   `json:"removed"`
	Kept    string `json:"kept,omitempty"` // why
}

// Run removes the names of workers that do not come back, and prints them. It says on standard
// error why it keeps others.
func (p Pruning) Run(ctx context.Context, o *Options, s Streams, names []string) error {
	if p.UnusedFor < 0 {
		return misuse("--unused-for %v: give a time such as 10m, or 0 to remove the names at once", p.UnusedFor)
	}
	if p.UnusedFor > 0 { // the servers must answer now, and not only after that time
		if err := o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
			_, err := c.Readiness(ctx)
			return err
		}); err != nil {
			return err
		}
		if o.ConnectTimeout > 0 {
			longer := *o
			longer.ConnectTimeout += p.UnusedFor
			o = &longer
		}
	}
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		all, err := c.PruneWorkers(ctx, recipe.Prune{Names: names, UnusedFor: p.UnusedFor})
		for _, one := range all { // also after an error
			switch {
			case p.JSON:
				if err := printJSON(s.Out, prunedLine{one.Worker, one.Kept == "", one.Kept}); err != nil {
					return err
				}
			case one.Kept != "":
				printf(s.Err, "%s is kept: %s\n", plain(one.Worker), one.Kept)
			default:
				if err := printf(s.Out, "%s\tremoved\n", plain(one.Worker)); err != nil {
					return err
				}
			}
		}
		return err
	})
}
