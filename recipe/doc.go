// Package recipe is the ZooKeeper master-worker recipe: one active master with
// backups, workers, and clients that submit tasks and wait for their results. It
// asks of ZooKeeper only what package zkapi offers, and knows no client library,
// no clock and no test.
//
// # Roles
//
// Masters and workers may be different processes ([Master], [Worker]), or all
// processes equal ([Node]): every one stands for election, one leads, the rest
// work. [Client] submits, waits, cancels and collects, from anywhere.
//
// # The znodes
//
// They are those of the tutorials, so that zkCli.sh can play any role. A
// namespace goes in front of all of them.
//
//	/master                 ephemeral, host:port   who is active, or what it has proclaimed (Lead.Proclaim)
//	/candidates/c-<id>-<n>  ephemeral sequential   who stands in line (MasterConfig.Queue)
//	/format                 persistent             the format of all these znodes; empty for the first
//	/backlog                persistent             the bound of unfinished tasks; empty for none
//	/quarantine             persistent             what the master leaves alone, and why; empty for nothing
//	/workers/<w>            ephemeral, host:port   w is alive
//	/tasks/task-<id>        persistent, payload    a task; any name is accepted
//	/tasks/<t>/attempt-<n>  persistent             attempt n ended without a result, and why
//	/tasks/<t>/left-<n>     persistent             attempt n does not count: its worker left
//	/tasks/<t>/progress     ephemeral              the execution is alive, and how far it is
//	/tasks/<t>/status       persistent             the one terminal status
//	/assign                 persistent             its data version is the epoch
//	/assign/<w>             persistent             its data version is w's incarnation
//	/assign/<w>/<t>         persistent             w is to execute t
//	/collect/<t>            persistent             a client wants t to be removed; names its czxid
//
// Only an ephemeral of a session counts as alive. Znodes of another kind in such a
// place are passed over where that is possible, and told of; see Overview.Problems.
//
// /assign and /assign/<w> are never deleted: their versions are claims, and a
// znode that is created anew starts at version 0 again. The data of /tasks is the
// cancellation notice: a client that cancels a task writes its name there, so that the
// master looks. A task with
// options (Options) has them as one line of JSON in front of its payload.
//
// A task's name is made of its id alone, without a sequence number. A create that
// is repeated because its answer was lost then finds the first one, on any
// session; no list has to be searched, and one id is one task however many submit
// it at once. The order of submission is that of the znodes' czxid.
//
// # What is guaranteed
//
//   - Execution is at least once, the recorded result exactly once: an accepted
//     task gets one status and keeps it. As long as the ensemble serves, a master
//     runs and a worker runs, it gets one eventually, unless it is resident.
//   - A master writes only while it holds the highest epoch: every write is a
//     multi that begins with the check of its claim. The same holds for a worker
//     and its incarnation.
//   - Every transition is one multi: a task is never lost or doubled by a crash
//     between two writes. What is below a finished task, and too much for one multi,
//     goes before; the task and its status go in one.
//   - Every execution of a task has an attempt number of its own, and a Token
//     that is greater than those of all executions before it. What is on record of
//     an execution has that very token.
//   - Tokens go on growing when the ensemble is wiped or restored from a backup, as
//     long as one process runs on that has seen the highest epoch: see
//     MasterConfig.EpochAtLeast for when none does.
//   - Submit makes at most one task, and says so when it does not know whether
//     it made one, or whether the task that it found is its own. One id is one task, until that is collected; then it can be used
//     again, after Cancel as well.
//   - A task fails only after the attempts that it is allowed; each attempt that
//     ended without a result is on record, with the reason. Attempts that ended
//     because their worker left in good order, as far as that worker or a master that
//     had seen it could say so, do not count, up to MasterConfig.MaxHandovers.
//   - A result is that of the task and of the assignment that are there. What a worker
//     holds goes only by a write of that worker, unless its session or its claim is
//     over: then it can write nothing.
//   - After Cancel has returned Cancelled no result can be recorded.
//   - A finished task is kept for the retention at least, counted by a master.
//
// # What is not
//
//   - A task may be executed more than once, also at the same time: a worker
//     that was replaced may not know yet. Use the Token to fence effects outside
//     ZooKeeper. It orders the executions of one task: one that is submitted anew
//     under an id that was collected begins with attempt 1.
//   - Two masters may believe to lead at the same time when a process is stopped
//     for longer than its lease, or when an administrator ends its session. Their
//     writes are fenced, those of OnLead if it writes through its Lead; what
//     OnLead does outside ZooKeeper is not, unless it hands the epoch on. The same holds for two owners of a resident task, and
//     where a handler does not return before the ensemble has ended its session.
//   - Collect may remove a later task of the same id, whose result nobody has seen. That
//     takes two clients that collect the same task, one of which is slow between its last
//     look and its write. Meanwhile the other has collected the task, the id was used
//     again, and the later task is finished with the same names below it. ZooKeeper
//     checks versions of data, and those begin at 0 for each znode that is made. It does
//     not happen where one client collects a task, or where ids are not used again; nor
//     to a task that a master removes for a client.
//   - A master that removes a task may remove a later one of the same id instead, before
//     its retention is over, if that was cancelled before any master had assigned it.
//   - A worker of a build that does not give back what is taken from it, or one made
//     by hand, is robbed at once, as such builds expect; and a client of such a build
//     collects cancelled tasks itself. A result of theirs that comes late may become
//     that of a later task of the same id. A client of an earlier build also removes a
//     large task in parts itself, and its requests at /collect do not say which task of
//     the id they mean: either may come late and concern a later task.
//   - Tasks are assigned by priority, then in the order of submission, as far as
//     the master has read the backlog; nothing is promised about the order in
//     which they end. After a failover the first tasks that are assigned may not
//     be the most urgent: a long backlog is read in parts.
//   - Times are measured by one process each: NotBefore by the wall clock of the
//     active master, back-off, silence and retention from when a master has first
//     seen what they count from (anew after a failover), timeouts by the worker.
//   - The bound of the backlog is kept roughly.
//   - Progress is a hint: it may be late, and it may be left until the worker's
//     session ends when a task is cancelled or taken away.
//   - The inboxes of workers that never come back stay, a few bytes each.
//
// # Residents
//
// A resident task stands for something that one worker at a time takes care of: a
// partition, a region, a feed. It never ends by itself. The master spreads such
// tasks evenly, whatever the Strategy, beside the bound of ordinary ones. When a
// worker joins, as few as necessary move: the master marks the assignment as
// revoked, the old owner's handler is told by its context (ErrRevoked), and only
// when it has returned does the worker give the task back, which is the
// acknowledgement that the next assignment waits for. A worker that stops, for
// whatever reason, keeps its session until the handlers of its resident tasks have
// returned; what becomes of one that does not return is the user's choice
// (WorkerConfig.Unreturned). A resident task that shows no progress is called back in
// the same way, and one that is cancelled is held until its handler has returned. When a
// worker is lost there is nobody to acknowledge: its lease has run
// out by then (ErrLeaseLapsed), and the Token fences what is left of it. If the lease
// has run out and the claim turns out to be alive, the same owner begins again under
// the same Token, and nothing is reassigned. A worker whose claim a master has taken away
// is lost in this sense when its session is over. A worker that was silent about such a
// task, or that has abandoned its handler, is not given it
// again as long as there are others, and not even for the spread's sake. Each owner
// is an attempt; the last sixteen at least are kept on record, and there is no
// budget.
//
// # How it works
//
// A master's loop (master_loop.go) reads what may have changed (master_read.go), decides
// in pure code (internal/decide), writes (master_write.go), and waits. A watch, a new connection
// and a slow resync all mean the same: look again. State is read only after the
// election, on the same session, and after a sync wherever a write may have been
// applied without an answer. A term (term.go), and what a worker runs (worker_lapse.go), end
// by lease (lease.go): T/4 before the session could expire, counted from when the last
// acknowledged fenced write was sent, by a clock that runs while the machine sleeps. The
// package zkclient has a lease of its own for the session; this one is stricter,
// because only a write proves that a quorum still listens. A worker confirms its claim
// every T/6 while a handler runs, unless another write does, and never otherwise. A hand-over ends the
// leadership first, lets what was sent and what leads come to its end within the
// lease, and then gives up /master under the claim.
//
// A worker's loop (worker_loop.go) reads its inbox, which is the list of its assignments
// (the children of /assign/<w>), holds what it is assigned, runs handlers, and
// records each end in one multi with the removal of the assignment (worker_record.go). One
// that retires renews its claim with a record that says so: an assignment that was
// decided before is then refused, because the version has changed.
//
// An assignment is ended by its name, because a znode that is made anew looks the same
// (internal/decide/free.go). So a master that wants one back from a worker that lives writes that into
// it and sets /workers/<w>, at which the worker looks; the worker deletes it. One that
// does not within ten seconds loses its claim. A task that was cancelled goes only when
// nobody holds it: Collect asks a master for that at /collect (client_collect.go). It
// asks for a task with too much below it for one multi as well, because a claim must
// fence each part (removal.go).
//
// The calls of zkapi.Rest and zkapi.Keep do nothing in production. Where a model
// checker runs this code they tell it what a thread depends on from there on, so
// that it need not tell histories apart that lead to the same.
//
// The claim and the fencing by check are Kafka's (KAFKA-6082); the idea that the
// term is a context is that of etcd's client/v3/concurrency; the line of
// candidates is ZooKeeper's own recipe for leader election; "guarantees and
// non-guarantees" is a habit of ZooKeeper's LeaderElectionSupport.
package recipe
