--------------------------------- MODULE Lock ---------------------------------
(***************************************************************************)
(* The lock (package recipe/lock), one action for each request that a      *)
(* contender or a holder sends, at the moment at which the ensemble        *)
(* carries it out. Each process takes the lock a few times. A holder       *)
(* writes an entry to a ledger under its claim, acts outside, and          *)
(* releases the lock.                                                      *)
(*                                                                         *)
(* It is the same machine as the Go code in internal/lock/world, which     *)
(* runs the recipe: README.md says how they are compared.                  *)
(*                                                                         *)
(* Read it in order: what a contender remembers; its steps; faults; what   *)
(* must hold. Ensemble.tla has ZooKeeper.                                  *)
(***************************************************************************)
EXTENDS Ensemble

CONSTANTS
    Writers,             \* contenders for the exclusive lock
    Readers,             \* contenders for the shared lock
    Rounds,              \* how often each of them takes it
    ForGood              \* a process that has died stays down

VARIABLE local           \* process -> where its program is, and what it remembers
vars == <<ensemble, local>>

WriterNames == Range(Numbered("writer-", Writers))
ReaderNames == Range(Numbered("reader-", Readers))
Processes == WriterNames \cup ReaderNames
IsReader(p) == p \in ReaderNames

LockPath == <<"lock">>                \* its version is the token of the last grant
LedgerPath == <<"ledger">>            \* its data is the last entry, a token; each entry has a child
EntryPath(token) == Append(LedgerPath, ToString(token))
ContenderPath(name) == Append(LockPath, name)

-------------------------------------------------------------------------------
(* What a program remembers. It is at a place: where it asks for something, or waits. *)

\* What the application has been told. The judges read it.
Nothing == [holds |-> 0, wrote |-> 0, refused |-> 0, idle |-> FALSE, done |-> FALSE]

\* A contender joins the line, under a name that is unique.
Joins(v) == [v EXCEPT !.at = "join", !.names = @ + 1, !.mine = None, !.own = 0, !.ahead = None, !.moved = FALSE,
                      !.token = 0, !.version = 0, !.again = FALSE]
Begins(life) == Joins([
    at |-> "join",
    life |-> life,
    names |-> 0,                          \* nonces that this life has used; the last is in its znode's name
    round |-> 1,
    mine |-> None,                        \* the name of its znode
    own |-> 0,                            \* the version of that
    ahead |-> None,                       \* the one that it waits for
    moved |-> FALSE,                      \* the connection has changed since it began to look
    version |-> 0,                        \* of the path, as read before the grant
    seen |-> 0,                           \* the greatest token that it had
    token |-> 0,                          \* of its grant
    again |-> FALSE,                      \* its entry may be there already
    acts |-> {},                          \* requests to the system outside that are under way
    abandoned |-> {},                     \* requests to the ensemble that it has left behind
    leaving |-> FALSE,                    \* it was asked to leave
    told |-> Nothing])

\* The end of a turn; idle says that the end of the lock is confirmed, or that the lock was lost.
EndsTurn(v, idle) ==
    LET u == [v EXCEPT !.told.holds = 0, !.told.wrote = 0]
    IN IF v.round < Rounds /\ ~v.leaving THEN Joins([u EXCEPT !.round = @ + 1])
       ELSE [u EXCEPT !.at = "done", !.mine = None, !.token = 0, !.again = FALSE, !.told.idle = idle, !.told.done = TRUE]

\* A holder acts outside after its write.
ActOf(v) == [resource |-> "work", token |-> <<0, v.token>>]
GoesOut(v) == [v EXCEPT !.at = "act", !.again = FALSE, !.acts = @ \cup {ActOf(v)}]

\* The lock is lost. A holder that was writing acts outside all the same, without waiting for
\* the answer: a process may be late.
GoesOutLate(v) == IF v.at = "write" THEN [v EXCEPT !.acts = @ \cup {ActOf(v)}, !.again = FALSE] ELSE v
LosesLock(v) == [GoesOutLate(v) EXCEPT !.at = "leaveLost", !.told.holds = 0]

