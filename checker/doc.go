// Package checker is the engine that judges a run of any recipe: verdict = f(history,
// evidence). It can judge a stored run again and gives the same answer. Its input is a
// run in memory. Package checker/judge is for the folder of a stored run: it reads the
// run, calls this package, and writes what came out.
//
// The files, in the order of their use:
//
//	judging.go     what a recipe brings: its judges and searches
//	check.go       Check: asks all judges, and makes the verdict; the list of the judges of every run
//	case.go        Case: the run as every judge reads it
//	ledger.go      the outcomes and the order of writes, as the commits have them
//	resolution.go  how many unknown outcomes were found out
//	whole.go       the judge of the record: is it whole
//	sessions.go    the judges of sessions and crashes
//	accounted.go   the judges of ZooKeeper: are the writes accounted for, do the servers agree
//	search.go      searches for an order, by a sequential specification
//	findings.go    what one judge has found
//	idle.go        the faults that never took effect
//	verdict.go     verdicts, properties, and verdict.json
//	picture.go     a search, drawn
//
// It knows no recipe. A recipe brings a [Judging]: it reads a [Case], which is the run as
// every judge reads it, and returns its judges, its searches, its numbers and its
// sentences. [Check] adds the judges of every run, whatever the recipe: is the record
// whole, do the servers agree, is every write accounted for, are sessions over when they
// have ended, and did no participant crash.
//
// The record comes first (whole.go). If a part of it is lost, the run proves nothing,
// and it is unknown whatever the judges find in the rest.
//
// Evidence comes before search. If a participant could not know an outcome, the commits
// of ZooKeeper settle it (record.Index, ledger.go), or the final tree if the commits are
// not known, which the recipe reads. Then judges look at every operation once, in
// near-linear time. Then porcupine searches small partitions, one for each object of the
// recipe: the recipe brings the sequential specification ([Specification]). A search that
// is cut short is unknown, never a pass; its bounds are in search.go.
//
// A judge reports violations as data ([Findings]): a code, an object, events, an exchange
// and arguments. Package wording has the sentences of the codes of this package, and a
// recipe brings those of its own. Stories, reports and the search for smaller histories
// read the findings, never a sentence.
//
// The effort stays near-linear for a history of a million operations. An index finds
// the events of an object (record.Index), and several judges and partitions are at work at
// a time. docs/checker.md has the figures.
//
// The checker never imports a recipe, and neither do the rooms that judge for one: they
// read everything that participants wrote, including the writes of a broken recipe.
package checker
