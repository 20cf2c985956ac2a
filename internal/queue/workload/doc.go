// Package workload is what the participants of a queue do in a run. Producers put items, one by one
// and many together, with priorities and delays, into a queue with a bound. Consumers take them, in
// all ways: they wait, try, take several at once, give up at a deadline or change their mind. A
// consumer writes about an item and acts on the system outside in the name of its token; then it
// has the item recorded as consumed, gives it back, or buries it. Some try to write once more when
// they have the item no longer. No consumer can work on a poison item: it must end among the dead
// letters, from which a producer brings some back.
package workload
