----------------------------- MODULE ProtocolTrace -----------------------------
(***************************************************************************)
(* Accepts recorded traces as behaviours of Protocol. TraceData, which     *)
(* `torture trace` generates, has the traces; each is about one task (or   *)
(* none: the claims):                                                      *)
(*   writes  what was answered, in ZooKeeper's order                       *)
(*   floats  what was never answered: each may have been applied before    *)
(*           the write at any place in since..until, or never               *)
(*                                                                         *)
(* A trace is accepted when some behaviour gets to its end. For each trace *)
(* the furthest place that was reached is printed when all have been       *)
(* followed: TLC 1.7.4 knows no POSTCONDITION, so there is one behaviour   *)
(* more that only counts to Horizon, which is further than any other can   *)
(* go, and breadth-first search with one worker comes to its end last.     *)
(***************************************************************************)
EXTENDS Protocol, TraceData, TLC

VARIABLES
  tr,     \* the trace
  l,      \* the write that comes next
  done    \* floats that have been applied

T  == 1   \* the only task
Trace == Traces[tr]
Ev == Trace.writes[l]

Counter == Len(Traces) + 1
Coming  == tr # Counter /\ l <= Len(Trace.writes)

TraceInit == Init /\ tr \in 1..Counter /\ l = 1 /\ done = {}

\* The action that a write is.
Do(x) ==
  CASE x.kind = "Close"         -> Close(x.session)
    [] x.kind = "SessionOver"   -> SessionOver(x.session)
    [] x.kind = "Elect"         -> Elect(x.session, x.version, x.acks)
    [] x.kind = "Heartbeat"     -> Heartbeat(x.session, x.epoch)
    [] x.kind = "SignBacklog"   -> SignBacklog(x.session, x.epoch)
    [] x.kind = "Resign"        -> Resign(x.session, x.epoch)
    [] x.kind = "OpenInbox"     -> OpenInbox(x.session, x.epoch, x.worker)
    [] x.kind = "AssignTask"    -> AssignTask(x.session, x.epoch, T, x.worker, x.incarnation, x.record)
    [] x.kind = "ReassignTask"  -> ReassignTask(x.session, x.epoch, T, x.from, x.token, x.left, x.worker, x.incarnation, x.record)
    [] x.kind = "ReleaseTask"   -> ReleaseTask(x.session, x.epoch, T, x.from, x.token, x.left)
    [] x.kind = "RevokeTask"    -> RevokeTask(x.session, x.epoch, T, x.worker, x.incarnation, x.record)
    [] x.kind = "TakeTask"      -> TakeTask(x.session, x.epoch, T, x.worker, x.incarnation, x.record)
    [] x.kind = "FenceWorker"   -> FenceWorker(x.session, x.epoch, x.worker, x.incarnation)
    [] x.kind = "DropTask"      -> DropTask(x.session, x.epoch, T, x.from)
    [] x.kind = "FailTask"      -> FailTask(x.session, x.epoch, T, IF x.from = 0 THEN None ELSE x.from, x.token, x.left)
    [] x.kind = "CollectTask"   -> CollectTask(x.session, x.epoch, T, x.children)
    [] x.kind = "CollectTaskPart" -> CollectTaskPart(x.session, x.epoch, T, x.children)
    [] x.kind = "PruneAttempts" -> PruneAttempts(x.session, x.epoch, T, x.children)
    [] x.kind = "EnsureInbox"   -> EnsureInbox(x.session, x.worker)
    [] x.kind = "Register"      -> Register(x.session, x.worker, x.version, x.acks)
    [] x.kind = "Retire"        -> Retire(x.session, x.worker, x.incarnation)
    [] x.kind = "Confirm"       -> Confirm(x.session, x.worker, x.incarnation)
    [] x.kind = "CompleteTask"  -> CompleteTask(x.session, x.worker, x.incarnation, T, x.token, x.shown)
    [] x.kind = "GiveBack"      -> GiveBack(x.session, x.worker, x.incarnation, T, x.token, x.left, x.shown)
    [] x.kind = "MootEnding"    -> MootEnding(x.session, x.worker, x.incarnation, T, x.shown)
    [] x.kind = "ShowProgress"  -> ShowProgress(x.session, x.worker, x.incarnation, T, x.how)
    [] x.kind = "SubmitTask"    -> SubmitTask(x.session, T, x.budget, x.resident)
    [] x.kind = "CancelTask"    -> CancelTask(x.session, T)
    [] x.kind = "Collect"       -> Collect(x.session, T, x.children)
    [] x.kind = "CollectPart"   -> CollectPart(x.session, T, x.children)
    [] x.kind = "Other"         -> Other(x.session)
    [] OTHER                    -> FALSE  \* no write of the protocol

\* The version that a claim has then, where the answer tells.
Gained(x) ==
  CASE x.kind = "Elect"                -> epoch' = x.got
    [] x.kind \in {"Register", "Retire"} -> inbox'[x.worker] = x.got
    [] OTHER                           -> TRUE

\* The next write, with the answer that it had.
Step ==
  /\ Coming
  /\ Do(Ev)
  /\ answer' = [error |-> Ev.error, index |-> Ev.index]
  /\ Ev.error = "" => Gained(Ev)
  /\ l' = l + 1 /\ UNCHANGED <<tr, done>>

Open(k) == Trace.floats[k].since <= l /\ l <= Trace.floats[k].until

\* A float is applied. One that is refused is as good as one that never arrived.
Applied ==
  /\ Coming
  /\ \E k \in 1..Len(Trace.floats) :
    /\ Open(k) /\ k \notin done
    /\ Do(Trace.floats[k])
    /\ answer'.error = ""
    /\ done' = done \cup {k} /\ UNCHANGED <<tr, l>>

\* A session is over, which the write that comes next could show: its own, or one that
\* owns an ephemeral which that write demands to be there or not to be there, or one
\* whose worker a master robs of an assignment. The end of
\* any other may as well come later: it changes nothing that anybody sees before.
Holder(w) ==
  LET r == task[T].assigned[w] IN
  IF r = None THEN None ELSE IF r.incarnation \in 1..Len(born[w]) THEN born[w][r.incarnation] ELSE None
Touched(x) ==
  CASE x.kind \in {"Elect", "Resign"} -> {master}
    [] x.kind = "ReassignTask" -> {worker[x.worker], Holder(x.from)}
    [] x.kind \in {"Register", "AssignTask", "RevokeTask", "TakeTask", "OpenInbox"} -> {worker[x.worker]}
    [] x.kind \in {"ReleaseTask", "DropTask"} -> {Holder(x.from)}
    [] x.kind = "FailTask" /\ x.from # 0 -> {Holder(x.from)}
    [] x.kind \in {"CompleteTask", "GiveBack", "MootEnding", "ShowProgress", "CollectTask", "Collect", "CollectTaskPart", "CollectPart"} -> {task[T].progress}
    [] OTHER -> {}

Shown ==
  Touched(Ev) \cup (IF Ev.error = "session expired" THEN {Ev.session} ELSE {})
    \cup UNION {Touched(Trace.floats[k]) : k \in {j \in 1..Len(Trace.floats) : Open(j) /\ j \notin done}}

Unseen ==
  /\ Coming
  /\ \E s \in Shown \ {None} : Expire(s)
  /\ UNCHANGED <<tr, l, done>>

Count == tr = Counter /\ l < Horizon /\ l' = l + 1 /\ UNCHANGED <<vars, tr, done>>

TraceSpec == TraceInit /\ [][Step \/ Applied \/ Unseen \/ Count]_<<vars, tr, l, done>>

\* Neither the last answer nor a float that is over tells behaviours apart.
TraceView == <<claims, task, tr, l, {k \in done : Trace.floats[k].until >= l}>>

\* Furthest place reached, by trace.
ASSUME TLCSet(1, [n \in 1..Counter |-> 0])

Report ==
  \A n \in 1..Len(Traces) :
    PrintT(<<"FURTHEST", n, TLCGet(1)[n]>>)  \* one more than there are writes: accepted

Note ==
  /\ l > TLCGet(1)[tr] => TLCSet(1, [TLCGet(1) EXCEPT ![tr] = l])
  /\ tr = Counter /\ l = Horizon => Report
=============================================================================
