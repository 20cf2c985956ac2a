// Package workload is what the participants of locks do in a run. A locker takes several locks
// again and again, in all ways: alone and shared, as a permit of a semaphore, in the simple form;
// it waits, tries, gives up at a deadline, or changes its mind. A holder writes to a ledger and
// acts on the system outside in the name of its token. Some try that once more when their lock is
// over: the fence and the system outside must refuse it. When all faults are healed, each locker
// takes each lock once more.
package workload
