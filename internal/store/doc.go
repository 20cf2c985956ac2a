// Package store is the seventh subject: the records of an active process, as package recipe/store has
// them. It puts together a workload, judges and worlds, which are in the rooms below it.
//
// Managers are a small resource manager on the two recipes: they stand by in one group of
// package recipe/standby, and the active one keeps its applications in the store. It acknowledges an
// application on a system outside that compares no tokens, when the store has confirmed it.
package store
