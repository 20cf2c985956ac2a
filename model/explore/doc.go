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
// # Several requests under way
//
// A client library may have many requests of one DoAll under way. World.Window says how many
// are in an explored world (window.go). With a window of w the first w of them are sent; the
// answer to one makes room for the next. The library sends them from several threads, so the
// order in which they are sent is a choice, and so is the moment at which each takes effect.
// The server carries out and answers requests of one session in the order in which they were
// sent. So a connection that breaks takes with it the last answers, and any of the requests
// that have not taken effect. A dead process, or one that gives its session up, leaves up to w
// writes of each DoAll behind: some of them may arrive, in any order. If the context ends, the
// caller learns nothing of the requests under way, and these may still take effect. Reads of
// one DoAll are of different moments, in any order.
//
// # Lists that sessions follow
//
// If World.Follow is set, sessions answer followed reads (zkapi.Op.Followed) with differences, as
// those of package zkclient do (follow.go, feed.go). These answers take no request, and are as old
// as the last event that has arrived. A caller must be alone with a list in its session: if its
// answers would be mixed up with those of another caller, the exploration ends with an error.
//
// # What is not explored
//
//   - A thread runs from one wait at the port to the next. It does not stop at a lock, so no
//     other thread runs between two sections under a lock if there is no wait in between. The
//     race detector and the tests look for that. No thread waits at the port while it holds a
//     lock: that is checked in each snapshot, and for package recipe by a test that reads its
//     code (locks_test.go in the root).
//   - If one input lets several threads of a process go on, all of them do before its next
//     input, and before another process does anything. Without World.Turns they go on in the
//     order in which they were made; with it any of them may be first (turns.go).
//   - More than World.Window requests of one DoAll that are under way together.
//   - A connection that breaks takes requests of one DoAll with it. The requests of other threads
//     on the same session count as not sent yet: they go to the next connection.
//   - Time passes only by choice: a process resyncs, or was stopped. A wait of up to a tenth
//     of a second ends at once.
//   - If a session watches a znode in both tables, its deletion arrives in two steps;
//     ZooKeeper sends it in one.
//   - A request that World.Constant answers is answered at once and never lost; if World.Follow is
//     set, after the events that are under way.
//   - A whole list that is followed from then on is one request; package zkclient makes two. The
//     events of a session's own write arrive together with its answer. A list is followed until
//     the connection or the znode ends: in package zkclient it may also be forgotten before.
//
// The package must not know the recipe: package world gives it the programs and their
// properties.
package explore
