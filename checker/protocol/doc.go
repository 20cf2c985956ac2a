// Package protocol is the recipe as an abstract machine: which writes there are, who
// may make them and when, and what ZooKeeper answers. It is spec/tla/Protocol.tla in
// Go, by the same names, and it holds recorded runs against that machine.
//
// A run is what went over the wire ([record.Exchange]). [Split] reads it in the terms
// of the machine (read.go) and takes it apart into sub-traces (split.go): one of the
// claims, and one of each task, with what the task depends on of the claims. That is
// sound because a task's part of a multi touches nothing of another task, and complete
// for what the machine says because no demand and no promise speaks of two tasks.
//
// [Follow] walks along a trace with the set of all states that the machine may be in
// (follow.go, state.go). What nobody recorded makes it a set: the end of a session by
// its timeout, which is assumed where the next write shows it, and a write that was
// never answered, which may take effect at any time after it was sent, and never. When
// no state is left, the write that left none is what the machine does not allow, and
// the states before it say why.
//
// The same traces are given to TLC (tla.go, spec/tla/ProtocolTrace.tla), which reads
// Protocol.tla. The two must agree on every trace of a corpus and on every mutant of
// it; see the tests.
//
// The package knows the znodes from the protocol, as a person does who reads
// recipe/doc.go. It shares no code with the recipe, and imports history alone.
package protocol
