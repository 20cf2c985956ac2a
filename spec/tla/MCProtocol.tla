------------------------------ MODULE MCProtocol ------------------------------
(* Protocol with writers that guess: every session that lives tries every      *)
(* write with whatever parameters there are. A write with a claim that is not  *)
(* the current one is refused by its first demand; it is left out because a    *)
(* refused write changes nothing.                                              *)
EXTENDS Protocol

CONSTANTS MaxEpoch, MaxIncarnation, MaxAttempt, MaxLives, MaxBudget

Numbers  == 1..MaxAttempt
Token    == [epoch : 1..MaxEpoch, attempt : Numbers]
\* A master's records are in its own name; others are never right.
Own(e)   == {k \in Token : k.epoch = e}
Record   == [epoch : 1..MaxEpoch, attempt : Numbers, incarnation : 1..MaxIncarnation, revoked : {FALSE}]
\* A collection names the children that are there; another would be refused.
Listed(t) == LET c == Children(t) IN
  {[k \in 1..Cardinality(c) |-> CHOOSE x \in c : Cardinality({y \in c : y < x}) = k - 1]}

MasterWrite(s, e) ==
  \/ Heartbeat(s, e)
  \/ Resign(s, e)
  \/ \E w \in Workers : OpenInbox(s, e, w)
  \/ \E t \in Tasks :
     \/ \E c \in Listed(t) : CollectTask(s, e, t, c)
     \/ \E n \in Numbers : PruneAttempts(s, e, t, <<n>>)
     \/ \E w \in Workers :
        \/ DropTask(s, e, t, w)
        \/ \E k \in Own(e) : ReleaseTask(s, e, t, w, k)
        \/ \E i \in {inbox[w]} \ {None} :
           \/ \E r \in Record : AssignTask(s, e, t, w, i, r)
           \/ \E r \in Record : RevokeTask(s, e, t, w, i, [r EXCEPT !.revoked = TRUE])
           \/ \E from \in Workers, k \in Own(e), r \in Record : ReassignTask(s, e, t, from, k, w, i, r)
     \/ \E w \in Workers \cup {None}, k \in Own(e) : FailTask(s, e, t, w, k)

WorkerWrite(s, w, i) ==
  \/ Retire(s, w, i)
  \/ \E t \in Tasks, shown \in BOOLEAN :
     \/ MootEnding(s, w, i, t, shown)
     \/ \E k \in Token : CompleteTask(s, w, i, t, k, shown) \/ GiveBack(s, w, i, t, k, shown)
  \/ \E t \in Tasks, how \in {"set", "create", "replace"} : ShowProgress(s, w, i, t, how)

ClientWrite(s) ==
  \E t \in Tasks :
     \/ \E b \in 0..MaxBudget, r \in BOOLEAN : SubmitTask(s, t, b, r)
     \/ CancelTask(s, t)
     \/ \E c \in Listed(t) : Collect(s, t, c)

Next ==
  \E s \in Sessions \ over :
    \/ Expire(s) \/ Close(s) \/ Other(s)
    \/ \E v \in 0..MaxEpoch : Elect(s, v)
    \/ \E e \in {epoch} : Leads(s, e) /\ MasterWrite(s, e)
    \/ \E w \in Workers :
       \/ EnsureInbox(s, w)
       \/ \E v \in 0..MaxIncarnation : Register(s, w, v)
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
