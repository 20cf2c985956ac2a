// Package mutants plants defects and tests whether the checks of the project catch
// them. A [Catalogue] lists them as exact replacements of text. [Overlay] plants one
// for go build and go test, without touching the source tree. An [Engine] (the
// explorer, torture runs, or the project's own tests) looks for it and makes a
// [Finding]. A defect that no engine catches is a finding too: a survivor.
//
// The unchanged source is tested in the same way: a violation there is a false alarm.
//
// The package knows the programs that it builds by their command lines and by their
// output files, not by their code. It builds another version of this module, or another
// module with the same commands.
package mutants
