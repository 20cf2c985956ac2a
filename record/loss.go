package record

import "fmt"

// Loss is one defect in the record of a run: a file, or a part of one, that is missing,
// is not as it was recorded, or contradicts the rest. The remains of such a run prove
// nothing, neither for nor against it.
type Loss struct {
	File    string // in the run's folder; empty for a run without one
	Problem string // the defect, as the end of a sentence that begins with the file
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
