// Package workload is what the participants of the active-standby switch do in a run. Candidates
// use package standby. The active acts on the system outside, without any token, and writes to
// the ledger under the fence of its epoch; its data names its life, and the hook that fences
// ends that life by the power switch of the run. Hooks fail now and then, and so does the
// health of a candidate. Clients ask for failovers, and look who is active.
package workload
