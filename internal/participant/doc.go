// Package participant is one process of a run. It has a subject play one of its roles,
// and records the requests to ZooKeeper and the answers.
//
// The package knows nothing of recipes, faults, verdicts or containers. It is told where
// the ensemble is, and takes commands from its standard input.
package participant
