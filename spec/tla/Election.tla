------------------------------- MODULE Election -------------------------------
(***************************************************************************)
(* Leader election (package recipe/election), one action for each request  *)
(* that a candidate or a leader sends, at the moment at which the ensemble *)
(* carries it out. A leader acts outside once, writes entries to a ledger  *)
(* under its epoch, proclaims itself, and leads until its session ends.    *)
(*                                                                         *)
(* It is the same machine as the Go code in internal/election/world, which *)
(* runs the recipe: README.md says how they are compared.                  *)
(*                                                                         *)
(* Read it in order: what a candidate remembers; its steps; faults; what   *)
(* must hold. Ensemble.tla has ZooKeeper.                                  *)
(***************************************************************************)
EXTENDS Ensemble

CONSTANTS
    Masters,             \* candidates
    Entries,             \* that a leader writes in each term
    Queue,               \* the candidates queue; otherwise all wait for /master
    ForGood              \* a process that has died stays down

VARIABLE local           \* process -> where its program is, and what it remembers
vars == <<ensemble, local>>

Processes == Range(Numbered("master-", Masters))

MasterPath == <<"master">>
EpochPath == <<"assign">>             \* its version is the epoch
QueuePath == <<"candidates">>
LedgerPath == <<"ledger">>            \* its data is the last entry; each entry has a child
EntryName(e) == ToString(e.epoch) \o "." \o ToString(e.n)
EntryPath(e) == Append(LedgerPath, EntryName(e))
CandidatePath(name) == Append(QueuePath, name)

-------------------------------------------------------------------------------
(* What a program remembers. It is at a place: where it asks for something, or waits. *)

Candidate(life, names, acts, refused) == [
    at |-> IF Queue THEN "join" ELSE "stand",
    life |-> life,
    names |-> IF Queue THEN names + 1 ELSE names,  \* nonces that this life has used
    prefix |-> names + 1,                 \* the nonce in the name of its znode in the queue
    mine |-> None,                        \* that name
    ahead |-> None,                       \* the one that it waits for
    moved |-> FALSE,                      \* the connection has changed since the loop looked
    version |-> 0,                        \* of /assign, as read before the election
    doubtful |-> FALSE,                   \* the sync before the reread was lost
    acts |-> acts,                        \* requests to the system outside that are under way
    abandoned |-> {},                     \* requests to the ensemble that it has left behind
    leaving |-> FALSE,                    \* it was asked to leave
    epoch |-> 0,                          \* that it leads; 0 when it does not
    n |-> 0, again |-> FALSE,             \* the entry that it writes; it may be there already
    \* What the application has been told. The judges read it.
    told |-> [leads |-> 0, wrote |-> None, refused |-> refused, proclaimed |-> 0]]

Entry(v, n) == [epoch |-> v.epoch, n |-> n]

\* A session is over, and the program begins with the next one. A leader whose session has
\* ended hears for each entry that it has not sent that it is not written.
Unsent(v) == v.at = "act" \/ (v.at = "write" /\ v.n < Entries)
Refused(v) == IF Unsent(v) THEN Entry(v, Entries) ELSE v.told.refused
Anew(v) == Candidate(v.life, v.names, v.acts, Refused(v))

\* The leadership is lost while the session lives: that is closed.
Fenced(v) ==
    [v EXCEPT !.at = "closeSession", !.epoch = 0, !.n = 0, !.again = FALSE,
              !.told = [leads |-> 0, wrote |-> None, refused |-> IF ~v.again \/ Unsent(v) THEN Entry(v, Entries) ELSE @.refused, proclaimed |-> 0]]

\* A process is asked to leave. A candidate closes its session. A leader returns from its work,
\* and hands over. Nobody waits for the answer to the request under way.
Leaving(v, request) ==
    LET u == [v EXCEPT !.leaving = TRUE, !.abandoned = IF request = None THEN @ ELSE @ \cup {request}]
    IN CASE v.at = "closeSession" -> [v EXCEPT !.leaving = TRUE]
         [] v.told.leads = 0 -> [u EXCEPT !.at = "closeSession"]
         [] OTHER -> [u EXCEPT !.at = "lookAgain", !.n = 0, !.again = FALSE, !.told = [leads |-> 0, wrote |-> None, refused |-> Refused(v), proclaimed |-> 0]]

