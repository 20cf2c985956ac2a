// Package record is the narrow waist of Ringmaster: what was observed in a run,
// as data. Everything before it produces events, everything after it reads them
// and nothing else, so that a stored run can be judged again.
//
// A run's folder ends with a [Manifest], which tells what was never recorded from what was
// lost.
//
// A history is newline-delimited JSON: a header line, then one [Event] a line.
// Each process of a run appends to a journal of its own as the run goes, and the
// journals are merged when it is over. The package knows nothing of ZooKeeper's
// protocol, of the recipe, or of what makes a history right.
package record
