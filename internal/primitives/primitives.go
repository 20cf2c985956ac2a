// Package primitives is the fourth subject: the small recipes, which are counters and shared values,
// transactions, barriers and leases.
package primitives

import (
	"github.com/ringmaster-zk/ringmaster/internal/primitives/judge"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/lanes"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/story"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/workload"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/world"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the small recipes as one subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "primitives",
		Object:   "primitive",
		Objects:  "calls",
		Explain:  "counters, values, transactions, barriers and leases that processes share",
		Judge:    judge.Judging(workload.Sessions),
		Stories:  story.Stories(),
		Workload: workload.New(),
		Worlds:   world.Worlds,
		Lanes:    lanes.Lanes(),
	}
}
