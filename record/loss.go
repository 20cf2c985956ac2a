package record

import "fmt"

// Loss is one thing that is wrong with the record of a run: a file, or a part of one,
// that was recorded and is not there as it was recorded, or that contradicts the rest.
// What is left of such a run proves nothing, in neither direction.
type Loss struct {
	File    string // in the run's folder; empty of a run that has none
	Problem string // what is wrong with it, as the end of a sentence that begins with the file
}

func (l Loss) String() string {
	if l.File == "" {
		return "the record " + l.Problem
	}
	return l.File + " " + l.Problem
}

// lost makes a Loss.
func lost(file, format string, args ...any) Loss {
	return Loss{File: file, Problem: fmt.Sprintf(format, args...)}
}
