// Package zkapi is the port through which the recipe sees the world: what it
// asks of ZooKeeper ([Session], [Op], [Result]) and everything else that is not
// deterministic ([Env]).
//
// The package holds types only. It must not know which client library, which
// clock or which scheduler stands behind it: production runs the recipe on
// package zkclient, an explorer may run the same code on a ZooKeeper in memory,
// one operation at a time. That works because of one rule: every point at
// which the recipe blocks, and every value it cannot compute itself (time,
// names that nobody else has), crosses the interfaces of this package.
//
// Three promises are made to the recipe by every implementation:
//
//   - A Session is one ZooKeeper session. It is never replaced behind the
//     caller's back; a new session is a new value.
//   - A watch is set atomically with the read that asked for it. It is a hint:
//     it may be late and may be lost with a connection, so it says "read again"
//     and never what has changed.
//   - An error says what is known about the operation ([FateOf]). What is not
//     a server's answer, and not proven never to have been sent, is Unknown.
package zkapi
