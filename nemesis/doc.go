// Package nemesis has everything about a fault. The [Catalogue] has its name, its
// possible targets, how long it lasts, its needs, its injection, and the probe that
// must see its effect. A new fault goes into the file of its group, and nowhere else.
//
// A plan is drawn from a seed: the same seed and options give the same plan on every
// machine. An [Injector] binds each [Fault] of a plan to a target and returns the
// [Injection]. The harness applies it, probes, heals, and fills in the [Record]. A
// fault counts only if its probe has seen it take effect: intended, applied and
// effective are three different things.
//
// The package knows no process, container or socket. It acts on a [Bench], which offers
// each [Process] with its [Line], an [Observer], and, if they can be broken, machines,
// connections and servers. The benches are in internal/harness.
package nemesis
