------------------------------ MODULE MCProtocol ------------------------------
(* Protocol with writers that guess: every session that lives tries every      *)
(* write with whatever parameters there are. A write with a claim that is not  *)
(* the current one is refused by its first demand; it is left out because a    *)
(* refused write changes nothing.                                              *)
EXTENDS Protocol

CONSTANTS MaxEpoch, MaxIncarnation, MaxAttempt, MaxLives, MaxBudget

Numbers  == 1..MaxAttempt
Token    == [epoch : 1..MaxEpoch, attempt : Numbers]
\* The tokens that a worker was given; a record of another is never right.
Gave(t, w) == {[epoch |-> g.epoch, attempt |-> g.attempt] : g \in {x \in task[t].given : x.worker = w}}
Record   == [epoch : 1..MaxEpoch, attempt : Numbers, incarnation : 1..MaxIncarnation, revoked : {FALSE}, taken : {FALSE}]
\* A collection names the children that are there; another would be refused. A part has
\* the least of them: several come to the same as one after the other.
Listed(t) == LET c == Children(t) IN
  {[k \in 1..Cardinality(c) |-> CHOOSE x \in c : Cardinality({y \in c : y < x}) = k - 1]}
Portions(t) == LET c == Children(t) \ {StatusChild} IN {<<x>> : x \in {y \in c : \A z \in c : y <= z}}

MasterWrite(s, e) ==
  \/ Heartbeat(s, e)
  \/ Resign(s, e)
  \/ \E w \in Workers : OpenInbox(s, e, w)
  \/ \E w \in Workers : \E i \in {inbox[w]} \ {None, 0} : FenceWorker(s, e, w, i)
  \/ \E t \in Tasks :
     \/ \E c \in Listed(t) : CollectTask(s, e, t, c)
     \/ \E c \in Portions(t) : CollectTaskPart(s, e, t, c)
     \/ \E n \in Numbers : PruneAttempts(s, e, t, <<n>>)
     \/ \E w \in Workers :
        \/ DropTask(s, e, t, w)
        \/ \E k \in Gave(t, w), l \in BOOLEAN : ReleaseTask(s, e, t, w, k, l)
        \/ \E i \in {inbox[w]} \ {None} :
           \/ \E r \in Record : AssignTask(s, e, t, w, i, r)
           \/ \E r \in Record : RevokeTask(s, e, t, w, i, [r EXCEPT !.revoked = TRUE])
           \/ task[t].assigned[w] # None /\ TakeTask(s, e, t, w, i, [task[t].assigned[w] EXCEPT !.taken = TRUE])
           \/ \E from \in Workers : \E k \in Gave(t, from), l \in BOOLEAN, r \in Record : ReassignTask(s, e, t, from, k, l, w, i, r)
     \/ \E w \in Workers : \E k \in Gave(t, w), l \in BOOLEAN : FailTask(s, e, t, w, k, l)
     \/ \E k \in task[t].attempts : FailTask(s, e, t, None, k, FALSE)

WorkerWrite(s, w, i) ==
  \/ Retire(s, w, i)
  \/ \E t \in Tasks, shown \in BOOLEAN :
     \/ MootEnding(s, w, i, t, shown)
     \/ \E k \in Token : CompleteTask(s, w, i, t, k, shown) \/ \E l \in BOOLEAN : GiveBack(s, w, i, t, k, l, shown)
  \/ \E t \in Tasks, how \in {"set", "create", "replace"} : ShowProgress(s, w, i, t, how)

ClientWrite(s) ==
  \E t \in Tasks :
     \/ \E b \in 0..MaxBudget, r \in BOOLEAN : SubmitTask(s, t, b, r)
     \/ CancelTask(s, t)
     \/ \E c \in Listed(t) : Collect(s, t, c)
     \/ \E c \in Portions(t) : CollectPart(s, t, c)

Next ==
  \E s \in Sessions \ over :
    \/ Expire(s) \/ Close(s) \/ Other(s)
    \/ \E v \in 0..MaxEpoch : Elect(s, v, TRUE)
    \/ \E e \in {epoch} : Leads(s, e) /\ MasterWrite(s, e)
    \/ \E w \in Workers :
       \/ EnsureInbox(s, w)
       \/ \E v \in 0..MaxIncarnation : Register(s, w, v, TRUE)
       \/ \E i \in {Len(born[w])} : Serves(s, w, i) /\ WorkerWrite(s, w, i)
    \/ ClientWrite(s)

Spec == Init /\ [][Next]_vars

Bound ==
  /\ epoch <= MaxEpoch
  /\ \A w \in Workers : inbox[w] = None \/ inbox[w] <= MaxIncarnation
  /\ \A t \in Tasks : task[t].lives <= MaxLives

\* A refused write changes nothing, so there is nothing to explore behind it.
Never(s, demands) == FALSE

\* The last answer is no part of the state.
View == <<claims, task>>
=============================================================================
