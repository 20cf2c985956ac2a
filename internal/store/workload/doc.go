// Package workload is what the participants of the store do in a run. Managers are candidates of package
// recipe/standby. The active opens the store, loads all records, and then keeps applications in it, by
// two threads that have applications of their own: it accepts, changes, finishes and removes them, some with
// values that are in parts, some several at a time. An application is acknowledged on the system outside when
// the store has confirmed it. The hook that fences ends the old life by the power switch of the run.
// Operators ask for failovers.
package workload
