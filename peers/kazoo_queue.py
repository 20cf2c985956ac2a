"""Measures kazoo's LockingQueue on the ensemble of PEERS_SERVER, below the znode PEERS_BELOW: for
the suite queue if PEERS_PART is queue, otherwise for the suite peers. It prints one line of JSON
for each figure. README.md has the settings."""

import json
import logging
import multiprocessing
import os
import threading
import time

import kazoo
from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue

CONSUMERS = 8  # of the suite peers
EACH_PUT = 100  # items of one put_all
PATIENCE = 60  # seconds for one state
WARM_UP = 5  # of the items one at a time, these do not count


def number(name):
    return int(os.environ["PEERS_" + name])


def connect():
    zk = KazooClient(hosts=os.environ["PEERS_SERVER"], timeout=10)
    zk.start(PATIENCE)
    return zk


def figure(**values):
    print(json.dumps(values), flush=True)


def put_all(queue, n):
    for done in range(0, n, EACH_PUT):
        queue.put_all([b"payload"] * min(EACH_PUT, n - done))


class Drain:
    """Items that wait, and consumers, each in a process and with a session of its own."""

    def __init__(self, path, waiting, consumers):
        self.path, self.waiting, self.consumers = path, waiting, consumers
        self.ready, self.go = multiprocessing.Semaphore(0), multiprocessing.Event()
        self.left, self.last = multiprocessing.Value("q", waiting), multiprocessing.Value("d", 0.0)
        self.over = multiprocessing.Event()

    def consume(self):
        zk = connect()
        queue = LockingQueue(zk, self.path)
        self.ready.release()
        self.go.wait()
        while not self.over.is_set():
            if queue.get(timeout=1) is None or not queue.consume():
                continue
            with self.left.get_lock():
                self.left.value -= 1
                self.last.value = time.monotonic()
                if self.left.value == 0:
                    self.over.set()
        zk.stop()

    def measure(self, window):
        """Returns how many items were consumed, and in how many seconds: until the queue is
        empty, or the window is over."""
        consumers = [multiprocessing.Process(target=self.consume) for _ in range(self.consumers)]
        for c in consumers:
            c.start()
        for _ in consumers:
            self.ready.acquire(timeout=PATIENCE)
        began = time.monotonic()
        self.go.set()
        self.over.wait(window)
        with self.left.get_lock():
            done, took = self.waiting - self.left.value, time.monotonic() - began
            if self.left.value == 0:
                took = self.last.value - began
        self.over.set()
        for c in consumers:
            c.join(PATIENCE)
            c.kill()
        return done, took


def lone(path, n):
    """Prints how long one item takes on an idle queue, from put to the acknowledged consume in
    another session. LockingQueue has no results."""
    mine, other = connect(), connect()
    put, get = LockingQueue(mine, path), LockingQueue(other, path)
    done, over = threading.Event(), threading.Event()

    def serve():
        while not over.is_set():
            if get.get(timeout=1) is not None and get.consume():
                done.set()

    thread = threading.Thread(target=serve)
    thread.start()
    took = []
    for i in range(n + WARM_UP):
        time.sleep(0.03)
        done.clear()
        began = time.monotonic()
        put.put(b"payload")
        if not done.wait(PATIENCE):
            raise TimeoutError("an item is not consumed after %d s" % PATIENCE)
        if i >= WARM_UP:
            took.append(time.monotonic() - began)
    over.set()
    thread.join()
    took.sort()
    figure(what="lone", setting="no result", tasks=n, seconds=took[n // 2])
    mine.stop()
    other.stop()


def drain(path, waiting, window):
    done, took = Drain(path, waiting, CONSUMERS).measure(window)
    figure(what="drain", setting="%d consumers, %d s at most" % (CONSUMERS, window), waiting=waiting, tasks=done, seconds=took)


def begin(zk, path):
    """Returns a queue whose parents are there."""
    queue = LockingQueue(zk, path)
    queue.put(b"payload")
    queue.get()
    queue.consume()
    return queue


def alongside(below):
    """Measures for the suite peers."""
    tasks, few, window = number("TASKS"), number("FEW"), number("WINDOW")
    zk = connect()
    many = begin(zk, below + "/many")
    began = time.monotonic()
    put_all(many, tasks)
    figure(what="submit", setting="put_all", tasks=tasks, seconds=time.monotonic() - began)
    put_all(LockingQueue(zk, below + "/few"), few)
    zk.stop()
    drain(below + "/few", few, window)
    drain(below + "/many", tasks, window)
    lone(below + "/lone", number("LONE"))


def puts_and_takes(below):
    """Measures for the suite queue."""
    zk = connect()
    queue, n = begin(zk, below + "/put"), number("LONE")
    began = time.monotonic()
    for _ in range(n):
        queue.put(b"payload")
    figure(what="puts", tasks=n, seconds=time.monotonic() - began)
    began, n = time.monotonic(), number("TASKS")
    put_all(queue, n)
    figure(what="puts-of-many", setting="put_all of %d" % EACH_PUT, tasks=n, seconds=time.monotonic() - began)
    for consumers in map(int, os.environ["PEERS_CROWDS"].split(",")):
        path, waiting = below + "/taken-by-%d" % consumers, number("FEW")
        put_all(LockingQueue(zk, path), waiting)
        done, took = Drain(path, waiting, consumers).measure(number("WINDOW"))
        figure(what="takes", setting="a process and a session each", waiting=consumers, tasks=done, seconds=took)
    zk.stop()


def main():
    logging.basicConfig(level=logging.ERROR)
    figure(what="server", setting="kazoo %s" % kazoo.__version__)
    measure = puts_and_takes if os.environ["PEERS_PART"] == "queue" else alongside
    measure(os.environ["PEERS_BELOW"])


if __name__ == "__main__":
    main()
