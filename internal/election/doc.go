// Package election is the second subject, beside the master-worker recipe: leader election
// alone, as package recipe/election has it. It puts together a workload, judges and worlds, which
// are in the rooms below it. What it shares with the other subject is in package candidate (what
// participants do) and in package leadership (how that is judged).
//
// Candidates stand for election at /master, whose epoch is the version of /assign, as the masters of
// the recipe do, so that one reader of records serves both. Some of them queue. The one that leads
// writes to a znode of its own under the fence of its epoch; clients listen who leads.
package election
