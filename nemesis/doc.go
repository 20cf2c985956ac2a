// Package nemesis describes faults as data: the catalogue of what can be done to
// a system, and a plan drawn from a seed. The same seed and options give the same
// plan on every machine.
//
// It acts on nothing and knows no process, container or socket; package harness
// turns a [Fault] into deeds and fills in the [Record] of what came of it. A
// fault counts only if its probe has seen it bite: intended, applied and
// effective are three different things.
package nemesis
