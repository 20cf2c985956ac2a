package report

import (
	"io"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/history"
)

// Setting is one line about what was run.
type Setting struct{ Name, Value string }

// Page is everything that the report shows.
type Page struct {
	Events          []history.Event
	Report          *checker.Report
	Settings        []Setting
	Linearizability string // file name of porcupine's picture
}

func (p Page) Write(w io.Writer) error { return nil }
