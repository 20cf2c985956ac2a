// Package zk is ZooKeeper in memory, as far as the recipe uses it: a tree with
// versions and zxids, ephemerals, sequential names, one-shot watches, multi,
// sessions that can be ended, and replies that can be lost before or after the
// request took effect.
//
// It is one server with one order of requests; it never serves a stale read and
// has no leader to lose. Package recipe is tested on it where no Docker engine is
// at hand; that the recipe holds on the real thing is for the harness to show.
package zk