\* Its znode is gone although the session lives: the contender makes sure of it, and joins again.
IsGone(v) == [v EXCEPT !.at = "leaveLine"]

\* A process is asked to leave. It waits for a lock no longer, and its contender deletes its
\* znode; only the write that makes the znode, or that grants the lock, is waited for. A holder
\* does not wait for the answer to its write.
Withdraws(v) == [v EXCEPT !.at = "withdraw", !.ahead = None, !.moved = FALSE, !.version = 0]
IsOver(v) == [v EXCEPT !.at = "done", !.mine = None, !.ahead = None, !.moved = FALSE, !.version = 0, !.again = FALSE]
Abandons(v, request) == [v EXCEPT !.abandoned = IF request = None THEN @ ELSE @ \cup {request}]
Leaving(v, request) ==
    LET u == [v EXCEPT !.leaving = TRUE]
        w == [u EXCEPT !.told.done = TRUE]
    IN CASE v.at \in {"join", "syncLine", "find", "grant", "leaveLine"} -> w
         [] v.at \in {"line", "before", "wait", "readPath", "syncTokens", "readTokens", "reread"} -> Withdraws(Abandons(w, request))
         [] v.at = "write" -> GoesOut(Abandons(u, request))
         [] OTHER -> u

\* What is asked for at each place.
Prefix(p, v) == p \o "." \o ToString(v.life) \o "." \o ToString(v.names) \o (IF IsReader(p) THEN "-R-" ELSE "-W-")
Record(p, token) == [token |-> token, shared |-> IsReader(p)]
AsksFor(p, v) ==
    LET mine == ContenderPath(v.mine)
    IN WithRead(
    CASE v.at = "join" -> <<CreateSequential(ContenderPath(Prefix(p, v)), Record(p, 0))>>
      [] v.at = "syncLine" -> IF Guarded("sync-after-doubt") THEN <<Read("sync", LockPath)>> ELSE <<Read("exists", LedgerPath)>>
      [] v.at \in {"find", "line"} -> <<Read("children", LockPath)>>
      [] v.at = "before" -> <<ReadAndWatch("exists", ContenderPath(v.ahead))>>
      [] v.at \in {"readPath", "readTokens"} -> <<Read("get", LockPath)>>
      [] v.at = "syncTokens" -> <<Read("sync", LockPath)>>
      [] v.at = "reread" -> <<Read("get", mine)>>
      [] v.at = "grant" ->
           InOne("grant-in-one", If(Guarded("grant-check"), <<Check(mine, AnyVersion)>>)
                                 \o <<Set(LockPath, v.version, [znode |-> v.mine, token |-> v.version + 1])>>
                                 \o If(IsReader(p), <<Set(mine, v.own, Record(p, v.version + 1))>>))
      [] v.at = "write" ->
           InOne("write-in-one", If(Guarded("write-check"), <<Check(mine, AnyVersion)>>)
                                 \o <<Set(LedgerPath, AnyVersion, v.token), Create(EntryPath(v.token), None)>>)
      [] v.at \in {"leave", "leaveLost", "leaveLine", "withdraw"} -> <<Check(mine, AnyVersion), Delete(mine)>>
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
(* The line (recipe/lock/contender.go, queue.go, line.go) *)

\* contender.join, findMine: the znode's name is unique, so it is found if the answer was lost.
Joined(v, name) == LET u == [v EXCEPT !.at = "line", !.mine = name] IN IF v.leaving THEN Withdraws(u) ELSE u
Join(p) ==
    /\ Answered(p, "join")
    /\ Written(p, Joined(local[p], Prefix(p, local[p]) \o Numeral(zk[LockPath].made)))
SyncLine(p) == Answered(p, "syncLine") /\ HasRead(p, [local[p] EXCEPT !.at = "find"])
Find(p) ==
    /\ Answered(p, "find")
    /\ LET v == local[p]
           line == Reply(p).children
           found == {name \in DOMAIN line : name = Prefix(p, v) \o Numeral(line[name])}
       IN HasRead(p, IF found # {} THEN Joined(v, CHOOSE name \in found : TRUE)
                     ELSE IF v.leaving THEN IsOver(v) ELSE [v EXCEPT !.at = "join"])

\* contender.lookOnce, line.before: an exclusive contender waits for the one before it, a shared
\* one for the last exclusive one before it. The name of a znode says which it is; here its data
\* says it as well.
Looks(v) == [v EXCEPT !.at = "line", !.ahead = None, !.moved = FALSE]
Line(p) ==
    /\ Answered(p, "line")
    /\ LET v == local[p]
           line == Reply(p).children
           isShared(name) == Seen(p)[ContenderPath(name)].data.shared
           earlier == {name \in DOMAIN line : line[name] < line[v.mine] /\ ~(IsReader(p) /\ isShared(name))}
           last == CHOOSE name \in earlier : \A other \in earlier : line[other] <= line[name]
       IN HasRead(p, IF v.mine \notin DOMAIN line THEN IsGone(v)
                     ELSE IF earlier = {} THEN [v EXCEPT !.at = "readPath", !.moved = FALSE]
                     ELSE [v EXCEPT !.at = "before", !.ahead = last])
Before(p) ==
    /\ Answered(p, "before")
    /\ LET v == local[p] IN HasRead(p, IF ~Reply(p).found \/ v.moved THEN Looks(v) ELSE [v EXCEPT !.at = "wait"])

-------------------------------------------------------------------------------
(* The grant (contender.grantOnce), and what the holder does *)

\* The token is the version of the path after the grant. A server that lags may show one that is
\* less than a token of this process.
ReadPath(p) ==
    /\ Answered(p, "readPath")
    /\ LET version == Reply(p).node.version
       IN HasRead(p, IF version < local[p].seen THEN [local[p] EXCEPT !.at = "syncTokens"] ELSE [local[p] EXCEPT !.at = "grant", !.version = version])
SyncTokens(p) == Answered(p, "syncTokens") /\ HasRead(p, [local[p] EXCEPT !.at = "readTokens"])
ReadTokens(p) == Answered(p, "readTokens") /\ HasRead(p, [local[p] EXCEPT !.at = "grant", !.version = Reply(p).node.version])

\* The first part that is refused says why there is no grant: its znode is gone; another grant
\* came first; or its znode was changed, by an earlier grant whose answer was lost.
Grant(p) ==
    /\ Answered(p, "grant")
    /\ LET v == local[p]
           a == Answer(p)
           token == a.z[LockPath].version
       IN Written(p, IF v.leaving THEN Withdraws(v)
                     ELSE IF a.err = "ok" THEN [v EXCEPT !.at = "write", !.token = token, !.seen = token, !.version = 0, !.told.holds = token]
                     ELSE IF IsApart(asks[p]) THEN [v EXCEPT !.at = "readPath"]
                     ELSE IF a.at = 1 THEN IsGone(v)
                     ELSE IF a.at = 2 THEN [v EXCEPT !.at = "readPath"]
                     ELSE [v EXCEPT !.at = "reread"])
Reread(p) ==
    /\ Answered(p, "reread")
    /\ LET v == local[p]
       IN HasRead(p, IF Reply(p).found THEN [v EXCEPT !.at = "readPath", !.own = Reply(p).node.version] ELSE IsGone(v))

\* Held.Write. A write that was sent again is refused if the first was applied. The first part
\* is the check of the claim.
WriteEntry(p) ==
    /\ Answered(p, "write")
    /\ LET v == local[p]
           a == Answer(p)
           wrote == a.err \in {"ok", "node exists"}
           refused == IF v.again THEN v ELSE [v EXCEPT !.told.refused = v.token]
       IN Written(p, IF wrote THEN GoesOut([v EXCEPT !.told.wrote = v.token])
                     ELSE IF a.at = 1 THEN LosesLock(refused)
                     ELSE GoesOut(refused))

\* Host.Act: the system outside has answered. Then the holder releases the lock.
Act(p) ==
    \E act \in local[p].acts :
      LET v == [local[p] EXCEPT !.acts = @ \ {act}]
      IN /\ Acts(p, act)
         /\ IF At(p, "act") /\ act = ActOf(v) THEN Goes(p, [v EXCEPT !.at = "leave", !.told.holds = 0]) ELSE Suffers(p, v)

HasLeft(v) ==
    CASE v.at = "withdraw" \/ (v.at = "leaveLine" /\ v.leaving) -> IsOver(v)
      [] v.at = "leaveLine" -> Joins(v)
      [] OTHER -> EndsTurn(v, TRUE)

\* contender.clean: deletes its znode, until the ensemble has said that it is gone.
Clean(p) ==
    /\ \E place \in {"leave", "leaveLost", "leaveLine", "withdraw"} : Answered(p, place)
    /\ Written(p, HasLeft(local[p]))

-------------------------------------------------------------------------------
(* What happens to a program *)

\* A watch event arrives, and wakes a contender that waits for it.
Awaits(v) == IF v.at = "wait" THEN DataWatch(ContenderPath(v.ahead)) ELSE None
Deliver(p) == EventArrives(p) /\ Suffers(p, IF Awaits(local[p]) = Event(p) THEN Looks(local[p]) ELSE local[p])

\* The client library shows that the connection has changed.
Bounced(v) ==
    IF ~Guarded("look-after-reconnect") THEN v
    ELSE CASE v.at \in {"line", "before"} -> [v EXCEPT !.moved = TRUE]
           [] v.at = "wait" -> Looks(v)
           [] OTHER -> v

\* A session is over. A contender joins the line again with the next one. A holder has lost the
\* lock. If it was releasing, it does not hear that its znode is gone.
Over(v) ==
    LET u == [v EXCEPT !.abandoned = {}]
    IN CASE v.at \in {"write", "act", "leaveLost"} -> EndsTurn(GoesOutLate(u), TRUE)
         [] v.at = "leave" -> EndsTurn(u, FALSE)
         [] v.at = "done" -> u
         [] OTHER -> IF v.leaving THEN IsOver(u) ELSE Joins(u)
Notice(p) ==
    LET v == local[p]
    IN /\ EndIsNoticed(p, Over(v).at # "done")
       /\ IF Library = "replacing" THEN Suffers(p, IF v.at = "wait" THEN Looks(v) ELSE Bounced(v)) ELSE Goes(p, Over(v))

\* What a program does when the answer to its request is lost.
Lost(v) ==
    LET find == IF Lags > 0 THEN "syncLine" ELSE "find"
    IN CASE v.at = "join" -> IF Guarded("join-resolved") THEN [v EXCEPT !.at = find] ELSE v
         [] v.at \in {"syncLine", "find"} -> [v EXCEPT !.at = find]
         [] v.at \in {"line", "before"} -> Looks(v)
         [] v.at = "grant" /\ v.leaving -> Withdraws(v)
         [] v.at \in {"readPath", "syncTokens", "readTokens", "grant", "reread"} -> [v EXCEPT !.at = "readPath"]
         [] v.at = "write" -> [v EXCEPT !.again = TRUE]
         [] Guarded("release-confirmed") -> v
         [] OTHER -> HasLeft(v)
LoseBefore(p) == IsLostBefore(p) /\ Goes(p, Lost(local[p]))
LoseAfter(p) == IsLostAfter(p) /\ Goes(p, Lost(local[p]))
Break(p) == Breaks(p) /\ Suffers(p, Bounced(local[p]))

Behind(p) == IF At(p, "dead") THEN {} ELSE local[p].abandoned
LeftBehind(p) ==
    \E request \in Behind(p) :
      /\ BehindIsServed(p, request)
      /\ local' = [local EXCEPT ![p].abandoned = @ \ {request}] /\ UNCHANGED asks
LoseBehind(p) ==
    \E request \in Behind(p) :
      /\ BehindIsLost(p, request)
      /\ Suffers(p, Bounced([local[p] EXCEPT !.abandoned = @ \ {request}]))
Leave(p) ==
    /\ ~At(p, "dead") /\ ~local[p].leaving /\ Spend("leaves")
    /\ Suffers(p, Leaving(local[p], asks[p]))
    /\ UNCHANGED <<zk, server, outside>>

Crash(p) ==
    /\ ~At(p, "dead") /\ Dies(p, Behind(p))
    /\ local' = [local EXCEPT ![p] = [at |-> "dead", life |-> @.life, acts |-> {}, told |-> Nothing]]
Restart(p) == At(p, "dead") /\ ~ForGood /\ IsStarted(p) /\ Goes(p, Begins(local[p].life + 1))

-------------------------------------------------------------------------------
(* The machine *)

Init ==
    /\ EnsembleInit(Processes, {LockPath, LedgerPath}, {"work"})
    /\ local = [p \in Processes |-> Begins(1)]
    /\ asks = [p \in Processes |-> AsksFor(p, local[p])]

Program(p) ==
    \/ Join(p) \/ SyncLine(p) \/ Find(p) \/ Line(p) \/ Before(p)
    \/ ReadPath(p) \/ SyncTokens(p) \/ ReadTokens(p) \/ Grant(p) \/ Reread(p)
    \/ WriteEntry(p) \/ Act(p) \/ Clean(p)
    \/ LeftBehind(p) \/ Deliver(p) \/ Notice(p) \/ Restart(p)
Alone(p) == (PartIsServed(p) \/ EndGhost(p) \/ Arrive(p) \/ CatchUp(p)) /\ UNCHANGED local
Fault(p) ==
    \/ (Expire(p) \/ Lag(p)) /\ UNCHANGED local
    \/ LoseBefore(p) \/ LoseAfter(p) \/ LoseBehind(p) \/ Break(p) \/ Crash(p) \/ Leave(p)
Next == \E p \in Processes : Program(p) \/ Alone(p) \/ Fault(p)
Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
(* What must hold, under the names that the explorer uses *)

Version == zk[LockPath].version
Granted == zk[LockPath].data
Last == zk[LedgerPath].data

\* The contenders in the line. The path names an exclusive holder, and the znode of a shared one
\* has its token.
Contenders ==
    {[name |-> path[2], place |-> zk[path].place, shared |-> zk[path].data.shared, session |-> zk[path].owner,
      token |-> IF zk[path].data.token > 0 THEN zk[path].data.token
                ELSE IF Granted # None /\ Granted.znode = path[2] THEN Granted.token ELSE 0] : path \in Below(zk, LockPath)}
Holders == {c \in Contenders : c.token > 0}
TokensOf(contenders) == {c.token : c \in contenders}
Excludes(a, b) == a.name # b.name /\ ~(a.shared /\ b.shared)

Places == {"join", "syncLine", "find", "line", "before", "wait", "readPath", "syncTokens", "readTokens", "grant", "reread",
           "write", "act", "leave", "leaveLost", "leaveLine", "withdraw", "done", "dead"}
TypeOK ==
    /\ EnsembleOK
    /\ \A p \in Processes :
         /\ local[p].at \in Places
         /\ local[p].at = "dead" => asks[p] = None /\ ~server[p].known
         /\ \A act \in local[p].acts : act.resource = "work" /\ act.token \in {0} \X Nat

\* Mutual exclusion, in the order of the ensemble. No two processes that exclude each other
\* believe to hold the lock while their sessions live. A grant comes when no other holder is
\* there. A write of a holder comes while it holds the lock; so none comes after a later grant.
Believes(p) == local[p].told.holds # 0 /\ server[p].known
OneHolds == Library = "honest" => \A p, q \in Processes : Believes(p) /\ Believes(q) => p = q \/ (IsReader(p) /\ IsReader(q))
NewHolders == {c \in Holders' : c.token \notin TokensOf(Holders)}
MutualExclusion ==
    [][/\ OneHolds'
       /\ \A c \in NewHolders : \A other \in Holders' : ~Excludes(c, other)
       /\ (Last' # Last => /\ Last' \in TokensOf(Holders)
                           /\ (Readers = 0 /\ Last # None => Last' > Last))]_vars

\* The line grants in the order in which the contenders came.
FifoInOrder == [][\A c \in NewHolders : \A other \in Contenders' : Excludes(c, other) => c.place < other.place]_vars

\* Each grant has a greater token than all before it, and the version of the path is the token.
TokensGrow == [][\A c \in NewHolders : c.token = Version' /\ c.token > Version /\ (Last = None \/ c.token > Last)]_vars
UniqueTokens ==
    /\ \A p, q \in Processes : local[p].told.holds = local[q].told.holds /\ local[p].told.holds # 0 => p = q
    /\ outside["work"] = None \/ ~outside["work"].twice

\* What a holder writes in one call is there whole, or not at all.
WritesInOne ==
    /\ Last # None => Exists(zk, EntryPath(Last))
    /\ Last = None => DOMAIN Children(zk, LedgerPath) = {}

\* Who wants no lock, and was told that the last one is over, has no znode in the line.
OfSession(p) == {c \in Contenders : c.session = SessionOf(p)}
NoZnodeLeft == Library = "honest" => \A p \in Processes : server[p].known /\ local[p].told.idle => OfSession(p) = {}

\* What a holder was told is true.
ToldTruly ==
    \A p \in Processes : LET told == local[p].told IN
      /\ told.wrote # 0 => Exists(zk, EntryPath(told.wrote))
      /\ told.refused # 0 => ~Exists(zk, EntryPath(told.refused))
      /\ Library = "honest" /\ Believes(p) => told.holds \in TokensOf(OfSession(p))

StaleEffectsFenced == Readers = 0 => outside["work"] = None \/ ~outside["work"].stale

\* No wake-up is lost: the znode that a contender waits for is there and watched, or an event is
\* under way that wakes it. A server that lags has still to tell of it.
NoLostWakeUp ==
    \A p \in Processes :
      LET s == server[p]
          w == Awaits(local[p])
      IN w # None /\ s.known =>
           \/ w \in Range(s.events)
           \/ w \in s.watches /\ (Exists(zk, w[2]) \/ w \in Range(s.behind))

\* When nothing can happen any more but faults, each process has had its turns, and no znode is
\* left.
Goal == (\A p \in Processes : local[p].at \in {"done", "dead"}) /\ Contenders = {}
AllQuiet == \A p \in Processes : Quiet(p) /\ Behind(p) = {} /\ local[p].acts = {} /\ (At(p, "dead") => ForGood)
NeverStuck == AllQuiet => Goal

\* The machine as a whole goes on wherever it can without another fault. Where nothing can go
\* on it is quiet, or TLC reports a deadlock.
FairSpec == Init /\ [][Next \/ (AllQuiet /\ UNCHANGED vars)]_vars /\ ([]<>AllQuiet \/ []<><<TRUE>>_vars)

\* Nobody starves: each process has its turns, and who stands in the line comes to hold the lock,
\* or has left the line.
InLine(p) == server[p].known /\ OfSession(p) # {}
NoStarvation ==
    \A p \in Processes :
      /\ <>[](local[p].told.done \/ (ForGood /\ At(p, "dead")))
      /\ InLine(p) ~> (local[p].told.holds # 0 \/ ~InLine(p))
===============================================================================
