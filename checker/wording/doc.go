// Package wording turns the findings of judges into English; no other package does. A
// judge makes a [Finding], which is data: a code, an object, events, a place in
// ZooKeeper's order, and arguments. The sentence is made last, from a template for each
// code, and no code reads it.
package wording
