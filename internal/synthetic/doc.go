// Package synthetic makes runs that nobody ran: histories, exchanges and evidence as
// the harness would have recorded them, of any length, in a moment, and the same ones
// for the same seed. They are for measuring the checker and for planting violations in
// histories that are too long to be recorded in a test.
//
// [Run] is a valid run: tasks are submitted, assigned, executed, given back, recorded,
// awaited, cancelled and collected; masters and workers are robbed of their sessions;
// answers are lost. [Contested] is a short one around a single task, with as many
// writes of unknown outcome as one likes, and one reading that no order explains.
//
// The package knows the znodes from the protocol, as a person does who reads
// recipe/doc.go. It shares no code with the recipe, imports history alone, and judges
// nothing: that its runs are valid is what the checker says of them.
package synthetic
