// Package recipe is the ZooKeeper master-worker recipe: one active master with
// backups, workers, and clients that submit tasks and wait for their results. It
// reaches ZooKeeper, the clock and names only through package zkapi, so that tests and
// a model checker run the same code.
//
// # Roles
//
// Masters and workers may be different processes ([Master], [Worker]). Or all
// processes are equal ([Node]): every node stands for election, one leads, the rest
// work. A [Client] submits, waits, cancels and collects, from any process.
//
// # The znodes
//
// The znodes have the names that ZooKeeper tutorials use, so zkCli.sh can play any
// role. A namespace goes in front of all of them.
//
//	/master                 ephemeral, host:port   the active master: its address, or the data of Lead.Proclaim
//	/candidates/c-<id>-<n>  ephemeral sequential   a candidate in the queue (MasterConfig.Queue)
//	/format                 persistent             the format of all these znodes; empty for the first
//	/backlog                persistent             the bound of unfinished tasks; empty for none
//	/quarantine             persistent             the quarantined subjects, with reasons; empty for none
//	/pruned                 persistent             no incarnation of a pruned worker was above this; missing for 0
//	/workers/<w>            ephemeral, host:port   w is alive
//	/tasks/task-<id>        persistent, payload    a task; any name is accepted
//	/tasks/<t>/attempt-<n>  persistent             attempt n ended without a result, and why
//	/tasks/<t>/left-<n>     persistent             attempt n does not count: its worker left
//	/tasks/<t>/progress     ephemeral              the progress of a live execution
//	/tasks/<t>/status       persistent             the one terminal status
//	/assign                 persistent             its data version is the epoch
//	/assign/<w>             persistent             its data version is w's incarnation
//	/assign/<w>/<t>         persistent             w is to execute t
//	/collect/<t>            persistent             a client asks the master to remove t; names its czxid
//
// Only an ephemeral of a session counts as alive. A znode of another kind in such a
// place is skipped if possible, and reported; see Overview.Problems.
//
// The versions of /assign and /assign/<w> are claims. A znode that is created again starts at
// version 0, so /assign is never deleted, and /assign/<w> only by a prune (below).
//
// The data of /tasks is the cancellation notice: a client that cancels a task writes the
// task's name there, so that the master looks. A task with options (Options) has them as
// one line of JSON in front of its payload. A task whose line cannot be read is not executed.
//
// A task's name is made of its id alone, without a sequence number. If the answer to a
// create is lost, the repeated create finds the first task, on any session. No list has
// to be searched, and one id is one task, however many clients submit it at once. The
// order of submission is the order of the tasks' czxids.
//
// # What is guaranteed
//
//   - A task is executed at least once, and its result is recorded exactly once: an
//     accepted task gets one status and keeps it. It gets one eventually, as long as the
//     ensemble serves and a master and a worker run, unless it is resident.
//   - A master writes only while it holds the highest epoch: every write is a multi that
//     begins with the check of its claim. The same holds for a worker and its
//     incarnation.
//   - Every transition is one multi: a crash between two writes never loses or doubles a
//     task. If a finished task has too much below it for one multi, the rest is deleted
//     first; the task and its status go in one multi.
//   - Every execution of a task has its own attempt number, and a Token that is greater
//     than the Tokens of all earlier executions. Each record of an execution has the
//     Token of that execution.
//   - Tokens keep growing when the ensemble is wiped or restored from a backup, as long
//     as one process that has seen the highest epoch keeps running. If no such process
//     is left, set MasterConfig.EpochAtLeast.
//   - Submit makes at most one task. It says so when it does not know whether it made
//     one, or whether the task that it found is its own. One id is one task until that
//     task is collected; then the id can be used again, after Cancel as well.
//   - A task fails only after the attempts that it is allowed. Each attempt that ended
//     without a result is on record, with the reason. An attempt does not count if its
//     worker left in good order, up to MasterConfig.MaxHandovers, and if the worker, or
//     a master that had seen it leave, could record that.
//   - A result belongs to the task and to the assignment that exist when it is recorded.
//     Only a write of the worker removes its assignments, unless its session or its
//     claim is over: then the worker can write nothing.
//   - After Cancel has returned Cancelled no result can be recorded.
//   - A finished task is kept at least for the retention, which a master measures.
//
// # What is not guaranteed
//
//   - A task may be executed more than once, also at the same time, because a worker
//     that was replaced may not know it yet. Use the Token to fence effects outside
//     ZooKeeper. The Token orders the executions of one task: a task that is submitted
//     again under a collected id begins with attempt 1.
//   - Two masters may both believe to lead, if a process is stopped for longer than its
//     lease, or if an administrator ends its session. Their writes are fenced, and so are
//     the writes of OnLead through its Lead. Effects of OnLead outside ZooKeeper are not
//     fenced, unless OnLead passes the epoch on. The same holds for two owners of a
//     resident task, also if a handler does not return before the ensemble has ended its
//     session.
//   - Collect may remove a later task of the same id before its result is seen. Two
//     clients must collect the same task for that, and one of them must be slow between
//     its last read and its write. Meanwhile the other client has collected the task, the
//     id was used again, and the later task is finished with the same names below it.
//     ZooKeeper checks versions of data, and each new znode begins at version 0. This
//     does not happen if one client collects a task, if ids are not used again, or if a
//     master removes the task for a client.
//   - A master that removes a task may remove a later task of the same id instead, before
//     its retention is over, if that task was cancelled before any master assigned it.
//   - Some workers do not give back a task when the master asks for it: those of an older
//     build, and those made by hand. The master deletes their assignments at once, as
//     older builds expect. A client of an older build collects cancelled tasks itself. A
//     late result of such a worker may become the result of a later task of the same id.
//     A client of an older build also removes a large task in parts itself, and its
//     requests at /collect do not say which task of the id they mean: either may come
//     late and hit a later task.
//   - Tasks are assigned by priority, then in the order of submission, as far as the
//     master has read the backlog. They may end in any order. After a failover the first
//     tasks that are assigned may not be the most urgent, because a long backlog is read
//     in parts.
//   - Each time is measured by one process. NotBefore goes by the wall clock of the active
//     master. Back-off, heartbeat timeout and retention count from when a master has first
//     seen their beginning, anew after a failover. Timeouts are measured by the worker.
//   - The bound of the backlog is approximate.
//   - Progress is a hint: it may be late, and when a task is cancelled or taken away it
//     may stay until the worker's session ends.
//   - The assignment lists of workers that never come back stay, a few bytes each, until
//     Client.PruneWorkers removes them.
//
// # Resident tasks
//
// A resident task is a long-lived task that one worker at a time owns: a partition, a
// region, a feed. It never ends by itself. The master spreads resident tasks evenly,
// whatever the Strategy, and they do not count towards the bound of ordinary tasks. When a
// worker joins, as few resident tasks as necessary move:
//
//  1. The master marks the assignment as revoked.
//  2. The context of the old owner's handler ends with ErrRevoked.
//  3. When the handler has returned, the worker gives the task back.
//  4. Then the master assigns the task to its next owner.
//
// A worker that stops, for whatever reason, keeps its session until the handlers of its
// resident tasks have returned. WorkerConfig.Unreturned says what happens if a handler does
// not return. A resident task that shows no progress is revoked in the same way, and a
// cancelled one is held until its handler has returned.
//
// A worker that is lost cannot give anything back. Its lease has run out by then
// (ErrLeaseLapsed), and the Token fences its handlers. If the lease has run out but the
// claim turns out to be alive, the same owner begins again under the same Token, and
// nothing is reassigned. A worker whose claim a master has taken away counts as lost when
// its session is over.
//
// A worker that showed no progress on a resident task, or that has abandoned its handler,
// does not get that task again as long as there are other workers, not even to spread the
// load. Each owner is an attempt. At least the last sixteen attempts are kept on record,
// and their number is not limited.
//
// # How it works
//
// A master's loop (master_loop.go) reads what may have changed (master_read*.go), decides
// in pure code (internal/decide), writes (master_write.go), and waits. A watch, a new
// connection and a slow resync all mean the same: read again. State is read only after the
// election, on the same session, and after a sync if a write may have been applied without
// an answer.
//
// A master and a worker look every two seconds for what they may have missed. A session that
// follows a list is told of every change of it, except of children that it may not read
// (zkapi.Op.Followed). So such a list is read whole every 20 seconds, or less often if it is long:
// 2 seconds more for each 1,000 tasks that a worker holds, and for each 4,000 names of a
// master's list. The claims of live workers are read again in turns, all of them in 20 seconds. A
// session that does not follow its lists reads whole ones every two seconds.
//
// Client.Explain (client_explain.go) builds such a view, too, and lets the same code decide: its
// reasons are why a master's next pass would do no more.
//
// A lease (lease.go) ends a master's term (term.go) and a worker's executions
// (worker_lapse.go): T/4 before the session could expire, counted from when the last
// acknowledged fenced write was sent, by a clock that runs while the machine sleeps. The
// package zkclient has a lease of its own for the session. The lease of this package is
// stricter, because only a write proves that a quorum still listens. While a handler runs,
// a worker confirms its claim every T/6 unless another write does. At other times it does
// not.
//
// A hand-over ends the leadership first. Then, within the lease, it waits for the writes
// that were sent and for OnLead. At last it gives up /master under the claim.
//
// A worker's loop (worker_loop.go) reads the worker's assignment list, also called its
// inbox (the children of /assign/<w>). It holds the tasks that are assigned, runs handlers,
// and records each end in one multi with the removal of the assignment (worker_record.go).
// A worker that retires rewrites its claim record. That raises the version, so assignments
// that were decided earlier are refused.
//
// An assignment is deleted by path, because a znode that is made again looks the same
// (internal/decide/free.go). To take an assignment back from a live worker, the master
// writes that into the assignment and sets /workers/<w>, which the worker watches; the
// worker deletes the assignment. A worker that does not do so within ten seconds loses its
// claim. A cancelled task is removed only when no worker holds it: Collect asks a master
// for that at /collect (client_collect.go). Collect also asks a master to remove a task
// with too much below it for one multi, because a claim must fence each part (removal.go).
//
// SubmitAll and CollectAll write many tasks in one multi, which is sent once
// (client_submit_batch.go, client_collect_all.go). If it is refused, those that are not to
// blame go into another one. If its answer is lost, each task is resolved by itself, as
// Submit and Collect do. AwaitAll has one watch, on the first status that is missing, and
// reads the statuses behind it in bulk when it fires (client_await_all.go).
//
// # Pruned workers
//
// PruneWorkers (client_prune.go) deletes /assign/<w>, whose version is w's incarnation. One multi
// does so for many names. It is refused as a whole unless each /workers/<w> is missing, each list is
// empty, and each version is the one that was read. Two things must not go wrong afterwards.
//
// An earlier process of w must not pass the check of a later incarnation. A write goes through
// the session of its process, /workers/<w> is an ephemeral of that session, and no process registers
// while /workers/<w> is there. So that session is over when the next incarnation begins, and the
// server refuses its writes, unless /workers/<w> was deleted by hand. Then the process may still
// run, and only the version fences it. Also, a master that has not noticed a prune may have decided for
// an earlier incarnation. So no incarnation of a name comes twice: the same multi raises the floor in /pruned
// to the versions that it deletes, and a worker begins above the floor (pruned.go). It raises the
// version of its inbox before it registers, in one multi, and reads the floor again when it has
// registered. If the name was pruned in between, it ends its session and registers again. Until then
// it uses the claim for nothing.
//
// A worker of an earlier build does not read the floor: its incarnations begin at 1. Then the first
// argument must do: do not delete /workers/<w> by hand, and prune the name at once, while an
// earlier process of the name may run. A master may assign a task to the later incarnation that it has
// decided to give to the earlier one: that is one assignment, in the present epoch, with its own attempt and
// Token, and it names the incarnation that executes it. A Token does not depend on incarnations.
//
// Names with a version above 199 are kept, so that one multi can raise an inbox above the floor.
//
// The calls of zkapi.Checkpoint and zkapi.DependsOn do nothing in production. Under a model
// checker they list the state that a thread depends on from there on, so that the checker
// can merge histories that lead to the same state.
//
// The claim and the fencing by check come from Kafka (KAFKA-6082). The term as a context
// comes from etcd's client/v3/concurrency. The queue of candidates is ZooKeeper's own recipe
// for leader election. ZooKeeper's LeaderElectionSupport lists guarantees and
// non-guarantees, and so does this package.
package recipe
