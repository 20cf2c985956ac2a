// Package protocol is the recipe as an abstract machine: which writes exist, who may
// make them and when, and what ZooKeeper answers. It is spec/tla/Protocol.tla in Go,
// with the same names, and it checks recorded runs against that machine.
//
// The input is the exchanges on the wire ([record.Exchange]). [Split] reads them in the
// terms of the machine (read.go) and divides them (split.go): one trace of the claims,
// and one of each task, with the claims that the task depends on. This is sound because
// a task's part of a multi touches nothing of another task. It loses nothing that the
// machine says, because no demand and no promise is about two tasks.
//
// [Follow] walks along a trace with the set of all states that the machine may be in
// (follow.go, state.go). It is a set because two things are not recorded. The end of a
// session by its timeout is assumed when the next write shows it. A write without an
// answer may take effect at any time after it was sent, or never. If a write leaves no
// state, the machine does not allow it, and the states before it say why.
//
// The traces of a long run repeat the same claims, so [Part] follows a task's trace
// without building it (walk.go): it goes on from the states after the claims before the
// task's first write, which it keeps. If that trace has a write without an answer, or is
// not accepted, the trace is built and followed as a whole.
//
// TLC reads the same traces (tla.go, spec/tla/ProtocolTrace.tla) with Protocol.tla. The
// two must agree on every trace of a corpus and on every mutant of it; see the tests.
//
// The package knows the znodes from the protocol, as a reader of recipe/doc.go does. It
// shares no code with the recipe, and imports record alone.
package protocol
