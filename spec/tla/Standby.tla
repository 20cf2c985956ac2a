-------------------------------- MODULE Standby --------------------------------
(***************************************************************************)
(* The active-standby switch (package recipe/standby), one action for each *)
(* request that a candidate sends, at the moment at which the ensemble     *)
(* carries it out. A process that is active runs a service outside         *)
(* ZooKeeper, which goes on when the process dies, and writes an entry to  *)
(* a ledger under its epoch. The hooks of the recipe are requests to the   *)
(* system outside: they begin the service, end it, or fence the one of an  *)
(* old active.                                                             *)
(*                                                                         *)
(* It is the same machine as the Go code in internal/standby/world, which  *)
(* runs the recipe: README.md says how they are compared.                  *)
(*                                                                         *)
(* Read it in order: what a candidate remembers; its steps; faults; what   *)
(* must hold. Ensemble.tla has ZooKeeper.                                  *)
(***************************************************************************)
EXTENDS Ensemble

CONSTANTS
    Candidates,          \* processes of the group
    Fails,               \* attempts to fence that fail, in each life of a process
    Neutral,             \* the processes have a hook for the neutral mode
    Twins,               \* all processes have the same data
    Stale,               \* at the beginning there is a breadcrumb of a process that is gone
    Hand,                \* a failover to the last candidate is asked for by hand
    ForGood              \* a process that has died stays down

VARIABLES
    local,               \* process -> where its program is, and what it remembers
    stamp                \* the epoch in which the breadcrumb was written last: it stands for the mzxid
vars == <<ensemble, local, stamp>>

Name(n) == "candidate-" \o ToString(n)
Members == {Name(n) : n \in 1..Candidates}
Asker == "asker"
Processes == Members \cup (IF Hand THEN {Asker} ELSE {})

LockPath == <<"lock">>
CrumbPath == <<"breadcrumb">>
EpochPath == <<"epoch">>              \* its version is the epoch
CandidatesPath == <<"candidates">>
FailoverPath == <<"failover">>
LedgerPath == <<"ledger">>            \* its data is the last entry, an epoch; each entry has a child
EntryPath(epoch) == Append(LedgerPath, ToString(epoch))
MemberPath(znode) == Append(CandidatesPath, znode)

\* The data of a process, which is in the breadcrumb and in the lock. TLC cannot compare a text with
\* a record, so a text is put into one.
DataOf(p) == IF Twins THEN "twin" ELSE p
GoneData == "gone"
Text(text) == [text |-> text]

FenceAttempts == 2

\* Outside ZooKeeper: the service of a process, and the fence of the processes with some data.
\* The token of a service says what was done last: it was begun for an epoch, or ended. The token
\* of a fence is the epoch of the process that has fenced: what was begun for a smaller one does
\* nothing any more.
ServiceOf(p) == "service " \o p
FenceOf(data) == "fence " \o data
Begun(epoch) == <<0, 2 * epoch>>
Over(epoch) == <<0, 2 * epoch + 1>>

-------------------------------------------------------------------------------
(* What a program remembers. It is at a place: where it asks for something, or waits. *)

\* What the application has been told, or has been asked to do. The judges read it.
Nothing == [active |-> 0, standby |-> FALSE, neutral |-> FALSE, wrote |-> 0, refused |-> 0, self |-> FALSE, left |-> FALSE, done |-> FALSE]

\* A life begins: the process becomes standby, because something of an earlier life may go on.
Begins(p, life) == [
    at |-> "end",
    life |-> life,
    names |-> 0,                          \* nonces that this life has used
    znode |-> 0,                          \* the one in the name of its znode
    moved |-> FALSE,                      \* the connection has changed since it began to look
    news |-> FALSE,                       \* a watch has fired since
    version |-> 0,                        \* of /epoch, as read before the lock is taken
    doubtful |-> FALSE,                   \* the answer to its last write was lost
    request |-> None,                     \* a request to hand over, as it was read
    unread |-> <<>>, read |-> <<>>,       \* the candidates whose znodes are still to be read, and the others
    old |-> None,                         \* the breadcrumb as it was read
    own |-> None,                         \* the breadcrumb that this life has left
    doubt |-> None,                       \* one that it may have left, and up to which epoch no other process had a term since
    failed |-> 0,                         \* attempts to fence that were made to fail, in this life
    attempt |-> 0,                        \* attempts to fence in this term
    held |-> FALSE,                       \* it has seen that the lock is its own
    target |-> None,                      \* to which candidate it hands over, and for which request
    epoch |-> 0,                          \* of its term; 0 when it has none
    ends |-> 0,                           \* for which epoch it says that the service is over
    again |-> FALSE,                      \* its entry may be there already
    acts |-> {[resource |-> ServiceOf(p), token |-> Over(0)]}, \* requests to the system outside that are under way
    abandoned |-> {},                     \* requests to the ensemble that it has left behind
    leaving |-> FALSE,                    \* it was asked to leave
    told |-> Nothing]

\* A session begins: the candidate makes its znode.
Stands(v) == [v EXCEPT !.at = "stand", !.moved = FALSE, !.news = FALSE, !.version = 0, !.doubtful = FALSE, !.request = None]
Attends(v) ==
    [Stands(v) EXCEPT !.at = "attend", !.names = @ + 1, !.znode = v.names + 1, !.unread = <<>>, !.read = <<>>, !.old = None,
                      !.attempt = 0, !.held = FALSE, !.target = None, !.epoch = 0, !.ends = 0, !.again = FALSE, !.abandoned = {}]

