// Package explore is a model checker for programs that use package zkapi. It runs the
// programs themselves, unchanged, on a ZooKeeper in memory. At every point it chooses what
// happens next: which request takes effect, whether the request or its answer is lost, which
// session ends, which process dies, which server lags, which watch event arrives.
//
// # How
//
// A process is one or more coroutines (machine.go). One of them runs at a time, until all of
// them wait. So a process is a function of its inputs: the same inputs lead to the same
// requests. The explorer turns it step by step into a table (local.go): the code runs once
// for every history of inputs, and a transition of the world is a few lookups of numbers
// (step.go, intern.go). A process can declare the state that it depends on (zkapi.Checkpoint,
// snapshot.go). Histories that lead to equal state are then merged.
//
// [BFS] visits every state within the bounds and finds shortest schedules. It also checks
// that the goal can be reached from every state without another fault. [DFS] goes through
// schedules without remembering states or merging histories, as an oracle for small worlds.
// [Random] and [PCT] draw schedules from a seed. [Replay] follows a schedule from a file.
// [Walk] draws a schedule and explains each step, for a caller that repeats the steps
// elsewhere.
//
// # What is not explored
//
//   - Threads of one process run in a fixed order between two inputs, until each waits. If
//     threads share memory under locks that they release before they wait, only the
//     interleavings of their requests are covered.
//   - The requests of one DoAll take effect one after the other, in order.
//   - Time passes only by choice: a process resyncs, or was stopped. A wait of up to a tenth
//     of a second ends at once.
//   - If a session watches a znode in both tables, its deletion arrives in two steps;
//     ZooKeeper sends it in one.
//   - A request that World.Constant answers is answered at once and never lost.
//
// The package must not know the recipe: package world gives it the programs and their
// properties.
package explore
