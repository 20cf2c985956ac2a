// Package campaign repeats runs. [Loop] gives each run its own seed, counts the
// outcomes and keeps the runs that failed. [Schedule] looks for the smallest schedule
// of faults that still violates a property. It runs ever smaller schedules repeatedly,
// and its answer is "k of n", because a race need not happen each time.
//
// The package knows neither how a run is done nor how it is judged. The caller does
// both and reports an [Outcome], or whether a [Trial] was violated.
package campaign
