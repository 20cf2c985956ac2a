// Package torture is the harness as a library call: [Main] is the whole of the command
// torture, for the subjects that it is given. A module of its own can torture its own
// recipe with a main function of one line.
//
// The package reads flags and prints. What a verb does is in the rooms that it calls.
package torture
