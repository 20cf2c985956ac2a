// Package participant is what one tortured process does: it runs a master, a
// worker, an equal node or a client of the recipe under a workload, and writes
// down what it asks of ZooKeeper and what it hears.
//
// The recipe does not learn that it is watched: the recorder stands at the port
// (zkapi.Env) and sees every write with its answer. The package knows nothing of
// faults, verdicts or containers; it is told where the ensemble is and obeys
// lines on its standard input.
package participant
