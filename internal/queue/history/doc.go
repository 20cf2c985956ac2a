// Package history says what a run of queues leaves on record: the events that producers and
// consumers note, and what the znodes of a queue mean. The workload notes by it; the judges, the
// stories and the drawing read by it. It shares no code with the recipe: it reads paths by code of
// its own.
//
// The object of an event is a znode that holds an item, by its path. An item keeps its id wherever
// it is: in line, delayed, or among the dead letters. The id is in its payload.
package history
