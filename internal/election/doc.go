// Package election is the second subject, beside the master-worker recipe: leader election
// alone. It puts together a workload, judges and worlds, which are in the rooms below it.
// What it shares with the other subject is in package candidate (what participants do) and
// in package leadership (how that is judged).
//
// Masters of the recipe stand for election, without a worker and without a task. The one that leads writes to
// a znode of its own under the fence of its epoch; clients listen who leads.
package election
