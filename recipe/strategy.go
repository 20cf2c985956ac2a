package recipe

import "github.com/ringmaster-zk/ringmaster/recipe/internal/decide"

// Package decide defines the input of a master's decisions. These are the types and functions
// of it that users need.
type (
	// Options are set when a task is submitted. The zero value is a plain task: its znode
	// holds the payload and nothing else, as if made by hand.
	Options = decide.Options
	// Token orders the executions of one task for systems outside ZooKeeper: a later
	// execution has a greater token. If a sink remembers the greatest token of each task and
	// refuses smaller ones, replaced workers cannot change it.
	Token = decide.Token
	// Job is a task that waits for a worker, as a Strategy sees it.
	Job = decide.Job
	// Load is a live worker, as a Strategy sees it.
	Load = decide.Load
	// Strategy chooses the worker for a task, or "" to let the task wait. It must be a pure
	// and quick function.
	Strategy = decide.Strategy
)

// LeastLoaded chooses the worker that holds the fewest tasks. It is the default.
func LeastLoaded(job Job, workers []Load) string { return decide.LeastLoaded(job, workers) }

// StickyByKey gives tasks with the same Options.Key to the same worker for as
// long as it lives, and waits for it when it is full. A worker that joins or
// leaves changes the worker of as few keys as possible (rendezvous hashing,
// Thaler and Ravishankar 1998). Tasks without a key go to the least loaded.
func StickyByKey(job Job, workers []Load) string { return decide.StickyByKey(job, workers) }
