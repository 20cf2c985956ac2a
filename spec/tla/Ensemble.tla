------------------------------- MODULE Ensemble -------------------------------
(***************************************************************************)
(* ZooKeeper as a recipe sees it: znodes, requests, watches, sessions, a   *)
(* system outside that checks tokens, and what can go wrong.               *)
(*                                                                         *)
(* A module of a recipe extends this one. It has the variable `local`, the *)
(* memory of each program. An action of a recipe is an action of this      *)
(* module together with the next step of the program.                      *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Expiries,            \* how often the ensemble may end a session that is in use
    Losses,              \* how often a connection may break
    Crashes,             \* how often a process may die
    Lags,                \* how often a server may fall behind
    Leaves,              \* how often a process may be asked to leave
    Library,             \* "honest", or "replacing": it hides the end of a session
    Without,             \* the guard of the recipe that is taken out, or "nothing"
    None                 \* a value that is nothing else

\* A request whose caller waits no longer is left behind: it may still take effect, as long as
\* the session lives. A recipe says which these are.

VARIABLES
    zk,        \* the znodes: path -> [data, version, owner, made, place]
    server,    \* process -> what the ensemble holds of it: see NoServer
    asks,      \* process -> the request under way, or None
    outside,   \* resource -> what a system outside ZooKeeper has seen, or None
    left       \* fault -> how often it may still happen

ensemble == <<zk, server, asks, outside, left>>

Numbered(prefix, n) == [i \in 1..n |-> prefix \o ToString(i)]
Range(s) == {s[i] : i \in DOMAIN s}
Guarded(guard) == Without # guard
If(condition, sequence) == IF condition THEN sequence ELSE <<>>

-------------------------------------------------------------------------------
(* Znodes *)

\* Paths are sequences of names. A session is the process that opened it and a number. The
\* owner of a znode is the session whose end removes it, or None; its version counts the
\* changes of its data. A sequential znode has a place, which is the number in its name:
\* how many children its parent had before. Its parent counts them (made).
Root == <<>>
Parent(path) == SubSeq(path, 1, Len(path) - 1)
NewNode(data, owner, place) == [data |-> data, version |-> 0, owner |-> owner, made |-> 0, place |-> place]
Furnished(paths) == [path \in paths \cup {Root} |-> NewNode(None, None, None)]

Exists(z, path) == path \in DOMAIN z
Below(z, path) == {q \in DOMAIN z : Len(q) = Len(path) + 1 /\ SubSeq(q, 1, Len(path)) = path}
OwnerOf(z, path) == IF Exists(z, path) THEN z[path].owner ELSE None

\* The children of a znode: name -> place.
Children(z, path) ==
    LET names == {q[Len(q)] : q \in Below(z, path)} IN [name \in names |-> z[Append(path, name)].place]

-------------------------------------------------------------------------------
(* Requests *)

\* One part of a request. AnyVersion is the version that every znode has.
AnyVersion == -1
Part(op, path, version, data, mode, watch) ==
    [op |-> op, path |-> path, version |-> version, data |-> data, mode |-> mode, watch |-> watch]
Create(path, data) == Part("create", path, AnyVersion, data, "persistent", FALSE)
CreateEphemeral(path, data) == Part("create", path, AnyVersion, data, "ephemeral", FALSE)
CreateSequential(path, data) == Part("create", path, AnyVersion, data, "ephemeral sequential", FALSE)
Delete(path) == Part("delete", path, AnyVersion, None, "persistent", FALSE)
Set(path, version, data) == Part("set", path, version, data, "persistent", FALSE)
Check(path, version) == Part("check", path, version, None, "persistent", FALSE)
Read(op, path) == Part(op, path, AnyVersion, None, "persistent", FALSE)
ReadAndWatch(op, path) == Part(op, path, AnyVersion, None, "persistent", TRUE)
CloseSession == Part("close", Root, AnyVersion, None, "persistent", FALSE)
IsWrite(part) == part.op \in {"create", "delete", "set", "check"}
IsEphemeral(part) == part.mode # "persistent"

\* The number in the name of a sequential znode has ten digits. Fewer than a hundred are made.
Numeral(n) == (IF n < 10 THEN "000000000" ELSE "00000000") \o ToString(n)
NameAt(path, place) == Append(Parent(path), path[Len(path)] \o Numeral(place))

HasVersion(z, path, version) ==
    IF ~Exists(z, path) THEN "no node"
    ELSE IF version # AnyVersion /\ z[path].version # version THEN "bad version"
    ELSE "ok"

\* One part of a write: what it says, and the znodes after it.
Apply(z, part, session) ==
    LET path == part.path
        above == Parent(path)
        refused(why) == [err |-> why, z |-> z]
        version == HasVersion(z, path, part.version)
    IN CASE part.op = "create" ->
               IF ~Exists(z, above) THEN refused("no node")
               ELSE LET sequential == part.mode = "ephemeral sequential"
                        at == IF sequential THEN NameAt(path, z[above].made) ELSE path
                        node == NewNode(part.data, IF IsEphemeral(part) THEN session ELSE None, IF sequential THEN z[above].made ELSE None)
                    IN IF Exists(z, at) THEN refused("node exists")
                       ELSE [err |-> "ok", z |-> (at :> node) @@ [z EXCEPT ![above].made = @ + 1]]
         [] part.op = "delete" ->
               IF version # "ok" THEN refused(version) ELSE [err |-> "ok", z |-> [q \in DOMAIN z \ {path} |-> z[q]]]
         [] part.op = "set" ->
               IF version # "ok" THEN refused(version)
               ELSE [err |-> "ok", z |-> [z EXCEPT ![path].version = @ + 1, ![path].data = part.data]]
         [] part.op = "check" -> [err |-> version, z |-> z]
         [] OTHER -> [err |-> "ok", z |-> z]

\* A request is a sequence of parts that take effect together or not at all; at is the part
\* that was refused.
RECURSIVE ApplyFrom(_, _, _, _)
ApplyFrom(z, request, i, session) ==
    IF i > Len(request) THEN [err |-> "ok", at |-> 0, z |-> z]
    ELSE LET one == Apply(z, request[i], session)
         IN IF one.err # "ok" THEN [err |-> one.err, at |-> i, z |-> z]
            ELSE ApplyFrom(one.z, request, i + 1, session)
ApplyAll(z, request, session) ==
    LET end == ApplyFrom(z, request, 1, session)
    IN IF end.err = "ok" THEN end ELSE [end EXCEPT !.z = z]

\* A watch is on the data of a znode, or on its existence, or on its children. What a write
\* makes heard of, in ZooKeeper's order. The name of a sequential znode is new, so nobody has
\* a watch on it.
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

-------------------------------------------------------------------------------
(* Sessions *)

\* What the ensemble holds of a process, before that has opened its first session.
NoServer == [
    opened |-> 0,       \* sessions so far
    life |-> 1,         \* how many times the process has been started
    session |-> 0,      \* number of the session in use; 0 for none
    known |-> FALSE,    \* the ensemble has not ended it
    overslept |-> FALSE,\* no process is stopped here
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

\* The deletions that come with the end of a session, the longest path first: it owns at
\* most one znode of each length.
RECURSIVE DeletionsOf(_)
DeletionsOf(paths) ==
    IF paths = {} THEN <<>>
    ELSE LET longest == CHOOSE path \in paths : \A other \in paths : Len(other) <= Len(path)
         IN <<Delete(longest)>> \o DeletionsOf(paths \ {longest})
Deletions(z, session) == DeletionsOf(Owned(z, session))

\* Session n of p ends. s is what the ensemble holds of p then; everybody else hears of it.
Gone(p, n, s) ==
    LET gone == Deletions(zk, <<p, n>>)
    IN /\ zk' = ApplyAll(zk, gone, None).z
       /\ server' = [q \in DOMAIN server |-> IF q = p THEN Hears(s, AllFires(gone)) ELSE Hears(server[q], AllFires(gone))]

-------------------------------------------------------------------------------
(* Answers *)

\* Two guards are taken out on the way to the ensemble. A multi is sent part by part: then it
\* begins with the mark "apart", and a check does nothing. And a read that sets a watch is
\* sent as a read, and as another one that sets the watch: that one keeps the answer to the
\* first in its data.
Apart == Part("apart", Root, AnyVersion, None, "persistent", FALSE)
InOne(guard, request) == IF Guarded(guard) THEN request ELSE <<Apart>> \o request
IsApart(request) == request[1].op = "apart"
WithRead(request) ==
    IF request # None /\ request[1].watch /\ ~Guarded("watch-with-read")
    THEN <<Read(request[1].op, request[1].path), request[1]>> ELSE request
IsLateWatch(request) == ~IsApart(request) /\ ~IsWrite(request[1]) /\ Len(request) = 2

\* What takes effect next of a request: all of it, unless it is sent in parts.
Effective(request) ==
    IF IsApart(request) THEN <<IF request[2].op = "check" THEN Read("exists", request[2].path) ELSE request[2]>>
    ELSE IF IsLateWatch(request) THEN <<Head(request)>> ELSE request
Writes(p) == IsWrite(Effective(asks[p])[1])

\* What a request is answered. A read has one part. A write has the znodes after it.
Seen(p) == IF server[p].lagging = None THEN zk ELSE server[p].lagging
Answer(p) ==
    LET part == Effective(asks[p])[1]
        z == Seen(p)
        there == Exists(z, part.path)
    IN IF IsWrite(part) THEN ApplyAll(zk, Effective(asks[p]), SessionOf(p))
       ELSE [err |-> "ok", found |-> there,
             node |-> IF there THEN z[part.path] ELSE None,
             children |-> IF there THEN Children(z, part.path) ELSE <<>>]
Reply(p) == IF asks[p][1].watch /\ asks[p][1].data # None THEN asks[p][1].data ELSE Answer(p)

\* A client library delivers an event before it shows data that is newer.
Heeded(p) == asks[p] # None /\ server[p].known /\ server[p].events = <<>>

\* A server that lags catches up before it writes or syncs.
Answerable(p) == Heeded(p) /\ (server[p].lagging # None => ~Writes(p) /\ asks[p][1].op # "sync")

\* The ensemble carries out the request of p: s is what it then holds of p, if not more.
Carried(p, s(_)) ==
    LET end == ApplyAll(zk, Effective(asks[p]), SessionOf(p))
        fires == IF end.err = "ok" THEN AllFires(Effective(asks[p])) ELSE <<>>
    IN /\ zk' = end.z
       /\ server' = [q \in DOMAIN server |-> IF q = p THEN s(Hears(server[p], fires)) ELSE Hears(server[q], fires)]
Same(s) == s

\* More parts of the request of p are to be sent after this one.
GoesOn(p) == IF IsApart(asks[p]) THEN Len(asks[p]) > 2 /\ Answer(p).err = "ok" ELSE IsLateWatch(asks[p])

\* The request of p is carried out and answered, or a part of it.
IsServed(p) == Answerable(p) /\ asks[p] # <<CloseSession>> /\ ~GoesOn(p)
WriteIsServed(p) == Carried(p, Same) /\ UNCHANGED <<outside, left>>
ReadIsServed(p) ==
    /\ server' = IF asks[p][1].watch THEN [server EXCEPT ![p].watches = @ \cup {WatchOf(asks[p][1])}] ELSE server
    /\ UNCHANGED <<zk, outside, left>>
PartIsServed(p) ==
    /\ Answerable(p) /\ GoesOn(p)
    /\ IF IsLateWatch(asks[p])
       THEN asks' = [asks EXCEPT ![p] = <<[@[2] EXCEPT !.data = Answer(p)]>>] /\ UNCHANGED <<zk, server>>
       ELSE asks' = [asks EXCEPT ![p] = <<Apart>> \o SubSeq(@, 3, Len(@))] /\ Carried(p, Same)
    /\ UNCHANGED <<outside, left>>

\* A request that p has left behind takes effect.
BehindIsServed(p, request) ==
    /\ server[p].known /\ server[p].events = <<>>
    /\ server[p].lagging # None => ~IsWrite(request[1]) /\ request[1].op # "sync"
    /\ LET end == ApplyAll(zk, request, SessionOf(p))
           fires == IF end.err = "ok" THEN AllFires(request) ELSE <<>>
           s == IF request[1].watch THEN [server[p] EXCEPT !.watches = @ \cup {WatchOf(request[1])}] ELSE server[p]
       IN /\ zk' = end.z
          /\ server' = [q \in DOMAIN server |-> IF q = p THEN Hears(s, fires) ELSE Hears(server[q], fires)]
    /\ UNCHANGED <<outside, left>>

\* The session of p is closed, and another one is opened if the program goes on.
CloseIsServed(p, again) ==
    /\ asks[p] = <<CloseSession>> /\ server[p].known
    /\ LET n == server[p].session
           s == Unused(Ended(server[p], n))
       IN Gone(p, n, IF again THEN Opened(s) ELSE s)
    /\ UNCHANGED <<outside, left>>

\* A watch event arrives.
EventArrives(p) ==
    /\ server[p].events # <<>>
    /\ server' = [server EXCEPT ![p].events = Tail(@)]
    /\ UNCHANGED <<zk, outside, left>>
Event(p) == Head(server[p].events)

\* A process learns that the ensemble has ended its session, and opens another one if its
\* program goes on. A library that replaces sessions opens another one by itself.
EndIsNoticed(p, again) ==
    /\ server[p].session # 0 /\ ~server[p].known
    /\ server' = [server EXCEPT ![p] = IF Library = "replacing" THEN Opened(@) ELSE IF again THEN Opened(Unused(@)) ELSE Unused(@)]
    /\ UNCHANGED <<zk, outside, left>>

-------------------------------------------------------------------------------
(* The system outside ZooKeeper *)

\* It refuses a token that is smaller than one that it has seen; without the guard it shows
\* what would have become of it.
Smaller(a, b) == a[1] < b[1] \/ (a[1] = b[1] /\ a[2] < b[2])
After(last, token, by) ==
    IF last = None THEN [token |-> token, by |-> by, stale |-> FALSE, twice |-> FALSE]
    ELSE [token |-> IF Smaller(token, last.token) THEN last.token ELSE token, by |-> by,
          stale |-> last.stale \/ Smaller(token, last.token),
          twice |-> last.twice \/ (token = last.token /\ by # last.by)]
Acts(p, act) ==
    LET last == outside[act.resource]
        accepted == last = None \/ ~Smaller(act.token, last.token) \/ ~Guarded("fencing-token")
    IN /\ outside' = IF accepted THEN [outside EXCEPT ![act.resource] = After(last, act.token, <<p, server[p].life>>)] ELSE outside
       /\ UNCHANGED <<zk, server, left>>

-------------------------------------------------------------------------------
(* The ensemble by itself, and faults *)

\* The ensemble ends a session of nobody; a request of nobody arrives; a server catches up.
EndGhost(p) == \E n \in server[p].ghosts : Gone(p, n, Ended(server[p], n)) /\ UNCHANGED <<asks, outside, left>>
Arrive(p) ==
    \E l \in server[p].late :
      LET end == ApplyAll(zk, l.request, <<p, l.session>>)
          fires == IF end.err = "ok" THEN AllFires(l.request) ELSE <<>>
          gone(q) == IF q = p THEN [server[p] EXCEPT !.late = @ \ {l}] ELSE server[q]
      IN /\ zk' = end.z
         /\ server' = [q \in DOMAIN server |-> Hears(gone(q), fires)]
         /\ UNCHANGED <<asks, outside, left>>
CatchUp(p) ==
    /\ server[p].lagging # None
    /\ server' = [server EXCEPT ![p] = Fired([@ EXCEPT !.lagging = None, !.behind = <<>>], @.behind)]
    /\ UNCHANGED <<zk, asks, outside, left>>

Spend(fault) == left[fault] > 0 /\ left' = [left EXCEPT ![fault] = @ - 1]

\* The ensemble ends a session that is in use; its owner learns of it later.
Expire(p) ==
    /\ server[p].known /\ Spend("expiries")
    /\ Gone(p, server[p].session, Ended(server[p], server[p].session))
    /\ UNCHANGED <<asks, outside>>

\* A server falls behind what others see, until it catches up.
Lag(p) ==
    /\ server[p].known /\ server[p].lagging = None /\ Spend("lags")
    /\ server' = [server EXCEPT ![p].lagging = zk]
    /\ UNCHANGED <<zk, asks, outside>>

\* A connection breaks, and is there again: before the request of p took effect, after it, or
\* with nothing under way. The watches are gone, and what was to be heard of.
IsLostBefore(p) ==
    /\ Heeded(p) /\ asks[p] # <<CloseSession>> /\ Spend("losses")
    /\ server' = [server EXCEPT ![p] = Broken(@)]
    /\ UNCHANGED <<zk, outside>>
IsLostAfter(p) ==
    /\ Heeded(p) /\ Writes(p) /\ Spend("losses")
    /\ Carried(p, Broken)
    /\ UNCHANGED outside
Breaks(p) ==
    /\ server[p].known /\ Spend("losses")
    /\ ~(server[p].watches = {} /\ server[p].events = <<>> /\ server[p].behind = <<>>)
    /\ server' = [server EXCEPT ![p] = Broken(@)]
    /\ UNCHANGED <<zk, outside>>

\* The same with a request that p has left behind.
BehindIsLost(p, request) ==
    /\ server[p].known /\ server[p].events = <<>> /\ Spend("losses")
    /\ \/ server' = [server EXCEPT ![p] = Broken(@)] /\ zk' = zk
       \/ /\ IsWrite(request[1])
          /\ LET end == ApplyAll(zk, request, SessionOf(p))
                 fires == IF end.err = "ok" THEN AllFires(request) ELSE <<>>
             IN /\ zk' = end.z
                /\ server' = [q \in DOMAIN server |-> IF q = p THEN Broken(Hears(server[p], fires)) ELSE Hears(server[q], fires)]
    /\ UNCHANGED outside

\* A process dies. What it has sent may still arrive, as long as its session lives.
Dies(p, behind) ==
    /\ Spend("crashes")
    /\ LET s == server[p]
           requests == behind \cup (IF asks[p] # None THEN {Effective(asks[p])} ELSE {})
           sent == {[session |-> s.session, request |-> r] : r \in {x \in requests : IsWrite(x[1])}}
       IN server' = [server EXCEPT ![p] = IF s.known THEN [Unused(s) EXCEPT !.ghosts = @ \cup {s.session}, !.late = @ \cup sent] ELSE Unused(s)]
    /\ asks' = [asks EXCEPT ![p] = None]
    /\ UNCHANGED <<zk, outside>>
IsStarted(p) ==
    /\ server' = [server EXCEPT ![p] = [Opened(@) EXCEPT !.life = @ + 1]]
    /\ UNCHANGED <<zk, outside, left>>

Quiet(p) == asks[p] = None /\ server[p].events = <<>> /\ server[p].ghosts = {} /\ server[p].lagging = None /\ (server[p].session = 0 \/ server[p].known)

\* At the beginning every process has a session.
EnsembleInit(processes, paths, resources) ==
    /\ zk = Furnished(paths)
    /\ server = [p \in processes |-> Opened(NoServer)]
    /\ outside = [r \in resources |-> None]
    /\ left = [expiries |-> Expiries, losses |-> Losses, crashes |-> Crashes, stops |-> 0, lags |-> Lags, leaves |-> Leaves]

\* The form of the state, for TypeOK of a recipe.
EnsembleOK ==
    /\ \A path \in DOMAIN zk :
         /\ path # Root => Exists(zk, Parent(path))
         /\ zk[path].version \in Nat /\ zk[path].made \in Nat
         /\ zk[path].owner = None \/ (zk[path].owner[1] \in DOMAIN server /\ zk[path].owner[2] \in 1..server[zk[path].owner[1]].opened)
    /\ \A p \in DOMAIN server :
         LET s == server[p] IN
         /\ s.opened \in Nat /\ s.life \in 1..(Crashes + Leaves + 1) /\ s.session \in 0..s.opened /\ s.known \in BOOLEAN
         /\ s.known => s.session # 0
         /\ s.lagging # None => s.known
         /\ ~s.known => s.watches = {} /\ s.events = <<>>
         /\ \A g \in s.ghosts : g \in 1..s.opened /\ g # s.session
         /\ \A l \in s.late : l.session \in s.ghosts
         /\ asks[p] = None \/ (asks[p] \in Seq(Range(asks[p])) /\ s.session # 0)
    /\ \A r \in DOMAIN outside : outside[r] = None \/ outside[r].token \in Nat \X Nat
    /\ left \in [expiries : 0..Expiries, losses : 0..Losses, crashes : 0..Crashes, stops : {0}, lags : 0..Lags, leaves : 0..Leaves]
===============================================================================
