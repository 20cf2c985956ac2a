package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Setting is one line about the options of the run.
type Setting struct{ Name, Value string }

// Page is everything that the report shows.
type Page struct {
	Run             *record.Index
	Lanes           Lanes // of the recipe
	Report          *checker.Report
	Settings        []Setting
	Servers         []string // names of the servers, as faults use them
	Linearizability string   // file name of porcupine's picture
	InMemory        bool     // and in virtual time
	Explanations    []Explanation
	Replay          string // the command that runs it again
}

// Explanation is the explanation of one violation.
type Explanation struct {
	Story    explain.Story
	Smallest string // the smallest part of the history that shows it, in words, and its folder
	// Run is the run that the story is about; nil: that of the page. Of a run of several recipes, it is
	// the portion of one, with its own names.
	Run *record.Index
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// rendered is the input of the template.
type rendered struct {
	Verdict, Sentence   string
	Violations          []violation
	Words               words
	Timeline            template.HTML
	Throughput, Latency template.HTML
	Times               []times
	Faults              []faultRow
	MoreFaults          int
	Properties          []checker.Property
	Vacuous, Idle       []string
	Evidence            string
	Counts              []count
	Settings            []Setting
	Linearizability     string
	Seed                uint64
	InMemory            bool
	Replay              string
}

// words are the words of the recipe, or those for any.
type words struct {
	Participants, Objects, Work, Bar, Searched string
	Spans                                      string // the kinds that are drawn one by one
	Led                                        bool   // a participant believed to lead
}

// times says in words how long operations of a kind took.
type times struct{ Doing, Took string }

// words are those of the page.
func (s *stage) words(l Lanes) words {
	w := words{cmp.Or(l.Participants, "The participants"), l.Objects, "", cmp.Or(l.Bar, "something that lasted"), l.Searched, "", len(s.terms) > 0}
	if len(s.drawing.counted) > 0 || len(l.Kinds) > 0 {
		w.Work = cmp.Or(l.Work, "how many operations a participant began")
	}
	var names []string
	for _, kind := range s.drawing.spans {
		names = append(names, kind.Label())
	}
	w.Spans = strings.Join(names, ", ")
	return w
}

// violation is one property that does not hold, with its own story and picture.
type violation struct {
	checker.Property
	Story    *explain.Story // nil where it is not story
	Lines    []storyRow
	Moment   template.HTML
	Smallest string
	Picture  template.HTML
	Rows     []eventRow
}

// storyRow is one line of a story.
type storyRow struct {
	Number                 int
	At, Zxid, Text, Events string
	Wrong                  bool
}

type eventRow struct {
	Seq                   int
	At, Process, What, On string
}

type faultRow struct {
	Kind, From, Lasted, State, Evidence string
	Targets                             []string
}

type count struct {
	Name   string
	Number int
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	s, events := arrange(p.Run, p.Servers, p.Lanes), p.Run.Run.Events
	charts := p.Lanes.charts(events)
	view := rendered{
		Verdict: string(p.Report.Verdict), Sentence: p.Lanes.Sentence(p.Report), Words: s.words(p.Lanes), Seed: p.Report.Seed, InMemory: p.InMemory,
		Timeline: template.HTML(s.timeline(0, s.end, nil)), // the pictures escape the text that they quote
		Replay:   p.Replay, Properties: p.Report.Properties, Vacuous: p.Report.Vacuous, Idle: p.Report.Idle, Evidence: p.Report.Evidence,
		Settings: p.Settings, Linearizability: p.Linearizability,
	}
	if len(charts) > 0 {
		view.Throughput, view.Latency = template.HTML(s.throughput(events, charts)), template.HTML(s.latency(events, charts))
	}
	for _, chart := range charts {
		view.Times = append(view.Times, times{chart.Doing, quantiles(durations(events, chart.Kind))})
	}
	view.MoreFaults = max(0, len(s.faults)-shownFaults)
	for _, f := range s.faults[:len(s.faults)-view.MoreFaults] {
		view.Faults = append(view.Faults, describeFault(f, s.end))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Report.Counts)) {
		view.Counts = append(view.Counts, count{strings.ReplaceAll(name, "_", " "), p.Report.Counts[name]})
	}
	for _, v := range p.Report.Violations() {
		view.Violations = append(view.Violations, p.describe(s, v))
	}
	if err := pageTemplate.Execute(w, view); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func durations(events []record.Event, kind record.Kind) []time.Duration {
	var all []time.Duration
	for _, op := range record.Operations(events, kind) {
		if op.Outcome() == record.OK {
			all = append(all, op.Done.At-op.Invoke.At)
		}
	}
	return all
}

func describeFault(f record.Operation, end time.Duration) faultRow {
	row := faultRow{
		Kind: f.Fault().Fault, Targets: f.Targets(), From: wording.Seconds(f.Invoke.At),
		Lasted: wording.Seconds(f.Return(end) - f.Invoke.At), Evidence: f.Fault().Evidence, State: "intended",
	}
	if f.Outcome() == record.OK {
		row.State = "applied"
	}
	if f.Fault().Effective {
		row.State = "effective"
	}
	return row
}

// shownFaults bounds the table of faults.
const shownFaults = 500

// shownEvents bounds the table of a violation, and margin is the time that its picture
// shows around the events.
const (
	shownEvents = 40
	margin      = 2 * time.Second
)

func (p Page) describe(s *stage, property checker.Property) violation {
	v := violation{Property: property}
	p.explain(s, &v)
	var marks []record.Event
	for _, e := range p.Run.Run.Events {
		if _, found := slices.BinarySearch(property.Events, e.Seq); found {
			marks = append(marks, e)
		}
	}
	if len(marks) == 0 {
		return v
	}
	marks = marks[:min(len(marks), shownEvents)]
	from, to := max(0, marks[0].At-margin), marks[len(marks)-1].At+margin
	v.Picture = template.HTML(s.timeline(from, min(to, s.end), marks))
	for _, e := range marks {
		v.Rows = append(v.Rows, eventRow{e.Seq, wording.Seconds(e.At), e.Process, fmt.Sprintf("%s %s", e.Kind.Label(), e.Type), p.Lanes.detail(e)})
	}
	return v
}

// explain adds the story of a violation, if there is one.
func (p Page) explain(s *stage, v *violation) {
	i := slices.IndexFunc(p.Explanations, func(e Explanation) bool { return e.Story.Property == v.Name })
	if i < 0 {
		return
	}
	story := p.Explanations[i].Story
	v.Story, v.Smallest = &story, p.Explanations[i].Smallest
	for n, l := range story.Lines {
		v.Lines = append(v.Lines, storyRow{n + 1, wording.Seconds(l.At), l.Place(), l.Text, l.References(), l.Wrong})
	}
	if run := p.Explanations[i].Run; run != nil {
		s = arrange(run, nil, p.Lanes)
	}
	v.Moment = template.HTML(s.moment(story)) // moment escapes the text that it quotes
}

// mostData bounds the data of an event that is shown.
const mostData = 200

// detail describes the subject of an event in a line.
func (l Lanes) detail(e record.Event) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if e.Object() != "" {
		add("%s", e.Object())
	}
	if e.Token().Attempt != 0 {
		add("token %d.%d", e.Token().Epoch, e.Token().Attempt)
	} else if e.Token().Epoch != 0 {
		add("epoch %d", e.Token().Epoch)
	}
	if l.Detail != nil {
		parts = append(parts, l.Detail(e)...)
	}
	for i, op := range e.Ops() {
		if i == 4 {
			add("and %d more operations", len(e.Ops())-i)
			break
		}
		add("%s %s v%d %s", op.Kind, op.Path, max(op.Version, op.Got), op.Data)
	}
	if e.Remark() != "" {
		add("%s", e.Remark())
	}
	if data := string(e.Own().Data); len(data) > mostData {
		add("%s and %d more bytes", strings.ToValidUTF8(data[:mostData], ""), len(data)-mostData)
	} else if data != "" {
		add("%s", data)
	}
	return strings.Join(parts, "; ")
}
