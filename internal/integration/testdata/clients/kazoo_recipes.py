"""Goes through kazoo's recipes against the servers of ZK_SERVERS, and prints a line for each
outcome. The lines are the same on every ZooKeeper. Run it on an empty one."""

import collections
import os
import queue
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.protocol.states import KazooState
from kazoo.recipe.cache import TreeCache
from kazoo.security import make_acl, make_digest_acl

PATIENCE = 20  # seconds that anything may take


def client(**options):
    zk = KazooClient(hosts=os.environ["ZK_SERVERS"] + "/kazoo", timeout=8, **options)
    zk.start(PATIENCE)
    return zk


def say(*words):
    print(*words, flush=True)


def refused(call, *args, **options):
    """The name of the refusal, or None."""
    try:
        call(*args, **options)
    except KazooException as e:
        return type(e).__name__
    return None


def waits(event):
    if not event.wait(PATIENCE):
        raise TimeoutError("waited for %d seconds" % PATIENCE)


def told(events):
    return events.get(timeout=PATIENCE)


def end_session(zk):
    """Ends the session of a client as its expiry does: a second connection closes it."""
    lost = threading.Event()
    zk.add_listener(lambda state: lost.set() if state == KazooState.LOST else None)
    other = KazooClient(hosts=os.environ["ZK_SERVERS"], client_id=zk.client_id)
    other.start(PATIENCE)
    other.stop()
    other.close()
    waits(lost)


