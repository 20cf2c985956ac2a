// Package synthetic generates runs: histories, exchanges and evidence as the harness
// would have recorded them, of any length, in a moment, and the same for the same seed.
// They are for measuring the checker and for planting violations in histories that are
// too long to be recorded in a test.
//
// [Run] is a valid run: tasks are submitted, assigned, executed, returned, recorded,
// awaited, cancelled and collected; masters and workers lose their sessions; answers
// are lost. [Contested] is a short run around a single task, with as many writes of
// unknown outcome as wanted, and one reading that no order explains.
//
// The package knows the znodes from the protocol, as a reader of recipe/doc.go does. It
// shares no code with the recipe, imports record alone, and judges nothing: the checker
// decides whether its runs are valid.
package synthetic
