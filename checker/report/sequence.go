package report

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"strings"

	_ "embed"

	"github.com/ringmaster-zk/ringmaster/checker"
)

// Message is one step of a schedule: from one lane to another, or within one.
type Message struct {
	From, To int // lanes
	Text     string
	Answer   string
	Fault    bool
	Lost     bool // it does not arrive, or its answer does not
}

// Exploration is everything that the page of an exploration shows.
type Exploration struct {
	Report   *checker.Report
	Sentence string
	Settings []Setting
	Seen     []string // kinds of events that have happened somewhere
	Lanes    []string
	Messages []Message // of the counterexample; none if there is none
	Command  string    // that replays it
}

//go:embed exploration.html
var explorationText string

var explorationTemplate = template.Must(template.New("exploration").Parse(explorationText))

// Write writes the page.
func (e Exploration) Write(w io.Writer) error {
	view := struct {
		Exploration
		Picture template.HTML
	}{e, ""}
	if len(e.Messages) > 0 {
		view.Picture = template.HTML(sequence(e.Lanes, e.Messages)) // sequence escapes the text that it quotes
	}
	if err := explorationTemplate.Execute(w, view); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// Geometry of a message-sequence chart, in pixels.
const (
	rowHeight  = 34.0
	headHeight = 30.0
	numberPad  = 34.0
)

// sequence draws a message-sequence chart: one lane for each process, time goes
// down, faults are red.
func sequence(lanes []string, messages []Message) string {
	c := &canvas{width: pageWidth, height: headHeight + rowHeight*float64(len(messages)) + 14}
	step := (c.width - numberPad) / float64(len(lanes))
	x := func(lane int) float64 { return numberPad + step*(float64(lane)+0.5) }
	for i, name := range lanes {
		c.text(x(i)-float64(len(name))*3.6, 18, "font-size:13px;font-weight:600;fill:#223", name)
		c.line(x(i), headHeight-4, x(i), c.height-4, "stroke:#ccd;stroke-width:1.5")
	}
	for i, m := range messages {
		c.message(i, m, x, step)
	}
	return c.svg("message-sequence chart of the counterexample")
}

// message draws one row of the chart.
func (c *canvas) message(row int, m Message, x func(int) float64, step float64) {
	y := headHeight + rowHeight*float64(row) + 20
	colour := "#29579b"
	if m.Fault {
		colour = "#b71c1c"
		fmt.Fprintf(&c.b, `<rect x="0" y="%.1f" width="%.1f" height="%.1f" style="fill:#fdeaea"/>`+"\n", y-18, c.width, rowHeight-2)
	}
	c.text(2, y+3, "font-size:11px;fill:#889", fmt.Sprint(row+1))
	at := x(m.From)
	if m.From == m.To {
		fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="4.5" style="fill:%s"/>`+"\n", at, y, colour)
		c.label(at+9, y+4, "", colour, m.Text, step*1.4)
		return
	}
	to := x(m.To)
	dash := ""
	if m.Lost {
		dash = ";stroke-dasharray:5 4"
	}
	c.line(at, y, to, y, fmt.Sprintf("stroke:%s;stroke-width:1.4%s", colour, dash))
	tip, left := 7.0, at
	if to < at {
		tip, left = -7, to
	}
	c.line(to, y, to-tip, y-4, "stroke:"+colour+";stroke-width:1.4")
	c.line(to, y, to-tip, y+4, "stroke:"+colour+";stroke-width:1.4")
	c.label(left+8, y-4, "", colour, m.Text, max(abs(to-at)-12, 220))
	if m.Answer != "" {
		c.label(left+8, y+11, "font-style:italic;", "#667", m.Answer, max(abs(to-at)-12, 220))
	}
}

func abs(v float64) float64 { return max(v, -v) }

// label is text that is cut to a width, with all of it as a tooltip.
func (c *canvas) label(x, y float64, style, colour, text string, width float64) {
	const perLetter = 5.7
	short := text
	if most := int(width / perLetter); len(short) > most && most > 1 {
		short = strings.TrimSpace(short[:most-1]) + "…"
	}
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" style="font-size:11px;%sfill:%s">%s<title>%s</title></text>`+"\n",
		x, y, style, colour, html.EscapeString(short), html.EscapeString(text))
}
