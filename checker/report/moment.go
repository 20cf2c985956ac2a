package report

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
)

// Geometry of the picture of a moment, in pixels.
const (
	momentLane = 58.0
	markHeight = 28.0 // of the marks, below the top of their lane
	orderLane  = 66.0 // of ZooKeeper's order, with the zxids
	orderLine  = 20.0 // in it
	orderRows  = 4    // of zxids below the line
	markRadius = 9.0
	markStep   = 21.0 // between marks that would cover each other
)

// orderName is the lane of the writes that ZooKeeper has committed.
const orderName = "ZooKeeper"

// Bounds of a picture's contents.
const (
	shortestMoment = 200 * time.Millisecond
	reach          = 1500 * time.Millisecond // the farthest that other steps are shown from a wrong one
)

// moment draws the time around the violation in a story, at true scale: a lane for each
// participant, one for ZooKeeper's order, faults as bands, and the numbered steps of
// the story.
func (s *stage) moment(story explain.Story) string {
	shown := closeBy(story)
	if len(shown) == 0 {
		return ""
	}
	from, to := s.window(story, shown)
	lanes := s.lanesOf(story, shown)
	c := newCanvas(from, to, orderLane+float64(len(lanes))*(momentLane+laneGap)+axisHeight+8, append(lanes, orderName)...)
	c.axis()
	top := map[string]float64{orderName: 0}
	c.text(2, orderLine+4, "font-size:12px;font-weight:600;fill:#223", orderName)
	c.line(c.labels, orderLine, c.width-8, orderLine, "stroke:#90a4ae;stroke-width:2")
	for i, name := range lanes {
		y := orderLane + float64(i)*(momentLane+laneGap)
		top[name] = y
		c.text(2, y+markHeight+4, "font-size:12px;fill:#223", name)
		c.line(c.labels, y+momentLane+laneGap/2, c.width-8, y+momentLane+laneGap/2, "stroke:#e4e8f0;stroke-width:1")
	}
	s.bands(c)
	m := marking{canvas: c, top: top}
	for _, name := range lanes {
		s.participant(&m, name)
	}
	s.momentFaults(&m)
	for _, l := range story.Lines {
		m.lasting(l) // also a lane that began before
	}
	for _, i := range shown {
		m.committed(story.Lines[i])
	}
	for _, i := range shown {
		m.mark(story.Lines[i], i)
	}
	return c.svg("the moment of the violation")
}

// closeBy are the indices of the lines that are shown at true scale because they are
// near the violation: the needed lines, the few nearest lines, and the lines between
// them.
func closeBy(story explain.Story) []int {
	const few = 3
	first, last, any := time.Duration(0), time.Duration(0), false
	for _, l := range story.Lines {
		if l.Needed() && l.Process != explain.Harness {
			if !any {
				first = l.At
			}
			last, any = l.At, true
		}
	}
	if n := len(story.Lines); !any && n > 0 { // a violation in the final tree happened before
		first = story.Lines[max(0, n-2)].At
		last = first
	}
	var away []time.Duration
	for _, l := range story.Lines {
		if l.Process != explain.Harness && !l.Needed() {
			away = append(away, max(0, first-l.At, l.At-last))
		}
	}
	slices.Sort(away)
	around := reach
	if len(away) >= few {
		around = min(reach, away[few-1])
	}
	var shown []int
	for i, l := range story.Lines {
		if l.Wrong || l.At >= first-around && l.At <= last+around {
			shown = append(shown, i)
		}
	}
	return shown
}

// window is from the first to the last line that is shown, and a fifth of that more at
// both ends.
func (s *stage) window(story explain.Story, shown []int) (from, to time.Duration) {
	from, to = story.Lines[shown[0]].At, 0
	for _, i := range shown {
		if l := story.Lines[i]; l.Process != explain.Harness || len(shown) == 1 {
			from, to = min(from, l.At), max(to, l.At)
		}
	}
	if to < from {
		to = from
	}
	margin := max((to-from)/5, (shortestMoment-(to-from))/2)
	return max(0, from-margin), min(s.end+time.Millisecond, to+margin)
}

