// Package ddmin makes a failing list smaller by delta debugging, after Zeller and
// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002). It does not
// know the meaning of the items.
package ddmin
