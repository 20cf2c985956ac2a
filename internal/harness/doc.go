// Package harness conducts a run of any subject. It starts the ensemble and the
// participants, lets the nemesis act, heals everything, waits until all work is done,
// and gathers the evidence in a folder. It does not judge: package checker reads the
// folder and gives the verdict, now or later.
//
// The phases are set-up, load with faults, heal, drain, collect. They are written once
// (run.go). A run needs a bench, which has the servers and the participants. The bench
// docker (docker*.go) has real servers, and its participants are processes behind
// proxies. The bench memory (memory*.go) has a server and participants in one process
// and in virtual time. Both offer their targets to the nemesis.
//
// After healing, the harness waits for conditions, never for a fixed time. Whatever
// happens, Ctrl-C included, the last phase heals, saves and removes everything that was
// started.
//
// It knows no recipe: what the participants do, who leads and what is still to be done
// it asks the subject. It reads the final tree itself, so it may import zkclient.
package harness
