// Package zk is ZooKeeper in memory, as far as the recipe uses it: a tree with
// versions and zxids, ephemerals, sequential names, one-shot watches, multi with
// rollback, sessions that end, expire and move, connections that are lost before
// or after a request took effect, and servers that lag.
//
// [Tree] is the state as a value, with ZooKeeper's rules for a request; [Server]
// adds sessions and time, and [Env] runs the recipe on it. The explorer uses the
// Tree alone. What may differ from the real thing is written down in README.md;
// internal/integration holds the two against each other.
//
// The package must not know the recipe, nor who tests it.
package zk
