// Package recipe is the ZooKeeper master-worker recipe: one active master with
// backups, workers, and clients that submit tasks and wait for their results. It
// asks of ZooKeeper only what package zkapi offers, and knows no client library,
// no clock and no test.
//
// # The znodes
//
// They are those of the tutorials, so that zkCli.sh can play any role. A
// namespace goes in front of all of them.
//
//	/master                      ephemeral, host:port   who is active
//	/workers/<w>                 ephemeral, host:port   w is alive
//	/tasks/task-<id>-<n>         persistent, payload    a task; any name is accepted
//	/tasks/<t>/attempt-<n>       persistent             attempt n ended without a result, and why
//	/tasks/<t>/status            persistent             the one terminal status
//	/assign                      persistent             its data version is the epoch
//	/assign/<w>                  persistent             its data version is w's incarnation
//	/assign/<w>/<t>              persistent             w is to execute t
//
// /assign and /assign/<w> are never deleted: their versions are claims, and a
// znode that is created anew starts at version 0 again.
//
// # What is guaranteed
//
//   - An accepted task gets exactly one status, and keeps it. As long as the
//     ensemble serves, a master runs and a worker runs, it gets one eventually.
//   - A master writes only while it holds the highest epoch: every write is a
//     multi that begins with the check of its claim. The same holds for a worker
//     and its incarnation.
//   - Every transition is one multi: a task is never lost or doubled by a crash
//     between two writes.
//   - Every execution of a task has an attempt number of its own, and a Token
//     that is greater than those of all executions before it.
//   - Submit makes at most one task, and says so when it does not know whether
//     it made one.
//
// # What is not
//
//   - A task may be executed more than once, also at the same time: a worker
//     that was replaced may not know yet. Use the Token to fence effects outside
//     ZooKeeper.
//   - Two masters may believe to lead at the same time when a process is stopped
//     for longer than its lease, or when an administrator ends its session. Their
//     writes are fenced; what OnLead does outside ZooKeeper is not, unless it
//     hands the epoch on.
//   - Tasks are started in the order of submission, roughly; nothing is promised
//     about the order in which they end.
//   - The inboxes of workers that never come back stay, a few bytes each.
//
// # How it works
//
// A master's loop (reconcile.go) reads what may have changed, decides in pure
// code (view.go), writes, and waits. A watch, a new connection and a slow sweep
// all mean the same: look again. State is read only after the election, on the
// same session, and after a sync wherever a write may have been applied without
// an answer. A term (term.go) ends by lease: T/4 before the session could expire,
// counted from when the last acknowledged fenced write was sent. The package
// zkclient has a lease of its own for the session; this one is stricter, because
// only a write proves that a quorum still listens.
//
// The claim and the fencing by check are Kafka's (KAFKA-6082); the idea that the
// reign is a context is that of etcd's client/v3/concurrency; "guarantees and
// non-guarantees" is a habit of ZooKeeper's own LeaderElectionSupport.
package recipe
