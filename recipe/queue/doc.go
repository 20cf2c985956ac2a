// Package queue is a distributed queue on ZooKeeper without a master: producers put items, and
// consumers take each item under a claim and acknowledge it. An item is handed out at least once. Its
// recorded consumption, the acknowledgement with the writes in it, is applied exactly once.
//
// # Znodes
//
//	<path>                                  persistent
//	<path>/entries/entry-100-0000000001     persistent: an item; its priority, its number; the payload
//	<path>/taken/entry-100-0000000001       ephemeral: the claim of the consumer that holds it
//	<path>/delayed/1700000000000-100-00...  persistent: an item for later: the moment, the priority
//	<path>/dead/entry-100-00...1.takes-3    persistent: a dead letter, and how often it was taken
//	<path>/lanes/<unique>-0                 ephemeral: what makes the writes of one process count once
//
// The first three are those of kazoo's LockingQueue, whose producers and consumers can take part.
// So can zkCli: create -s <path>/entries/entry-100- "payload" puts an item, and create -e
// <path>/taken/<entry> "me" claims one. kazoo's simple Queue has no claims and cannot take part.
// With Layout Curator, items are in the form of Curator's DistributedQueue with a lock path.
//
// The version of an entry counts how often it was taken, and is the token of the one who holds it.
// Every write is one multi that also sets a lane, an ephemeral znode of the own session, from one
// version to the next. So a write whose answer was lost is sent again as it was: it cannot be
// applied twice, and a refusal for the version of the lane tells that it was applied before.
//
// # Guaranteed
//
//   - An item whose Put returned nil is handed to a consumer until one has acknowledged it. While the
//     session lives, Put makes it once, whatever answers are lost. When a session ends with a Put in
//     doubt, the error says so (ErrInDoubt).
//   - Ack deletes the item and applies the writes that it is given, all or none, once, and only while
//     this consumer holds the item. So no other consumer has acknowledged it, or will.
//   - Two consumers never both hold one item with a session that lives and a context that has not
//     ended. More exactly: in the order of ZooKeeper's writes, nothing that an earlier holder sends
//     through Write or Ack is applied after a later take.
//   - The order: a Take never passes over an item with a smaller priority number, or with the same one
//     and a smaller sequence number, if that item's Put returned before the Take began, and if during
//     the whole Take the item was not delayed, and no consumer held it. Consumers complete in any order.
//   - The item of a consumer that has died, or that releases it, is free again at its old place.
//   - With MaxTakes n, an item that was taken n times and not acknowledged goes to the dead letters, and
//     is not taken again until a person puts it back (Requeue).
//   - A token is greater than the tokens of all earlier takes of the item by this package. This
//     holds after a restore of the ensemble too, if the process that takes it has seen the earlier
//     tokens.
//   - Every claim is deleted, whatever ends it: an error, a timeout, a lease that is over. The attempts
//     go on until the ensemble has confirmed one, or the session has ended.
//
// # Not guaranteed
//
//   - What a consumer does outside ZooKeeper is not fenced: it can happen twice. Let the other system
//     compare ID and Token, or put the effect into the writes of Ack.
//   - Consumers of other libraries raise no version: their takes do not count for MaxTakes, and have no
//     token. kazoo's consume deletes an entry without regard to its claim if its own claim was lost
//     just before.
//   - An item that is too large for the servers, or whose ACL keeps a consumer from taking it, is skipped:
//     the log says which, once. One with another ACL is looked at again every half minute.
//   - Each put wakes all consumers that wait in Take, and one of them gets the item.
//   - A consumer that holds items, however many, costs one write every sixth of the session's timeout.
//   - The entries of a queue are one list: a server sends it whole to each consumer that begins, within
//     jute.maxbuffer. Tens of thousands of items are fine, millions are not.
//
// # Sources
//
// The znodes are those of kazoo's LockingQueue, and the idea of claims as ephemerals beside the entries
// is as old as Curator's lock path (DistributedQueue). The lanes are the idea of session numbers of
// exactly-once RPC (RIFL, Lee and others, SOSP 2015), kept in the tree. Count of takes and dead letters are
// as in Amazon SQS. Lease and fence are package recipe's rules for a master.
package queue
