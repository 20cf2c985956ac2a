// Package zkapi is the port of the recipe: ZooKeeper requests ([Session], [Op], [Result]),
// and everything else that is not deterministic ([Env]).
//
// The package must not know which client library, clock or scheduler stands behind it.
// Production runs the recipe on package zkclient. An explorer runs the same code on a
// ZooKeeper in memory, one operation at a time. One rule makes that possible: every point at
// which the recipe blocks, and every value that it cannot compute itself (time, unique
// names), crosses the interfaces of this package.
//
// Every implementation makes three promises to the recipe:
//
//   - A Session is one ZooKeeper session. It is never replaced silently; a new session is a
//     new value.
//   - A watch is set atomically with the read that asked for it. It is a hint: it may be
//     late, and it may be lost with a connection. It says "read again", and not what has
//     changed.
//   - An error says what is known about the operation ([FateOf]). The fate is Unknown unless
//     the server answered, or the request was certainly not sent.
package zkapi
