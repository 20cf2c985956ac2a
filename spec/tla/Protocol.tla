------------------------------- MODULE Protocol -------------------------------
(***************************************************************************)
(* The recipe as an abstract machine: what may be written to ZooKeeper, by *)
(* whom, and when. Nothing is said about what a process does between two   *)
(* writes or how it came to know what it writes; that is MasterWorker.tla. *)
(*                                                                         *)
(* Every action is one write: a list of demands, one for each operation of *)
(* the multi, in order. A demand is "" when the state meets it, otherwise  *)
(* the error that ZooKeeper answers. The first demand that is not met      *)
(* refuses the whole write, by its error and its index; a refused write is *)
(* a behaviour like any other, and changes nothing. Because one multi may  *)
(* carry the decisions about many tasks, a write may also be refused       *)
(* "elsewhere", after the first so many of its own demands were met.       *)
(*                                                                         *)
(* Two things make a write right. Its demands are checked by ZooKeeper:    *)
(* whatever the writer believed, a write whose demands are not met does    *)
(* nothing. What no demand can say, the writer promises: it must know it   *)
(* for certain, because only who holds its claim can change it. Promises   *)
(* stand below "promised". What a write says of itself must be right even  *)
(* when it is refused; that stands beside Leads and Serves. Whoever        *)
(* refines this machine has to keep both.                                  *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Sessions,  \* of ZooKeeper, each used by one process and never replaced
  Workers,   \* names that workers register under
  Tasks,     \* names of tasks
  None,      \* what is not there
  Kept,      \* records of attempts that a resident task keeps at least
  Handovers  \* attempts of one task that do not count because their workers left

VARIABLES
  (* Claims. *)
  epoch,     \* data version of /assign
  begun,     \* begun[e]: the session that began epoch e
  heeds,     \* heeds[e]: the record of that claim says that its master takes nothing from
             \* a worker that is there, records the tokens of assignments, and counts no
             \* attempt whose worker left; masters of earlier builds do not
  master,    \* session that owns /master, or None
  worker,    \* worker[w]: session that owns /workers/w, or None
  inbox,     \* inbox[w]: data version of /assign/w, or None. It is w's incarnation
  born,      \* born[w][i]: the session that wrote incarnation i of w
  retiring,  \* retiring[w]: the record of w's claim says that it takes no more. A wish:
             \* a master that knows the new incarnation need not have read its record yet
  acks,      \* acks[w]: the record says that w gives back itself what is taken from it;
             \* workers of earlier builds do not
  over,      \* sessions that have been closed or have expired
  (* Tasks. task[t] is a record:                                           *)
  (*   exists    /tasks/t is there                                         *)
  (*   lives     how many times it was made                                *)
  (*   past      the greatest attempt on record in earlier lives, or before *)
  (*             a part was removed                                        *)
  (*   budget    after how many attempts it fails; 0 for never             *)
  (*   resident  it moves from worker to worker and never ends by itself   *)
  (*   attempts  what is on record: [epoch, attempt] of /tasks/t/attempt-n *)
  (*   left      numbers of those that do not count: /tasks/t/left-n       *)
  (*   status    None or [state, epoch, attempt]                           *)
  (*   assigned  by worker: None or what /assign/w/t says                  *)
  (*   progress  session that owns /tasks/t/progress, or None              *)
  (*   parted    a part of what is below it was removed                    *)
  (*   given     every assignment that there ever was, with its worker     *)
  task,
  answer     \* to the last write: [error, index]; error "" if it was applied

claims == <<epoch, begun, heeds, master, worker, inbox, born, retiring, acks, over>>
state  == <<claims, task>>
vars   == <<claims, task, answer>>

-----------------------------------------------------------------------------
(* What ZooKeeper answers. *)

OK       == [error |-> "", index |-> -1]
Expired  == [error |-> "session expired", index |-> -1]

\* The first demand that is not met; 0 if all are.
Unmet(demands) ==
  IF \A k \in 1..Len(demands) : demands[k] = "" THEN 0
  ELSE CHOOSE k \in 1..Len(demands) : demands[k] # "" /\ \A j \in 1..(k - 1) : demands[j] = ""

Accepted(s, demands) == s \notin over /\ Unmet(demands) = 0 /\ answer' = OK

Refusals(s, demands) ==
  LET k   == Unmet(demands)
      met == IF k = 0 THEN Len(demands) ELSE k - 1
  IN IF s \in over THEN {Expired}
     ELSE (IF k = 0 THEN {} ELSE {[error |-> demands[k], index |-> k - 1]})
          \cup {[error |-> "elsewhere", index |-> m] : m \in 0..met}

Refused(s, demands) == (\E a \in Refusals(s, demands) : answer' = a) /\ UNCHANGED state

-----------------------------------------------------------------------------
(* Demands: check, create, set and delete on each kind of znode. *)

Else(met, error) == IF met THEN "" ELSE error

IsEpoch(e)        == Else(epoch = e, "bad version")
MasterThere       == Else(master # None, "no node")
MasterFree        == Else(master = None, "node exists")
WorkerThere(w)    == Else(worker[w] # None, "no node")
WorkerFree(w)     == Else(worker[w] = None, "node exists")
InboxFree(w)      == Else(inbox[w] = None, "node exists")
IsIncarnation(w, i) ==
  IF inbox[w] = None THEN "no node" ELSE Else(inbox[w] = i, "bad version")

Below(t, free)      == IF task[t].exists THEN Else(free, "node exists") ELSE "no node"
TaskFree(t)         == Else(~task[t].exists, "node exists")
TaskThere(t)        == Below(t, TRUE)
Recorded(t)         == {a.attempt : a \in task[t].attempts}
AttemptThere(t, n)  == Else(n \in Recorded(t), "no node")
AttemptFree(t, n)   == Below(t, n \notin Recorded(t))
LeftThere(t, n)     == Else(n \in task[t].left, "no node")
\* What a record demands: the mark that it does not count comes beside it.
Recording(t, n, left) ==
  <<AttemptFree(t, n)>> \o (IF left THEN <<Below(t, n \notin task[t].left)>> ELSE <<>>)
StatusThere(t)      == Else(task[t].status # None, "no node")
StatusFree(t)       == Below(t, task[t].status = None)
ProgressThere(t)    == Else(task[t].progress # None, "no node")
ProgressFree(t)     == Below(t, task[t].progress = None)
AssignedAt(w, t)    == Else(task[t].assigned[w] # None, "no node")
AssignmentFree(w, t) ==
  IF inbox[w] = None THEN "no node" ELSE Else(task[t].assigned[w] = None, "node exists")

\* Children of /tasks/t are called by number: n for attempt-n, -1 - n for left-n.
StatusChild   == 0
ProgressChild == -1
ChildThere(t, c) ==
  CASE c = StatusChild   -> StatusThere(t)
    [] c = ProgressChild -> ProgressThere(t)
    [] c < ProgressChild -> LeftThere(t, -1 - c)
    [] OTHER             -> AttemptThere(t, c)
Children(t) ==
  Recorded(t) \cup {-1 - n : n \in task[t].left} \cup (IF task[t].status = None THEN {} ELSE {StatusChild})
              \cup (IF task[t].progress = None THEN {} ELSE {ProgressChild})
\* Delete /tasks/t when those children have been deleted.
TaskBare(t, children) ==
  IF ~task[t].exists THEN "no node"
  ELSE Else(\A c \in Children(t) : \E k \in 1..Len(children) : children[k] = c, "not empty")

-----------------------------------------------------------------------------
(* Who holds a claim, and what is certain about a task. *)

\* The session began that epoch. Nobody else writes in its name.
Leads(s, e) == e \in 1..Len(begun) /\ begun[e] = s

\* The session wrote that incarnation of the worker.
Serves(s, w, i) == i \in 1..Len(born[w]) /\ born[w][i] = s

Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Last(t) == Max(Recorded(t) \cup {0})

Unassigned(t) == \A w \in Workers : task[t].assigned[w] = None

\* Only while a task has its first life can a writer rely on what it has read
\* of it: a client may collect it and another submit it anew.
FirstLife(t) == task[t].lives = 1

\* The claim for which an assignment was made is lost: its session is over, or another
\* has the claim, or nobody. Whoever held it can write nothing more. What a worker holds
\* that is there goes only by a write of its own, so that it knows, and cannot end a later
\* assignment of the same name. Workers of earlier builds had no part in that.
Lost(w, r) ==
  \/ ~acks[w]
  \/ r.incarnation \notin 1..Len(born[w])
  \/ born[w][r.incarnation] \in over
  \/ born[w][r.incarnation] # born[w][inbox[w]]

\* Nothing more can come of an assignment.
Ended(t) == ~task[t].exists \/ task[t].status # None \/ ~FirstLife(t)

\* The attempt that comes next: nobody but the master that assigns it makes it so,
\* and where a task is in its second life, the master may not know that yet.
Next_(t, n) == n = Last(t) + 1 \/ (~FirstLife(t) /\ n > Last(t) /\ n <= task[t].past + 1)

\* How many of n attempts count, if one more of them does not.
Smallest(a, b) == IF a < b THEN a ELSE b
Spent(t, n, left) == n - Smallest(Cardinality(task[t].left) + (IF left THEN 1 ELSE 0), Handovers)

\* After n attempts there may be another.
Within(t, n, left) == FirstLife(t) /\ task[t].budget > 0 => Spent(t, n, left) < task[t].budget

\* A new assignment says in whose name and for which incarnation it is.
Proper(r, e, i) == r.epoch = e /\ r.incarnation = i /\ ~r.revoked /\ ~r.taken

Assignable(t, left, r) ==
  /\ task[t].exists
  /\ IF task[t].status = None THEN TRUE ELSE task[t].status.state = "cancelled"
  /\ ~(FirstLife(t) /\ task[t].parted)
  /\ Within(t, r.attempt - 1, left)

\* The token is that of the assignment which goes.
Its(t, w, token) ==
  token.epoch = task[t].assigned[w].epoch /\ token.attempt = task[t].assigned[w].attempt

\* The worker was given that execution, at some time.
Given(t, w, token) ==
  {g \in task[t].given : g.worker = w /\ g.epoch = token.epoch /\ g.attempt = token.attempt}

\* What a master says of an attempt that ends: its token was given out, and is that of
\* the assignment which goes, whose worker is lost. One of an earlier build gives it its
\* own epoch and the number that it believes to come next, and robs workers that are there.
Was(e, t, w, token) == IF heeds[e] THEN Given(t, w, token) # {} ELSE token.epoch = e
EndsAttempt(e, t, w, token) ==
  IF heeds[e] THEN Its(t, w, token) /\ Lost(w, task[t].assigned[w])
  ELSE token.attempt = task[t].assigned[w].attempt
Robs(e, t, w) == heeds[e] => Lost(w, task[t].assigned[w])

\* The attempts of a task are spent, as that master counts.
AllSpent(e, t, n, left) ==
  FirstLife(t) => IF heeds[e] THEN Spent(t, n, left) = task[t].budget ELSE n >= task[t].budget
\* The token of the last attempt, as that master says it.
LastOnRecord(e, t, token) ==
  /\ token.attempt = Last(t) /\ token.attempt > 0
  /\ IF heeds[e] THEN token \in task[t].attempts ELSE token.epoch = e

\* A resident task has no budget, and no marks that an attempt does not count.
Markable(t, left) == left => ~task[t].resident

-----------------------------------------------------------------------------
(* Changes of a task. *)

Become(t, new) == task' = [task EXCEPT ![t] = new] /\ UNCHANGED claims

Without(t, w)    == [task[t] EXCEPT !.assigned[w] = None]
Give(old, w, r)  ==
  [old EXCEPT !.assigned[w] = r,
              !.given = @ \cup {[worker |-> w, epoch |-> r.epoch, attempt |-> r.attempt, incarnation |-> r.incarnation]}]
With(r, token, left) ==
  [r EXCEPT !.attempts = @ \cup {token}, !.left = IF left THEN @ \cup {token.attempt} ELSE @]
Hidden(r, shown) == IF shown THEN [r EXCEPT !.progress = None] ELSE r
Gone(t) ==
  [task[t] EXCEPT !.exists = FALSE, !.past = IF @ > Last(t) THEN @ ELSE Last(t),
                  !.attempts = {}, !.left = {}, !.status = None, !.progress = None, !.parted = FALSE]
Parted(t, children) ==
  LET gone(c) == \E k \in 1..Len(children) : children[k] = c IN
  [task[t] EXCEPT !.past = IF @ > Last(t) THEN @ ELSE Last(t), !.parted = TRUE,
                  !.attempts = {a \in @ : ~gone(a.attempt)}, !.left = {n \in @ : ~gone(-1 - n)},
                  !.progress = IF gone(ProgressChild) THEN None ELSE @]

-----------------------------------------------------------------------------
(* Sessions. *)

EndOf(s) ==
  /\ over' = over \cup {s}
  /\ master' = IF master = s THEN None ELSE master
  /\ worker' = [w \in Workers |-> IF worker[w] = s THEN None ELSE worker[w]]
  /\ task' = [t \in Tasks |-> IF task[t].progress = s THEN [task[t] EXCEPT !.progress = None] ELSE task[t]]
  /\ UNCHANGED <<epoch, begun, heeds, inbox, born, retiring, acks>>

\* The ensemble ends the session; nobody is told.
Expire(s) == s \notin over /\ EndOf(s) /\ UNCHANGED answer

\* The client ends it.
Close(s) == EndOf(s) /\ answer' = OK

\* Somebody hears that it is over.
SessionOver(s) == s \in over /\ answer' = Expired /\ UNCHANGED state

-----------------------------------------------------------------------------
(* Masters. Every write but Elect begins with the check of /assign.          *)

\* take: create /master, set /assign with the version that was read.
Elect(s, v, h) ==
  LET demands == <<MasterFree, IsEpoch(v)>>
  IN \/ Refused(s, demands)
     \/ /\ Accepted(s, demands)
        /\ epoch' = epoch + 1
        /\ begun' = Append(begun, s)
        /\ heeds' = Append(heeds, h)
        /\ master' = s
        /\ UNCHANGED <<worker, inbox, born, retiring, acks, over, task>>

\* term.beat: nothing but the check.
Heartbeat(s, e) ==
  LET demands == <<IsEpoch(e)>>
  IN /\ Leads(s, e)
     /\ Refused(s, demands) \/ (Accepted(s, demands) /\ UNCHANGED state)

\* signBacklog: /backlog is no part of this machine, the check is.
SignBacklog(s, e) == Heartbeat(s, e)

\* term.resign: delete /master. While the epoch lasts it is one's own.
Resign(s, e) ==
  LET demands == <<IsEpoch(e), MasterThere>>
  IN /\ Leads(s, e)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ master' = None
           /\ UNCHANGED <<epoch, begun, heeds, worker, inbox, born, retiring, acks, over, task>>

\* Create /assign/w for a worker that does not have it.
Opened(w) ==
  /\ inbox' = [inbox EXCEPT ![w] = 0]
  /\ UNCHANGED <<epoch, begun, heeds, master, worker, born, retiring, acks, over, task>>

\* A worker that was made by hand has no inbox. This machine has no such worker: one that
\* registers has its inbox. So what a master tries here because of an old look is refused.
OpenInbox(s, e, w) ==
  LET demands == <<IsEpoch(e), WorkerThere(w), InboxFree(w)>>
  IN Leads(s, e) /\ (Refused(s, demands) \/ (Accepted(s, demands) /\ Opened(w)))

\* Create the assignment. It is new, and of no other worker: only the master makes
\* assignments, and it has read all of them since it was elected.
AssignTask(s, e, t, w, i, r) ==
  LET demands == <<IsEpoch(e), WorkerThere(w), IsIncarnation(w, i), AssignmentFree(w, t)>>
      promised == Unassigned(t) /\ Assignable(t, FALSE, r) /\ Next_(t, r.attempt)
  IN /\ Leads(s, e) /\ Proper(r, e, i)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ promised
           /\ Become(t, Give(task[t], w, r))

\* Delete it here, record the attempt, create it there. The record has the token of the
\* assignment, whoever made that: it is what the handler has handed on.
ReassignTask(s, e, t, from, token, left, w, i, r) ==
  LET demands == <<IsEpoch(e), WorkerThere(w), IsIncarnation(w, i), AssignedAt(from, t)>>
                   \o Recording(t, token.attempt, left) \o <<AssignmentFree(w, t)>>
      promised == EndsAttempt(e, t, from, token) /\ Markable(t, left) /\ Assignable(t, left, r)
  IN /\ Leads(s, e) /\ Proper(r, e, i) /\ Was(e, t, from, token) /\ r.attempt = token.attempt + 1
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ promised
           /\ Become(t, Give(With(Without(t, from), token, left), w, r))

\* Delete it, record the attempt; the task waits.
ReleaseTask(s, e, t, from, token, left) ==
  LET demands == <<IsEpoch(e), AssignedAt(from, t)>> \o Recording(t, token.attempt, left)
  IN /\ Leads(s, e) /\ Was(e, t, from, token)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ EndsAttempt(e, t, from, token) /\ Markable(t, left) /\ Within(t, token.attempt, left)  \* promised
           /\ Become(t, With(Without(t, from), token, left))

\* Tell the worker of a resident task to give it back: the same record, revoked.
RevokeTask(s, e, t, w, i, r) ==
  LET demands == <<IsEpoch(e), WorkerThere(w), IsIncarnation(w, i), AssignedAt(w, t)>>
      promised == task[t].resident /\ r = [task[t].assigned[w] EXCEPT !.revoked = TRUE]
  IN /\ Leads(s, e) /\ r.revoked
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ promised
           /\ Become(t, [task[t] EXCEPT !.assigned[w] = r])

\* Tell a worker that is there to give it back at once: the same record, taken. The
\* write also sets /workers/w, so that the worker looks.
TakeTask(s, e, t, w, i, r) ==
  LET demands == <<IsEpoch(e), WorkerThere(w), IsIncarnation(w, i), AssignedAt(w, t)>>
  IN /\ Leads(s, e) /\ r.taken
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ r = [task[t].assigned[w] EXCEPT !.taken = TRUE]  \* promised
           /\ Become(t, [task[t] EXCEPT !.assigned[w] = r])

\* Take the claim from a worker that does not give back: nobody has it then.
FenceWorker(s, e, w, i) ==
  LET demands == <<IsEpoch(e), IsIncarnation(w, i)>>
  IN /\ Leads(s, e)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ inbox' = [inbox EXCEPT ![w] = i + 1]
           /\ born' = [born EXCEPT ![w] = Append(@, None)]
           /\ UNCHANGED <<epoch, begun, heeds, master, worker, retiring, acks, over, task>>

\* Delete an assignment of which nothing more can come.
DropTask(s, e, t, from) ==
  LET demands == <<IsEpoch(e), AssignedAt(from, t)>>
  IN /\ Leads(s, e)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ Ended(t) /\ Robs(e, t, from)  \* promised
           /\ Become(t, Without(t, from))

\* Record the last attempt, if it was running (from is not None), and the status, which
\* has the token of that attempt.
FailTask(s, e, t, from, token, left) ==
  LET ending   == IF from = None THEN <<>> ELSE <<AssignedAt(from, t)>> \o Recording(t, token.attempt, left)
      demands  == <<IsEpoch(e)>> \o ending \o <<StatusFree(t)>>
      ended    == IF from = None THEN task[t] ELSE With(Without(t, from), token, left)
      promised == /\ AllSpent(e, t, token.attempt, left)
                  /\ ~task[t].resident
                  /\ IF from = None THEN Unassigned(t) /\ LastOnRecord(e, t, token)
                     ELSE EndsAttempt(e, t, from, token)
  IN /\ Leads(s, e) /\ (IF from = None THEN ~left ELSE Was(e, t, from, token))
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ promised
           /\ Become(t, [ended EXCEPT !.status = [state |-> "failed", epoch |-> token.epoch, attempt |-> token.attempt]])

\* Delete a finished task exactly as it was read, with all that is below it. Nobody holds
\* it any more: what is made anew under its name could be ended by who still does.
Collection(t, children) ==
  [k \in 1..Len(children) |-> ChildThere(t, children[k])] \o <<TaskBare(t, children)>>
Finished(children) == \E k \in 1..Len(children) : children[k] = StatusChild

CollectTask(s, e, t, children) ==
  LET demands == <<IsEpoch(e)>> \o Collection(t, children)
  IN /\ Leads(s, e) /\ Finished(children)
     /\ \/ Refused(s, demands)
        \/ Accepted(s, demands) /\ (heeds[e] => Unassigned(t)) /\ Become(t, Gone(t))

\* Delete some of what is below a finished task which is too large for one write. The
\* task and its status are checked and stay, until the rest goes with them as in
\* CollectTask. Masters that do not know who holds a task write no parts.
Portion(t, children) ==
  <<TaskThere(t), StatusThere(t)>> \o [k \in 1..Len(children) |-> ChildThere(t, children[k])]
SomeBelow(children) == Len(children) > 0 /\ ~Finished(children)

CollectTaskPart(s, e, t, children) ==
  LET demands == <<IsEpoch(e)>> \o Portion(t, children)
  IN /\ Leads(s, e) /\ SomeBelow(children)
     /\ Refused(s, demands) \/ (Accepted(s, demands) /\ Unassigned(t) /\ Become(t, Parted(t, children)))

\* Delete the oldest records of a resident task.
PruneAttempts(s, e, t, numbers) ==
  LET demands  == <<IsEpoch(e)>> \o [k \in 1..Len(numbers) |-> AttemptThere(t, numbers[k])]
      pruned   == {numbers[k] : k \in 1..Len(numbers)}
      rest     == {a \in task[t].attempts : a.attempt \notin pruned}
      promised == task[t].resident /\ Cardinality(rest) >= Kept /\ \A a \in rest : \A n \in pruned : n < a.attempt
  IN /\ Leads(s, e)
     /\ \/ Refused(s, demands)
        \/ Accepted(s, demands) /\ promised /\ Become(t, [task[t] EXCEPT !.attempts = rest])

-----------------------------------------------------------------------------
(* Workers. Every write but EnsureInbox and Register begins with the check    *)
(* of /assign/w.                                                              *)

\* ensure: anybody may create an inbox; it is no claim before somebody registers.
EnsureInbox(s, w) ==
  LET demands == <<InboxFree(w)>>
  IN Refused(s, demands) \/ (Accepted(s, demands) /\ Opened(w))

\* take: create /workers/w, set /assign/w with the version that was read.
Register(s, w, v, a) ==
  LET demands == <<WorkerFree(w), IsIncarnation(w, v)>>
  IN \/ Refused(s, demands)
     \/ /\ Accepted(s, demands)
        /\ worker' = [worker EXCEPT ![w] = s]
        /\ inbox' = [inbox EXCEPT ![w] = v + 1]
        /\ born' = [born EXCEPT ![w] = Append(@, s)]
        /\ retiring' = [retiring EXCEPT ![w] = FALSE]
        /\ acks' = [acks EXCEPT ![w] = a]
        /\ UNCHANGED <<epoch, begun, heeds, master, over, task>>

\* incarnation.retire: renew the claim with a record that says so.
Retire(s, w, i) ==
  LET demands == <<IsIncarnation(w, i), IsIncarnation(w, i)>>
  IN /\ Serves(s, w, i)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ inbox' = [inbox EXCEPT ![w] = i + 1]
           /\ born' = [born EXCEPT ![w] = Append(@, s)]
           /\ retiring' = [retiring EXCEPT ![w] = TRUE]
           /\ UNCHANGED <<epoch, begun, heeds, master, worker, acks, over, task>>

\* incarnation.beat: nothing but the check.
Confirm(s, w, i) ==
  LET demands == <<IsIncarnation(w, i)>>
  IN /\ Serves(s, w, i)
     /\ Refused(s, demands) \/ (Accepted(s, demands) /\ UNCHANGED state)

\* An execution ends: its assignment goes, its progress, if it was shown, and the
\* record comes.
Ending(w, i, t, shown) ==
  <<IsIncarnation(w, i), AssignedAt(w, t)>> \o (IF shown THEN <<ProgressThere(t)>> ELSE <<>>)

CompleteTask(s, w, i, t, token, shown) ==
  LET demands  == Ending(w, i, t, shown) \o <<StatusFree(t)>>
      promised == Its(t, w, token) /\ Serves(s, w, task[t].assigned[w].incarnation)
  IN /\ Serves(s, w, i) /\ \E g \in Given(t, w, token) : Serves(s, w, g.incarnation)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ promised
           /\ Become(t, [Hidden(Without(t, w), shown) EXCEPT
                !.status = [state |-> "done", epoch |-> token.epoch, attempt |-> token.attempt]])

GiveBack(s, w, i, t, token, left, shown) ==
  LET demands == Ending(w, i, t, shown) \o Recording(t, token.attempt, left)
  IN /\ Serves(s, w, i) /\ Given(t, w, token) # {}
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ Its(t, w, token) /\ Markable(t, left)  \* promised
           /\ Become(t, With(Hidden(Without(t, w), shown), token, left))

\* The task ended without this execution: only the assignment goes.
MootEnding(s, w, i, t, shown) ==
  LET demands == Ending(w, i, t, shown)
  IN /\ Serves(s, w, i)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ Ended(t)  \* promised
           /\ Become(t, Hidden(Without(t, w), shown))

\* incarnation.showing: publish progress, as new data, as a new ephemeral, or as one
\* in the place of what an earlier execution has left.
ShowProgress(s, w, i, t, how) ==
  LET mine    == <<IsIncarnation(w, i), AssignedAt(w, t)>>
      demands == mine \o CASE how = "set"     -> <<ProgressThere(t)>>
                           [] how = "create"  -> <<ProgressFree(t)>>
                           [] how = "replace" -> <<ProgressThere(t), Below(t, TRUE)>>
  IN /\ Serves(s, w, i)
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ Become(t, IF how = "set" THEN task[t] ELSE [task[t] EXCEPT !.progress = s])

-----------------------------------------------------------------------------
(* Clients hold no claim: what they write, anybody may.                       *)

SubmitTask(s, t, budget, resident) ==
  LET demands == <<TaskFree(t)>>
  IN /\ resident => budget = 0
     /\ \/ Refused(s, demands)
        \/ /\ Accepted(s, demands)
           /\ Become(t, [task[t] EXCEPT !.exists = TRUE, !.lives = @ + 1, !.budget = budget, !.resident = resident])

\* The second operation rings for the master and is always met.
CancelTask(s, t) ==
  LET demands == <<StatusFree(t), "">>
  IN \/ Refused(s, demands)
     \/ /\ Accepted(s, demands)
        /\ Become(t, [task[t] EXCEPT !.status = [state |-> "cancelled", epoch |-> 0, attempt |-> 0]])

\* What a master removes, it removes in the name of its epoch.
LeadsNothing(s) == \A e \in 1..Len(begun) : begun[e] # s

\* Client.Collect
Collect(s, t, children) ==
  LET demands == Collection(t, children)
  IN /\ LeadsNothing(s) /\ Finished(children)
     /\ Refused(s, demands) \/ (Accepted(s, demands) /\ Unassigned(t) /\ Become(t, Gone(t)))

\* The same of a part. One of a cancelled task is for a master to remove: only a master
\* knows that none will assign the task any more.
CollectPart(s, t, children) ==
  LET demands  == Portion(t, children)
      promised == Unassigned(t) /\ (FirstLife(t) => task[t].status.state # "cancelled")
  IN /\ LeadsNothing(s) /\ SomeBelow(children)
     /\ Refused(s, demands) \/ (Accepted(s, demands) /\ promised /\ Become(t, Parted(t, children)))

\* What touches nothing of this machine and needs no claim: the parents, the line
\* of candidates.
Other(s) == Refused(s, <<>>) \/ (Accepted(s, <<>>) /\ UNCHANGED state)

-----------------------------------------------------------------------------
Unborn ==
  [exists |-> FALSE, lives |-> 0, past |-> 0, budget |-> 0, resident |-> FALSE,
   attempts |-> {}, left |-> {}, status |-> None, assigned |-> [w \in Workers |-> None], progress |-> None,
   parted |-> FALSE, given |-> {}]

Init ==
  /\ epoch = 0 /\ begun = <<>> /\ heeds = <<>> /\ master = None
  /\ worker = [w \in Workers |-> None]
  /\ inbox = [w \in Workers |-> None]
  /\ born = [w \in Workers |-> <<>>]
  /\ retiring = [w \in Workers |-> FALSE]
  /\ acks = [w \in Workers |-> TRUE]
  /\ over = {}
  /\ task = [t \in Tasks |-> Unborn]
  /\ answer = OK

-----------------------------------------------------------------------------
(* What holds.                                                               *)

Epochs       == 1..epoch
Tokens       == [epoch : Epochs, attempt : Nat \ {0}]
Records      == [epoch : Epochs, attempt : Nat \ {0}, incarnation : Nat \ {0}, revoked : BOOLEAN, taken : BOOLEAN]
Statuses     == [state : {"done", "failed"}, epoch : Epochs, attempt : Nat \ {0}]
                \cup [state : {"cancelled"}, epoch : {0}, attempt : {0}]

TypeOK ==
  /\ epoch \in Nat /\ begun \in Seq(Sessions) /\ Len(begun) = epoch /\ heeds \in Seq(BOOLEAN) /\ Len(heeds) = epoch
  /\ master \in Sessions \cup {None}
  /\ over \in SUBSET Sessions
  /\ \A w \in Workers :
       /\ worker[w] \in Sessions \cup {None}
       /\ inbox[w] \in Nat \cup {None}
       /\ born[w] \in Seq(Sessions \cup {None}) /\ Len(born[w]) = IF inbox[w] = None THEN 0 ELSE inbox[w]
       /\ retiring[w] \in BOOLEAN /\ acks[w] \in BOOLEAN
  /\ \A t \in Tasks :
       /\ task[t].exists \in BOOLEAN /\ task[t].resident \in BOOLEAN /\ task[t].parted \in BOOLEAN
       /\ task[t].lives \in Nat /\ task[t].past \in Nat /\ task[t].budget \in Nat
       /\ \A a \in task[t].attempts : a \in Tokens
       /\ ~task[t].parted => task[t].left \subseteq Recorded(t)
       /\ task[t].status = None \/ task[t].status \in Statuses
       /\ \A w \in Workers : task[t].assigned[w] = None \/ task[t].assigned[w] \in Records
       /\ task[t].progress \in Sessions \cup {None}

\* Who owns /master has begun the highest epoch; what is there belongs to sessions
\* that live, and a worker that is there holds its incarnation.
SingleMaster ==
  /\ master # None => master = begun[epoch]
  /\ master \notin over
  /\ \A w \in Workers : worker[w] # None =>
       worker[w] \notin over /\ born[w][inbox[w]] \in {worker[w], None}

\* Nothing is told of a task that was never submitted.
NoPhantomTask ==
  \A t \in Tasks :
    /\ task[t].lives = 0 => task[t] = Unborn
    /\ ~task[t].exists => task[t].attempts = {} /\ task[t].status = None /\ task[t].progress = None /\ ~task[t].parted

\* No two records of one attempt, and what is assigned has not ended yet.
UniqueAttempts ==
  \A t \in Tasks :
    /\ \A a, b \in task[t].attempts : a.attempt = b.attempt => a = b
    /\ FirstLife(t) => \A w \in Workers : task[t].assigned[w] # None =>
         \A a \in task[t].attempts : a.attempt < task[t].assigned[w].attempt /\ a.epoch <= epoch

\* No task is between two states: assigned twice, or assigned and ended, or in part removed
\* and not ended.
AtomicTransitions ==
  \A t \in Tasks :
    /\ \A v, w \in Workers : task[t].assigned[v] # None /\ task[t].assigned[w] # None => v = w
    /\ FirstLife(t) /\ task[t].status # None /\ ~Unassigned(t) => task[t].status.state = "cancelled" /\ ~task[t].parted
    /\ task[t].parted => task[t].status # None

\* A task fails after the attempts that it is allowed, not before, and none comes after.
\* Those whose workers left do not count, so many of them. Of a task that is removed in
\* part the records do not tell any more.
BudgetKept ==
  \A t \in Tasks : FirstLife(t) /\ task[t].budget > 0 /\ ~task[t].parted =>
    /\ Spent(t, Last(t), FALSE) <= task[t].budget
    /\ \A w \in Workers : task[t].assigned[w] # None =>
         /\ Spent(t, Last(t), FALSE) < task[t].budget
         /\ task[t].assigned[w].attempt <= task[t].budget + Handovers
    /\ task[t].status # None /\ task[t].status.state = "failed" =>
         Cardinality(task[t].attempts) = Last(t) /\ Spent(t, Last(t), FALSE) = task[t].budget

\* Nobody holds a task that is gone: what is made anew under its name is not ended by
\* who held the former.
NobodyHoldsWhatIsGone == \A t \in Tasks : ~task[t].exists => Unassigned(t)

\* What a write may not do.
NewAt(t, w) == task[t].assigned[w] = None /\ task'[t].assigned[w] # None

\* A task that is there stays until it has its status.
NoLostTask == [][\A t \in Tasks : task[t].exists /\ ~task'[t].exists => task[t].status # None]_vars

\* What is on record of a task that is there stays, until the task has ended and nobody
\* holds it. Of a resident task the oldest go.
RecordsStay ==
  [][\A t \in Tasks : task'[t].exists /\ ~task[t].resident =>
       \/ task[t].attempts \subseteq task'[t].attempts /\ task[t].left \subseteq task'[t].left
       \/ task[t].status # None /\ Unassigned(t)]_vars

\* A status is never changed.
NoDoubleResult == [][\A t \in Tasks : task[t].status # None /\ task'[t].exists => task'[t].status = task[t].status]_vars

\* Nothing is assigned to a worker that is not there, or for another incarnation.
NoOrphan ==
  [][\A t \in Tasks, w \in Workers : NewAt(t, w) =>
       worker[w] # None /\ task'[t].assigned[w].incarnation = inbox[w]]_vars

\* A result comes from the assignment that goes in the same write.
ResultFromItsAttempt ==
  [][\A t \in Tasks : task[t].status = None /\ task'[t].status # None /\ task'[t].status.state = "done" =>
       \E w \in Workers : /\ task[t].assigned[w] # None /\ task'[t].assigned[w] = None
                          /\ Its(t, w, task'[t].status)
                          /\ Serves(born[w][inbox[w]], w, task[t].assigned[w].incarnation)]_vars

\* What a master writes carries the highest epoch, and later executions have greater tokens.
StaleMasterFenced ==
  [][\A t \in Tasks, w \in Workers : NewAt(t, w) =>
       /\ task'[t].assigned[w].epoch = epoch
       /\ FirstLife(t) => \A a \in task'[t].attempts : a.attempt < task'[t].assigned[w].attempt]_vars

\* What is on record of an attempt has the token under which it was assigned.
RecordsOfAssignments ==
  \A t \in Tasks :
    /\ \A a \in task[t].attempts : \E g \in task[t].given : g.epoch = a.epoch /\ g.attempt = a.attempt
    /\ task[t].status # None /\ task[t].status.state = "failed" /\ ~task[t].parted =>
         [epoch |-> task[t].status.epoch, attempt |-> task[t].status.attempt] \in task[t].attempts

\* An assignment goes with what comes instead, in one write.
NoAttemptForgotten ==
  [][\A t \in Tasks, w \in Workers : FirstLife(t) /\ task[t].assigned[w] # None /\ task'[t].assigned[w] = None =>
       \/ task[t].assigned[w].attempt \in {a.attempt : a \in task'[t].attempts}
       \/ task'[t].status # None \/ ~task[t].exists]_vars
=============================================================================