\* The lock is taken.
Wins(v, epoch) ==
    [Stands(v) EXCEPT !.at = "trail", !.epoch = epoch, !.doubt = IF @ # None /\ @.alone + 1 = epoch THEN [@ EXCEPT !.alone = epoch] ELSE @]

\* BecomeActive: the service begins.
Acting(v, resource, token) == [v EXCEPT !.acts = @ \cup {[resource |-> resource, token |-> token]}]
BecomesActive(p, v) ==
    [Acting(v, ServiceOf(p), Begun(v.epoch)) EXCEPT
        !.at = "begin", !.old = None, !.moved = FALSE, !.news = FALSE, !.doubtful = FALSE, !.told.active = v.epoch, !.told.standby = FALSE, !.told.neutral = FALSE]

\* An active looks whether it is asked to hand over, and waits.
LooksForRequest(v) == [v EXCEPT !.at = "request", !.moved = FALSE, !.news = FALSE, !.request = None, !.unread = <<>>, !.read = <<>>, !.again = FALSE]

\* The term is to end. A process that has become active becomes standby first; then it gives the
\* lock up.
LooksAtLock(v) == [v EXCEPT !.at = "lock", !.old = None, !.held = FALSE]
NoWork(v) == [v EXCEPT !.moved = FALSE, !.news = FALSE, !.request = None, !.unread = <<>>, !.read = <<>>, !.again = FALSE, !.doubtful = FALSE]
BecomesStandby(p, v) ==
    [Acting(NoWork(v), ServiceOf(p), Over(v.epoch)) EXCEPT !.at = "end", !.ends = v.epoch, !.old = None]
StepsDown(p, v) == IF v.told.active # 0 /\ Guarded("standby-first") THEN BecomesStandby(p, v) ELSE LooksAtLock(NoWork(v))
IsStandby(v) == [v EXCEPT !.ends = 0, !.told.active = 0, !.told.standby = TRUE, !.told.neutral = FALSE, !.told.wrote = 0]

\* The last write of the term is over: the session is closed.
Closes(v) == [v EXCEPT !.at = "closeSession", !.old = None, !.held = FALSE, !.target = None, !.doubtful = FALSE]

\* Another process has won: the term is over at once. The session is closed while an active becomes
\* standby. A request for which it does not wait any more is left behind.
Fenced(p, v, requests) ==
    LET u == Closes([NoWork(v) EXCEPT !.abandoned = @ \cup requests])
    IN IF v.told.active = 0 THEN u ELSE [BecomesStandby(p, u) EXCEPT !.at = "closeSession"]

\* The process has been asked to leave, and has ended.
Ends(v) == [v EXCEPT !.at = "over", !.abandoned = {}, !.told.left = TRUE]

\* What is asked for at each place.
Nonce(p, v, n) == [process |-> p, life |-> v.life, n |-> n]
ZnodeOf(p, life, n) == "c-" \o p \o "." \o ToString(life) \o "." \o ToString(n)
Znode(p, v) == ZnodeOf(p, v.life, v.znode)
Failover(to, candidate, epoch) == [to |-> to, candidate |-> candidate, epoch |-> epoch]
DeleteAt(path, version) == Part("delete", path, version, None, "persistent", FALSE)

Take(p, v) ==
    <<CreateEphemeral(LockPath, Text(DataOf(p))), Set(EpochPath, v.version, Nonce(p, v, v.names))>>
    \o If(~Guarded("take-leaves-breadcrumb"), <<Set(CrumbPath, AnyVersion, Text(DataOf(p)))>>)
Mark(p, v) ==
    LET version == IF Guarded("breadcrumb-check") /\ Guarded("breadcrumb-read") THEN (IF v.old = None THEN 0 ELSE v.old.version) ELSE AnyVersion
    IN If(Guarded("breadcrumb-check"), <<Check(EpochPath, v.epoch)>>)
       \o If(v.old = None /\ Guarded("breadcrumb-read"), <<Create(CrumbPath, Text(DataOf(p)))>>)
       \o <<Set(CrumbPath, version, Text(DataOf(p)))>>
Quit(p, v) ==
    LET raises == Guarded("failover-raises") \/ v.target = None
        checks == Guarded("quit-check") \/ ~v.held
    IN If(checks, <<Check(EpochPath, v.epoch)>>)
       \o If(v.held, <<Delete(LockPath)>>)
       \o If(raises, <<Set(EpochPath, IF checks THEN v.epoch ELSE AnyVersion, [lifted |-> v.epoch + 1])>>)
       \o If(v.old # None, <<DeleteAt(CrumbPath, v.old.version)>>)
       \o If(v.target # None, <<Set(FailoverPath, v.target.version, Failover(v.target.to, v.target.znode, IF raises THEN v.epoch + 1 ELSE v.epoch))>>)
AsksFor(p, v) ==
    WithRead(
    CASE v.at = "ask" -> <<Create(FailoverPath, Failover(Name(Candidates), "", 0))>>
      [] v.at = "attend" -> <<CreateEphemeral(MemberPath(Znode(p, v)), Text(p))>>
      [] v.at = "stand" -> <<ReadAndWatch("exists", LockPath)>>
      [] v.at \in {"epoch", "reread"} -> <<Read("get", EpochPath)>>
      [] v.at \in {"hold", "request"} -> <<ReadAndWatch("exists", FailoverPath)>>
      [] v.at \in {"readHold", "readRequest"} -> <<Read("get", FailoverPath)>>
      [] v.at = "target" -> <<ReadAndWatch("exists", MemberPath(v.request.candidate))>>
      [] v.at = "take" -> InOne("take-in-one", Take(p, v))
      [] v.at = "syncEpoch" -> <<Read("sync", EpochPath)>>
      [] v.at \in {"trail", "findTrail", "lockTrail"} -> <<Read("get", CrumbPath)>>
      [] v.at = "leaveTrail" -> Mark(p, v)
      [] v.at = "syncTrail" -> <<Read("sync", CrumbPath)>>
      [] v.at = "write" -> If(Guarded("write-check"), <<Check(EpochPath, v.epoch)>>) \o <<Set(LedgerPath, AnyVersion, v.epoch), Create(EntryPath(v.epoch), None)>>
      [] v.at = "members" -> <<Read("children", CandidatesPath)>>
      [] v.at = "member" -> <<Read("get", MemberPath(Head(v.unread)))>>
      [] v.at = "drop" -> <<Check(EpochPath, v.epoch), DeleteAt(FailoverPath, v.request.version)>>
      [] v.at = "confirm" -> <<Check(EpochPath, v.epoch)>>
      [] v.at = "syncLock" -> <<Read("sync", LockPath)>>
      [] v.at = "lock" -> <<Read("exists", LockPath)>>
      [] v.at = "quit" -> IF v.held THEN InOne("quit-in-one", Quit(p, v)) ELSE Quit(p, v)
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
(* The election (recipe/internal/elect/campaign.go, tenure.prepare, tenure.hold) *)

Attend(p) == Answered(p, "attend") /\ Written(p, Stands(local[p]))
Stand(p) ==
    /\ Answered(p, "stand")
    /\ LET v == local[p]
       IN HasRead(p, IF ~Reply(p).found THEN [v EXCEPT !.at = "epoch"]
                     ELSE IF v.moved THEN Stands(v) ELSE [v EXCEPT !.at = "standBy"])
ReadEpoch(p) == Answered(p, "epoch") /\ HasRead(p, [local[p] EXCEPT !.at = "hold", !.version = Reply(p).node.version])

\* tenure.hold: after a failover that was accepted, only the target takes the lock.
Tries(v) == [v EXCEPT !.at = "take", !.names = @ + 1, !.request = None]
Hold(p) == Answered(p, "hold") /\ HasRead(p, IF Reply(p).found THEN [local[p] EXCEPT !.at = "readHold"] ELSE Tries(local[p]))
ReadHold(p) ==
    /\ Answered(p, "readHold")
    /\ LET v == local[p]
           r == Reply(p).node.data
       IN HasRead(p, IF ~Reply(p).found THEN Tries(v)
                     ELSE IF r.epoch = 0 \/ r.epoch # v.version \/ r.candidate = Znode(p, v) THEN Tries(v)
                     ELSE [v EXCEPT !.at = "target", !.request = r])
Target(p) ==
    /\ Answered(p, "target")
    /\ LET v == local[p]
       IN HasRead(p, IF ~Reply(p).found THEN Tries(v)
                     ELSE IF v.moved \/ v.news THEN Stands(v) ELSE [v EXCEPT !.at = "holdBack"])

\* claims.Acquire: the lock and the epoch are one multi, which leaves the breadcrumb as it is.
TakeLock(p) ==
    /\ Answered(p, "take")
    /\ LET a == Answer(p)
       IN Written(p, IF a.err = "ok" THEN Wins(local[p], a.z[EpochPath].version) ELSE Stands(local[p]))

\* claims.Resolve: the answer was lost; the nonce tells whether the write was applied.
SyncEpoch(p) == Answered(p, "syncEpoch") /\ HasRead(p, [local[p] EXCEPT !.at = "reread"])
Reread(p) ==
    /\ Answered(p, "reread")
    /\ LET v == local[p]
           node == Reply(p).node
       IN HasRead(p, IF v.doubtful THEN [v EXCEPT !.at = "syncEpoch", !.doubtful = FALSE]
                     ELSE IF node.data = Nonce(p, v, v.names) THEN Wins(v, node.version)
                     ELSE Stands(v))

-------------------------------------------------------------------------------
(* How a process becomes active (activate.go) *)

Trail(reply) == IF reply.found THEN [data |-> reply.node.data.text, version |-> reply.node.version, epoch |-> stamp] ELSE None

\* Active.isOwn: whether a breadcrumb is that of this life, which has become standby since.
Maybe(v, seen) == v.doubt # None /\ v.doubt.version = seen.version /\ v.doubt.alone = v.epoch /\ seen.data = v.doubt.data
IsOwn(v, seen) == seen # None /\ (seen = v.own \/ Maybe(v, seen))
Owns(v, seen) == IF IsOwn(v, seen) THEN [v EXCEPT !.own = seen] ELSE v

\* Active.leaveTrail: the own breadcrumb, under the epoch.
LeavesTrail(p, v) ==
    LET u == [v EXCEPT !.at = "leaveTrail", !.attempt = 0]
    IN IF Guarded("breadcrumb-before-active") THEN u ELSE [BecomesActive(p, u) EXCEPT !.at = "leaveTrail", !.old = v.old]
Version(v) == IF v.old = None THEN 1 ELSE v.old.version + 1
Doubts(p, v) == [v EXCEPT !.doubt = [data |-> DataOf(p), version |-> Version(v), alone |-> v.epoch]]

\* Active.fence: one attempt. The first ones are made to fail.
MustFail(v) == v.failed < Fails
ActOfFence(v) == Acting(v, FenceOf(v.old.data), <<0, v.epoch>>)
Fences(p, v) ==
    [ActOfFence(v) EXCEPT !.at = "fence", !.attempt = @ + 1, !.told.self = @ \/ (v.old.data = DataOf(p) /\ ~Twins /\ Crashes = 0)]

\* After a failed attempt: the next one, or the lock is given up.
RECURSIVE Attempts(_, _)
Attempts(p, v) ==
    IF v.attempt = FenceAttempts THEN (IF Guarded("fenced-or-given-up") THEN StepsDown(p, v) ELSE LeavesTrail(p, v))
    ELSE IF MustFail(v) THEN Attempts(p, [v EXCEPT !.failed = @ + 1, !.attempt = @ + 1])
    ELSE Fences(p, v)

Decides(p, v, seen) ==
    LET u == [Owns(v, seen) EXCEPT !.old = seen]
    IN IF seen = None \/ IsOwn(v, seen) THEN LeavesTrail(p, u)
       ELSE IF Guarded("fence-before-active") THEN Attempts(p, u) ELSE LeavesTrail(p, ActOfFence(u))
ReadTrail(p) ==
    /\ Answered(p, "trail")
    /\ HasRead(p, Decides(p, local[p], IF Guarded("breadcrumb-read") THEN Trail(Reply(p)) ELSE None))

\* A breadcrumb that has changed meanwhile is read again. A process that was asked to leave
\* meanwhile does not become active.
HasLeft(p, v) == IF v.leaving THEN StepsDown(p, v) ELSE BecomesActive(p, v)
ReadsAgain(p, v) == IF v.leaving THEN StepsDown(p, v) ELSE [v EXCEPT !.at = "trail", !.old = None]
LeaveTrail(p) ==
    /\ Answered(p, "leaveTrail")
    /\ LET v == local[p]
           own == [data |-> DataOf(p), version |-> Version(v), epoch |-> v.epoch]
       IN Written(p, IF Answer(p).err = "ok" THEN HasLeft(p, [v EXCEPT !.own = own, !.doubt = None]) ELSE IF Answer(p).at = 1 THEN Fenced(p, v, {}) ELSE ReadsAgain(p, v))

\* Active.resolveTrail.
SyncTrail(p) == Answered(p, "syncTrail") /\ HasRead(p, [local[p] EXCEPT !.at = "findTrail"])
FindTrail(p) ==
    /\ Answered(p, "findTrail")
    /\ LET v == local[p]
           now == Trail(Reply(p))
       IN HasRead(p, IF now = v.old THEN [v EXCEPT !.at = "leaveTrail"]
                     ELSE IF IsOwn(v, now) THEN HasLeft(p, Owns(v, now))
                     ELSE ReadsAgain(p, v))

\* Host.Act: the system outside has answered.
Accepted(act) == outside[act.resource] = None \/ ~Smaller(act.token, outside[act.resource].token)
Awaited(p, v) ==
    CASE v.at = "begin" -> [resource |-> ServiceOf(p), token |-> Begun(v.epoch)]
      [] v.at = "end" \/ (v.at = "closeSession" /\ v.told.active # 0) -> [resource |-> ServiceOf(p), token |-> Over(v.ends)]
      [] v.at = "fence" -> [resource |-> FenceOf(v.old.data), token |-> <<0, v.epoch>>]
      [] OTHER -> None
Opens(p) == server' = [server EXCEPT ![p] = Opened(@)]

\* BecomeStandby has returned. Outside a term a session is opened next. In a term the lock is given
\* up, if the session has not ended.
EndsService(p, v) ==
    LET u == IsStandby(v)
    IN IF server[p].session # 0 THEN UNCHANGED server /\ Goes(p, LooksAtLock(u))
       ELSE IF v.leaving THEN UNCHANGED server /\ Goes(p, Ends(u))
       ELSE Opens(p) /\ Goes(p, Attends(u))
Act(p) ==
    \E act \in local[p].acts :
      LET v == [local[p] EXCEPT !.acts = @ \ {act}]
          accepted == Accepted(act)
      IN /\ ~At(p, "over")
         /\ outside' = IF accepted THEN [outside EXCEPT ![act.resource] = After(@, act.token, <<p, server[p].life>>)] ELSE outside
         /\ UNCHANGED <<zk, left>>
         /\ IF act # Awaited(p, v) THEN UNCHANGED server /\ Suffers(p, v)
            ELSE CASE v.at = "begin" -> UNCHANGED server /\ Goes(p, [v EXCEPT !.at = "write"])
                   [] v.at = "closeSession" -> UNCHANGED server /\ Suffers(p, IsStandby(v))
                   [] v.at = "end" ->
                        IF accepted THEN EndsService(p, v)
                        ELSE UNCHANGED server /\ Suffers(p, Acting([v EXCEPT !.ends = @ + 1], ServiceOf(p), Over(v.ends + 1)))
                   [] v.at = "fence" -> UNCHANGED server /\ Goes(p, IF accepted THEN LeavesTrail(p, v) ELSE Attempts(p, v))

-------------------------------------------------------------------------------
(* What an active does (active.go, Active.consider) *)

\* Active.Write. A write that was sent again is refused if the first was applied. The first part
\* is the check of the epoch.
WriteEntry(p) ==
    /\ Answered(p, "write")
    /\ LET v == local[p]
           a == Answer(p)
       IN Written(p, IF a.err \in {"ok", "node exists"} THEN LooksForRequest([v EXCEPT !.told.wrote = v.epoch])
                     ELSE Fenced(p, IF v.again THEN v ELSE [v EXCEPT !.told.refused = v.epoch], {<<ReadAndWatch("exists", FailoverPath)>>}))

Waits(v) ==
    LET u == [v EXCEPT !.request = None, !.unread = <<>>, !.read = <<>>]
    IN IF v.moved /\ Neutral THEN [u EXCEPT !.at = "confirm", !.told.neutral = TRUE, !.moved = FALSE, !.news = FALSE]
       ELSE IF v.moved \/ v.news THEN LooksForRequest(u)
       ELSE [u EXCEPT !.at = "active"]
Request(p) ==
    /\ Answered(p, "request")
    /\ LET v == local[p] IN HasRead(p, IF Reply(p).found THEN [v EXCEPT !.at = "readRequest"] ELSE Waits(v))
ReadRequest(p) ==
    /\ Answered(p, "readRequest")
    /\ LET v == local[p]
           node == Reply(p).node
       IN HasRead(p, IF Reply(p).found THEN [v EXCEPT !.at = "members", !.request = [data |-> node.data, version |-> node.version]] ELSE Waits(v))

\* The candidates in the order of the names of their znodes.
Key(znode) == CHOOSE k \in (1..Candidates) \X (1..(Crashes + Leaves + 1)) \X (1..20) : ZnodeOf(Name(k[1]), k[2], k[3]) = znode
IsBefore(a, b) ==
    LET x == Key(a)
        y == Key(b)
    IN x[1] < y[1] \/ (x[1] = y[1] /\ (x[2] < y[2] \/ (x[2] = y[2] /\ x[3] < y[3])))
RECURSIVE InOrder(_)
InOrder(names) ==
    IF names = {} THEN <<>>
    ELSE LET least == CHOOSE a \in names : \A b \in names : a = b \/ IsBefore(a, b) IN <<least>> \o InOrder(names \ {least})

\* Active.consider: hands over to the first candidate that is asked for, or answers the request by
\* deleting it.
Considers(p, v) ==
    LET r == v.request.data
        others == SelectSeq(v.read, LAMBDA m : m.session # SessionOf(p) /\ m.name = r.to)
    IN IF r.epoch = 0 /\ r.to # p /\ others # <<>>
       THEN StepsDown(p, [v EXCEPT !.target = [to |-> r.to, version |-> v.request.version, znode |-> Head(others).znode]])
       ELSE [v EXCEPT !.at = "drop", !.unread = <<>>, !.read = <<>>]
ReadMembers(p) ==
    /\ Answered(p, "members")
    /\ LET v == [local[p] EXCEPT !.unread = InOrder(DOMAIN Reply(p).children)]
       IN HasRead(p, IF v.unread = <<>> THEN Considers(p, v) ELSE [v EXCEPT !.at = "member"])
ReadMember(p) ==
    /\ Answered(p, "member")
    /\ LET v == local[p]
           node == Reply(p).node
           one == IF Reply(p).found THEN <<[znode |-> Head(v.unread), name |-> node.data.text, session |-> node.owner]>> ELSE <<>>
           u == [v EXCEPT !.unread = Tail(@), !.read = @ \o one]
       IN HasRead(p, IF u.unread = <<>> THEN Considers(p, u) ELSE u)
IsFenced(p) == Answer(p).err # "ok" /\ Answer(p).at = 1
Drop(p) == Answered(p, "drop") /\ Written(p, IF IsFenced(p) THEN Fenced(p, local[p], {}) ELSE Waits(local[p]))

\* Active.neutral: the claim is confirmed, and the process becomes active again.
Confirm(p) == Answered(p, "confirm") /\ Written(p, IF IsFenced(p) THEN Fenced(p, local[p], {}) ELSE BecomesActive(p, local[p]))

-------------------------------------------------------------------------------
(* How a process gives the lock up (stepdown.go) *)

SyncLock(p) == Answered(p, "syncLock") /\ HasRead(p, [local[p] EXCEPT !.at = "lock"])
LookAtLock(p) ==
    /\ Answered(p, "lock")
    /\ HasRead(p, [local[p] EXCEPT !.at = "lockTrail", !.held = Reply(p).found /\ Reply(p).node.owner = SessionOf(p)])

\* Active.last: only the own breadcrumb goes with the lock.
LookAtTrail(p) ==
    /\ Answered(p, "lockTrail")
    /\ LET v == local[p]
           now == Trail(Reply(p))
       IN HasRead(p, IF ~v.held /\ v.doubtful THEN Closes(Owns(v, now))
                     ELSE [Owns(v, now) EXCEPT !.at = "quit", !.old = IF IsOwn(v, now) \/ ~Guarded("breadcrumb-stays") THEN now ELSE None])

\* Active.quit: if something has changed meanwhile, it looks again, and hands over to no target.
GiveUp(p) ==
    /\ Answered(p, "quit")
    /\ LET v == local[p]
           alone == [v EXCEPT !.doubt = IF @ # None /\ @.alone = v.epoch THEN [@ EXCEPT !.alone = @ + 1] ELSE @]
       IN Written(p, IF Answer(p).err = "ok" THEN Closes(alone)
                     ELSE IF Answer(p).at = 1 /\ ~IsApart(asks[p]) THEN Closes(v)
                     ELSE LooksAtLock([v EXCEPT !.target = None]))

\* A process that is active becomes standby before it goes on with the next session.
EndOf(p, v) ==
    IF v.told.active = 0 THEN (IF v.leaving THEN Ends(v) ELSE Attends(v))
    ELSE IF v.ends # 0 THEN [v EXCEPT !.at = "end"] ELSE BecomesStandby(p, v)
Close(p) ==
    /\ At(p, "closeSession")
    /\ LET u == EndOf(p, local[p]) IN CloseIsServed(p, u.at = "attend") /\ Goes(p, u)

-------------------------------------------------------------------------------
(* What happens to a program *)

AsksByHand(p) == p = Asker /\ Answered(p, "ask") /\ Written(p, [local[p] EXCEPT !.at = "done", !.told.done = TRUE])

\* A watch event arrives, and wakes a process that waits for it.
Awaits(v) == CASE v.at = "standBy" -> {DataWatch(LockPath)}
               [] v.at = "holdBack" -> {DataWatch(FailoverPath), DataWatch(MemberPath(v.request.candidate))}
               [] v.at = "active" -> {DataWatch(FailoverPath)}
               [] OTHER -> {}
Woken(v) == CASE v.at \in {"standBy", "holdBack"} -> Stands(v)
              [] v.at = "active" -> LooksForRequest(v)
              [] OTHER -> v
Reads(v) == v.at \in {"readHold", "target", "readRequest", "members", "member", "drop"}
Deliver(p) ==
    /\ EventArrives(p)
    /\ LET v == local[p]
       IN Suffers(p, IF p = Asker THEN v
                     ELSE IF Event(p) \in Awaits(v) THEN Woken(v)
                     ELSE IF Event(p) = DataWatch(FailoverPath) /\ Reads(v) THEN [v EXCEPT !.news = TRUE] ELSE v)

\* The client library shows that the connection has changed.
Bounced(v) ==
    IF ~Guarded("look-after-reconnect") THEN v
    ELSE CASE v.at \in {"standBy", "holdBack"} -> Stands(v)
           [] v.at = "active" -> Waits([v EXCEPT !.moved = TRUE])
           [] v.at \in {"stand", "epoch", "hold", "request"} \/ Reads(v) -> [v EXCEPT !.moved = TRUE]
           [] OTHER -> v

\* A session is over. A library that replaces it hides that, and lets all watches fire.
Notice(p) ==
    LET v == local[p]
        w == IF v.at = "leaveTrail" THEN Doubts(p, v) ELSE v
        u == EndOf(p, [w EXCEPT !.abandoned = {}])
    IN /\ EndIsNoticed(p, u.at = "attend")
       /\ IF Library = "replacing" THEN Suffers(p, IF Awaits(v) # {} THEN Woken(v) ELSE Bounced(v)) ELSE Goes(p, u)

\* What a program does when the answer to its request is lost.
Lost(p, v) ==
    LET doubt(first, then) == IF Lags > 0 THEN first ELSE then
    IN CASE v.at \in {"attend", "trail", "confirm"} -> v
         [] v.at \in {"stand", "epoch", "hold", "readHold", "target"} -> Stands(v)
         [] v.at = "take" -> IF Guarded("take-resolved") THEN [v EXCEPT !.at = doubt("syncEpoch", "reread")] ELSE Stands(v)
         [] v.at = "syncEpoch" -> [v EXCEPT !.at = "reread", !.doubtful = TRUE]
         [] v.at = "reread" -> [v EXCEPT !.at = doubt("syncEpoch", "reread"), !.doubtful = FALSE]
         [] v.at = "leaveTrail" -> IF Guarded("breadcrumb-resolved") THEN [Doubts(p, v) EXCEPT !.at = doubt("syncTrail", "findTrail")] ELSE ReadsAgain(p, v)
         [] v.at \in {"syncTrail", "findTrail"} -> [v EXCEPT !.at = doubt("syncTrail", "findTrail")]
         [] v.at = "write" -> [v EXCEPT !.again = TRUE]
         [] v.at \in {"request", "readRequest"} -> [v EXCEPT !.at = "request", !.moved = TRUE]
         [] v.at \in {"members", "member", "drop"} -> Waits([v EXCEPT !.moved = TRUE])
         [] v.at \in {"syncLock", "lock", "lockTrail"} -> [LooksAtLock(v) EXCEPT !.at = IF v.doubtful THEN doubt("syncLock", "lock") ELSE "lock"]
         [] v.at = "quit" -> IF Guarded("quit-confirmed") THEN [LooksAtLock(v) EXCEPT !.at = doubt("syncLock", "lock"), !.doubtful = TRUE] ELSE Closes(v)
LoseBefore(p) == IsLostBefore(p) /\ Goes(p, Lost(p, local[p]))
LoseAfter(p) == IsLostAfter(p) /\ Goes(p, Lost(p, local[p]))
Break(p) == Breaks(p) /\ Suffers(p, Bounced(local[p]))

Behind(p) == IF p = Asker \/ At(p, "dead") THEN {} ELSE local[p].abandoned
LeftBehind(p) ==
    \E request \in Behind(p) :
      /\ BehindIsServed(p, request)
      /\ local' = [local EXCEPT ![p].abandoned = @ \ {request}] /\ UNCHANGED asks
LoseBehind(p) ==
    \E request \in Behind(p) :
      /\ BehindIsLost(p, request)
      /\ Suffers(p, Bounced([local[p] EXCEPT !.abandoned = @ \ {request}]))

\* A process is asked to leave. It waits for its breadcrumb, and for the steps of giving the lock
\* up, and for nothing else.
Leaving(p, v, request) ==
    LET u == [v EXCEPT !.leaving = TRUE]
        w == [u EXCEPT !.abandoned = IF request = None THEN @ ELSE @ \cup {request}]
    IN CASE v.at \in {"leaveTrail", "syncTrail", "findTrail", "syncLock", "lock", "lockTrail", "quit", "closeSession"} -> u
         [] v.at = "end" -> IF v.told.active # 0 THEN u ELSE Ends(u)
         [] v.epoch = 0 -> [Stands(w) EXCEPT !.at = "closeSession"]
         [] OTHER -> StepsDown(p, w)
Leave(p) ==
    /\ p # Asker /\ local[p].at \notin {"dead", "over"} /\ ~local[p].leaving /\ Spend("leaves")
    /\ Suffers(p, Leaving(p, local[p], asks[p]))
    /\ UNCHANGED <<zk, server, outside>>

\* A process dies; its service goes on.
Crash(p) ==
    /\ p # Asker /\ local[p].at \notin {"dead", "over"} /\ Dies(p, Behind(p))
    /\ local' = [local EXCEPT ![p] = [at |-> "dead", life |-> @.life, acts |-> {}, told |-> Nothing]]
Restart(p) ==
    /\ p # Asker /\ ((At(p, "dead") /\ ~ForGood) \/ At(p, "over"))
    /\ server' = [server EXCEPT ![p] = [@ EXCEPT !.life = @ + 1]]
    /\ UNCHANGED <<zk, outside, left>>
    /\ Goes(p, Begins(p, local[p].life + 1))

-------------------------------------------------------------------------------
(* The machine *)

InitialTree ==
    LET paths == {EpochPath, CandidatesPath, LedgerPath}
    IN Furnished(paths) @@ (IF Stale THEN CrumbPath :> NewNode(Text(GoneData), None, None) ELSE <<>>)
Resources == {ServiceOf(p) : p \in Members} \cup {FenceOf(DataOf(p)) : p \in Members} \cup {FenceOf(GoneData)}
Init ==
    /\ zk = InitialTree
    /\ server = [p \in Processes |-> IF p = Asker THEN Opened(NoServer) ELSE NoServer]
    /\ outside = [r \in Resources |-> None]
    /\ left = [expiries |-> Expiries, losses |-> Losses, crashes |-> Crashes, stops |-> 0, lags |-> Lags, leaves |-> Leaves]
    /\ local = [p \in Processes |-> IF p = Asker THEN [at |-> "ask", acts |-> {}, abandoned |-> {}, told |-> Nothing] ELSE Begins(p, 1)]
    /\ asks = [p \in Processes |-> AsksFor(p, local[p])]
    /\ stamp = 0

Program(p) ==
    \/ Attend(p) \/ Stand(p) \/ ReadEpoch(p) \/ Hold(p) \/ ReadHold(p) \/ Target(p) \/ TakeLock(p) \/ SyncEpoch(p) \/ Reread(p)
    \/ ReadTrail(p) \/ LeaveTrail(p) \/ SyncTrail(p) \/ FindTrail(p) \/ Act(p)
    \/ WriteEntry(p) \/ Request(p) \/ ReadRequest(p) \/ ReadMembers(p) \/ ReadMember(p) \/ Drop(p) \/ Confirm(p)
    \/ SyncLock(p) \/ LookAtLock(p) \/ LookAtTrail(p) \/ GiveUp(p) \/ Close(p)
    \/ AsksByHand(p) \/ LeftBehind(p) \/ Deliver(p) \/ Notice(p) \/ Restart(p)
Alone(p) == (PartIsServed(p) \/ EndGhost(p) \/ Arrive(p) \/ CatchUp(p)) /\ UNCHANGED local
Fault(p) ==
    \/ (Lag(p) \/ (p # Asker /\ Expire(p))) /\ UNCHANGED local
    \/ LoseBefore(p) \/ LoseAfter(p) \/ LoseBehind(p) \/ Break(p) \/ Crash(p) \/ Leave(p)
Crumb(z) == IF Exists(z, CrumbPath) THEN z[CrumbPath] ELSE None
Next ==
    /\ \E p \in Processes : Program(p) \/ Alone(p) \/ Fault(p)
    /\ stamp' = IF Crumb(zk') # Crumb(zk) /\ Crumb(zk') # None THEN zk[EpochPath].version ELSE stamp
Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
(* What must hold, under the names that the explorer uses *)

Epoch == zk[EpochPath].version
Last == zk[LedgerPath].data
HasLock == Exists(zk, LockPath)
Lock == zk[LockPath]

Places == {"ask", "done", "attend", "stand", "standBy", "epoch", "hold", "readHold", "target", "holdBack", "take", "syncEpoch", "reread",
           "trail", "fence", "leaveTrail", "syncTrail", "findTrail", "begin", "write", "request", "readRequest", "members", "member",
           "drop", "active", "confirm", "end", "syncLock", "lock", "lockTrail", "quit", "closeSession", "over", "dead"}
TypeOK ==
    /\ EnsembleOK
    /\ \A p \in Processes :
         /\ local[p].at \in Places
         /\ local[p].at = "dead" => asks[p] = None /\ ~server[p].known
         /\ \A act \in local[p].acts : act.resource \in Resources /\ act.token \in {0} \X Nat

\* The service of a process runs if it was begun and not ended, and not fenced since.
Token(resource) == IF outside[resource] = None THEN 0 ELSE outside[resource].token[2]
Runs(p) ==
    LET token == Token(ServiceOf(p))
    IN token > 0 /\ token % 2 = 0 /\ Token(FenceOf(DataOf(p))) <= token \div 2

\* No process is active before the one before it was fenced, or has become standby.
OneActive == \A p, q \in Members : Runs(p) /\ Runs(q) => p = q

\* As long as a service runs that is not fenced, the breadcrumb names it.
CrumbData == IF Exists(zk, CrumbPath) THEN zk[CrumbPath].data.text ELSE None
BreadcrumbNames == \A p \in Members : Runs(p) => CrumbData = DataOf(p)

\* No two processes are active whose sessions live.
OneHolder == Library = "honest" =>
    \A p, q \in Members : local[p].told.active # 0 /\ local[q].told.active # 0 /\ server[p].known /\ server[q].known => p = q

\* The holder of the lock changes the breadcrumb to its own, or deletes its own together with the
\* lock. No other process changes it. If the library hides that a session has ended, and the lock
\* with it, the epoch is all that counts.
BreadcrumbByHolder ==
    [][CrumbData' # CrumbData /\ (HasLock \/ Library = "honest") =>
         /\ HasLock
         /\ LET own == DataOf(Lock.owner[1])
            IN CrumbData' = own \/ (CrumbData' = None /\ CrumbData = own /\ ~HasLock')]_vars

\* The lock is deleted by its holder, which may have died since. Each holder has a greater epoch
\* than all before.
LivesOn(session) == LET s == server'[session[1]] IN (s.known /\ s.session = session[2]) \/ session[2] \in s.ghosts
Quits(request) == \E i \in DOMAIN request : request[i].op = "delete" /\ request[i].path = LockPath
LockByHolder ==
    [][/\ (HasLock /\ ~HasLock' => \/ ~LivesOn(Lock.owner)
                                   \/ At(Lock.owner[1], "quit")
                                   \/ \E l \in server[Lock.owner[1]].late : l.session = Lock.owner[2] /\ Quits(l.request))
       /\ (HasLock' /\ (HasLock => Lock'.owner # Lock.owner) => ~HasLock /\ Epoch' = Epoch + 1)]_vars

\* No write of an active is applied after the lock was given up, or after a later epoch has begun.
WriteFenced == [][Last' # Last => Last' = Epoch /\ (HasLock \/ Library = "replacing")]_vars

\* After a failover the target takes the lock, while it is there.
TargetTakes ==
    [][Exists(zk, FailoverPath) /\ HasLock' /\ ~HasLock =>
         LET r == zk[FailoverPath].data
         IN r.epoch >= Epoch /\ Exists(zk, MemberPath(r.candidate)) => Lock'.owner = zk[MemberPath(r.candidate)].owner]_vars

\* A life of a process does not fence itself.
OwnNotFenced == \A p \in Members : ~local[p].told.self

\* What an active was told is true.
ToldTruly ==
    \A p \in Members : LET told == local[p].told IN
      /\ told.wrote # 0 => Exists(zk, EntryPath(told.wrote))
      /\ told.refused # 0 => ~Exists(zk, EntryPath(told.refused))

\* A process that has ended runs no service.
StandbyInTheEnd == \A p \in Members : At(p, "over") => ~Runs(p)

\* No wake-up is lost: what a process waits for has not happened yet and is watched, or an event
\* is under way that wakes it. A server that lags has still to tell of it.
NoLostWakeUp ==
    \A p \in Members : \A w \in Awaits(local[p]) :
      LET s == server[p]
      IN s.known => \/ \E other \in Awaits(local[p]) : other \in Range(s.events)
                    \/ w \in s.watches /\ ((Exists(zk, w[2]) # At(p, "active")) \/ w \in Range(s.behind))

\* When nothing can happen any more but faults, a process is active, its entry is there, and no
\* request to hand over is left.
Goal ==
    /\ ~Exists(zk, FailoverPath)
    /\ \E p \in Members :
         /\ HasLock /\ server[p].known /\ Lock.owner = SessionOf(p)
         /\ Runs(p) /\ Token(ServiceOf(p)) = 2 * Epoch /\ local[p].told.active = Epoch /\ Exists(zk, EntryPath(Epoch))
AllQuiet == \A p \in Processes : Quiet(p) /\ Behind(p) = {} /\ local[p].acts = {} /\ ~At(p, "over") /\ (At(p, "dead") => ForGood)
NeverStuck == AllQuiet => Goal

\* The machine as a whole goes on wherever it can without another fault. Where nothing can go
\* on it is quiet, or TLC reports a deadlock.
FairSpec == Init /\ [][Next \/ (AllQuiet /\ UNCHANGED vars)]_vars /\ ([]<>AllQuiet \/ []<><<TRUE>>_vars)

\* In the end a process is active; whenever the lock is free, it is taken again; and a breadcrumb
\* of a service that does not run any more gives way to that of the one that does.
SomeProcessIsActive == <>[]Goal
LockIsTakenAgain == (~HasLock) ~> HasLock
ActiveIsNamed == <>[](\E p \in Members : Runs(p) /\ CrumbData = DataOf(p))
===============================================================================
