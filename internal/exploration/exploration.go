package exploration

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Exploration is one exploration of one world.
type Exploration struct {
	Recipe     string
	World      subject.World
	Conditions subject.Conditions
	Properties []subject.Property

	Engine string // one of Engines
	Depth  int    // of PCT
	Seed   uint64
	Time   time.Duration      // how long it may take; 0 for as long as it takes
	States int                // that may be kept; 0 for as many as there are
	Reduce explore.Reductions // of the engine bfs

	Replay   string           // the file of the schedule to follow instead of exploring; empty for none
	Schedule explore.Schedule // that is in it
}

// Engines are the names of the engines.
var Engines = []string{"bfs", "dfs", "random", "pct"}

// Check returns an error if the options of the engine are not valid.
func (e *Exploration) Check() error {
	switch {
	case !slices.Contains(Engines, e.Engine):
		return fmt.Errorf("--engine %q: use bfs, dfs, random or pct", e.Engine)
	case e.Time < 0 || e.States < 0:
		return fmt.Errorf("--time %v --states %d: use 0 or more", e.Time, e.States)
	case (e.Engine == "random" || e.Engine == "pct") && e.Time == 0:
		return fmt.Errorf("--engine %s --time 0: this engine has no end of its own; give a time", e.Engine)
	}
	return nil
}

// Summary is the world in one line.
func (e *Exploration) Summary() string {
	parts := append([]string{e.World.Who, e.Conditions.Bounds.String()}, e.World.More...)
	for _, more := range []struct {
		when bool
		text string
	}{
		{e.Conditions.Window > 1, fmt.Sprintf("window=%d", e.Conditions.Window)}, {e.Conditions.Turns, "turns"}, {e.Conditions.Strands, "strands"}, {e.Conditions.Library == explore.Replacing, "library=replacing"},
		{e.Conditions.Unfenced, "unfenced"}, {e.Conditions.Without != "", "without " + e.Conditions.Without},
	} {
		if more.when {
			parts = append(parts, more.text)
		}
	}
	return strings.Join(parts, ", ")
}

// settings lists the options for the report.
func (e *Exploration) settings() []report.Setting {
	return []report.Setting{
		{Name: "world", Value: e.Summary()}, {Name: "engine", Value: e.Engine},
		{Name: "reductions", Value: e.Reduce.String()},
		{Name: "limits", Value: fmt.Sprintf("%v, %s states", e.Time, grouped(int64(e.States)))},
	}
}

// Result is the result of any engine, and its verdict.
type Result struct {
	Verdict  *checker.Report
	Sentence string
	Found    *explore.Finding // nil for none

	exploration *Exploration
	complete    bool
	limit       string // why it is not complete
	covered     string // in words
	seen        []string
	counts      map[string]int
}

// WriteCounterexample writes the schedule that was found, in words that Replay reads.
func (r *Result) WriteCounterexample(to io.Writer) error {
	return r.Found.Schedule.Write(to, r.exploration.World.Model)
}

// grouped writes a number with commas.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
