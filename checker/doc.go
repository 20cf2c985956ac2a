// Package checker judges a run: verdict = f(history, evidence). It can be run
// again on a stored run and gives the same answer.
//
// The record comes first (whole.go): of a run of which something is lost nothing is
// proved, and it is unknown whatever the judges see in what is left.
//
// Then evidence comes before search. What a participant could not know is
// settled by what ZooKeeper has committed (record.Index), and where that is not known,
// by the final tree (resolve.go); then every operation is held against
// properties that are checked in near-linear time (properties.go); then porcupine
// searches small partitions, one for each task and one for each election
// (linearizable.go). A search that is cut short is unknown, never a pass; its bounds
// are in search.go.
//
// What a judge has against a run is data: findings, with a code, a task, events, an exchange
// and arguments. Package wording has the sentence for each code. Stories, reports and the
// search for smaller histories read the findings, never a sentence.
//
// A history of a million operations is judged like a short one: what belongs to a task
// is found by an index (record.Index), and traces and partitions are judged several at a
// time (parallel.go). docs/checker.md has the figures.
//
// The checker never imports the recipe. It knows the znodes from the protocol and
// reads what participants wrote, also what a broken recipe writes.
package checker
