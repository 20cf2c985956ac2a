// Package checker judges a run: verdict = f(history, evidence). It can judge a stored
// run again and gives the same answer.
//
// The record comes first (whole.go). If a part of it is lost, the run proves nothing,
// and it is unknown whatever the judges find in the rest.
//
// Evidence comes before search. If a participant could not know an outcome, the commits
// of ZooKeeper settle it (record.Index), or the final tree if the commits are not known
// (resolve.go). Then every operation is checked against properties in near-linear time
// (properties.go). Then porcupine searches small partitions, one for each task and one
// for each election (linearizable.go). A search that is cut short is unknown, never a
// pass; its bounds are in search.go.
//
// A judge reports violations as data: findings, with a code, a task, events, an
// exchange and arguments. Package wording has the sentence for each code. Stories,
// reports and the search for smaller histories read the findings, never a sentence.
//
// The effort stays near-linear for a history of a million operations. An index finds
// the events of a task (record.Index), and several traces and partitions are judged at
// a time (parallel.go). docs/checker.md has the figures.
//
// The checker never imports the recipe. It knows the znodes from the protocol and reads
// everything that participants wrote, including the writes of a broken recipe.
package checker
