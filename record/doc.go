// Package record is the narrow waist of Ringmaster: what was observed in a run,
// as data. Everything before it produces events, everything after it reads them
// and nothing else, so that a stored run can be judged again.
//
// A run has a folder. folder.go has the name of every file in it, [Open] reads it, and a
// [Manifest], written last, tells what was never recorded from what was lost. config.json
// has the [Policy] that the judges hold the run against.
//
// A history is newline-delimited JSON: a header line, then one [Event] a line. An event is
// an envelope and one [Payload], whose type is that of its kind. What a judge wants to know
// is a value there: [Injection], [SessionChange], [ProcessChange] and the others say what
// happened with constants of this package. The words of an event ([Event.Remark]) are for
// people, and no other room compares them. Version 1 of the format had one list of fields
// for all kinds, and said what happened in words; it is still read.
//
// An [Index] is what judges, stories, shrinking and reports draw from: writes with their
// exchange, their place in ZooKeeper's order and their fate, elections, and the lives of
// processes and sessions. Each of these is decided there, once.
//
// Each process of a run appends to a journal of its own as the run goes, and the
// journals are merged when it is over.
//
// znode.go has the znodes of the recipe as all judges read them. It shares no code with the
// recipe. The package knows nothing else of the recipe, and not what makes a history right.
package record
