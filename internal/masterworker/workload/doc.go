// Package workload is what the participants of the master-worker recipe do in a run:
// masters, workers, equal nodes and clients, and the tasks that the clients make up.
package workload
