"""A client that takes a read-only server, at a server that has lost the others."""
import os

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException

zk = KazooClient(hosts=os.environ["ZK_SERVERS"], read_only=True, timeout=10)


def outcome(name, *args):
    try:
        return getattr(zk, name)(*args)
    except KazooException as e:
        return type(e).__name__


zk.start(30)
print("state:", zk.client_state)
print("get:", outcome("get", "/play/a")[0])
print("children:", sorted(outcome("get_children", "/play", lambda event: None)))
print("exists:", outcome("exists", "/play/none"))
print("set:", outcome("set", "/play/a", b"4"))
print("create:", outcome("create", "/play/none", b""))
print("delete:", outcome("delete", "/play/a"))
print("sync:", outcome("sync", "/play"))
transaction = zk.transaction()
transaction.create("/play/none", b"")
try:
    print("commit:", transaction.commit())
except KazooException as e:
    print("commit:", type(e).__name__)
zk.stop()
print("state:", zk.client_state)
