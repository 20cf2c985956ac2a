"""Contends for the lock at INTEROP_LOCK with kazoo until its standard input ends, and prints what
it believes, a line of JSON each (interop_programs_test.go). INTEROP_NAMES says which names are in
the line: curator (all contenders have Curator's), mixed (any), read-write, and blind (any, but it
knows its own only). It takes no shared locks: a ReadLock of kazoo 2.8 also waits for writers that
came later, and those wait for it (kazoo's issue 649)."""

import json
import logging
import os
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState
from kazoo.recipe.lock import Lock

WHO, LOCK, WORK = (os.environ["INTEROP_" + name] for name in ("WHO", "LOCK", "WORK"))
NAMES = os.environ["INTEROP_NAMES"]
PASSING = (KazooException, KazooTimeoutError)
PATIENCE = 10  # seconds for one answer

saying = threading.Lock()
stay, rest = threading.Event(), threading.Event()


class CuratorLock(Lock):
    """Has the names of Curator's InterProcessMutex."""

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-"]


class CuratorWriteLock(Lock):
    """Has the names of Curator's InterProcessReadWriteLock."""

    _NODE_NAME = "-__WRIT__"
    _EXCLUDE_NAMES = ["-__WRIT__", "-__READ__"]


def say(**values):
    values["at"] = time.monotonic_ns()
    with saying:
        print(json.dumps(values), flush=True)


class Hold:
    """One time in which this program believes that it holds the lock."""

    def __init__(self, n, znode):
        self.n, self.znode, self.over, self.mutex = n, znode, False, threading.Lock()
        say(what="holds", n=n, znode=znode)

    def end(self, why):
        with self.mutex:
            if not self.over:
                say(what="over", n=self.n, why=why)
            self.over = True


def listen(zk):
    for line in sys.stdin:
        word = line.strip()
        stay.set() if word == "stay" else stay.clear()
        rest.set() if word == "rest" else rest.clear()
    zk.stop()
    os._exit(0)


def work(zk, hold):
    data = "|".join((WHO, str(hold.n), hold.znode)).encode()
    i = 0
    while not hold.over and (i < 3 or stay.is_set()):
        if i == 3:
            say(what="stays", n=hold.n)
        try:
            zk.set_async(WORK, data).get(timeout=PATIENCE)
        except KazooTimeoutError:
            begin_anew(hold)
        except KazooException:
            pass  # whether the lock is lost, the state of the connection tells
        time.sleep(0.01)
        i += 1


def begin_anew(hold):
    """A client of kazoo 2.8 whose session was ended sometimes never answers again."""
    hold.end("no answer")
    say(what="failed", why="kazoo does not answer: this program begins anew")
    os.execv(sys.executable, [sys.executable] + sys.argv)


def new_lock(zk):
    """A Lock is used once: what it remembers of one session does not hold in the next."""
    if NAMES == "curator":
        return CuratorLock(zk, LOCK, WHO)
    if NAMES == "read-write":
        return CuratorWriteLock(zk, LOCK, WHO)
    if NAMES == "mixed":
        return Lock(zk, LOCK, WHO, extra_lock_patterns=["-lock-"])
    return Lock(zk, LOCK, WHO)


def main():
    logging.basicConfig(level=logging.ERROR)
    zk = KazooClient(hosts=os.environ["INTEROP_SERVERS"], timeout=4.0)
    current = [None]

    def changed(state):
        hold = current[0]
        if state == KazooState.LOST and hold is not None:
            hold.end("lost")

    zk.add_listener(changed)
    zk.start(60)
    threading.Thread(target=listen, args=(zk,), daemon=True).start()
    n = 0
    while True:
        if rest.is_set():
            say(what="rests")
            while rest.is_set():
                time.sleep(0.01)
        n += 1
        lock = new_lock(zk)
        try:
            if not lock.acquire():
                continue
        except PASSING as e:
            say(what="failed", why=repr(e))
            time.sleep(0.1)
            continue
        hold = current[0] = Hold(n, lock.node)
        work(zk, hold)
        hold.end("released")
        current[0] = None
        try:
            lock.release()
        except PASSING as e:
            say(what="failed", why=repr(e))
        time.sleep(0.005)


if __name__ == "__main__":
    main()
