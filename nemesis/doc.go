// Package nemesis knows everything of a fault: the [Catalogue] says what it is called, whom
// it can be aimed at, how long it lasts, what it needs, how it is injected, and which probe
// must see it take effect. A fault is added in the file of its group, and nowhere else.
//
// A plan is drawn from a seed: the same seed and options give the same plan on every
// machine. An [Injector] binds each [Fault] of a plan to a target and returns the
// [Injection]; the conductor of the run applies it, probes, heals, and fills in the
// [Record]. A fault counts only if its probe has seen it take effect: intended, applied
// and effective are three different things.
//
// The package knows no process, container or socket. It acts on what a [Bench] offers:
// each [Process] with its [Line], an [Observer], and, where they can be broken, machines,
// connections and servers. The benches are in internal/harness.
package nemesis
