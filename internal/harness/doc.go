// Package harness conducts a run: it starts the ensemble and the participants,
// lets the nemesis act, heals everything, waits until every accepted task has
// ended, and gathers the evidence in a folder. It does not judge: what it leaves
// is files, from which package checker gives the verdict, now or later.
//
// The phases are set-up, load with faults, heal, drain, collect. They are written once
// (run.go). What a run takes place on is a bench: docker (docker*.go) has real servers, and
// participants that are processes behind proxies; memory (memory*.go) has a server and participants in
// one process and in virtual time. Both offer the nemesis whom it can hit.
//
// After healing it waits for conditions, never for a fixed time. Whatever happens, Ctrl-C
// included, the last phase heals, saves and removes what was started.
//
// It reads the final tree itself and asks ZooKeeper who leads, hence it may use
// zkclient beside the rooms of the table in tidy_test.go.
package harness