// lanesOf are the lanes: the participants in the order of the timeline, and the servers
// and others that faults hit.
func (s *stage) lanesOf(story explain.Story, shown []int) []string {
	var names []string
	for _, i := range shown {
		l := story.Lines[i]
		who := []string{l.Process}
		if l.Target != "" {
			who = strings.Split(l.Target, ",")
		}
		for _, name := range who {
			if !slices.Contains(names, name) && (slices.Contains(s.names, name) || slices.Contains(s.servers, name) || name == explain.Harness) {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		rank := func(name string) int {
			if name == explain.Harness {
				return 2
			}
			if slices.Contains(s.servers, name) {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), byRole(a, b))
	})
	return names
}

// participant draws a lane's background: the life of the process, its sessions, its terms.
func (s *stage) participant(m *marking, name string) {
	y := m.top[name]
	for _, l := range s.lives[name] {
		m.bar(l.from, l.to, y+momentLane-5, 4, "fill:#b0bec5", l.text)
	}
	for _, t := range s.terms[name] {
		if !m.shows(t.from, t.to) {
			continue
		}
		m.bar(t.from, t.to, y+2, 14, "fill:"+epochColour(t.number)+";opacity:0.85", fmt.Sprintf("%s leads epoch %d from %s to %s: %s", name, t.number, wording.Seconds(t.from), wording.Seconds(t.to), t.text))
		m.text(m.x(t.from)+4, y+13, "font-size:11px;fill:#fff;pointer-events:none", fmt.Sprintf("epoch %d", t.number))
		m.free(name+" above", span{m.x(t.from), m.x(t.to)})
	}
	for _, l := range s.sessions[name] {
		m.bar(l.from, l.to, y+momentLane-10, 3, "fill:#78a2b8", l.text)
		if l.from >= m.from && l.from <= m.to {
			id, _, _ := strings.Cut(l.text, ",")
			m.label(name, l.from, "font-size:9.5px;fill:#4d7a91", id)
		}
	}
}

// momentFaults draws the faults in the lanes that are shown.
func (s *stage) momentFaults(m *marking) {
	for _, f := range s.faults {
		colour := faultColour(f.Fault())
		style := "fill:" + colour + ";opacity:0.25"
		if !f.Fault().Effective {
			style = "fill:none;stroke:" + colour + ";stroke-dasharray:3 2"
		}
		end := f.Return(s.end)
		for _, target := range f.Targets() {
			y, ok := m.top[target]
			if !ok || !m.shows(f.Invoke.At, end) {
				continue
			}
			m.bar(f.Invoke.At, end, y, momentLane, style, fmt.Sprintf("%s on %s from %s to %s: %s", f.Fault().Fault, target, wording.Seconds(f.Invoke.At), wording.Seconds(end), f.Fault().Evidence))
			m.label(target, f.Invoke.At, "font-size:10px;font-weight:600;fill:"+faultInk(f.Fault()), f.Fault().Fault)
		}
	}
}

// label writes a few words into a lane, above or below its marks. If there is no room,
// only the tooltip has them.
func (m *marking) label(lane string, at time.Duration, style, text string) {
	const perLetter = 5.6
	width := perLetter * float64(len(text))
	x := min(m.x(at)+3, m.width-8-width)
	for _, row := range []struct {
		name string
		y    float64
	}{{" below", momentLane - 12}, {" above", 12}} {
		if m.free(lane+row.name, span{x, x + width}) {
			m.text(x, m.top[lane]+row.y, style+";pointer-events:none", text)
			return
		}
	}
}

// marking puts the numbers of a story into its picture.
type marking struct {
	*canvas
	top map[string]float64
}

// lasting draws how long an execution lasted.
func (m *marking) lasting(l explain.Line) {
	y, ok := m.top[l.Process]
	if ok && l.Until > l.At && l.Target == "" && !l.Belief {
		m.bar(l.At, l.Until, y+markHeight-3, 6, "fill:#5d8aa8;opacity:0.55", l.Text)
	}
}

// mark draws one step: its number in the lane of its participant, and its place in
// ZooKeeper's order.
func (m *marking) mark(l explain.Line, i int) {
	lane := l.Process
	if l.Target != "" {
		lane, _, _ = strings.Cut(l.Target, ",")
	}
	y, ok := m.top[lane]
	if !ok || !m.shows(l.At, l.At) && l.Process != explain.Harness {
		return
	}
	colour, _ := ink(l)
	at := m.x(l.At)
	x, cy := m.place(lane, at), y+markHeight
	if x-at > 1 {
		m.line(at, cy, x, cy, "stroke:"+colour+";stroke-width:1")
	}
	fmt.Fprintf(&m.b, `<g><circle cx="%.1f" cy="%.1f" r="%.1f" style="fill:%s;stroke:#fff;stroke-width:1.5"/><text x="%.1f" y="%.1f" text-anchor="middle" style="font-size:10.5px;font-weight:700;fill:#fff">%d</text><title>%s</title></g>`+"\n",
		x, cy, markRadius, colour, x, cy+3.8, i+1, html.EscapeString(l.Text))
}

// ink is the colour of a line and the weight of its letters.
func ink(l explain.Line) (colour, weight string) {
	if l.Wrong {
		return "#c62828", "700"
	}
	return "#37474f", "400"
}

// place is where a mark goes: at its time, or right of the marks that are there already.
func (m *marking) place(lane string, at float64) float64 {
	x := at
	for !m.free(lane, span{x - markStep/2, x + markStep/2}) {
		x += markStep
	}
	return x
}

// committed draws the place of a write in ZooKeeper's order.
func (m *marking) committed(l explain.Line) {
	top, known := m.top[l.Process]
	if !known || l.Zxid == 0 || l.Process == explain.Harness || !m.shows(l.At, l.At) {
		return
	}
	at, base := m.x(l.At), orderLine
	colour, weight := ink(l)
	m.line(at, base, at, top+markHeight, "stroke:"+colour+";stroke-width:1;stroke-dasharray:2 3;opacity:0.8")
	fill := colour
	if l.Refused {
		fill = "#fff"
	}
	fmt.Fprintf(&m.b, `<circle cx="%.1f" cy="%.1f" r="3.5" style="fill:%s;stroke:%s;stroke-width:1.5"/>`+"\n", at, base, fill, colour)
	text := l.Place()
	width := 6.1*float64(len(text)) + 6
	x, row := min(at+3, m.width-width), 0
	for !m.free(fmt.Sprintf("%s %d", orderName, row), span{x, x + width}) {
		if row++; row == orderRows {
			return // the table has it
		}
	}
	m.text(x, base+12+10.5*float64(row), "font-size:10px;font-weight:"+weight+";fill:"+colour+";font-variant-numeric:tabular-nums", text)
}