def aside(call):
    """Runs a call in a thread."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def lock(a, b):
    mine, its = a.Lock("/lock", "a"), b.Lock("/lock", "b")
    say("a acquires:", mine.acquire())
    say("b acquires without waiting:", its.acquire(blocking=False))
    say("b waits:", refused(its.acquire, timeout=0.5))
    say("contenders:", its.contenders())
    got = threading.Event()
    aside(lambda: its.acquire(timeout=PATIENCE) and got.set())
    mine.release()
    waits(got)
    say("b has it after a's release:", its.is_acquired)
    its.release()
    say("left:", a.get_children("/lock"))
    read, write = a.ReadLock("/rw", "r"), b.WriteLock("/rw", "w")
    say("reader:", read.acquire(), "second reader:", b.ReadLock("/rw", "r2").acquire())
    say("writer beside readers:", write.acquire(blocking=False))
    first, second = a.Semaphore("/semaphore", "a", max_leases=1), b.Semaphore("/semaphore", "b", max_leases=1)
    say("lease:", first.acquire(), "a second one:", second.acquire(blocking=False))
    say("holders:", sorted(second.lease_holders()))
    first.release()
    say("a second one after the release:", second.acquire())


def lock_of_lost_session(a, b):
    held = client()
    held.Lock("/lost", "held").acquire()
    got = threading.Event()
    waiting = a.Lock("/lost", "waits")
    aside(lambda: waiting.acquire(timeout=PATIENCE) and got.set())
    end_session(held)
    waits(got)
    say("contenders:", waiting.contenders())
    held.stop()
    held.close()


def election(a, b):
    order, led, go = [], threading.Event(), threading.Event()
    first, second = a.Election("/election", "a"), b.Election("/election", "b")

    def leads(name, begun=None, until=None):
        order.append(name)
        if begun:
            begun.set()
            waits(until)

    one = aside(lambda: first.run(leads, "a", led, go))
    waits(led)
    two = aside(lambda: second.run(leads, "b"))
    while first.contenders() != ["a", "b"]:
        pass
    say("contenders:", first.contenders())
    go.set()
    one.join(PATIENCE), two.join(PATIENCE)
    say("leaders in turn:", order)


def queues(a, b):
    q = a.Queue("/queue")
    q.put(b"late", priority=200), q.put(b"early", priority=50), q.put(b"middle")
    say("length:", len(q), "in turn:", [b.Queue("/queue").get() for _ in range(4)])
    q = a.LockingQueue("/locking")
    q.put_all([b"x", b"y"])
    q.put(b"urgent", priority=1)
    say("taken:", q.get(PATIENCE), "consumed:", q.consume())
    other = b.LockingQueue("/locking")
    say("taken:", q.get(PATIENCE), "by b:", other.get(PATIENCE), "held:", q.holds_lock())
    q.release()
    say("b consumes:", other.consume(), "then takes:", other.get(PATIENCE))


def party(a, b):
    one, two = a.Party("/party", "a"), b.ShallowParty("/party", "b")
    one.join(), two.join()
    say("members:", sorted(one), len(two))
    two.leave()
    say("members:", sorted(one), "a in it:", bool(one.participating))


def partitioner(a, b):
    parts = [zk.SetPartitioner("/partitions", set("123456"), identifier=name, time_boundary=0.5)
             for zk, name in ((a, "a"), (b, "b"))]

    def step(p):
        if p.failed:
            raise RuntimeError("a partitioner failed")
        if p.release:
            p.release_set()
        p.wait_for_acquire(0.1)

    while not all(p.acquired for p in parts):
        for p in parts:
            step(p)
    say("shares:", [sorted(p) for p in parts])
    parts[0].finish()
    while not (parts[1].acquired and len(list(parts[1])) == 6):
        step(parts[1])
    say("the share of the last one:", sorted(parts[1]))


def counter(a, b):
    mine, its = a.Counter("/counter"), b.Counter("/counter")
    mine += 2
    its -= 5
    say("value:", mine.value, "raw:", a.get("/counter")[0])
    adders = [aside(lambda c=c: [c.__add__(1) for _ in range(20)]) for c in (a.Counter("/sum"), b.Counter("/sum"))]
    for adder in adders:
        adder.join(PATIENCE)
    say("sum:", a.Counter("/sum").value)
    shared = a.Counter("/curator", support_curator=True)
    shared += 7
    say("for Curator:", b.get("/curator")[0])


def barriers(a, b):
    barrier, passed = a.Barrier("/barrier"), threading.Event()
    barrier.create()
    say("barrier holds:", not b.Barrier("/barrier").wait(0.2))
    aside(lambda: b.Barrier("/barrier").wait(PATIENCE) and passed.set())
    say("removed:", barrier.remove())
    waits(passed)
    steps = collections.Counter()

    def both(zk):
        double = zk.DoubleBarrier("/double", 2)
        double.enter()
        steps["entered"] += 1
        double.leave()
        steps["left"] += 1

    threads = [aside(lambda zk=zk: both(zk)) for zk in (a, b)]
    for thread in threads:
        thread.join(PATIENCE)
    say("double barrier:", sorted(steps.items()))


def watchers(a, b):
    data, children = queue.Queue(), queue.Queue()
    a.ensure_path("/watched")
    a.DataWatch("/watched/x", lambda value, stat, event: data.put((value, stat and stat.version, event and event.type)))
    a.ChildrenWatch("/watched", lambda names: children.put(sorted(names)))
    say("at first:", told(data), told(children))
    b.create("/watched/x", b"1")
    say("created:", told(data), told(children))
    b.set("/watched/x", b"2")
    say("set:", told(data))
    b.delete("/watched/x")
    say("deleted:", told(data), told(children))
    events = queue.Queue()
    cache = TreeCache(a, "/watched")
    cache.listen(lambda e: events.put((e.event_type, e.event_data and e.event_data.path)))
    cache.start()
    say("cache:", [told(events) for _ in range(2)])
    b.create("/watched/y/z", b"3", makepath=True)
    say("cache:", [told(events) for _ in range(2)], cache.get_data("/watched/y/z").data)
    cache.close()


def transaction(a, b):
    t = a.transaction()
    t.create("/t", b"1"), t.set_data("/t", b"2"), t.check("/t", 1)
    say("committed:", t.commit()[:1], a.get("/t")[0], a.get("/t")[1].version)
    t = a.transaction()
    t.create("/t2"), t.check("/t", 9), t.delete("/t")
    say("refused:", [type(r).__name__ for r in t.commit()], a.exists("/t2"))


def znodes(a, b):
    path, stat = a.create("/n", b"12", include_data=True)
    say(path, stat.version, stat.dataLength, stat.numChildren, stat.ephemeralOwner)
    say(a.create("/n/s-", sequence=True), a.create("/n/s-", sequence=True, ephemeral=True))
    say(refused(a.create, "/n"), refused(a.create, "/none/x"), refused(a.delete, "/n"),
        refused(a.set, "/n", b"", version=7), refused(a.get, "/none"),
        refused(a.create, "/n/s-0000000001/x"))
    say(a.get_children("/n", include_data=True)[1].numChildren, a.sync("/n"))
    a.delete("/n", recursive=True)
    say(a.exists("/n"))


def acls(a, b):
    a.add_auth("digest", "user:secret")
    a.create("/guarded", b"x", acl=[make_digest_acl("user", "secret", all=True), make_acl("world", "anyone", create=True)])
    say(a.get("/guarded")[0], refused(b.get, "/guarded"), refused(b.set, "/guarded", b"y"))
    say(b.create("/guarded/child"), refused(b.delete, "/guarded/child"))
    b.add_auth("digest", "user:wrong")
    say(refused(b.get, "/guarded"))
    found, stat = a.get_acls("/guarded")
    say([(entry.id.scheme, entry.id.id.split(":")[0], entry.acl_list) for entry in found], stat.aversion)
    say(refused(a.set_acls, "/guarded", []), refused(a.set_acls, "/guarded", found, version=5), refused(a.set_acls, "/guarded", [make_acl("no", "one")]))
    a.set_acls("/guarded", [make_acl("world", "anyone", read=True)])
    say(b.get("/guarded")[1].aversion, refused(b.set, "/guarded", b"y"))


def main():
    root = KazooClient(hosts=os.environ["ZK_SERVERS"])
    root.start(PATIENCE)
    root.ensure_path("/kazoo")
    root.stop()
    a, b = client(), client()
    for recipe in (znodes, lock, lock_of_lost_session, election, queues, party, partitioner, counter,
                   barriers, watchers, transaction, acls):
        say("# " + recipe.__name__)
        recipe(a, b)
    for zk in (a, b):
        zk.stop()
        zk.close()


main()