\* A term: the leader acts outside first.
Leads(v, epoch) ==
    [v EXCEPT !.at = "act", !.version = 0, !.doubtful = FALSE, !.epoch = epoch, !.told.leads = epoch,
              !.acts = @ \cup {[resource |-> "leadership", token |-> <<epoch, 0>>]}]

\* The next entry is written. After the last one the leader proclaims itself.
NextEntry(v) ==
    IF v.n < Entries THEN [v EXCEPT !.at = "write", !.n = @ + 1, !.again = FALSE]
    ELSE [v EXCEPT !.at = "look", !.n = 0, !.again = FALSE]

Stands(v) == [v EXCEPT !.at = "stand", !.moved = FALSE, !.version = 0, !.doubtful = FALSE]

\* What is asked for at each place.
Nonce(p, v, n) == [process |-> p, life |-> v.life, n |-> n]
Prefix(p, v) == "c-" \o p \o "." \o ToString(v.life) \o "." \o ToString(v.prefix) \o "-"
AsksFor(p, v) ==
    WithRead(
    CASE v.at = "join" -> <<CreateSequential(CandidatePath(Prefix(p, v)), [name |-> p, epoch |-> 0])>>
      [] v.at = "syncQueue" -> <<Read("sync", QueuePath)>>
      [] v.at \in {"find", "line"} -> <<Read("children", QueuePath)>>
      [] v.at = "before" -> <<ReadAndWatch("exists", CandidatePath(v.ahead))>>
      [] v.at = "stand" -> <<ReadAndWatch("exists", MasterPath)>>
      [] v.at \in {"take", "reread"} -> <<Read("get", EpochPath)>>
      [] v.at = "elect" -> InOne("election-in-one", <<CreateEphemeral(MasterPath, [name |-> p, epoch |-> 0]), Set(EpochPath, v.version, Nonce(p, v, v.names))>>)
      [] v.at = "syncEpoch" -> <<Read("sync", EpochPath)>>
      [] v.at = "write" ->
           InOne("write-in-one", If(Guarded("write-check"), <<Check(EpochPath, v.epoch)>>)
                                 \o <<Set(LedgerPath, AnyVersion, Entry(v, v.n)), Create(EntryPath(Entry(v, v.n)), None)>>)
      [] v.at \in {"look", "lookAgain"} -> <<Read("exists", MasterPath)>>
      [] v.at = "handOver" -> If(Guarded("hand-over-check"), <<Check(EpochPath, v.epoch)>>) \o <<Delete(MasterPath)>>
      [] v.at = "proclaim" -> If(Guarded("proclaim-check"), <<Check(EpochPath, v.epoch)>>) \o <<Set(MasterPath, AnyVersion, [name |-> p, epoch |-> v.epoch])>>
      [] v.at = "closeSession" -> <<CloseSession>>
      [] OTHER -> None)

\* The program of p goes on with v. Something happens to it, and its request stays under way.
Goes(p, v) ==
    /\ local' = [local EXCEPT ![p] = v]
    /\ asks' = [asks EXCEPT ![p] = AsksFor(p, v)]
Suffers(p, v) == IF v.at = local[p].at THEN local' = [local EXCEPT ![p] = v] /\ UNCHANGED asks ELSE Goes(p, v)
At(p, place) == local[p].at = place

\* The request of p at this place is carried out and answered; its program goes on with v.
Answered(p, place) == At(p, place) /\ IsServed(p)
Written(p, v) == WriteIsServed(p) /\ Goes(p, v)
HasRead(p, v) == ReadIsServed(p) /\ Goes(p, v)

-------------------------------------------------------------------------------
(* The queue (recipe/internal/elect/queue.go) *)

