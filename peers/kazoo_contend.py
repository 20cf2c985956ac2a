"""Measures kazoo's Lock, its Election or its Counter, on the ensemble of PEERS_SERVER, below the
znode PEERS_BELOW: what PEERS_PART says, lock, election or counter. It prints one line of JSON for each figure.
README.md has the settings."""

import json
import logging
import multiprocessing
import os
import threading
import time

import kazoo
from kazoo.client import KazooClient

PROCESSES = 8  # that contenders are spread over, at most
PATIENCE = 60  # seconds for one state
WARM_UP = 20  # of what is timed one by one, these do not count
PAUSE = 0.05  # before a lock is given up, so that the other one waits by then


def number(name):
    return int(os.environ["PEERS_" + name])


def connect():
    zk = KazooClient(hosts=os.environ["PEERS_SERVER"], timeout=10)
    zk.start(PATIENCE)
    return zk


def figure(**values):
    print(json.dumps(values), flush=True)


def median(took):
    return sorted(took)[len(took) // 2]


def pairs(path, n):
    """Times the acquire and release of a lock that nothing else wants."""
    zk = connect()
    lock = zk.Lock(path)
    took = []
    for i in range(n + WARM_UP):
        began = time.monotonic()
        lock.acquire()
        lock.release()
        if i >= WARM_UP:
            took.append(time.monotonic() - began)
    zk.stop()
    figure(what="pair", tasks=n, seconds=median(took))


class Crowd:
    """Contenders, each with a session of its own."""

    def __init__(self, path, contenders, part):
        self.path, self.contenders, self.part = path, contenders, part
        self.ready, self.grants = multiprocessing.Semaphore(0), multiprocessing.Value("q", 0)
        self.counts, self.over = multiprocessing.Event(), multiprocessing.Event()

    def contend(self):
        zk = connect()
        turn = self.add(zk) if self.part == "counter" else self.lock(zk)
        self.ready.release()
        granted = 0
        while not self.over.is_set():
            granted += turn()
        with self.grants.get_lock():
            self.grants.value += granted
        zk.stop()

    def lock(self, zk):
        lock = zk.Lock(self.path)

        def turn():
            lock.acquire()
            counts = self.counts.is_set()
            lock.release()
            return counts

        return turn

    def add(self, zk):
        counter = zk.Counter(self.path)

        def turn():
            counter.__add__(1)  # what += calls
            return self.counts.is_set()

        return turn

    def process(self, threads):
        all_threads = [threading.Thread(target=self.contend) for _ in range(threads)]
        for t in all_threads:
            t.start()
        for t in all_threads:
            t.join()

    def measure(self, window):
        processes = min(PROCESSES, self.contenders)
        each = [self.contenders // processes + (i < self.contenders % processes) for i in range(processes)]
        started = [multiprocessing.Process(target=self.process, args=(n,)) for n in each]
        for p in started:
            p.start()
        for _ in range(self.contenders):
            self.ready.acquire(timeout=PATIENCE)
        time.sleep(1)  # warm-up
        self.counts.set()
        began = time.monotonic()
        time.sleep(window)
        took = time.monotonic() - began
        self.counts.clear()
        self.over.set()
        for p in started:
            p.join(PATIENCE)
            p.kill()
        figure(what="adds" if self.part == "counter" else "grants", setting="a session each, %d process%s" % (processes, "es" if processes > 1 else ""), waiting=self.contenders, tasks=self.grants.value, seconds=took)


class Contender:
    """Holds a lock, or leads, in a thread, from run until give_up."""

    def __init__(self, path, part):
        self.zk = connect()
        self.part, self.recipe = part, self.zk.Lock(path) if part == "lock" else self.zk.Election(path)
        self.holds, self.enough, self.at = threading.Event(), threading.Event(), 0.0

    def run(self):
        self.holds.clear()
        self.enough.clear()
        self.thread = threading.Thread(target=self.lock if self.part == "lock" else lambda: self.recipe.run(self.hold))
        self.thread.start()

    def lock(self):
        self.recipe.acquire()
        self.hold()
        self.recipe.release()

    def hold(self):
        self.at = time.monotonic()
        self.holds.set()
        self.enough.wait()
        self.began = time.monotonic()

    def wait(self):
        if not self.holds.wait(PATIENCE):
            raise TimeoutError("nothing is given up to it")


def handovers(path, part, n):
    """Times how long the one that waits takes to get what the other gives up."""
    one, other = Contender(path, part), Contender(path, part)
    one.run()
    one.wait()
    took = []
    for i in range(n + WARM_UP):
        other.run()
        time.sleep(PAUSE)
        one.enough.set()
        other.wait()
        one.thread.join()
        if i >= WARM_UP:
            took.append(other.at - one.began)
        one, other = other, one
    one.enough.set()
    one.thread.join()
    one.zk.stop()
    other.zk.stop()
    figure(what="passed", tasks=n, seconds=median(took))


def main():
    logging.basicConfig(level=logging.ERROR)
    below, part = os.environ["PEERS_BELOW"], os.environ["PEERS_PART"]
    figure(what="server", setting="kazoo %s" % kazoo.__version__)
    if part == "lock":
        pairs(below + "/pairs", number("LONE"))
    if part != "election":
        for contenders in map(int, os.environ["PEERS_CROWDS"].split(",")):
            Crowd(below + "/crowd-%d" % contenders, contenders, part).measure(number("WINDOW"))
    if part != "counter":
        handovers(below + "/passed", part, number("HANDOVERS"))


if __name__ == "__main__":
    main()
