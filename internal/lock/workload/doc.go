// Package workload is what the participants of locks do in a run. A locker takes several locks
// again and again, in all ways: alone and shared, as a permit of a semaphore, in the simple form, and
// several together, in any order; it waits, tries, gives up at a deadline, or changes its mind. One
// lock always has a delay. Of another one a holder gives up its hold only when a locker that waits
// asks for it, or after a long time.
//
// A holder writes to a ledger and acts on the system outside in the name of its token. Some try that
// once more when their lock is over, and some have a write under way until then: the fence and the
// system outside must refuse it. When all faults are healed, each locker takes each lock once more.
package workload