\* Candidate.join: the znode's name is unique, so it is found if the answer was lost.
Place(name, line) == line[name]
Mine(p, v, line) == {name \in DOMAIN line : \E k \in {Place(name, line)} : k # None /\ name = Prefix(p, v) \o Numeral(k)}
Join(p) ==
    /\ Answered(p, "join")
    /\ Written(p, [local[p] EXCEPT !.at = "line", !.mine = Prefix(p, local[p]) \o Numeral(zk[QueuePath].made)])
SyncQueue(p) == Answered(p, "syncQueue") /\ HasRead(p, [local[p] EXCEPT !.at = "find"])
Find(p) ==
    /\ Answered(p, "find")
    /\ LET v == local[p]
           found == Mine(p, v, Reply(p).children)
       IN HasRead(p, IF found = {} THEN [v EXCEPT !.at = "join"] ELSE [v EXCEPT !.at = "line", !.mine = CHOOSE name \in found : TRUE])

\* Candidate.advance: waits until nobody came earlier. If its own znode is gone, it joins again.
Line(p) ==
    /\ Answered(p, "line")
    /\ LET v == local[p]
           line == Reply(p).children
           earlier == {name \in DOMAIN line : line[name] < line[v.mine]}
           last == CHOOSE name \in earlier : \A other \in earlier : line[other] <= line[name]
       IN HasRead(p, IF v.mine \notin DOMAIN line THEN [v EXCEPT !.at = "join", !.mine = None, !.prefix = v.names + 1, !.names = @ + 1]
                     ELSE IF earlier = {} THEN Stands(v)
                     ELSE [v EXCEPT !.at = "before", !.ahead = last])

\* Candidate.waitForPredecessor.
Before(p) ==
    /\ Answered(p, "before")
    /\ LET v == local[p]
       IN HasRead(p, IF ~Reply(p).found THEN [v EXCEPT !.at = "line", !.ahead = None, !.moved = FALSE]
                     ELSE IF v.moved THEN [v EXCEPT !.moved = FALSE] ELSE [v EXCEPT !.at = "wait"])

-------------------------------------------------------------------------------
(* The election (recipe/internal/elect/campaign.go, recipe/internal/claims) *)

\* Candidate.Campaign: waits until /master is free.
Stand(p) ==
    /\ Answered(p, "stand")
    /\ LET v == local[p]
       IN HasRead(p, IF ~Reply(p).found THEN [v EXCEPT !.at = "take", !.moved = FALSE]
                     ELSE IF v.moved THEN [v EXCEPT !.moved = FALSE] ELSE [v EXCEPT !.at = "standBy"])

\* claims.Acquire: reads the version that the election is to be made at; /master and the epoch
\* are one multi.
Take(p) ==
    /\ Answered(p, "take")
    /\ HasRead(p, [local[p] EXCEPT !.at = "elect", !.version = Reply(p).node.version, !.names = @ + 1])
Elect(p) ==
    /\ Answered(p, "elect")
    /\ LET a == Answer(p)
       IN Written(p, IF a.err = "ok" THEN Leads(local[p], a.z[EpochPath].version) ELSE Stands(local[p]))

\* claims.Resolve: the answer was lost; the nonce tells whether the write was applied.
SyncEpoch(p) == Answered(p, "syncEpoch") /\ HasRead(p, [local[p] EXCEPT !.at = "reread"])
Reread(p) ==
    /\ Answered(p, "reread")
    /\ LET v == local[p]
           node == Reply(p).node
       IN HasRead(p, IF v.doubtful THEN [v EXCEPT !.at = "syncEpoch", !.doubtful = FALSE]
                     ELSE IF node.data = Nonce(p, v, v.names) THEN Leads(v, node.version)
                     ELSE Stands(v))

-------------------------------------------------------------------------------
(* A term (recipe/election/leadership.go, recipe/internal/elect/term.go) *)

\* Leadership.Write. A write that was sent again is refused if the first was applied. The
\* first part is the check of the epoch.
WriteEntry(p) ==
    /\ Answered(p, "write")
    /\ LET v == local[p]
           a == Answer(p)
           wrote == a.err = "ok" \/ (v.again /\ a.err = "node exists")
       IN Written(p, IF wrote THEN NextEntry([v EXCEPT !.told.wrote = Entry(v, v.n)])
                     ELSE IF a.at = 1 THEN Fenced(v)
                     ELSE NextEntry(IF v.again THEN v ELSE [v EXCEPT !.told.refused = Entry(v, v.n)]))

\* Leadership.Proclaim: looks whether /master is its own, and sets it.
Look(p) ==
    /\ Answered(p, "look")
    /\ HasRead(p, [local[p] EXCEPT !.at = IF Reply(p).found /\ Reply(p).node.owner = SessionOf(p) THEN "proclaim" ELSE "lead"])
Proclaim(p) ==
    /\ Answered(p, "proclaim")
    /\ LET v == local[p]
           a == Answer(p)
       IN Written(p, IF a.err = "ok" THEN [v EXCEPT !.at = "lead", !.told.proclaimed = v.epoch]
                     ELSE IF a.at = 1 THEN Fenced([v EXCEPT !.again = TRUE])
                     ELSE [v EXCEPT !.at = "look"])

\* Leadership.Resign: looks whether /master is its own, and deletes it. Whatever becomes of that,
\* the session is closed.
LookAgain(p) ==
    /\ Answered(p, "lookAgain")
    /\ HasRead(p, [local[p] EXCEPT !.at = IF Reply(p).found /\ Reply(p).node.owner = SessionOf(p) THEN "handOver" ELSE "closeSession"])
HandOver(p) == Answered(p, "handOver") /\ Written(p, [local[p] EXCEPT !.at = "closeSession"])

\* Host.Act: the system outside has answered. What a leader does next does not depend on it.
Act(p) ==
    \E act \in local[p].acts :
      LET v == [local[p] EXCEPT !.acts = @ \ {act}]
      IN /\ ~At(p, "over") /\ Acts(p, act)
         /\ IF At(p, "act") /\ act.token[1] = v.epoch THEN Goes(p, NextEntry(v)) ELSE Suffers(p, v)

\* A process that was asked to leave ends, and is started again.
Ends(v) == [v EXCEPT !.at = "over", !.abandoned = {}]
Close(p) ==
    /\ At(p, "closeSession")
    /\ CloseIsServed(p, ~local[p].leaving)
    /\ Goes(p, IF local[p].leaving THEN Ends(local[p]) ELSE Anew(local[p]))

-------------------------------------------------------------------------------
(* What happens to a program *)

\* A watch event arrives, and wakes a candidate that waits for it.
Woken(v) == CASE v.at = "standBy" -> [v EXCEPT !.at = "stand"]
              [] v.at = "wait" -> [v EXCEPT !.at = "before"]
              [] OTHER -> v
Awaits(v) == CASE v.at = "standBy" -> DataWatch(MasterPath)
               [] v.at = "wait" -> DataWatch(CandidatePath(v.ahead))
               [] OTHER -> None
Deliver(p) == EventArrives(p) /\ Suffers(p, IF Awaits(local[p]) = Event(p) THEN Woken(local[p]) ELSE local[p])

\* The client library shows that the connection has changed.
Bounced(v) ==
    IF ~Guarded("look-after-reconnect") THEN v
    ELSE IF v.at \in {"stand", "before"} THEN [v EXCEPT !.moved = TRUE] ELSE Woken(v)

\* A process learns that its session is over. A library that replaces it hides that, and lets
\* all watches fire.
Notice(p) ==
    /\ EndIsNoticed(p, ~local[p].leaving)
    /\ LET v == local[p]
       IN IF Library = "replacing" THEN Suffers(p, IF Awaits(v) # None THEN Woken(v) ELSE Bounced(v))
          ELSE Goes(p, IF v.leaving THEN Ends(v) ELSE Anew(v))

Behind(p) == IF At(p, "dead") THEN {} ELSE local[p].abandoned

\* What a program does when the answer to its request is lost.
Lost(v) ==
    LET doubt(first, then) == IF Lags > 0 THEN first ELSE then
        u == [v EXCEPT !.moved = FALSE]
    IN CASE v.at \in {"join", "syncQueue", "find"} -> [u EXCEPT !.at = doubt("syncQueue", "find")]
         [] v.at \in {"line", "before"} -> [u EXCEPT !.at = "line", !.ahead = None]
         [] v.at \in {"stand", "take"} -> Stands(v)
         [] v.at = "elect" -> IF Guarded("election-resolved") THEN [u EXCEPT !.at = doubt("syncEpoch", "reread")] ELSE Stands(v)
         [] v.at = "syncEpoch" -> [u EXCEPT !.at = "reread", !.doubtful = TRUE]
         [] v.at = "reread" -> [u EXCEPT !.at = doubt("syncEpoch", "reread"), !.doubtful = FALSE]
         [] v.at = "write" -> [u EXCEPT !.again = TRUE]
         [] v.at \in {"look", "proclaim"} -> [u EXCEPT !.at = "look"]
         [] v.at \in {"lookAgain", "handOver"} -> [u EXCEPT !.at = "closeSession"]
LoseBefore(p) == IsLostBefore(p) /\ Goes(p, Lost(local[p]))
LoseAfter(p) == IsLostAfter(p) /\ Goes(p, Lost(local[p]))
Break(p) == Breaks(p) /\ Suffers(p, Bounced(local[p]))

LeftBehind(p) ==
    \E request \in Behind(p) :
      /\ BehindIsServed(p, request)
      /\ local' = [local EXCEPT ![p].abandoned = @ \ {request}] /\ UNCHANGED asks
LoseBehind(p) ==
    \E request \in Behind(p) :
      /\ BehindIsLost(p, request)
      /\ Suffers(p, Bounced([local[p] EXCEPT !.abandoned = @ \ {request}]))
Leave(p) ==
    /\ local[p].at \notin {"dead", "over"} /\ ~local[p].leaving /\ Spend("leaves")
    /\ Suffers(p, Leaving(local[p], asks[p]))
    /\ UNCHANGED <<zk, server, outside>>

Nothing == [leads |-> 0, wrote |-> None, refused |-> None, proclaimed |-> 0]
Crash(p) ==
    /\ local[p].at \notin {"dead", "over"} /\ Dies(p, Behind(p))
    /\ local' = [local EXCEPT ![p] = [at |-> "dead", life |-> @.life, acts |-> {}, told |-> Nothing]]
Restart(p) ==
    /\ (At(p, "dead") /\ ~ForGood) \/ At(p, "over")
    /\ IsStarted(p)
    /\ Goes(p, Candidate(local[p].life + 1, 0, {}, None))

-------------------------------------------------------------------------------
(* The machine *)

Init ==
    /\ EnsembleInit(Processes, {EpochPath, QueuePath, LedgerPath}, {"leadership"})
    /\ local = [p \in Processes |-> Candidate(1, 0, {}, None)]
    /\ asks = [p \in Processes |-> AsksFor(p, local[p])]

Program(p) ==
    \/ Join(p) \/ SyncQueue(p) \/ Find(p) \/ Line(p) \/ Before(p)
    \/ Stand(p) \/ Take(p) \/ Elect(p) \/ SyncEpoch(p) \/ Reread(p)
    \/ WriteEntry(p) \/ Look(p) \/ Proclaim(p) \/ LookAgain(p) \/ HandOver(p) \/ Act(p) \/ Close(p)
    \/ LeftBehind(p) \/ Deliver(p) \/ Notice(p) \/ Restart(p)
Alone(p) == (PartIsServed(p) \/ EndGhost(p) \/ Arrive(p) \/ CatchUp(p)) /\ UNCHANGED local
Fault(p) ==
    \/ (Expire(p) \/ Lag(p)) /\ UNCHANGED local
    \/ LoseBefore(p) \/ LoseAfter(p) \/ LoseBehind(p) \/ Break(p) \/ Crash(p) \/ Leave(p)
Next == \E p \in Processes : Program(p) \/ Alone(p) \/ Fault(p)
Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
(* What must hold, under the names that the explorer uses *)

Epoch == zk[EpochPath].version
Last == zk[LedgerPath].data
Master == zk[MasterPath]
HasMaster == Exists(zk, MasterPath)

Places == {"join", "syncQueue", "find", "line", "before", "wait", "stand", "standBy", "take", "elect", "syncEpoch", "reread",
           "act", "write", "look", "proclaim", "lead", "lookAgain", "handOver", "closeSession", "over", "dead"}
TypeOK ==
    /\ EnsembleOK
    /\ \A p \in Processes :
         /\ local[p].at \in Places
         /\ local[p].at = "dead" => asks[p] = None /\ ~server[p].known
         /\ \A act \in local[p].acts : act.resource = "leadership" /\ act.token \in Nat \X {0}

\* Mutual exclusion, in the order of the ensemble: no two masters lead whose sessions live; and
\* when a leader writes or proclaims itself, no later epoch has begun. Nobody deletes /master but
\* its holder, which may have died since.
OneLeads == Library = "honest" =>
    \A p, q \in Processes : local[p].told.leads # 0 /\ local[q].told.leads # 0 /\ server[p].known /\ server[q].known => p = q
LivesOn(session) == LET s == server'[session[1]] IN (s.known /\ s.session = session[2]) \/ session[2] \in s.ghosts
SingleMaster ==
    [][/\ OneLeads'
       /\ (Last' # Last => Last'.epoch = Epoch)
       /\ (HasMaster /\ ~HasMaster' => ~LivesOn(Master.owner) \/ local[Master.owner[1]].at \in {"handOver", "dead"})
       /\ (HasMaster' /\ Master'.data.epoch # 0 /\ (HasMaster => Master'.data # Master.data) => Master'.data.epoch = Epoch)]_vars
LedgerInOrder == [][Last # None => Last'.epoch >= Last.epoch]_vars

\* Each election has a greater epoch than all before it, and no two masters lead in one.
EpochsGrow == [][HasMaster' /\ (HasMaster => Master'.owner # Master.owner) => Epoch' = Epoch + 1]_vars
UniqueEpochs ==
    /\ \A p, q \in Processes : local[p].told.leads = local[q].told.leads /\ local[p].told.leads # 0 => p = q
    /\ outside["leadership"] = None \/ ~outside["leadership"].twice

\* What a leader writes in one call is there whole, or not at all.
WritesInOne ==
    /\ Last # None => Exists(zk, EntryPath(Last))
    /\ Last = None => DOMAIN Children(zk, LedgerPath) = {}

\* The data of /master was written by the session that holds it, in its own epoch.
ProclaimedByHolder == HasMaster => Master.data.name = Master.owner[1] /\ Master.data.epoch \in {0, Epoch}

\* What a leader was told is true.
ToldTruly ==
    \A p \in Processes : LET told == local[p].told IN
      /\ told.wrote # None => Exists(zk, EntryPath(told.wrote))
      /\ told.refused # None => ~Exists(zk, EntryPath(told.refused))
      /\ told.proclaimed # 0 /\ HasMaster /\ Master.owner = SessionOf(p) => Master.data.epoch = told.proclaimed

StaleEffectsFenced == outside["leadership"] = None \/ ~outside["leadership"].stale

\* The queue elects in the order in which the candidates came.
FifoInOrder ==
    [][Queue /\ HasMaster' /\ ~HasMaster =>
         LET line == Children(zk, QueuePath)
             owned == {name \in DOMAIN line : zk[CandidatePath(name)].owner = Master'.owner}
         IN Library = "honest" => owned # {} /\ \A name \in owned, other \in DOMAIN line : line[name] <= line[other]]_vars

\* No wake-up is lost: what a candidate waits for is still there and watched, or an event is
\* under way that wakes it. A server that lags has still to tell of it.
NoLostWakeUp ==
    \A p \in Processes :
      LET s == server[p]
          w == Awaits(local[p])
      IN w # None /\ s.known =>
           \/ w \in Range(s.events)
           \/ w \in s.watches /\ (Exists(zk, w[2]) \/ w \in Range(s.behind))

\* When nothing can happen any more but faults, a master leads that is proclaimed, and all
\* entries of its term are there.
Goal ==
    \E p \in Processes :
      /\ HasMaster /\ server[p].known /\ Master.owner = SessionOf(p) /\ Master.data.epoch = Epoch
      /\ local[p].told.leads = Epoch /\ Last = [epoch |-> Epoch, n |-> Entries]
AllQuiet == \A p \in Processes : Quiet(p) /\ Behind(p) = {} /\ local[p].acts = {} /\ ~At(p, "over") /\ (At(p, "dead") => ForGood)
NeverStuck == AllQuiet => Goal

\* The machine as a whole goes on wherever it can without another fault. Where nothing can go
\* on it is quiet, or TLC reports a deadlock.
FairSpec == Init /\ [][Next \/ (AllQuiet /\ UNCHANGED vars)]_vars /\ ([]<>AllQuiet \/ []<><<TRUE>>_vars)

\* A master comes to lead, and whenever /master is free, it is taken again.
SomebodyLeads == <>[]Goal
MasterIsTakenAgain == (~HasMaster) ~> HasMaster

\* Nobody starves in the queue: who is the first in it comes to lead, or loses its session.
InLine(p) == {path \in Below(zk, QueuePath) : server[p].known /\ zk[path].owner = SessionOf(p)}
IsFirst(p) == \E path \in InLine(p) : \A other \in Below(zk, QueuePath) : zk[path].place <= zk[other].place
NoStarvation == \A p \in Processes : IsFirst(p) ~> (local[p].told.leads # 0 \/ ~IsFirst(p))
===============================================================================
