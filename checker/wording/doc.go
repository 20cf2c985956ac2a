// Package wording is the one room in which what judges find becomes English. A judge makes
// a [Finding], which is data: a code, a task, events, a place in ZooKeeper's order, and
// arguments. Its sentence is made last, from a template for each code, and no code reads a
// sentence.
package wording
