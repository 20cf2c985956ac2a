package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes is what a recipe brings to the pages of its runs: how its events are drawn, and
// its words. The zero value draws any run.
type Lanes struct {
	// Kinds says how the events of the recipe's own kinds are drawn, in the lanes of their
	// processes. Kinds that runs of all recipes may have are always drawn in the same way.
	Kinds map[record.Kind]Drawn
	// Charts are the operations whose throughput and latency are drawn. nil: those of the
	// recipe's own kinds, the first few by name.
	Charts []Chart
	// Detail adds to what the page says of an event. nil: nothing.
	Detail func(record.Event) []string
	// Sum is a line of text on the verdict's numbers. nil: the numbers with their names.
	Sum func(counts map[string]int) string

	Objects      string // what runs are counted in: "locks"; the verdict's number of that name is how many there were. Package torture sets it, from the subject
	Participants string // who took part, at the beginning of a sentence: "A master and its backups"
	Work         string // what the bars of [Counted] events show: "how many locks a client asked for"
	Bar          string // what a bar in the picture of a violation is: "how long the lock was held"
	Searched     string // of what a linear order was searched: "elections and locks"
}

// Drawn is a way of drawing the events of a kind.
type Drawn int

// The ways.
const (
	Spans   Drawn = iota // an operation is a bar from its beginning to its end, a note is a dot
	Counted              // small bars show how many began
	Hidden               // they are not drawn
)

// Chart is a kind of operation in the charts.
type Chart struct {
	Kind   record.Kind
	Colour string // of CSS
	Done   string // an operation that succeeded, in the legend of the throughput: "accepted"
	Doing  string // what takes the time, at the beginning of a sentence: "Submitting"
}

// colours are those of kinds that a recipe gives none.
var colours = []string{"#1f77b4", "#2ca02c", "#8c6bb1", "#b8860b"}

// mostSpans bounds the operations and notes of a kind that are drawn one by one; if there
// are more, they are counted.
const mostSpans = 3000

// own are the kinds of the run that only its recipe has, in alphabetical order, each with
// the number of its events.
func own(events []record.Event) (kinds []record.Kind, number map[record.Kind]int) {
	number = map[record.Kind]int{}
	for i := range events {
		if e := &events[i]; !e.Kind.Common() && e.Type != record.OK && e.Type != record.Fail && e.Type != record.Info {
			number[e.Kind]++
		}
	}
	return slices.Sorted(maps.Keys(number)), number
}

// drawing is how the events of a run's own kinds are drawn.
type drawing struct {
	counted map[record.Kind]bool
	spans   []record.Kind
}

// plan decides how each of a run's own kinds is drawn.
func (l Lanes) plan(events []record.Event) drawing {
	d := drawing{counted: map[record.Kind]bool{}}
	kinds, number := own(events)
	for _, kind := range kinds {
		switch l.Kinds[kind] {
		case Counted:
			d.counted[kind] = true
		case Spans:
			if number[kind] > mostSpans {
				d.counted[kind] = true
			} else {
				d.spans = append(d.spans, kind)
			}
		}
	}
	return d
}

// charts are the operations in the charts.
func (l Lanes) charts(events []record.Event) []Chart {
	if l.Charts != nil {
		return l.Charts
	}
	operations := map[record.Kind]bool{}
	for i := range events {
		if e := &events[i]; e.Type == record.Invoke && !e.Kind.Common() {
			operations[e.Kind] = true
		}
	}
	var all []Chart
	for i, kind := range slices.Sorted(maps.Keys(operations)) {
		if i == len(colours) {
			break
		}
		all = append(all, Chart{Kind: kind, Colour: colours[i], Done: string(kind), Doing: string(kind)})
	}
	return all
}

// sum is the line of the verdict's numbers.
func (l Lanes) sum(counts map[string]int) string {
	if l.Sum != nil {
		return l.Sum(counts)
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		general := strings.HasPrefix(name, "faults_") || strings.HasPrefix(name, "resolved_") || name == "still_unknown"
		if !general {
			all = append(all, fmt.Sprintf("%d %s", counts[name], strings.ReplaceAll(name, "_", " ")))
		}
	}
	return strings.Join(all, ", ")
}

// spot is a note in a lane.
type spot struct {
	at   time.Duration
	text string
}

// lasting is an operation in a lane.
type lasting struct {
	stretch
	colour string
	ended  bool
}

// spans arranges the operations and notes that are drawn one by one.
func (s *stage) spans(events []record.Event) {
	colour := map[record.Kind]string{}
	for i, kind := range s.drawing.spans {
		colour[kind] = colours[i%len(colours)]
		for _, o := range record.Operations(events, kind) {
			who := o.Invoke.Process
			held := lasting{stretch{from: o.Invoke.At, to: o.Return(s.end)}, colour[kind], o.Done.Type != ""}
			held.text = fmt.Sprintf("%s %s from %s to %s: %s", who, about(o.Invoke), wording.Seconds(held.from), wording.Seconds(held.to), o.Outcome())
			for _, remark := range []string{o.Invoke.Remark(), o.Done.Remark()} {
				if remark != "" {
					held.text += "; " + remark
				}
			}
			s.held[who] = append(s.held[who], held)
		}
	}
	for i := range events {
		if e := &events[i]; e.Type == record.Note && colour[e.Kind] != "" {
			text := fmt.Sprintf("%s %s at %s", e.Process, about(*e), wording.Seconds(e.At))
			if e.Remark() != "" {
				text += ": " + e.Remark()
			}
			s.spots[e.Process] = append(s.spots[e.Process], spot{e.At, text})
		}
	}
}

// about is the kind of an event, and what it is about.
func about(e record.Event) string {
	said := e.Kind.Label()
	if e.Object() != "" {
		said += " " + e.Object()
	}
	if token := e.Token(); token != (record.Token{}) {
		said += fmt.Sprintf(" (token %d.%d)", token.Epoch, token.Attempt)
	}
	return said
}

// own draws the operations and notes of a lane that are drawn one by one.
func (s *stage) own(c *canvas, name string, y float64) {
	const top, height = 4.0, 8.0
	for _, held := range s.held[name] {
		style := "fill:" + held.colour + ";opacity:0.75"
		if !held.ended {
			style = "fill:none;stroke:" + held.colour + ";stroke-dasharray:2 2"
		}
		c.bar(held.from, held.to, y+top, height, style, held.text)
	}
	for _, note := range s.spots[name] {
		if c.shows(note.at, note.at) && !c.covered(note.at, note.at, y, "note") {
			c.dot(c.x(note.at), y+top+height+2, "fill:#334", note.text)
		}
	}
}
