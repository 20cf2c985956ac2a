// Package participant is one process of a run. It runs a master, a worker, an equal
// node or a client of the recipe under a workload. It records its requests to ZooKeeper
// and the answers.
//
// The recipe does not know that it is recorded. The recorder stands at the port
// (zkapi.Env) and sees every write with its answer. The package knows nothing of
// faults, verdicts or containers. It is told where the ensemble is, and takes commands
// from its standard input.
package participant
