// Package history says what a run of locks leaves on record: the events that lockers note, and
// what the znodes of a lock mean. The workload notes by it; the judges, the stories and the
// drawing read by it. It shares no code with the recipe: it reads paths by code of its own.
//
// A lock is the object of its events, by its path. An attempt to take it, the time in which it
// is held, and its release have one id.
package history
