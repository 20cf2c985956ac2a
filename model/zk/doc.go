// Package zk is a ZooKeeper in memory, as far as the recipe uses it: a tree with versions and
// zxids, ephemerals, sequential names, one-shot watches, and multi with rollback. Sessions
// end, expire and move; connections break before or after a request takes effect; servers
// lag.
//
// [Tree] is the state as a value, with ZooKeeper's rules for a request; [Server] adds
// sessions and time, and [Env] runs the recipe on it. The explorer uses only the Tree.
//
// The rules that package serve has as well stand here once: [View] is what one server knows and
// whom it tells, [Watches] are the watches of its clients, [Expiry] says when a session ends,
// and [EndOf] what its end does.
//
// README.md lists the differences that are allowed from a real server; internal/integration
// compares the two.
//
// The package must not know the recipe or its tests.
package zk
