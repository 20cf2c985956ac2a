// Package explore is a model checker for programs that are written against package
// zkapi: it runs the programs themselves, unchanged, on a ZooKeeper in memory, and
// decides at every point what happens next: whose request takes effect, whether it
// or its answer is lost, which session ends, which process dies, which server lags,
// which watch is heard of.
//
// # How
//
// A process is one or more coroutines (machine.go), of which one runs at a time,
// until all of them wait. It is then a function of what it is told: the same
// inputs lead to the same requests. So it is turned, step by step, into a table
// (local.go): its code runs once for every history of inputs, and a transition of
// the world is a few lookups of numbers (step.go, intern.go). Histories after which
// a process depends on the same things meet in one state, where it says on what
// (zkapi.Rest, snapshot.go).
//
// [BFS] visits every state within the bounds and finds shortest schedules; it also
// looks whether the goal can be reached from every state without another fault.
// [DFS] goes through schedules without remembering states or merging histories, as
// an oracle for small worlds. [Random] and [PCT] draw schedules from a seed.
// [Replay] follows one that was written down. [Walk] draws one for somebody who does
// the same elsewhere, and wants to know of each step what it means.
//
// # What is not explored
//
//   - Threads of one process run in a fixed order between two inputs, to the next
//     point at which they wait. A program whose threads share memory under locks
//     that are not held while they wait is covered as far as their requests
//     interleave, and not further.
//   - The requests of one DoAll take effect one after the other, in their order.
//   - Time passes only by choice: a process sweeps, or was stopped. A wait of up to
//     a tenth of a second is over at once.
//   - The deletion of a znode that a session watches in both tables is told in two
//     steps; ZooKeeper tells it in one.
//   - A request that World.Constant knows is answered at once and never lost.
//
// The package must not know the recipe: what is run, and what must hold, is given
// to it (package roles).
package explore
