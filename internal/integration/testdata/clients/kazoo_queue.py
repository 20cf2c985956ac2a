"""Does what its arguments say with kazoo's LockingQueue: put:PRIORITY:VALUE, get, consume and release."""

import os
import sys

from kazoo.client import KazooClient

client = KazooClient(hosts=os.environ["ZK_SERVERS"])
client.start()
queue = client.LockingQueue("/queues/mail")
for word in sys.argv[1:]:
    verb, _, rest = word.partition(":")
    if verb == "put":
        priority, _, value = rest.partition(":")
        queue.put(value.encode(), int(priority))
    elif verb == "get":
        value = queue.get(3)
        print("got", value.decode() if value is not None else "nothing", flush=True)
    elif verb == "consume":
        print("consumed", queue.consume(), flush=True)
    elif verb == "release":
        print("released", queue.release(), flush=True)
client.stop()
client.close()
