// Package campaign does run after run. [Loop] gives each run a seed of its own, counts the
// outcomes and keeps the runs that failed. [Schedule] looks for the smallest schedule of
// faults that still violates a property: it runs ever smaller schedules again and again,
// and its answer is "k of n", because a race need not come back each time.
//
// The package knows neither how a run is done nor how it is judged: the caller does both
// and reports an [Outcome], or whether a [Trial] was violated.
package campaign
