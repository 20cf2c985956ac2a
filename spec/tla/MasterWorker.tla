----------------------------- MODULE MasterWorker -----------------------------
(***************************************************************************)
(* The ZooKeeper master-worker recipe, one action for each request that a  *)
(* process sends, at the moment at which the ensemble carries it out, and  *)
(* one for each thing that can go wrong.                                   *)
(*                                                                         *)
(* It is the same machine as the Go code in recipe/, request by request:   *)
(* the explorer (model/) runs that code through every interleaving, and a  *)
(* test holds its graph of states against TLC's. README.md says how, and   *)
(* has a table from each action to its Go function.                        *)
(*                                                                         *)
(* Read it in order: the ensemble; what every process has; masters;        *)
(* workers; clients; faults; what must hold.                               *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS                \* the world, as roles.Config has it
    Masters,             \* candidates for the one active master
    Workers,
    Twins,               \* every worker has a second process of the same name
    Tasks,               \* that one client submits, one after the other
    Attempts,            \* after which a task fails
    Failures,            \* attempts at the first task that end without a result
    Expiries,            \* how often the ensemble may end a session that is in use
    Losses,              \* how often a connection may break
    Crashes,             \* how often a process may die
    Stops,               \* how often a process may be stopped for longer than its lease
    Lags,                \* how often a server may fall behind
    Library,             \* "honest", or "replacing": it hides the end of a session
    Without,             \* the guard of the protocol that is taken out, or "nothing"
    None                 \* a value that is nothing else

Numbered(prefix, n) == [i \in 1..n |-> prefix \o ToString(i)]
MasterNames == Numbered("master-", Masters)
WorkerNames == Numbered("worker-", Workers)
TwinNames == IF Twins THEN [i \in 1..Workers |-> WorkerNames[i] \o "-twin"] ELSE <<>>
TaskNames == Numbered("task-", Tasks)

Range(s) == {s[i] : i \in DOMAIN s}
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

\* The elements of a sequence that are in a set, in the order of the sequence.
Only(s, S) == LET In(x) == x \in S IN SelectSeq(s, In)

TheClient == "client-1"
WorkerProcesses == Range(WorkerNames) \cup Range(TwinNames)
Processes == Range(MasterNames) \cup WorkerProcesses \cup {TheClient}

\* The name under which a process registers.
NameOf(p) == IF p \in Range(WorkerNames) THEN p
             ELSE WorkerNames[CHOOSE i \in DOMAIN TwinNames : TwinNames[i] = p]

W == Range(WorkerNames)
T == Range(TaskNames)

VARIABLES
    zk,        \* the znodes: path -> [data, version, changes, born, owner]
    server,    \* process -> what the ensemble holds of it: see NoServer
    asks,      \* process -> the request under way, or None
    local,     \* process -> where its program is, and what it remembers
    outside,   \* resource -> what a system outside ZooKeeper has seen, or None
    left       \* fault -> how often it may still happen

vars == <<zk, server, asks, local, outside, left>>

-------------------------------------------------------------------------------
(* ZooKeeper as the recipe sees it *)

\* Paths are sequences of names. A session is the process that opened it and a
\* number. A znode's owner is the session whose end removes it, or None; its version
\* counts the changes of its data, its changes those of its children (cversion), and
\* born tells it from an earlier znode of the same path (czxid).
Root == <<>>
MasterPath == <<"master">>
WorkersPath == <<"workers">>
TasksPath == <<"tasks">>
AssignPath == <<"assign">>            \* its version is the epoch
WorkerPath(w) == <<"workers", w>>
InboxPath(w) == <<"assign", w>>       \* its version is the worker's incarnation
AssignmentPath(w, t) == <<"assign", w, t>>
TaskPath(t) == <<"tasks", t>>
StatusPath(t) == <<"tasks", t, "status">>
AttemptName(n) == "attempt-" \o ToString(n)
AttemptPath(t, n) == <<"tasks", t, AttemptName(n)>>
Parent(path) == SubSeq(path, 1, Len(path) - 1)

NewNode(data, owner, born) == [data |-> data, version |-> 0, changes |-> 0, born |-> born, owner |-> owner]

\* The parents that the first master makes are there at the beginning.
Furnished == [path \in {Root, WorkersPath, TasksPath, AssignPath} |-> NewNode(None, None, 0)]

Exists(z, path) == path \in DOMAIN z
Below(z, path) == {q \in DOMAIN z : Len(q) = Len(path) + 1 /\ SubSeq(q, 1, Len(path)) = path}
Names(z, path) == {q[Len(q)] : q \in Below(z, path)}

\* One part of a request. AnyVersion is the version that every znode has.
AnyVersion == -1
Part(op, path, version, data, ephemeral, watch) ==
    [op |-> op, path |-> path, version |-> version, data |-> data, ephemeral |-> ephemeral, watch |-> watch]
Create(path, data) == Part("create", path, AnyVersion, data, FALSE, FALSE)
CreateEphemeral(path) == Part("create", path, AnyVersion, None, TRUE, FALSE)
Delete(path) == Part("delete", path, AnyVersion, None, FALSE, FALSE)
Set(path, version, data) == Part("set", path, version, data, FALSE, FALSE)
Check(path, version) == Part("check", path, version, None, FALSE, FALSE)
Read(op, path) == Part(op, path, AnyVersion, None, FALSE, FALSE)
ReadAndWatch(op, path) == Part(op, path, AnyVersion, None, FALSE, TRUE)
Sync(path) == IF Without = "sync-after-doubt" THEN Read("exists", TasksPath) ELSE Read("sync", path)
CloseSession == Part("close", Root, AnyVersion, None, FALSE, FALSE)
IsWrite(part) == part.op \in {"create", "delete", "set", "check"}

HasVersion(z, path, version) ==
    IF ~Exists(z, path) THEN "no node"
    ELSE IF version # AnyVersion /\ z[path].version # version THEN "bad version"
    ELSE "ok"

Removed(z, path) ==
    LET rest == [q \in DOMAIN z \ {path} |-> z[q]]
    IN [rest EXCEPT ![Parent(path)].changes = @ + 1]

\* One part of a write: what it says, and the znodes after it.
Apply(z, part, session) ==
    LET path == part.path
        refused(why) == [err |-> why, z |-> z]
        version == HasVersion(z, path, part.version)
    IN CASE part.op = "create" ->
               IF ~Exists(z, Parent(path)) THEN refused("no node")
               ELSE IF Exists(z, path) THEN refused("node exists")
               ELSE LET counted == [z EXCEPT ![Parent(path)].changes = @ + 1]
                        node == NewNode(part.data, IF part.ephemeral THEN session ELSE None, counted[Parent(path)].changes)
                    IN [err |-> "ok", z |-> (path :> node) @@ counted]
         [] part.op = "delete" ->
               IF version # "ok" THEN refused(version) ELSE [err |-> "ok", z |-> Removed(z, path)]
         [] part.op = "set" ->
               IF version # "ok" THEN refused(version)
               ELSE [err |-> "ok", z |-> [z EXCEPT ![path].version = @ + 1, ![path].data = part.data]]
         [] part.op = "check" -> [err |-> version, z |-> z]
         [] OTHER -> [err |-> "ok", z |-> z]

\* A request is a sequence of parts that take effect together or not at all; at is
\* the part that was refused.
RECURSIVE ApplyFrom(_, _, _, _)
ApplyFrom(z, request, i, session) ==
    IF i > Len(request) THEN [err |-> "ok", at |-> 0, z |-> z]
    ELSE LET one == Apply(z, request[i], session)
         IN IF one.err # "ok" THEN [err |-> one.err, at |-> i, z |-> z]
            ELSE ApplyFrom(one.z, request, i + 1, session)
ApplyAll(z, request, session) ==
    LET end == ApplyFrom(z, request, 1, session)
    IN IF end.err = "ok" THEN end ELSE [end EXCEPT !.z = z]

\* A watch is on the data of a znode, or on its existence, or on its children. What
\* a write makes heard of, in ZooKeeper's order.
DataWatch(path) == <<"data", path>>
ChildWatch(path) == <<"children", path>>
WatchOf(part) == IF part.op = "children" THEN ChildWatch(part.path) ELSE DataWatch(part.path)
Fires(part) ==
    CASE part.op = "create" -> <<DataWatch(part.path), ChildWatch(Parent(part.path))>>
      [] part.op = "delete" -> <<DataWatch(part.path), ChildWatch(part.path), ChildWatch(Parent(part.path))>>
      [] part.op = "set" -> <<DataWatch(part.path)>>
      [] OTHER -> <<>>
RECURSIVE AllFires(_)
AllFires(request) == IF request = <<>> THEN <<>> ELSE Fires(Head(request)) \o AllFires(Tail(request))

\* What the ensemble holds of a process, before that has opened its first session.
NoServer == [
    opened |-> 0,       \* sessions so far
    life |-> 1,         \* how many times the process has been started
    session |-> 0,      \* number of the session in use; 0 for none
    known |-> FALSE,    \* the ensemble has not ended it
    overslept |-> FALSE,\* the process was stopped, and does not know yet for how long
    lagging |-> None,   \* the znodes that its server has, if that has fallen behind
    behind |-> <<>>,    \* what its server will make heard of when it has caught up
    watches |-> {},
    events |-> <<>>,    \* that have fired and are under way
    ghosts |-> {},      \* sessions that nobody uses and the ensemble has not ended
    late |-> {}]        \* their requests that may still arrive: [session, request]

\* A connection breaks; a session is of no use any more, is left, is opened, is ended.
Broken(s) == [s EXCEPT !.watches = {}, !.events = <<>>]
Forgotten(s) == [Broken(s) EXCEPT !.known = FALSE, !.lagging = None, !.behind = <<>>]
Unused(s) == [Forgotten(s) EXCEPT !.session = 0]
Opened(s) == [Broken(s) EXCEPT !.opened = @ + 1, !.session = s.opened + 1, !.known = TRUE]
Ended(s, n) ==
    LET t == [s EXCEPT !.ghosts = @ \ {n}, !.late = {l \in @ : l.session # n}]
    IN IF s.session = n THEN Forgotten(t) ELSE t

\* Watches fire once. What a server that lags would tell is told when it has caught up.
RECURSIVE Fired(_, _)
Fired(s, fires) ==
    IF fires = <<>> THEN s
    ELSE LET w == Head(fires)
             t == IF w \in s.watches THEN [s EXCEPT !.watches = @ \ {w}, !.events = Append(@, w)] ELSE s
         IN Fired(t, Tail(fires))
Hears(s, fires) == IF s.lagging = None THEN Fired(s, fires) ELSE [s EXCEPT !.behind = @ \o fires]

SessionOf(p) == <<p, server[p].session>>
Owned(z, session) == {path \in DOMAIN z : z[path].owner = session}

\* The deletions that come with the end of a session. It owns one znode at most: /master
\* or that of a worker.
Deletions(z, session) == [i \in 1..Cardinality(Owned(z, session)) |-> Delete(CHOOSE path \in Owned(z, session) : TRUE)]

\* The ensemble ends session n of p, which is s by now; everybody hears of it.
Ends(p, n, s) ==
    LET gone == Deletions(zk, <<p, n>>)
    IN /\ zk' = ApplyAll(zk, gone, None).z
       /\ server' = [q \in Processes |-> Hears(IF q = p THEN Ended(s, n) ELSE server[q], AllFires(gone))]

\* What a request is answered. A read has one part.
Answer(p) ==
    LET request == asks[p]
        part == request[1]
        path == part.path
        z == IF server[p].lagging = None THEN zk ELSE server[p].lagging
        end == ApplyAll(zk, request, SessionOf(p))
        there == Exists(z, path)
        last == request[Len(request)].path
    IN IF IsWrite(part) THEN
          [err |-> end.err, at |-> end.at, version |-> IF end.err = "ok" /\ Exists(end.z, last) THEN end.z[last].version ELSE 0]
       ELSE [err |-> IF there \/ part.op \in {"exists", "sync"} THEN "ok" ELSE "no node",
             found |-> there,
             node |-> IF there THEN z[path] ELSE None,
             names |-> IF there THEN Names(z, path) ELSE {}]

-------------------------------------------------------------------------------
(* Every process. A program is at a place, which is named after the Go function   *)
(* that asks there, or waits. What is asked at each place stands below, in        *)
(* "What each asks for".                                                          *)

\* A client library delivers an event before it shows data that is newer.
Heeded(p) == asks[p] # None /\ server[p].known /\ server[p].events = <<>>

\* A server that lags catches up before it writes or syncs.
Answerable(p) == Heeded(p) /\ (server[p].lagging # None => ~IsWrite(asks[p][1]) /\ asks[p][1].op # "sync")

\* The program of p goes on from its place.
At(p, place) == local[p].at = place

-------------------------------------------------------------------------------
(* Guards that can be taken out, at the port, as internal/masterworker/world does it *)

Guarded(guard) == Without # guard
If(condition, sequence) == IF condition THEN sequence ELSE <<>>

\* If(c, s) is s where c holds, and nothing elsewhere.

\* A multi is sent in parts, one by one, where the guard that makes it one is taken out.
\* A check by itself does nothing.
IsElection(request) == \E i \in DOMAIN request : request[i].op = "create" /\ request[i].path = MasterPath
Releases(request) == \E i \in DOMAIN request : request[i].op = "delete" /\ Len(request[i].path) = 3
InParts(request) ==
    /\ Len(request) > 1
    /\ \/ ~Guarded("election-in-one") /\ IsElection(request)
       \/ ~Guarded("transition-in-one") /\ Releases(request)

\* A claim is lost while the session lives: that is closed. Nobody waits for the answers
\* to the requests that were left behind.
Closing(v, abandoned) ==
    [at |-> "closeSession", moved |-> FALSE, names |-> v.names, acts |-> v.acts, abandoned |-> abandoned]

-------------------------------------------------------------------------------
(* Masters: what one remembers *)

\* Places of a master in its term. At "lead" it waits.
LeadingPlaces == {"sync", "confirmMaster", "readBell", "readWorkers", "readKnown", "readInboxes", "readClaims", "readTasks",
                  "readOptions", "readChildren", "readInboxesAgain", "prepare", "commit", "lead"}


Candidate(names, acts) == [
    at |-> "stand",
    moved |-> FALSE,                      \* the connection has changed since the loop looked
    names |-> names,                      \* how many nonces this life has used
    acts |-> acts,                        \* requests to the system outside that are under way
    version |-> 0,                        \* of /assign, as read before the election
    late |-> FALSE,                       \* its lease was over before it was elected
    epoch |-> 0]                          \* that it leads; 0 when it does not

\* A term: the candidate's fields, and the view.
Term(c, epoch) == [
    at |-> "lead", moved |-> FALSE, names |-> c.names,
    acts |-> c.acts \cup {[resource |-> "leadership", token |-> <<epoch, 0>>]},
    version |-> 0, epoch |-> epoch,
    synced |-> FALSE,                     \* since the last invalidateAll
    fresh |-> {},                         \* what has a watch that has not fired
    seen |-> {}, alive |-> {}, known |-> {}, claimed |-> {},   \* workers
    incarnation |-> [w \in W |-> 0],
    holds |-> [w \in W |-> {}],           \* tasks that are assigned to it
    avoid |-> [t \in T |-> {}],           \* workers that were lost with it
    phase |-> [t \in T |-> "unseen"],     \* unread, pending, assigned, finished
    of |-> [t \in T |-> None],            \* the worker that has it
    attempts |-> [t \in T |-> 0],         \* that have ended without a result
    given |-> [t \in T |-> 0],            \* the attempt that this master assigned last, if it knows that
    read |-> {},                          \* tasks whose options have been read
    dirty |-> {}, stale |-> {},           \* tasks and inboxes to be read
    todo |-> <<>>, got |-> <<>>,          \* names that are being asked about, and the answers so far
    childless |-> <<>>,                   \* tasks that have been read and have nothing below them
    plan |-> <<>>]                        \* what has been decided

\* reconciler.invalidateAll: everything is to be read again but what cannot change.
Distrust(v) ==
    LET open == {t \in T : v.phase[t] \notin {"unseen", "finished"}}
    IN [v EXCEPT !.synced = FALSE, !.fresh = {}, !.stale = @ \cup v.seen, !.dirty = @ \cup open, !.moved = FALSE,
                 !.phase = [t \in T |-> IF t \in open THEN "unread" ELSE @[t]],
                 !.given = [t \in T |-> IF t \in open THEN 0 ELSE @[t]]]

-------------------------------------------------------------------------------
(* Masters: deciding (recipe/internal/decide) *)

Live(v) == v.alive \cap v.known

\* loads.place: the worker with the fewest tasks, by name among equals, of those that
\* were not lost with this very task if there are others.
Place(v, load, t) ==
    LET others == Live(v) \ v.avoid[t]
        from == IF others = {} THEN Live(v) ELSE others
        least == {w \in from : \A o \in from : load[w] <= load[o]}
    IN IF from = {} THEN None ELSE Head(Only(WorkerNames, least))

\* epoch is that of the token on record, of an attempt that ends: see Choose.
Decision(action, t, from, to, attempt) ==
    [action |-> action, task |-> t, from |-> from, to |-> to, attempt |-> attempt, epoch |-> 0]
EndsAttempt(d) == d.action \in {"FailTask", "ReleaseTask", "ReassignTask"}

\* decider.settle: one assignment of w.
Settle(v, d, w, t) ==
    LET attempt == v.attempts[t] + 1
        add(action, to, load) == [load |-> load, plan |-> Append(d.plan, Decision(action, t, w, to, attempt))]
        to == Place(v, d.load, t)
    IN CASE v.phase[t] \in {"unseen", "finished"} -> add("DropTask", None, d.load)
         [] v.phase[t] = "unread" \/ w \in v.alive -> d
         [] OTHER ->
              IF attempt >= Attempts THEN add("FailTask", None, d.load)
              ELSE IF attempt = 1 /\ to # None THEN add("ReassignTask", to, [d.load EXCEPT ![to] = @ + 1])
              ELSE add("ReleaseTask", None, d.load)

\* decider.waiting: one task that waits.
Assign(v, d, t) ==
    LET to == Place(v, d.load, t)
    IN CASE v.phase[t] # "pending" \/ t \in v.dirty -> d
         [] v.attempts[t] >= Attempts -> [d EXCEPT !.plan = Append(@, Decision("FailTask", t, None, None, v.attempts[t]))]
         [] to = None -> d
         [] OTHER -> [load |-> [d.load EXCEPT ![to] = @ + 1],
                      plan |-> Append(d.plan, Decision("AssignTask", t, None, to, v.attempts[t] + 1))]

RECURSIVE SettleAll(_, _, _)
SettleAll(v, d, pairs) ==
    IF pairs = <<>> THEN d ELSE SettleAll(v, Settle(v, d, Head(pairs)[1], Head(pairs)[2]), Tail(pairs))
RECURSIVE AssignAll(_, _, _)
AssignAll(v, d, tasks) == IF tasks = <<>> THEN d ELSE AssignAll(v, Assign(v, d, Head(tasks)), Tail(tasks))

RECURSIVE Pairs(_, _)
Pairs(v, workers) ==
    IF workers = <<>> THEN <<>>
    ELSE LET held == Only(TaskNames, v.holds[Head(workers)])
         IN [i \in DOMAIN held |-> <<Head(workers), held[i]>>] \o Pairs(v, Tail(workers))

Decide(v) ==
    LET d == [load |-> [w \in W |-> Cardinality(v.holds[w])], plan |-> <<>>]
    IN AssignAll(v, SettleAll(v, d, Pairs(v, Only(WorkerNames, v.seen))), TaskNames).plan

\* view.apply: the view after what has been decided was written.
Applied(v, d) ==
    LET t == d.task
        from == IF d.from = None THEN v ELSE [v EXCEPT !.holds[d.from] = @ \ {t}]
    IN CASE d.action = "DropTask" -> from
         [] d.action = "FailTask" -> [from EXCEPT !.phase[t] = "finished", !.of[t] = None, !.attempts[t] = d.attempt, !.given[t] = 0]
         [] d.action = "ReleaseTask" ->
              [from EXCEPT !.phase[t] = "pending", !.of[t] = None, !.attempts[t] = d.attempt, !.avoid[t] = @ \cup {d.from}]
         [] d.action = "AssignTask" ->
              [from EXCEPT !.holds[d.to] = @ \cup {t}, !.phase[t] = "assigned", !.of[t] = d.to, !.attempts[t] = d.attempt - 1,
                           !.given[t] = d.attempt]
         [] d.action = "ReassignTask" ->
              [from EXCEPT !.holds[d.to] = @ \cup {t}, !.phase[t] = "assigned", !.of[t] = d.to, !.attempts[t] = d.attempt,
                           !.given[t] = d.attempt + 1]
RECURSIVE AppliedAll(_, _)
AppliedAll(v, plan) == IF plan = <<>> THEN v ELSE AppliedAll(Applied(v, Head(plan)), Tail(plan))

\* reconciler.batch and write: the multi for a plan. checked are the workers that have
\* been checked already.
Write(v, d) ==
    LET starting == IF d.action = "ReassignTask" THEN d.attempt + 1 ELSE d.attempt
    IN If(d.from # None, <<Delete(AssignmentPath(d.from, d.task))>>)
       \o If(d.from # None /\ d.action # "DropTask",
             <<Create(AttemptPath(d.task, d.attempt), [epoch |-> d.epoch, attempt |-> d.attempt, worker |-> d.from])>>)
       \o If(d.to # None,
             <<Create(AssignmentPath(d.to, d.task), [epoch |-> v.epoch, attempt |-> starting, incarnation |-> v.incarnation[d.to]])>>)
       \o If(d.action = "FailTask", <<Create(StatusPath(d.task), [state |-> "failed", epoch |-> d.epoch, attempt |-> d.attempt])>>)
RECURSIVE Batch(_, _, _)
Batch(v, plan, checked) ==
    IF plan = <<>> THEN <<>>
    ELSE LET d == Head(plan)
             check == d.to # None /\ d.to \notin checked /\ Guarded("worker-check")
         IN If(check, <<Check(WorkerPath(d.to), AnyVersion), Check(InboxPath(d.to), v.incarnation[d.to])>>)
            \o Write(v, d) \o Batch(v, Tail(plan), checked \cup {d.to})
Commit(v) == If(Guarded("epoch-check"), <<Check(AssignPath, v.epoch)>>) \o Batch(v, v.plan, {})

-------------------------------------------------------------------------------
(* Masters: a pass of the loop (recipe/master_read.go). Each step asks for what is not  *)
(* fresh, or goes on to the next one. The order matters: see reconciler.read.    *)

Asking(v, place, names) == [v EXCEPT !.at = place, !.todo = names, !.got = <<>>]

\* readInboxes: those that may have changed. Only a live worker's inbox is watched.
Unlisted(v) == {w \in v.seen \cap v.known : w \in v.stale \/ (w \in v.alive /\ w \notin v.fresh)}

RECURSIVE Pass(_)

\* The end of a pass: again at once if there is more to read, or something has changed.
Lead(v) ==
    LET needed == {"master", "bell", "workers", "tasks"} \cup {w \in v.seen : w \in v.alive \cap v.known}
    IN IF v.moved THEN Pass(Distrust(v))
       ELSE IF v.dirty # {} \/ v.stale # {} \/ ~(needed \subseteq v.fresh) THEN Pass(v)
       ELSE [v EXCEPT !.at = "lead"]

\* reconciler.prepare: what is recorded of an attempt has the token that its handler ran
\* under. A master knows those that it gave out, and reads the others. questions are the
\* places of the decisions in the plan for which that has to be read. A decision about an
\* assignment that has gone is left out.
Choose(v) ==
    LET known(d) == v.given[d.task] = d.attempt
        decided == Decide(v)
        plan == [i \in DOMAIN decided |->
                    IF EndsAttempt(decided[i]) /\ known(decided[i]) THEN [decided[i] EXCEPT !.epoch = v.epoch] ELSE decided[i]]
        questions == SelectSeq([i \in DOMAIN plan |-> i], LAMBDA i : EndsAttempt(plan[i]) /\ ~known(plan[i]))
        u == [v EXCEPT !.plan = plan]
    IN IF plan = <<>> THEN Lead(v)
       ELSE IF questions = <<>> THEN [u EXCEPT !.at = "commit"]
       ELSE Asking(u, "prepare", questions)
Prepared(v, questions, answers) ==
    LET asked(i) == \E n \in DOMAIN questions : questions[n] = i
        answer(i) == answers[CHOOSE n \in DOMAIN questions : questions[n] = i]
        missing(i) == asked(i) /\ answer(i).err = "no node"
        read(i) == [v.plan[i] EXCEPT !.epoch = answer(i).node.data.epoch]
        kept == SelectSeq([i \in DOMAIN v.plan |-> i], LAMBDA i : ~(missing(i) /\ v.plan[i].from # None))
        plan == [n \in DOMAIN kept |-> IF asked(kept[n]) /\ ~missing(kept[n]) THEN read(kept[n]) ELSE v.plan[kept[n]]]
    IN IF plan = <<>> THEN Lead([v EXCEPT !.plan = <<>>]) ELSE [v EXCEPT !.at = "commit", !.plan = plan]
Trim(v) == [v EXCEPT !.stale = @ \cap v.known]
ReadInboxesAgain(v) == IF Unlisted(v) # {} THEN Asking(Trim(v), "readInboxesAgain", Only(WorkerNames, Unlisted(v))) ELSE Choose(Trim(v))

\* learn: what is below a task, from the names of its children.
AttemptsIn(names) == LET S == {n \in 1..(Attempts + 1) : AttemptName(n) \in names}
                     IN IF S = {} THEN 0 ELSE CHOOSE n \in S : \A m \in S : m <= n
Learn(v, t, names) ==
    LET done == "status" \in names
        u == [v EXCEPT !.dirty = @ \ {t}, !.attempts[t] = AttemptsIn(names)]
    IN IF done THEN [u EXCEPT !.phase[t] = "finished", !.of[t] = None,
                              !.given[t] = IF v.phase[t] = "finished" THEN @ ELSE 0,
                              !.stale = IF v.of[t] # None THEN @ \cup {v.of[t]} ELSE @]
       ELSE IF v.of[t] # None THEN [u EXCEPT !.phase[t] = "assigned"]
       ELSE [u EXCEPT !.phase[t] = "pending"]
RECURSIVE LearnAll(_, _, _)
LearnAll(v, tasks, answers) ==
    IF tasks = <<>> THEN v ELSE LearnAll(Learn(v, Head(tasks), Head(answers).names), Tail(tasks), Tail(answers))
LearnChildless(v) == LearnAll(v, v.childless, [i \in DOMAIN v.childless |-> [names |-> {}]])

ReadChildren(v, parents) ==
    IF parents # <<>> THEN Asking(v, "readChildren", parents)
    ELSE ReadInboxesAgain([LearnChildless(v) EXCEPT !.childless = <<>>])
ReadDirty(v) ==
    LET new == Only(TaskNames, v.dirty \ v.read)
    IN IF new # <<>> THEN Asking(v, "readOptions", new) ELSE ReadChildren(v, Only(TaskNames, v.dirty))
ReadTasks(v) == IF "tasks" \notin v.fresh THEN Asking(v, "readTasks", <<>>) ELSE ReadDirty(v)
ReadClaims(v) ==
    LET unclaimed == Only(WorkerNames, (v.alive \cap v.known) \ v.claimed)
    IN IF unclaimed # <<>> THEN Asking(v, "readClaims", unclaimed) ELSE ReadTasks(v)
ReadInboxes(v) == IF Unlisted(v) # {} THEN Asking(Trim(v), "readInboxes", Only(WorkerNames, Unlisted(v))) ELSE ReadClaims(Trim(v))
ReadWorkers(v) == IF "workers" \notin v.fresh THEN Asking(v, "readWorkers", <<>>) ELSE ReadInboxes(v)
ReadBell(v) == IF "bell" \notin v.fresh THEN Asking(v, "readBell", <<>>) ELSE ReadWorkers(v)
Confirmed(v) == IF "master" \notin v.fresh THEN Asking(v, "confirmMaster", <<>>) ELSE ReadBell(v)
Pass(v) == IF ~v.synced /\ Lags > 0 THEN Asking(v, "sync", <<>>) ELSE Confirmed(v)

\* listed: what an inbox holds. What has left it is finished, or to be assigned again:
\* its children tell.
Listed(v, w, answer) ==
    LET now == answer.names \cap T
        new == now \ v.holds[w]
        lost == {t \in v.holds[w] \ now : v.of[t] = w}
        same == v.incarnation[w] = answer.node.version
    IN [v EXCEPT !.holds[w] = now, !.stale = @ \ {w}, !.dirty = @ \cup new \cup lost,
                 !.incarnation[w] = answer.node.version,
                 !.claimed = IF same THEN @ ELSE @ \ {w},
                 !.phase = [t \in T |-> IF t \in new \cup lost THEN "unread" ELSE @[t]],
                 !.of = [t \in T |-> IF t \in new THEN w ELSE IF t \in lost THEN None ELSE @[t]],
                 !.given = [t \in T |-> IF t \in new THEN 0 ELSE @[t]]]   \* who assigned it is not known
RECURSIVE ListedAll(_, _, _)
ListedAll(v, workers, answers) ==
    IF workers = <<>> THEN v ELSE ListedAll(Listed(v, Head(workers), Head(answers)), Tail(workers), Tail(answers))

Claimed(v, w, answer) == [v EXCEPT !.incarnation[w] = answer.node.version, !.claimed = @ \cup {w}]
RECURSIVE ClaimedAll(_, _, _)
ClaimedAll(v, workers, answers) ==
    IF workers = <<>> THEN v ELSE ClaimedAll(Claimed(v, Head(workers), Head(answers)), Tail(workers), Tail(answers))

\* The answers until the first that was lost.
Heard(v) == LET lost == {i \in DOMAIN v.got : v.got[i] = None}
            IN IF lost = {} THEN v.got ELSE SubSeq(v.got, 1, Min(lost) - 1)
AnyLost(v) == \E i \in DOMAIN v.got : v.got[i] = None

\* All answers to what was asked at once are there.
Gathered(v) ==
    LET answers == Heard(v)
        names == SubSeq(v.todo, 1, Len(answers))
        clear(u) == [u EXCEPT !.todo = <<>>, !.got = <<>>]
        again(u) == Pass(Distrust(clear([u EXCEPT !.childless = <<>>, !.plan = <<>>])))
    IN CASE v.at \in {"readInboxes", "readInboxesAgain"} ->
              LET u == ListedAll(v, names, answers)
              IN IF AnyLost(v) THEN again(u) ELSE IF v.at = "readInboxes" THEN ReadClaims(clear(u)) ELSE Choose(clear(u))
         [] v.at = "readClaims" ->
              LET u == ClaimedAll(v, names, answers) IN IF AnyLost(v) THEN again(u) ELSE ReadTasks(clear(u))
         [] v.at = "readOptions" ->
              LET bare == {names[i] : i \in {j \in DOMAIN names : answers[j].names = {}}}
                  parents == Only(TaskNames, v.dirty \cap v.read) \o Only(TaskNames, Range(names) \ bare)
                  u == [v EXCEPT !.read = @ \cup Range(names), !.childless = Only(TaskNames, bare)]
              IN IF AnyLost(v) THEN again(u) ELSE ReadChildren(clear(u), parents)
         [] v.at = "readChildren" ->
              LET u == LearnAll(LearnChildless(v), names, answers)
              IN IF AnyLost(v) THEN again(u) ELSE ReadInboxesAgain([clear(u) EXCEPT !.childless = <<>>])
         [] v.at = "prepare" ->
              IF AnyLost(v) THEN again(v) ELSE Prepared(clear(v), v.todo, answers)

\* One of several answers: the next is asked for, whatever became of this one.
Gather(v, answer) ==
    LET u == [v EXCEPT !.got = Append(@, answer)] IN IF Len(u.got) = Len(u.todo) THEN Gathered(u) ELSE u

-------------------------------------------------------------------------------
(* Workers: what one remembers *)

\* A process without a claim: it makes sure that its inbox exists, and registers.
Unregistered(names, acts) == [
    at |-> "ensure", moved |-> FALSE, names |-> names, acts |-> acts,
    version |-> 0,                        \* of /assign/<w>, as read before registering
    late |-> FALSE]                       \* its lease was over before it was registered

\* An incarnation holds executions, from the assignment to the record of the end.
Execution(t, node) == [
    task |-> t, epoch |-> node.data.epoch, attempt |-> node.data.attempt, born |-> node.born,
    outcome |-> "none",                   \* done, or failed: the attempt has ended without a result
    started |-> FALSE,
    lapses |-> 0,                         \* handlers of it that were told to end because the lease was over
    doubtful |-> FALSE,                   \* its end may have been recorded
    moot |-> FALSE]                       \* the task ended without it

Incarnation(c, version) == [
    at |-> "work", moved |-> FALSE, names |-> c.names, acts |-> c.acts,
    swept |-> FALSE,                      \* it is time to look at everything again
    version |-> version,                  \* of the claim
    late |-> c.late,                      \* its lease is over: no write was acknowledged that was sent since
    early |-> FALSE,                      \* the write under way was sent before that
    own |-> FALSE,                        \* the watch on /workers/<w> is set and has not fired
    inbox |-> "unread",                   \* unread, fresh, or fired: the watch on /assign/<w>
    listed |-> {}, changes |-> 0,         \* children of the inbox when it was listed, and its count of changes
    reread |-> FALSE,                     \* the inbox may hold what looked like something held
    running |-> {}, finished |-> <<>>,    \* executions
    batch |-> <<>>,                       \* whose ends are being recorded
    todo |-> <<>>, got |-> <<>>]

Held(v) == v.running \cup Range(v.finished) \cup Range(v.batch)
HeldTasks(v) == {e.task : e \in Held(v)}
HeldFor(v, t) == CHOOSE e \in Held(v) : e.task = t

WorkerAct(e) == [resource |-> e.task, token |-> <<e.epoch, e.attempt>>, lapses |-> e.lapses]

\* The execution ends in this way, and waits to be recorded.
Finished(v, e, outcome) ==
    [v EXCEPT !.running = @ \ {e}, !.finished = Append(@, [e EXCEPT !.outcome = outcome])]

\* incarnation.drop: it was taken away, and how it ends is nobody's business any more.
Drop(v, t) ==
    LET Stays(e) == e.task # t
    IN [v EXCEPT !.running = {e \in @ : Stays(e)}, !.finished = SelectSeq(@, Stays), !.batch = SelectSeq(@, Stays)]
RECURSIVE DropAll(_, _)
DropAll(v, tasks) == IF tasks = <<>> THEN v ELSE DropAll(Drop(v, Head(tasks)), Tail(tasks))

\* incarnation.lapse: the lease is over. The handlers return at once; what they have asked
\* for outside is still under way. Their executions wait to begin again.
Lapsed(v) ==
    LET again(e) == IF e.started THEN [e EXCEPT !.started = FALSE, !.lapses = @ + 1] ELSE e
    IN [v EXCEPT !.late = TRUE, !.early = v.at \in {"commitEnds", "record", "start"}, !.running = {again(e) : e \in @}]

\* incarnation.writeAll: a write was answered. If it was applied, the lease runs from when
\* it was sent.
Wrote(v, applied) == [v EXCEPT !.late = @ /\ (~applied \/ v.early), !.early = FALSE]

-------------------------------------------------------------------------------
(* Workers: a pass of the loop (recipe/worker_loop.go, worker_record.go) *)

\* incarnation.ending: the assignment goes, and in the same multi the status or the
\* record of the attempt comes.
Ending(p, e) ==
    If(Guarded("result-takes-assignment") \/ e.moot, <<Delete(AssignmentPath(NameOf(p), e.task))>>)
    \o CASE e.moot -> <<>>
         [] e.outcome = "done" -> <<Create(StatusPath(e.task), [state |-> "done", epoch |-> e.epoch, attempt |-> e.attempt])>>
         [] OTHER -> <<Create(AttemptPath(e.task, e.attempt), [epoch |-> e.epoch, attempt |-> e.attempt, worker |-> NameOf(p)])>>
RECURSIVE Endings(_, _)
Endings(p, batch) == IF batch = <<>> THEN <<>> ELSE Ending(p, Head(batch)) \o Endings(p, Tail(batch))
Record(p, v) == If(Guarded("incarnation-check"), <<Check(InboxPath(NameOf(p)), v.version)>>) \o Endings(p, v.batch)

RECURSIVE Work(_)

\* The end of a pass (incarnation.start): handlers run for what has not begun, after a
\* write if the lease is over. The next pass follows at once if something has changed.
EndPass(v) ==
    LET new == {e \in v.running : ~e.started}
        u == [v EXCEPT !.running = (@ \ new) \cup {[e EXCEPT !.started = TRUE] : e \in new},
                       !.acts = @ \cup {WorkerAct(e) : e \in new}]
    IN IF v.reread THEN Work([v EXCEPT !.reread = FALSE, !.inbox = "unread"])
       ELSE IF v.late /\ new # {} THEN [v EXCEPT !.at = "start"]
       ELSE IF ~u.own \/ u.inbox # "fresh" \/ u.moved \/ u.swept THEN Work(u) ELSE [u EXCEPT !.at = "work"]
CommitEnds(v) ==
    IF v.finished = <<>> THEN EndPass(v)
    ELSE LET u == [v EXCEPT !.batch = v.finished, !.finished = <<>>]
         IN IF \E i \in DOMAIN u.batch : u.batch[i].doubtful
            THEN [u EXCEPT !.at = IF Lags > 0 THEN "syncInbox" ELSE "resolve", !.todo = [i \in DOMAIN u.batch |-> u.batch[i].task], !.got = <<>>]
            ELSE [u EXCEPT !.at = "commitEnds"]
ReadInbox(v) == IF v.inbox = "unread" THEN Asking(v, "readInbox", <<>>) ELSE CommitEnds(v)
Work(v) ==
    LET u == IF v.moved THEN [v EXCEPT !.moved = FALSE, !.swept = FALSE, !.own = FALSE, !.inbox = "unread"]
             ELSE IF v.inbox = "fired" \/ v.swept THEN [v EXCEPT !.swept = FALSE, !.inbox = "unread"] ELSE v
    IN IF ~u.own THEN Asking(u, "confirm", <<>>) ELSE ReadInbox(u)

\* The step failed for want of a connection: what was to be recorded waits.
WorkAgain(v) ==
    Work([v EXCEPT !.inbox = "unread", !.moved = Guarded("look-after-reconnect"), !.early = FALSE, !.todo = <<>>, !.got = <<>>,
                   !.finished = v.batch \o v.finished, !.batch = <<>>])


\* incarnation.readInbox: what is assigned now, what has been taken away, and whether
\* what is held may have been replaced. It may if the inbox has changed more often than
\* names have come and gone since the last list, or if that was not found out about the
\* last list: its changes are NotCompared then.
NotCompared == -1
Assigned(v, answer) ==
    LET present == answer.names \cap T
        fresh == present \ HeldTasks(v)
        u == DropAll(v, Only(TaskNames, HeldTasks(v) \ present))
        grown == answer.node.changes - v.changes
        seen == Cardinality(present \ v.listed) + Cardinality(v.listed \ present)
        known == [u EXCEPT !.listed = present, !.changes = answer.node.changes, !.inbox = "fresh"]
        accepting == Only(TaskNames, fresh)
        pairs == [i \in 1..(2 * Len(accepting)) |-> accepting[(i + 1) \div 2]]
    IN IF (v.changes = NotCompared \/ grown # seen) /\ Held(u) # {}
       THEN Asking([known EXCEPT !.batch = pairs], "verify", Only(TaskNames, HeldTasks(u)))
       ELSE IF pairs = <<>> THEN CommitEnds(known)
       ELSE Asking(known, "readAssignments", pairs)

\* incarnation.compareHeld: those that are not the very same are dropped. If an answer is
\* lost, none is.
RECURSIVE VerifyAll(_, _, _)
VerifyAll(v, tasks, answers) ==
    IF tasks = <<>> THEN v
    ELSE LET a == Head(answers)
             same == a.found /\ a.node.born = HeldFor(v, Head(tasks)).born
             u == IF same THEN v ELSE [Drop(v, Head(tasks)) EXCEPT !.reread = TRUE]
         IN VerifyAll(u, Tail(tasks), Tail(answers))

\* incarnation.accept. An assignment of an earlier incarnation is given back at once;
\* one of a later incarnation shows that this one is over.
Accept(v, t, node) ==
    LET e == Execution(t, node)
    IN IF node.data.incarnation > v.version THEN [v EXCEPT !.at = "fenced"]
       ELSE IF node.data.incarnation < v.version
            THEN [v EXCEPT !.finished = Append(@, [e EXCEPT !.started = TRUE, !.outcome = "failed"])]
       ELSE [v EXCEPT !.running = @ \cup {e}]
RECURSIVE AcceptAll(_, _, _)
AcceptAll(v, tasks, answers) ==
    IF Len(answers) < 2 \/ v.at = "fenced" THEN v
    ELSE LET gone == answers[1].err = "no node" \/ answers[2].err = "no node"
             u == IF gone THEN v ELSE Accept(v, tasks[1], answers[1].node)
         IN AcceptAll(u, SubSeq(tasks, 3, Len(tasks)), SubSeq(answers, 3, Len(answers)))

\* incarnation.resolve: the executions whose very assignments are gone were recorded.
RECURSIVE ResolveAll(_, _, _)
ResolveAll(v, batch, answers) ==
    IF answers = <<>> THEN [v EXCEPT !.batch = batch \o @]
    ELSE LET e == Head(batch)
             a == Head(answers)
             gone == ~a.found \/ a.node.born # e.born
             rest == ResolveAll(v, Tail(batch), Tail(answers))
         IN IF gone THEN [rest EXCEPT !.reread = TRUE]
            ELSE [rest EXCEPT !.batch = <<[e EXCEPT !.doubtful = FALSE]>> \o @]
Recording(v) == IF v.batch = <<>> THEN CommitEnds(v) ELSE [v EXCEPT !.at = "record"]

\* incarnation.record: a refusal names the part that failed, which says what is to
\* become of its execution.
RECURSIVE OwnerAt(_, _, _)
OwnerAt(p, batch, at) == LET n == Len(Ending(p, Head(batch))) IN IF at <= n THEN 1 ELSE 1 + OwnerAt(p, Tail(batch), at - n)
RefusedEnding(p, v, answer) ==
    LET at == answer.at - (IF Guarded("incarnation-check") THEN 1 ELSE 0)
        n == OwnerAt(p, v.batch, at)
        e == v.batch[n]
        part == asks[p][answer.at]
        onRecord == e.outcome = "failed" /\ answer.err = "node exists"
    IN IF part.op = "create" /\ ~onRecord THEN [v EXCEPT !.batch[n].moot = TRUE, !.at = "record"]
       ELSE Recording([v EXCEPT !.reread = TRUE, !.batch = SubSeq(@, 1, n - 1) \o SubSeq(@, n + 1, Len(@))])

\* All answers to what was asked at once are there. None is one that was lost.
WorkerGathered(v) ==
    LET answers == Heard(v)
        clear(u) == [u EXCEPT !.todo = <<>>, !.got = <<>>]
    IN CASE v.at = "verify" ->
              LET u == VerifyAll([v EXCEPT !.batch = <<>>], v.todo, answers)
                  pairs == v.batch
              IN IF AnyLost(v) THEN WorkAgain([v EXCEPT !.batch = <<>>, !.changes = NotCompared])
                 ELSE IF u.reread \/ pairs = <<>> THEN CommitEnds(clear(u))
                 ELSE Asking(u, "readAssignments", pairs)
         [] v.at = "readAssignments" ->
              LET u == AcceptAll(v, v.todo, answers)
              IN IF u.at = "fenced" THEN Closing(u, {}) ELSE IF AnyLost(v) THEN WorkAgain(u) ELSE CommitEnds(clear(u))
         [] v.at = "resolve" ->
              LET u == ResolveAll([v EXCEPT !.batch = <<>>], v.batch, answers)
                  prefix == SubSeq(v.batch, 1, Len(answers))
              IN IF AnyLost(v) THEN WorkAgain([v EXCEPT !.reread = u.reread, !.batch = u.batch \o SubSeq(@, Len(prefix) + 1, Len(@))])
                 ELSE Recording(clear(u))
WorkerGather(v, answer) ==
    LET u == [v EXCEPT !.got = Append(@, answer)] IN IF Len(u.got) = Len(u.todo) THEN WorkerGathered(u) ELSE u

-------------------------------------------------------------------------------
(* The client: it submits its tasks, and waits for their ends in the same order *)

NewClient == [
    at |-> "submit", moved |-> FALSE, names |-> 0, acts |-> {},
    n |-> 1,                              \* the task that it submits, or waits for
    fresh |-> FALSE,                      \* the watch on the status has not fired
    tries |-> 0,                          \* at this submission; counted only where it matters
    told |-> [t \in T |-> None]]          \* the states that it was told

Looking(v, n) == [v EXCEPT !.at = IF n > Len(TaskNames) THEN "closeSession" ELSE "look", !.n = n, !.moved = FALSE, !.fresh = FALSE]
HearsOfTheStatus(v) == [v EXCEPT !.at = "readStatus", !.moved = FALSE, !.fresh = FALSE]
Submitting(v) == v.at \in {"submit", "stays"}
Accepted(v) == IF Submitting(v) THEN {TaskNames[i] : i \in 1..(v.n - 1)} ELSE T
Satisfied(v) == v.at \in {"closeSession", "over"}

-------------------------------------------------------------------------------
(* What each asks for, by its place *)

Nonce(p, v) == [process |-> p, life |-> server[p].life, n |-> v.names]

MasterAsks(p, v) ==
    LET name == v.todo[Len(v.got) + 1]
    IN CASE v.at = "stand" -> <<ReadAndWatch("exists", MasterPath)>>
         [] v.at = "take" -> <<Read("get", AssignPath)>>
         [] v.at = "elect" -> <<CreateEphemeral(MasterPath),
                                Set(AssignPath, IF Guarded("election-by-version") THEN v.version ELSE AnyVersion, Nonce(p, v))>>
         [] v.at \in {"syncEpoch", "sync"} -> <<Sync(AssignPath)>>
         [] v.at = "reread" -> <<Read("get", AssignPath)>>
         [] v.at = "confirmMaster" -> <<ReadAndWatch("exists", MasterPath)>>
         [] v.at = "readBell" -> <<ReadAndWatch("get", TasksPath)>>
         [] v.at = "readWorkers" -> <<ReadAndWatch("children", WorkersPath)>>
         [] v.at = "readKnown" -> <<Read("children", AssignPath)>>
         [] v.at \in {"readInboxes", "readInboxesAgain"} ->
              <<IF name \in v.alive THEN ReadAndWatch("children", InboxPath(name)) ELSE Read("children", InboxPath(name))>>
         [] v.at = "readClaims" -> <<Read("get", InboxPath(name))>>
         [] v.at = "readTasks" -> <<ReadAndWatch("children", TasksPath)>>
         [] v.at = "readOptions" -> <<Read("get", TaskPath(name))>>
         [] v.at = "readChildren" -> <<Read("children", TaskPath(name))>>
         [] v.at = "prepare" ->
              LET d == v.plan[name]
              IN <<Read("get", IF d.from # None THEN AssignmentPath(d.from, d.task) ELSE AttemptPath(d.task, d.attempt))>>
         [] v.at = "commit" -> Commit(v)
         [] v.at = "closeSession" -> <<CloseSession>>
         [] OTHER -> None

WorkerAsks(p, v) ==
    LET w == NameOf(p)
        i == Len(v.got) + 1
    IN CASE v.at = "ensure" -> <<Read("exists", InboxPath(w))>>
         [] v.at = "createInbox" -> <<Create(InboxPath(w), None)>>
         [] v.at = "register" -> <<ReadAndWatch("exists", WorkerPath(w))>>
         [] v.at = "takeName" -> <<Read("get", InboxPath(w))>>
         [] v.at = "claim" -> <<CreateEphemeral(WorkerPath(w)), Set(InboxPath(w), v.version, Nonce(p, v))>>
         [] v.at \in {"syncClaim", "syncInbox"} -> <<Sync(InboxPath(w))>>
         [] v.at = "rereadClaim" -> <<Read("get", InboxPath(w))>>
         [] v.at = "confirm" -> <<ReadAndWatch("exists", WorkerPath(w))>>
         [] v.at = "readInbox" -> <<ReadAndWatch("children", InboxPath(w))>>
         [] v.at = "verify" -> <<Read("exists", AssignmentPath(w, v.todo[i]))>>
         [] v.at = "readAssignments" ->
              <<Read("get", IF i % 2 = 1 THEN AssignmentPath(w, v.todo[i]) ELSE TaskPath(v.todo[i]))>>
         [] v.at \in {"commitEnds", "record"} -> Record(p, v)
         [] v.at = "start" -> <<Check(InboxPath(w), v.version)>>
         [] v.at = "resolve" -> <<Read("exists", AssignmentPath(w, v.todo[i]))>>
         [] v.at = "closeSession" -> <<CloseSession>>
         [] OTHER -> None

ClientAsks(v) ==
    LET t == TaskNames[v.n]
        again == ~Guarded("submission-by-id") /\ v.tries > 0
    IN CASE v.at = "submit" -> <<Create(TaskPath(IF again THEN t \o "-again" ELSE t), None)>>
         [] v.at = "look" -> <<ReadAndWatch("exists", StatusPath(t))>>
         [] v.at = "readStatus" -> <<Read("get", StatusPath(t))>>
         [] v.at \in {"stays", "taskExists"} -> <<Read("exists", TaskPath(t))>>
         [] v.at = "closeSession" -> <<CloseSession>>
         [] OTHER -> None

AsksFor(p, v) ==
    LET request == IF p \in Range(MasterNames) THEN MasterAsks(p, v) ELSE IF p = TheClient THEN ClientAsks(v) ELSE WorkerAsks(p, v)
    IN IF request # None /\ request[1].watch /\ ~Guarded("watch-with-read")
       THEN <<Read(request[1].op, request[1].path), request[1]>>   \* the watch comes later
       ELSE request

\* The program of p goes on with v.
Goes(p, v) ==
    /\ local' = [local EXCEPT ![p] = v]
    /\ asks' = [asks EXCEPT ![p] = AsksFor(p, v)]

\* Something happens to the program of p; a request that is under way stays so.
Suffers(p, v) ==
    /\ local' = [local EXCEPT ![p] = v]
    /\ asks' = [asks EXCEPT ![p] = IF v.at = local[p].at THEN @ ELSE AsksFor(p, v)]

\* What takes effect next of the request of p: all of it, unless it is sent in parts.
IsLateWatch(request) == ~IsWrite(request[1]) /\ Len(request) = 2
Effective(request) == IF InParts(request) \/ IsLateWatch(request) THEN <<Head(request)>> ELSE request
AfterWrite(request, session) ==
    LET parts == Effective(request) IN IF InParts(request) /\ parts[1].op = "check" THEN [err |-> "ok", at |-> 0, z |-> zk]
                                       ELSE ApplyAll(zk, parts, session)

\* More parts of the request of p are to be sent after this one.
GoesOn(p) ==
    \/ IsLateWatch(asks[p])
    \/ InParts(asks[p]) /\ AfterWrite(asks[p], SessionOf(p)).err = "ok"

\* The ensemble carries out the request of p: s is what it then holds of p, if not more.
Carried(p, s(_)) ==
    LET end == AfterWrite(asks[p], SessionOf(p))
        fires == IF end.err = "ok" THEN AllFires(Effective(asks[p])) ELSE <<>>
    IN /\ zk' = end.z
       /\ server' = [q \in Processes |-> IF q = p THEN s(Hears(server[p], fires)) ELSE Hears(server[q], fires)]

Same(s) == s
Watching(p) == LET part == asks[p][1] IN
    IF part.watch THEN [server EXCEPT ![p].watches = @ \cup {WatchOf(part)}] ELSE server

\* The request of p at this place is carried out and answered; its program goes on with v.
Answered(p, place) == At(p, place) /\ Answerable(p) /\ ~GoesOn(p)
Written(p, v) == Carried(p, Same) /\ Goes(p, v) /\ UNCHANGED <<outside, left>>
HasRead(p, v) == server' = Watching(p) /\ zk' = zk /\ Goes(p, v) /\ UNCHANGED <<outside, left>>

\* What p is answered to a read: earlier than its watch, where the guard is out.
Reply(p) == IF asks[p][1].data # None THEN asks[p][1].data ELSE Answer(p)

\* One part of a request that is sent in parts.
SendPart(p) ==
    /\ Answerable(p) /\ GoesOn(p)
    /\ IF IsLateWatch(asks[p])
       THEN /\ asks' = [asks EXCEPT ![p] = <<[asks[p][2] EXCEPT !.data = Answer(p)]>>]
            /\ UNCHANGED <<zk, server>>
       ELSE /\ Carried(p, Same)
            /\ asks' = [asks EXCEPT ![p] = Tail(asks[p])]
    /\ UNCHANGED <<local, outside, left>>

-------------------------------------------------------------------------------
(* Actions of masters *)

\* candidate.stand: waits until /master is free.
Stand(m) ==
    /\ Answered(m, "stand")
    /\ LET v == local[m] IN
       HasRead(m, IF ~Reply(m).found THEN [v EXCEPT !.at = "take", !.moved = FALSE]
                  ELSE IF v.moved THEN [v EXCEPT !.moved = FALSE] ELSE [v EXCEPT !.at = "standBy"])

\* take: reads the version that the election is to be made at.
Take(m) ==
    /\ Answered(m, "take")
    /\ HasRead(m, [local[m] EXCEPT !.at = "elect", !.version = Answer(m).node.version, !.names = @ + 1])

\* A term that begins when its lease is over already ends at once.
Reigns(c, epoch) == IF c.late THEN Closing(Term(c, epoch), {}) ELSE Pass(Term(c, epoch))

\* take: /master and the epoch, in one multi.
Elect(m) ==
    /\ Answered(m, "elect")
    /\ LET a == Answer(m)
           c == [local[m] EXCEPT !.version = 0]
       IN Written(m, IF a.err = "ok" THEN Reigns(c, a.version) ELSE [c EXCEPT !.at = "stand", !.late = FALSE])

\* reread: the answer was lost; the nonce tells whether it was applied. Where the sync
\* was lost, what is read after it counts for nothing (version is 1 then).
SyncEpoch(m) == Answered(m, "syncEpoch") /\ HasRead(m, [local[m] EXCEPT !.at = "reread"])
Reread(m) ==
    /\ Answered(m, "reread")
    /\ LET node == Answer(m).node
           c == [local[m] EXCEPT !.version = 0]
       IN HasRead(m, IF local[m].version = 1 THEN [c EXCEPT !.at = "syncEpoch"]
                     ELSE IF node.data = Nonce(m, c) THEN Reigns(c, node.version)
                     ELSE [c EXCEPT !.at = "stand", !.late = FALSE])

Fresh(v, what) == [v EXCEPT !.fresh = @ \cup {what}]

\* reconciler.sync: what is read from here on is what has been written before.
SyncMaster(m) == Answered(m, "sync") /\ HasRead(m, Confirmed([local[m] EXCEPT !.synced = TRUE]))

\* reconciler.confirmMaster: /master may be somebody else's.
ConfirmMaster(m) ==
    /\ Answered(m, "confirmMaster")
    /\ LET a == Reply(m) IN
       HasRead(m, IF a.found /\ a.node.owner = SessionOf(m) THEN ReadBell(Fresh(local[m], "master")) ELSE Closing(local[m], {}))

\* reconciler.readCancellations: a client may have cancelled a task.
ReadTheBell(m) == Answered(m, "readBell") /\ HasRead(m, ReadWorkers(Fresh(local[m], "bell")))

\* reconciler.readWorkers: who is alive, and whose inboxes exist.
ReadTheWorkers(m) ==
    /\ Answered(m, "readWorkers")
    /\ HasRead(m, [Fresh(local[m], "workers") EXCEPT !.at = "readKnown", !.got = <<Reply(m).names \cap W>>])
ReadKnown(m) ==
    /\ Answered(m, "readKnown")
    /\ LET v == local[m]
           alive == v.got[1]
           known == Answer(m).names \cap W
       IN HasRead(m, ReadInboxes([v EXCEPT !.got = <<>>, !.alive = alive, !.known = known, !.stale = @ \cup known,
                                           !.seen = @ \cup alive \cup known]))

\* reconciler.readInboxes: the assignments of a worker.
ReadAnInbox(m) ==
    /\ \E place \in {"readInboxes", "readInboxesAgain"} : Answered(m, place)
    /\ LET v == local[m]
           w == v.todo[Len(v.got) + 1]
           u == [v EXCEPT !.fresh = IF w \in v.alive THEN @ \cup {w} ELSE @ \ {w}]
       IN HasRead(m, Gather(u, Reply(m)))

\* reconciler.readClaims: what a worker says about itself, and its incarnation.
ReadAClaim(m) == Answered(m, "readClaims") /\ HasRead(m, Gather(local[m], Answer(m)))

\* reconciler.readTasks.
ReadTheTasks(m) ==
    /\ Answered(m, "readTasks")
    /\ LET v == Fresh(local[m], "tasks")
           there == Reply(m).names \cap T
           unread == {t \in there : v.phase[t] \in {"unseen", "unread"}}
       IN HasRead(m, ReadDirty([v EXCEPT !.dirty = @ \cup unread, !.phase = [t \in T |-> IF t \in unread THEN "unread" ELSE @[t]]]))

\* reconciler.readDirty: a new task, and whether it has children; the children of one.
ReadATask(m) == Answered(m, "readOptions")
    /\ HasRead(m, Gather(local[m], [err |-> "ok", names |-> Names(zk, asks[m][1].path)]))
ReadItsChildren(m) == Answered(m, "readChildren") /\ HasRead(m, Gather(local[m], Answer(m)))

\* reconciler.prepare: the token of an attempt that ends.
ReadAToken(m) == Answered(m, "prepare") /\ HasRead(m, Gather(local[m], Answer(m)))

\* reconciler.commit: AssignTask, ReassignTask, ReleaseTask, FailTask, DropTask, as many
\* as were decided, in one multi under the claim.
CommitPlan(m) ==
    /\ Answered(m, "commit")
    /\ LET a == Answer(m)
           v == [local[m] EXCEPT !.plan = <<>>]
       IN Written(m, IF a.err = "ok" THEN Lead(AppliedAll(v, local[m].plan))
                     ELSE IF a.at = 1 /\ Guarded("epoch-check") THEN Closing(v, {})
                     ELSE Pass(Distrust(v)))

-------------------------------------------------------------------------------
(* Actions of workers *)

\* Worker.serve: the inbox exists before the worker registers.
Ensure(p) == Answered(p, "ensure")
    /\ HasRead(p, [local[p] EXCEPT !.at = IF Answer(p).found THEN "register" ELSE "createInbox"])
CreateInbox(p) == Answered(p, "createInbox") /\ Written(p, [local[p] EXCEPT !.at = "register"])

\* Worker.register: waits until the name is free. Whoever holds it is never removed.
Register(p) ==
    /\ Answered(p, "register")
    /\ LET v == local[p] IN
       HasRead(p, IF ~Reply(p).found THEN [v EXCEPT !.at = "takeName", !.moved = FALSE]
                  ELSE IF v.moved THEN [v EXCEPT !.moved = FALSE] ELSE [v EXCEPT !.at = "waitForName"])
TakeName(p) ==
    /\ Answered(p, "takeName")
    /\ HasRead(p, [local[p] EXCEPT !.at = "claim", !.version = Answer(p).node.version, !.names = @ + 1])

\* take: /workers/<w> and the incarnation, in one multi.
Claim(p) ==
    /\ Answered(p, "claim")
    /\ LET a == Answer(p)
           c == [local[p] EXCEPT !.version = 0]
       IN Written(p, IF a.err = "ok" THEN Work(Incarnation(c, a.version)) ELSE [c EXCEPT !.at = "register", !.late = FALSE])
SyncClaim(p) == Answered(p, "syncClaim") /\ HasRead(p, [local[p] EXCEPT !.at = "rereadClaim"])
RereadClaim(p) ==
    /\ Answered(p, "rereadClaim")
    /\ LET node == Answer(p).node
           c == [local[p] EXCEPT !.version = 0]
       IN HasRead(p, IF local[p].version = 1 THEN [c EXCEPT !.at = "syncClaim"]
                     ELSE IF node.data = Nonce(p, c) THEN Work(Incarnation(c, node.version))
                     ELSE [c EXCEPT !.at = "register", !.late = FALSE])

\* incarnation.confirm: the name may be somebody else's.
Confirm(p) ==
    /\ Answered(p, "confirm")
    /\ LET a == Reply(p) IN
       HasRead(p, IF a.found /\ a.node.owner = SessionOf(p) THEN ReadInbox([local[p] EXCEPT !.own = TRUE]) ELSE Closing(local[p], {}))

\* incarnation.readInbox and verify.
ReadTheInbox(p) ==
    /\ Answered(p, "readInbox")
    /\ LET a == Reply(p) IN
       HasRead(p, IF a.node.version # local[p].version THEN Closing(local[p], {}) ELSE Assigned(local[p], a))
Verify(p) == Answered(p, "verify") /\ HasRead(p, WorkerGather(local[p], Answer(p)))

\* incarnation.accept: an assignment, and its task.
ReadAnAssignment(p) == Answered(p, "readAssignments") /\ HasRead(p, WorkerGather(local[p], Answer(p)))

\* incarnation.recordAll: CompleteTask and GiveBack, as many as have finished, in one
\* multi under the claim. What is refused is looked at by itself.
Settled(v) == CommitEnds([v EXCEPT !.batch = <<>>])
CommitTheEnds(p) ==
    /\ Answered(p, "commitEnds")
    /\ LET a == Answer(p)
           v == Wrote(local[p], a.err = "ok")
       IN Written(p, IF a.err = "ok" THEN Settled(v)
                     ELSE IF a.at = 1 /\ Guarded("incarnation-check") THEN Closing(v, {})
                     ELSE [v EXCEPT !.at = "record"])
RecordEnds(p) ==
    /\ Answered(p, "record")
    /\ LET a == Answer(p)
           v == Wrote(local[p], a.err = "ok")
       IN Written(p, IF a.err = "ok" THEN Settled(v)
                     ELSE IF a.at = 1 /\ Guarded("incarnation-check") THEN Closing(v, {})
                     ELSE RefusedEnding(p, v, a))
SyncInbox(p) == Answered(p, "syncInbox") /\ HasRead(p, [local[p] EXCEPT !.at = "resolve"])
Resolve(p) == Answered(p, "resolve") /\ HasRead(p, WorkerGather(local[p], Answer(p)))

\* incarnation.start: the lease is over. What was read may be from a server that is cut off;
\* a write under the claim shows that the worker may still begin it.
ConfirmLease(p) ==
    /\ Answered(p, "start")
    /\ Written(p, IF Answer(p).err = "ok" THEN EndPass(Wrote(local[p], TRUE)) ELSE Closing(local[p], {}))

-------------------------------------------------------------------------------
(* Actions of the client *)

\* Client.createTask: a task of that name that is there already is this one, if it is
\* there to stay. (Nobody here makes a task that is not, so that finding it is enough.)
Submitted(v) == IF v.n < Len(TaskNames) THEN [v EXCEPT !.at = "submit", !.n = @ + 1] ELSE Looking(v, 1)
SubmitTask(c) ==
    /\ Answered(c, "submit")
    /\ LET v == [local[c] EXCEPT !.tries = 0]
       IN Written(c, IF Answer(c).err = "ok" THEN Submitted(v) ELSE [v EXCEPT !.at = "stays"])
TaskStays(c) ==
    /\ Answered(c, "stays")
    /\ HasRead(c, IF Answer(c).found THEN Submitted(local[c]) ELSE [local[c] EXCEPT !.at = "submit"])

\* Client.look, taskExists and readStatus. When the watch has fired, the status is there as
\* a rule, and is read at once. (Nothing here removes a status.)
Look(c) ==
    /\ Answered(c, "look")
    /\ HasRead(c, [local[c] EXCEPT !.fresh = ~Reply(c).found, !.at = IF Reply(c).found THEN "readStatus" ELSE "taskExists"])
TaskExists(c) ==
    /\ Answered(c, "taskExists")
    /\ LET v == local[c] IN HasRead(c, IF ~v.fresh THEN HearsOfTheStatus(v)
                                       ELSE IF v.moved THEN Looking(v, v.n) ELSE [v EXCEPT !.at = "await"])
ReadStatus(c) ==
    /\ Answered(c, "readStatus")
    /\ LET v == local[c] IN HasRead(c, Looking([v EXCEPT !.told[TaskNames[v.n]] = Answer(c).node.data.state], v.n + 1))

-------------------------------------------------------------------------------
(* Actions that several have *)

\* A process starts, or has lost its session: its program begins anew.
Begins(p, names, acts) ==
    IF p \in Range(MasterNames) THEN Candidate(names, acts) ELSE Unregistered(names, acts)
Over == [at |-> "over", moved |-> FALSE, names |-> 0, acts |-> {}]

\* The session is closed. Masters and workers go on with a new one, the client is done.
Close(p) ==
    /\ At(p, "closeSession") /\ asks[p] # None /\ server[p].known
    /\ LET n == server[p].session
           closed(q) == IF q = p THEN Unused(Ended(server[p], n)) ELSE server[q]
           fires == AllFires(Deletions(zk, <<p, n>>))
           next(q) == IF q = p /\ p # TheClient THEN Opened(closed(q)) ELSE closed(q)
       IN /\ zk' = ApplyAll(zk, Deletions(zk, <<p, n>>), None).z
          /\ server' = [q \in Processes |-> IF q = p THEN next(q) ELSE Hears(server[q], fires)]
          /\ Goes(p, IF p = TheClient THEN [local[p] EXCEPT !.at = "over", !.n = 1] ELSE Begins(p, local[p].names, local[p].acts))
    /\ UNCHANGED <<outside, left>>

\* A watch event arrives.
HasHeard(p, v, w) ==
    CASE p \in Range(MasterNames) ->
           IF v.at \in LeadingPlaces THEN
              LET u == [v EXCEPT !.fresh = @ \ {CASE w = DataWatch(MasterPath) -> "master"
                                                  [] w = DataWatch(TasksPath) -> "bell"
                                                  [] w = ChildWatch(WorkersPath) -> "workers"
                                                  [] w = ChildWatch(TasksPath) -> "tasks"
                                                  [] OTHER -> w[2][2]}]
              IN IF v.at = "lead" THEN Lead(u) ELSE u
           ELSE IF v.at = "standBy" THEN [v EXCEPT !.at = "stand"] ELSE v
      [] p \in WorkerProcesses ->
           LET own == w = DataWatch(WorkerPath(NameOf(p)))
           IN CASE v.at = "waitForName" -> [v EXCEPT !.at = "register"]
                [] "own" \notin DOMAIN v -> v
                [] OTHER -> LET u == IF own THEN [v EXCEPT !.own = FALSE]
                                     ELSE [v EXCEPT !.inbox = IF @ = "fresh" THEN "fired" ELSE @]
                            IN IF v.at = "work" THEN Work(u) ELSE u
      [] OTHER ->
           IF v.at = "await" THEN HearsOfTheStatus(v) ELSE IF v.at = "taskExists" THEN [v EXCEPT !.fresh = FALSE] ELSE v
Deliver(p) ==
    /\ server[p].events # <<>>
    /\ server' = [server EXCEPT ![p].events = Tail(@)]
    /\ Suffers(p, HasHeard(p, local[p], Head(server[p].events)))
    /\ UNCHANGED <<zk, outside, left>>

\* The client library shows that the connection has changed.
Bounced(p, v) ==
    CASE ~Guarded("look-after-reconnect") -> v
      [] v.at \in {"stand", "register", "look", "taskExists"} -> [v EXCEPT !.moved = TRUE]
      [] v.at = "standBy" -> [v EXCEPT !.at = "stand"]
      [] v.at = "waitForName" -> [v EXCEPT !.at = "register"]
      [] v.at = "await" -> Looking(v, v.n)
      [] v.at = "lead" -> Pass(Distrust(v))
      [] v.at = "work" -> Work([v EXCEPT !.moved = TRUE])
      [] v.at \in LeadingPlaces \/ "own" \in DOMAIN v -> [v EXCEPT !.moved = TRUE]
      [] OTHER -> v

\* A process learns that the ensemble has ended its session.
Notice(p) ==
    /\ server[p].session # 0 /\ ~server[p].known
    /\ LET v == local[p] IN
       IF Library = "honest"
       THEN /\ server' = [server EXCEPT ![p] = Opened(Unused(@))]
            /\ Goes(p, Begins(p, v.names, v.acts))
       ELSE /\ server' = [server EXCEPT ![p] = Opened(@)]
            /\ LET blind == CASE "fresh" \in DOMAIN v -> [v EXCEPT !.fresh = {}]
                              [] "own" \in DOMAIN v -> [v EXCEPT !.own = FALSE, !.inbox = IF @ = "fresh" THEN "fired" ELSE @]
                              [] OTHER -> v
               IN IF v.at = "closeSession" THEN UNCHANGED <<local, asks>> ELSE Suffers(p, Bounced(p, blind))
    /\ UNCHANGED <<zk, outside, left>>

\* The system outside sees a token. It refuses one that is smaller than what it has
\* seen; without the guard it shows what would have become of it.
Smaller(a, b) == a[1] < b[1] \/ (a[1] = b[1] /\ a[2] < b[2])
By(p) == <<p, server[p].life>>
Seen(last, token, by) ==
    IF last = None THEN [token |-> token, by |-> by, stale |-> FALSE, twice |-> FALSE]
    ELSE [token |-> IF Smaller(token, last.token) THEN last.token ELSE token, by |-> by,
          stale |-> last.stale \/ Smaller(token, last.token),
          twice |-> last.twice \/ (token = last.token /\ by # last.by)]
Resources == T \cup {"leadership"}

\* A handler has acted, or was refused; its execution ends.
HasActed(p, v, act, accepted) ==
    LET mine == IF "running" \in DOMAIN v THEN {e \in v.running : e.started /\ WorkerAct(e) = act} ELSE {}
        u == [v EXCEPT !.acts = @ \ {act}]
        e == CHOOSE x \in mine : TRUE
        fails == ~accepted \/ (e.task = TaskNames[1] /\ e.attempt <= Failures)
        ended == Finished(u, e, IF fails THEN "failed" ELSE "done")
    IN IF mine = {} THEN u ELSE IF v.at = "work" THEN Work(ended) ELSE ended
Act(p) ==
    \E act \in local[p].acts :
      LET last == outside[act.resource]
          accepted == last = None \/ ~Smaller(act.token, last.token) \/ ~Guarded("fencing-token")
          v == HasActed(p, local[p], act, accepted)
      IN /\ outside' = IF accepted THEN [outside EXCEPT ![act.resource] = Seen(last, act.token, By(p))] ELSE outside
         /\ Suffers(p, v)
         /\ UNCHANGED <<zk, server, left>>

\* The ensemble ends a session of nobody; a request of nobody arrives.
EndGhost(p) == \E n \in server[p].ghosts : Ends(p, n, server[p]) /\ UNCHANGED <<asks, local, outside, left>>
Arrive(p) ==
    \E l \in server[p].late :
      LET end == ApplyAll(zk, l.request, <<p, l.session>>)
          fires == IF end.err = "ok" THEN AllFires(l.request) ELSE <<>>
          gone(q) == IF q = p THEN [server[p] EXCEPT !.late = @ \ {l}] ELSE server[q]
      IN /\ zk' = end.z
         /\ server' = [q \in Processes |-> Hears(gone(q), fires)]
         /\ UNCHANGED <<asks, local, outside, left>>

-------------------------------------------------------------------------------
(* Faults *)

Spend(fault) == left[fault] > 0 /\ left' = [left EXCEPT ![fault] = @ - 1]
Mortal == Processes \ {TheClient}

\* The ensemble ends a session that is in use; its owner learns of it later.
Expire(p) ==
    /\ p \in Mortal /\ server[p].known /\ Spend("expiries")
    /\ Ends(p, server[p].session, server[p])
    /\ UNCHANGED <<asks, local, outside>>

\* What a program does when the answer to its request is lost.
Lost(p, v) ==
    LET u == IF Guarded("look-after-reconnect") THEN [v EXCEPT !.moved = FALSE] ELSE v
        again == Pass(Distrust([v EXCEPT !.plan = <<>>, !.got = <<>>]))
        doubt(first, then) == IF Lags > 0 THEN first ELSE then
    IN CASE v.at \in {"stand", "take"} -> [u EXCEPT !.at = "stand", !.version = 0, !.late = FALSE]
         [] v.at = "elect" ->
              IF Guarded("election-resolved") THEN [u EXCEPT !.at = doubt("syncEpoch", "reread"), !.version = 0]
              ELSE [u EXCEPT !.at = "stand", !.version = 0, !.late = FALSE]
         [] v.at = "syncEpoch" -> [u EXCEPT !.at = "reread", !.version = 1]
         [] v.at = "syncClaim" -> [u EXCEPT !.at = "rereadClaim", !.version = 1]
         [] v.at = "reread" -> [u EXCEPT !.at = doubt("syncEpoch", @), !.version = 0]
         [] v.at = "rereadClaim" -> [u EXCEPT !.at = doubt("syncClaim", @), !.version = 0]
         [] v.at \in {"readInboxes", "readInboxesAgain", "readClaims", "readOptions", "readChildren", "prepare"} ->
              Gather([v EXCEPT !.fresh = {}, !.moved = TRUE], None)
         [] v.at \in LeadingPlaces -> again
         [] v.at \in {"ensure", "createInbox", "register", "takeName"} -> [u EXCEPT !.at = "ensure", !.version = 0, !.late = FALSE]
         [] v.at = "claim" ->
              IF Guarded("election-resolved") THEN [u EXCEPT !.at = doubt("syncClaim", "rereadClaim"), !.version = 0]
              ELSE [u EXCEPT !.at = "register", !.version = 0, !.late = FALSE]
         [] v.at \in {"verify", "readAssignments", "resolve"} -> WorkerGather([v EXCEPT !.moved = TRUE], None)
         [] v.at \in {"commitEnds", "record"} ->
              WorkAgain([v EXCEPT !.batch = [i \in DOMAIN @ |-> [@[i] EXCEPT !.doubtful = TRUE]]])
         [] v.at \in {"confirm", "readInbox", "syncInbox", "start"} -> WorkAgain(v)
         [] Submitting(v) -> [v EXCEPT !.at = "submit", !.tries = IF Guarded("submission-by-id") THEN 0 ELSE @ + 1]
         [] OTHER -> Looking(v, v.n)

\* A connection breaks, and is there again: before the request took effect, after it,
\* or with nothing under way. The watches are gone, and what was to be heard of.
LoseBefore(p) ==
    /\ Heeded(p) /\ ~At(p, "closeSession") /\ Spend("losses")
    /\ server' = [server EXCEPT ![p] = Broken(@)]
    /\ Goes(p, Lost(p, local[p]))
    /\ UNCHANGED <<zk, outside>>
LoseAfter(p) ==
    /\ Heeded(p) /\ IsWrite(asks[p][1]) /\ Spend("losses")
    /\ Carried(p, Broken)
    /\ Goes(p, Lost(p, local[p]))
    /\ UNCHANGED outside
Break(p) ==
    /\ server[p].known /\ Spend("losses")
    /\ ~(server[p].watches = {} /\ server[p].events = <<>> /\ server[p].behind = <<>>)
    /\ server' = [server EXCEPT ![p] = Broken(@)]
    /\ Suffers(p, Bounced(p, local[p]))
    /\ UNCHANGED <<zk, outside>>

\* A process is stopped for longer than its lease, and the ensemble ends its session. It
\* goes on where it was; then its clock shows how late it is.
Stop(p) ==
    /\ p \in Mortal /\ server[p].known /\ Spend("stops")
    /\ Ends(p, server[p].session, [server[p] EXCEPT !.overslept = TRUE])
    /\ UNCHANGED <<asks, local, outside>>
\* What a resync of a master asks first (reconciler.verify): whether a status is there to
\* stay; if no task has one, the cancellation notice.
Sweeps(v) ==
    LET ended == Only(TaskNames, {t \in T : v.phase[t] = "finished"})
    IN <<IF ended # <<>> THEN Read("exists", StatusPath(Head(ended))) ELSE ReadAndWatch("get", TasksPath)>>
Overslept(p, v) ==
    CASE v.at = "standBy" -> [v EXCEPT !.at = "stand"]
      [] v.at \in {"take", "elect", "syncEpoch", "reread"} -> [v EXCEPT !.late = TRUE]
      [] v.at = "lead" -> Closing(v, {Sweeps(v)})   \* a sweep has begun
      [] v.at \in LeadingPlaces -> Closing(v, {asks[p]})
      [] v.at = "waitForName" -> [v EXCEPT !.at = "register"]
      [] v.at \in {"takeName", "claim", "syncClaim", "rereadClaim"} -> [v EXCEPT !.late = TRUE]
      [] v.at = "work" -> Work(Lapsed([v EXCEPT !.swept = TRUE]))
      [] "own" \in DOMAIN v -> Lapsed([v EXCEPT !.swept = TRUE])
      [] OTHER -> v
Resume(p) ==
    /\ server[p].overslept /\ ~At(p, "dead")
    /\ server' = [server EXCEPT ![p].overslept = FALSE]
    /\ Suffers(p, Overslept(p, local[p]))
    /\ UNCHANGED <<zk, outside, left>>

\* A request that was left behind takes effect as long as its session lives.
Abandoned(p) == IF "abandoned" \in DOMAIN local[p] THEN local[p].abandoned ELSE {}
LeftBehind(p) ==
    /\ server[p].known /\ server[p].events = <<>>
    /\ \E request \in Abandoned(p) :
         LET end == ApplyAll(zk, request, SessionOf(p))
             fires == IF end.err = "ok" THEN AllFires(request) ELSE <<>>
             part == request[1]
             watching == [server EXCEPT ![p].watches = IF part.watch THEN @ \cup {WatchOf(part)} ELSE @]
         IN /\ zk' = end.z
            /\ server' = [q \in Processes |-> Hears(watching[q], fires)]
            /\ local' = [local EXCEPT ![p].abandoned = @ \ {request}]
    /\ UNCHANGED <<asks, outside, left>>

\* A server falls behind what others see, until it catches up.
Lag(p) ==
    /\ server[p].known /\ server[p].lagging = None /\ Spend("lags")
    /\ server' = [server EXCEPT ![p].lagging = zk]
    /\ UNCHANGED <<zk, asks, local, outside>>
CatchUp(p) ==
    /\ server[p].lagging # None
    /\ server' = [server EXCEPT ![p] = Fired([@ EXCEPT !.lagging = None, !.behind = <<>>], @.behind)]
    /\ UNCHANGED <<zk, asks, local, outside, left>>

\* A process dies. What it has sent may still arrive, as long as its session lives.
Crash(p) ==
    /\ p \in Mortal /\ local[p].at # "dead" /\ Spend("crashes")
    /\ LET s == server[p]
           request == asks[p]
           all == Abandoned(p) \cup (IF request = None THEN {} ELSE {Effective(request)})
           sent == {[session |-> s.session, request |-> r] : r \in {x \in all : IsWrite(x[1])}}
       IN server' = [server EXCEPT ![p] =
              IF s.known THEN [Unused(s) EXCEPT !.overslept = FALSE, !.ghosts = @ \cup {s.session}, !.late = @ \cup sent]
              ELSE [Unused(s) EXCEPT !.overslept = FALSE]]
    /\ local' = [local EXCEPT ![p] = [at |-> "dead", acts |-> {}]]
    /\ asks' = [asks EXCEPT ![p] = None]
    /\ UNCHANGED <<zk, outside>>
Restart(p) ==
    /\ At(p, "dead")
    /\ server' = [server EXCEPT ![p] = [Opened(@) EXCEPT !.life = @ + 1]]
    /\ Goes(p, Begins(p, 0, {}))
    /\ UNCHANGED <<zk, outside, left>>

-------------------------------------------------------------------------------
(* The machine *)

Init ==
    /\ zk = Furnished
    /\ server = [p \in Processes |-> Opened(NoServer)]
    /\ local = [p \in Processes |-> IF p = TheClient THEN NewClient ELSE Begins(p, 0, {})]
    /\ asks = [p \in Processes |-> AsksFor(p, local[p])]
    /\ outside = [r \in Resources |-> None]
    /\ left = [expiries |-> Expiries, losses |-> Losses, crashes |-> Crashes, stops |-> Stops, lags |-> Lags]

MasterStep(m) ==
    \/ Stand(m) \/ Take(m) \/ Elect(m) \/ SyncEpoch(m) \/ Reread(m)
    \/ SyncMaster(m) \/ ConfirmMaster(m) \/ ReadTheBell(m) \/ ReadTheWorkers(m) \/ ReadKnown(m) \/ ReadAnInbox(m) \/ ReadAClaim(m)
    \/ ReadTheTasks(m) \/ ReadATask(m) \/ ReadItsChildren(m) \/ ReadAToken(m) \/ CommitPlan(m)
WorkerStep(p) ==
    \/ Ensure(p) \/ CreateInbox(p) \/ Register(p) \/ TakeName(p) \/ Claim(p) \/ SyncClaim(p) \/ RereadClaim(p)
    \/ Confirm(p) \/ ReadTheInbox(p) \/ Verify(p) \/ ReadAnAssignment(p) \/ CommitTheEnds(p) \/ RecordEnds(p) \/ SyncInbox(p) \/ Resolve(p)
    \/ ConfirmLease(p)
ClientStep(c) == SubmitTask(c) \/ TaskStays(c) \/ Look(c) \/ TaskExists(c) \/ ReadStatus(c)
CommonStep(p) ==
    \/ SendPart(p) \/ Close(p) \/ Deliver(p) \/ Notice(p) \/ Act(p) \/ EndGhost(p) \/ Arrive(p) \/ Restart(p)
    \/ Resume(p) \/ LeftBehind(p) \/ CatchUp(p)
Step ==
    \/ \E m \in Range(MasterNames) : MasterStep(m)
    \/ \E p \in WorkerProcesses : WorkerStep(p)
    \/ ClientStep(TheClient)
    \/ \E p \in Processes : CommonStep(p)
Fault == \E p \in Processes : Expire(p) \/ LoseBefore(p) \/ LoseAfter(p) \/ Break(p) \/ Crash(p) \/ Stop(p) \/ Lag(p)
Next == Step \/ Fault
Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
(* What must hold, under the names that explorer and harness use *)

Assignments(z, t) == {path \in DOMAIN z : Len(path) = 3 /\ path[1] = "assign" /\ path[3] = t}
Records(z, t) == {path \in DOMAIN z : Len(path) = 3 /\ path[1] = "tasks" /\ path[2] = t /\ path[3] # "status"}
HasStatus(z, t) == Exists(z, StatusPath(t))
Token(node) == <<node.data.epoch, node.data.attempt>>
Epoch == zk[AssignPath].version
Leads(m) == local[m].at \in LeadingPlaces

CandidatePlaces == {"stand", "standBy", "take", "elect", "syncEpoch", "reread"}
WorkerPlaces == {"ensure", "createInbox", "register", "waitForName", "takeName", "claim", "syncClaim", "rereadClaim",
                 "confirm", "readInbox", "verify", "readAssignments", "commitEnds", "record", "syncInbox", "resolve", "start", "work"}
ClientPlaces == {"submit", "stays", "look", "readStatus", "taskExists", "await", "over"}
PlacesOf(p) == {"closeSession", "dead"} \cup
    (IF p \in Range(MasterNames) THEN CandidatePlaces \cup LeadingPlaces ELSE IF p = TheClient THEN ClientPlaces ELSE WorkerPlaces)

TypeOK ==
    /\ \A path \in DOMAIN zk :
         /\ path # Root => Exists(zk, Parent(path))
         /\ zk[path].version \in Nat /\ zk[path].changes \in Nat /\ zk[path].born \in Nat
         /\ zk[path].owner = None \/ (zk[path].owner[1] \in Mortal /\ zk[path].owner[2] \in 1..server[zk[path].owner[1]].opened)
    /\ \A p \in Processes :
         LET s == server[p] IN
         /\ s.opened \in Nat /\ s.life \in 1..(Crashes + 1) /\ s.session \in 0..s.opened /\ s.known \in BOOLEAN
         /\ s.known => s.session # 0
         /\ s.lagging # None => s.known
         /\ ~s.known => s.watches = {} /\ s.events = <<>>
         /\ \A g \in s.ghosts : g \in 1..s.opened /\ g # s.session
         /\ \A l \in s.late : l.session \in s.ghosts
         /\ asks[p] = None \/ (asks[p] \in Seq(Range(asks[p])) /\ s.session # 0)
    /\ \A p \in Processes :
         /\ local[p].at \in PlacesOf(p)
         /\ local[p].at = "dead" => asks[p] = None /\ ~server[p].known
         /\ \A act \in local[p].acts : act.resource \in Resources /\ act.token \in Nat \X Nat
    /\ \A r \in Resources : outside[r] = None \/ outside[r].token \in Nat \X Nat
    /\ left \in [expiries : 0..Expiries, losses : 0..Losses, crashes : 0..Crashes, stops : 0..Stops, lags : 0..Lags]

\* No two masters lead whose sessions live. What a master writes carries the epoch that
\* is the highest at that moment.
OneLeads == Library = "honest" => \A m, n \in Range(MasterNames) : Leads(m) /\ Leads(n) /\ server[m].known /\ server[n].known => m = n
WritesOfTheEpoch ==
    \A t \in T :
      /\ \A path \in Assignments(zk', t) : path \in DOMAIN zk \/ zk'[path].data.epoch = Epoch
      /\ HasStatus(zk', t) /\ ~HasStatus(zk, t) /\ zk'[StatusPath(t)].data.state = "failed" => zk'[StatusPath(t)].data.epoch = Epoch
SingleMaster == [][OneLeads' /\ WritesOfTheEpoch]_vars

\* A task that was accepted is there.
NoLostTask == \A t \in Accepted(local[TheClient]) : Exists(zk, TaskPath(t)) \/ ~Guarded("submission-by-id")

\* A status is never changed.
NoDoubleResult == [][\A t \in T : HasStatus(zk, t) => HasStatus(zk', t) /\ zk'[StatusPath(t)] = zk[StatusPath(t)]]_vars

\* Every task was submitted, and one submission makes one task.
NoPhantomTask == Names(zk, TasksPath) \subseteq T

\* Nothing is assigned to a worker that is not there.
NoOrphan == [][\A t \in T : \A path \in Assignments(zk', t) : path \in DOMAIN zk \/ Exists(zk, WorkerPath(path[2]))]_vars

\* A result comes from the assignment that it is of, and from its incarnation.
Own(t, token) == \E path \in Assignments(zk, t) :
    Token(zk[path]) = token /\ zk[path].data.incarnation = zk[InboxPath(path[2])].version
ResultFromItsAttempt ==
    [][\A t \in T : HasStatus(zk', t) /\ ~HasStatus(zk, t) /\ zk'[StatusPath(t)].data.state = "done" => Own(t, Token(zk'[StatusPath(t)]))]_vars

\* No two executions have the same token, and later ones have greater ones.
Earlier(t) == {Token(zk[path]) : path \in Assignments(zk, t) \cup Records(zk, t) \cup {p \in {StatusPath(t)} : Exists(zk, p)}}
UniqueAttempts ==
    [][/\ \A r \in Resources : outside'[r] = None \/ ~outside'[r].twice
       /\ \A t \in T : \A path \in Assignments(zk', t) :
            path \in DOMAIN zk \/ \A token \in Earlier(t) : Smaller(token, Token(zk'[path]))]_vars

\* No task is between two states: assigned twice, or assigned and ended.
AtomicTransitions ==
    \A t \in T :
      /\ Cardinality(Assignments(zk, t)) <= 1
      /\ \A path \in Assignments(zk, t) :
           /\ ~Exists(zk, AttemptPath(t, zk[path].data.attempt))
           /\ ~HasStatus(zk, t)

\* A task fails after the attempts that it is allowed, not before, and none comes after.
BudgetKept ==
    \A t \in T :
      /\ HasStatus(zk, t) /\ zk[StatusPath(t)].data.state = "failed" => Cardinality(Records(zk, t)) >= Attempts
      /\ \A path \in Assignments(zk, t) : zk[path].data.attempt <= Attempts

\* Outside ZooKeeper no smaller token acts after a greater one.
StaleEffectsFenced == \A r \in Resources : outside[r] = None \/ ~outside[r].stale

\* The status that the client is told is the one that is recorded.
ToldTruly == \A t \in T : LET told == local[TheClient].told[t] IN
    told # None => HasStatus(zk, t) /\ zk[StatusPath(t)].data.state = told

\* When nothing can happen any more but faults, everything that was wanted has come about.
Goal == Satisfied(local[TheClient]) /\ \A t \in T : Assignments(zk, t) = {}
Quiet ==
    \A p \in Processes :
      /\ asks[p] = None /\ local[p].acts = {} /\ local[p].at # "dead"
      /\ server[p].events = <<>> /\ server[p].ghosts = {} /\ ~server[p].overslept /\ server[p].lagging = None /\ (server[p].session = 0 \/ server[p].known)
NeverStuck == Quiet => Goal

\* The machine as a whole goes on wherever it can without another fault. This is all the
\* fairness that is needed: nothing goes round in circles. Where nothing can go on it is
\* Quiet, or TLC reports a deadlock.
FairSpec == Init /\ [][Next \/ (Quiet /\ UNCHANGED vars)]_vars /\ ([]<>Quiet \/ []<><<TRUE>>_vars)

\* Every task that was accepted gets its status, and the client hears of it.
EveryTaskEnds == \A t \in T : (t \in Accepted(local[TheClient])) ~> HasStatus(zk, t)
ClientIsSatisfied == <>[](local[TheClient].at = "over")

=============================================================================
