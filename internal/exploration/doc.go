// Package exploration runs an engine of the explorer on a subject's world, makes a verdict
// of what it has found, and stores the result with its report.
//
// It knows no recipe: the subject says what is in the world, and what must hold there.
package exploration
