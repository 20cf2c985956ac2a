// Package record holds the observations of a run as data. Everything before it
// (participants, proxies, harness) produces events. Everything after it (judges,
// stories, reports) reads events and nothing else, so a stored run can be judged again.
//
// A run has a folder. folder.go names every file in it, and [Open] reads it. The
// [Manifest] is written last; it separates parts that were never recorded from parts
// that were lost. config.json has the [Policy], the limits that judges hold the run
// against.
//
// A history is newline-delimited JSON: a header line, then one [Event] a line. An event
// is an envelope and one [Payload]; the event's kind decides the payload's type. Every
// fact that a judge needs is a value there: [Injection], [SessionChange],
// [ProcessChange] and the others use constants of this package. The words of an event
// ([Event.Remark]) are for people, and no other package compares them. Version 1 of the
// format had one list of fields for all kinds and put facts into words; it is still
// read.
//
// An [Index] serves judges, stories, shrinking and reports. It has every write with its
// exchange, its place in ZooKeeper's order and its fate, every election, and the lives
// of processes and sessions. Each of these facts is decided there once.
//
// Each process of a run appends to its own journal during the run. The journals are
// merged when the run is over.
//
// Files whose names begin with masterworker_ have what only the master-worker recipe
// has: its kinds of events, and its znodes as judges read them. They share no code with
// the recipe. Any other recipe has kinds of its own, with the payload [Own], and says by
// [Objects] what its znodes belong to. The package knows nothing else of a recipe, and
// it does not know when a history is right.
package record
