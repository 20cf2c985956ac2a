// Package mutants plants defects and sees whether somebody notices. A [Catalogue]
// lists them as exact replacements of text; [Overlay] puts one in for go build and
// go test, without touching the source tree; an [Engine] looks for it (the explorer,
// torture runs, or the project's own tests) and makes a [Finding] of what came of
// that. A defect that nobody notices is a finding too: a survivor.
//
// The source as it is goes the same way: whoever reports a violation there gives a
// false alarm.
//
// The package knows the programs that it builds by their command lines and by the
// files that they leave, not by their code: what is built is another version of this
// module, or a module of somebody else with the same commands.
package mutants
