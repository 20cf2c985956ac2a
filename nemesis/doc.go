// Package nemesis has the faults. The [Catalogue] has of each its name, its
// possible targets, how long it lasts, its needs, its injection, and the probe that
// must see its effect. A new fault is a [Kind] and an [Entry] in the file of its group. It
// needs more only if it is of a new sort: a target that no [Role] has (fault.go,
// injector.go, and the budgets of plan.go), something that a bench cannot do yet (bench.go),
// something that it must know of the recipe (recipe.go), or an effect that judges do not
// know yet ([record.Impact]). Some kinds are also named where a run is set up: the harness
// refuses them without what they need, and a server profile adds its own.
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
