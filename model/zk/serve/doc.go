// Package serve puts the ZooKeeper in memory of package zk behind ZooKeeper's own protocol, so
// that clients in any language can use it: over TCP, over TLS, or over the pipes of a test in
// virtual time.
//
// An [Ensemble] has the state: znodes and sessions. Its [Member]s are what clients connect to.
// They stop, start, lose their quorum, become read-only, lag and are cut off as real ones do;
// [ParseFaults] and [Ensemble.Inject] let that happen, and other faults. README.md lists how they
// differ from real servers.
package serve
