----------------------------- MODULE MCRefinement -----------------------------
(***************************************************************************)
(* The machine of MasterWorker.tla writes nothing that Protocol.tla does   *)
(* not allow: every step of it is a step of Protocol, or changes nothing   *)
(* there. Protocol remembers who began each epoch and incarnation and what *)
(* was ever assigned; three variables that nobody reads remember it here.  *)
(***************************************************************************)
EXTENDS MasterWorker

VARIABLES begun, born, given

Owner(path) == zk'[path].owner
RInit == Init /\ begun = <<>> /\ born = [w \in W |-> <<>>] /\ given = [t \in T |-> {}]
RNext ==
    /\ Next
    /\ begun' = IF zk'[AssignPath].version > zk[AssignPath].version THEN Append(begun, Owner(MasterPath)) ELSE begun
    /\ born' = [w \in W |->
         IF Exists(zk, InboxPath(w)) /\ zk'[InboxPath(w)].version > zk[InboxPath(w)].version
         THEN Append(born[w], Owner(WorkerPath(w))) ELSE born[w]]
    /\ given' = [t \in T |-> given[t] \cup
         {[worker |-> path[2], epoch |-> zk'[path].data.epoch, attempt |-> zk'[path].data.attempt,
           incarnation |-> zk'[path].data.incarnation] : path \in Assignments(zk', t)}]
RSpec == RInit /\ [][RNext]_<<vars, begun, born, given>>

\* A session lives while it is in use and known, or a ghost.
Lives(p, n) == (server[p].session = n /\ server[p].known) \/ n \in server[p].ghosts
MostSessions == 1 + Expiries + Crashes + Stops + Losses
AllSessions == Processes \X (1..MostSessions)
Ended_ == {s \in AllSessions : s[2] <= server[s[1]].opened /\ ~Lives(s[1], s[2])}

OwnerAt_(path) == IF Exists(zk, path) THEN zk[path].owner ELSE None
Assigned_(w, t) ==
    LET path == AssignmentPath(w, t) IN
    IF ~Exists(zk, path) THEN None
    ELSE [epoch |-> zk[path].data.epoch, attempt |-> zk[path].data.attempt,
          incarnation |-> zk[path].data.incarnation, revoked |-> FALSE, taken |-> FALSE]
Task_(t) ==
    LET there == Exists(zk, TaskPath(t)) IN
    [exists |-> there, lives |-> IF there THEN 1 ELSE 0, past |-> 0, budget |-> IF there THEN Attempts ELSE 0, resident |-> FALSE,
     attempts |-> {[epoch |-> zk[path].data.epoch, attempt |-> zk[path].data.attempt] : path \in Records(zk, t)},
     left |-> {},
     status |-> IF HasStatus(zk, t) THEN zk[StatusPath(t)].data ELSE None,
     assigned |-> [w \in W |-> Assigned_(w, t)],
     progress |-> None,
     parted |-> FALSE,
     given |-> given[t]]

P == INSTANCE MCProtocol WITH
       Sessions <- AllSessions, Workers <- W, Tasks <- T, Kept <- 16, Handovers <- 0,
       MaxEpoch <- MostSessions + 1, MaxIncarnation <- MostSessions + 1, MaxAttempt <- Attempts, MaxLives <- 1, MaxBudget <- Attempts,
       epoch <- Epoch, begun <- begun, heeds <- [e \in 1..Len(begun) |-> TRUE], master <- OwnerAt_(MasterPath),
       worker <- [w \in W |-> OwnerAt_(WorkerPath(w))],
       inbox <- [w \in W |-> IF Exists(zk, InboxPath(w)) THEN zk[InboxPath(w)].version ELSE None],
       born <- born, retiring <- [w \in W |-> FALSE], acks <- [w \in W |-> TRUE], over <- Ended_,
       task <- [t \in T |-> Task_(t)], answer <- [error |-> "", index |-> -1]

RefinesProtocol == P!Spec
=============================================================================
