// Package wording turns the findings of judges into sentences. A judge makes a [Finding],
// which is data: a code, an object, events, a place in ZooKeeper's order, and arguments.
// The sentence is made last, from a template for each code ([Texts]), and no code reads it.
//
// The package has the templates of the codes that runs of every recipe may have (codes.go).
// A recipe has those of its own codes beside its judges. Other texts are elsewhere: the
// sentence of a property that holds is in its judge, a story is in package explain, and
// the words of a page are in package report.
package wording
