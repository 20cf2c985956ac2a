package subject

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/report"
)

// Subject is one recipe under torture.
type Subject struct {
	// Name is the name of the recipe for --recipe and in config.json: lower-case letters
	// and dashes.
	Name string
	// Explain says in one line what the recipe does; torture run --help shows it.
	Explain string
	// Judge is how its runs are judged.
	Judge checker.Judging
	// Workload is what a run does.
	Workload Workload
	// Worlds makes the worlds that torture explore explores. If it is nil, the recipe is not
	// explored.
	Worlds func() Worlds
	// Stories is how violations are told.
	Stories explain.Stories
	// Lanes is how its runs are drawn.
	Lanes report.Lanes
}
