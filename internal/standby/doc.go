// Package standby is the sixth subject: the active-standby switch, as package recipe/standby has it.
// It puts together a workload, judges and worlds, which are in the rooms below it.
//
// Candidates stand by in one group. The active acts on a system outside that compares no tokens, so
// only fencing protects it: the hook that fences ends a life by the power switch of the run
// ([subject.Participant.PowerOff]). Clients ask for failovers.
package standby
