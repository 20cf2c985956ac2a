// Package ddmin makes a list that fails smaller: delta debugging, after Zeller and
// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002). It does not know
// what is in the list.
package ddmin
