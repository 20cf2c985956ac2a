package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// stage is a history arranged for drawing.
type stage struct {
	end      time.Duration
	servers  []string
	names    []string // of participants, by their roles
	lives    map[string][]stretch
	sessions map[string][]stretch
	terms    map[string][]stretch
	drawing  drawing
	work     map[string][]time.Duration // by process: when something began that is counted
	held     map[string][]lasting       // by process: operations that are drawn one by one
	spots    map[string][]spot          // by process: notes that are drawn one by one
	faults   []record.Operation
	phases   []record.Event
}

// stretch is a span of time with a name.
type stretch struct {
	from, to time.Duration
	number   int
	text     string
}

func arrange(index *record.Index, servers []string, lanes Lanes) *stage {
	events := index.Run.Events
	s := &stage{
		servers: servers, lives: map[string][]stretch{}, sessions: map[string][]stretch{}, drawing: lanes.plan(events),
		terms: map[string][]stretch{}, work: map[string][]time.Duration{}, faults: record.Operations(events, record.Fault),
		held: map[string][]lasting{}, spots: map[string][]spot{},
	}
	s.end, s.phases = max(0, index.End-1), index.Phases
	s.spans(events)
	for _, e := range events {
		if (e.Type == record.Invoke || e.Type == record.Note) && s.drawing.counted[e.Kind] {
			s.work[e.Process] = append(s.work[e.Process], e.At)
		}
	}
	for _, l := range index.Lives {
		s.life(l)
	}
	for _, h := range index.Sessions {
		s.session(h)
	}
	for name := range s.lives {
		s.close(name)
	}
	s.names = slices.Collect(maps.Keys(s.lives))
	for _, name := range slices.Concat(slices.Collect(maps.Keys(s.held)), slices.Collect(maps.Keys(s.spots))) {
		if !slices.Contains(s.names, name) { // its start is not on record
			s.names = append(s.names, name)
		}
	}
	for _, t := range record.Operations(events, record.Lead) {
		end := t.Return(s.end)
		for _, life := range s.lives[t.Invoke.Process] {
			if life.number == t.Invoke.Life {
				end = min(end, life.to)
			}
		}
		s.terms[t.Invoke.Process] = append(s.terms[t.Invoke.Process], stretch{t.Invoke.At, end, int(t.Invoke.Token().Epoch), t.Done.Remark()})
	}
	slices.SortFunc(s.names, byRole)
	return s
}

// close ends everything without a recorded end: a life ends with the run, a session
// with its life.
func (s *stage) close(name string) {
	for i, l := range s.lives[name] {
		if l.to == 0 {
			s.lives[name][i].to = s.end
		}
		for j, session := range s.sessions[name] {
			if session.to == 0 && session.number == l.number {
				s.sessions[name][j].to = s.lives[name][i].to
			}
		}
	}
}

// byRole orders processes: the roles that have a rank come first, in its order, then the
// others by name. Processes of a role are in the order of their numbers.
func byRole(a, b string) int {
	rank := func(name string) (rank int, role string) {
		if rank = record.RoleOf(name).Rank(); rank >= 0 {
			return rank, ""
		}
		return math.MaxInt, strings.TrimRight(name, "0123456789")
	}
	rankA, roleA := rank(a)
	rankB, roleB := rank(b)
	return cmp.Or(cmp.Compare(rankA, rankB), cmp.Compare(roleA, roleB), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func (s *stage) life(l record.Lived) {
	if l.Start.Of == nil {
		return
	}
	lasted := stretch{from: l.Start.At, number: l.Number, text: fmt.Sprintf("process, life %d", l.Number)}
	if len(l.Ends) > 0 {
		lasted.to = l.Ends[0].At
		lasted.text += ": " + l.Ends[0].ProcessChange().String()
	}
	s.lives[l.Process] = append(s.lives[l.Process], lasted)
}

func (s *stage) session(h record.Held) {
	if h.Opened.Of == nil {
		return
	}
	held := stretch{from: h.Opened.At, number: h.Opened.Life, text: "session " + h.Session}
	if h.Over.Of != nil {
		held.to = h.Over.At
		held.text += ", " + h.Over.SessionChange().String()
	}
	s.sessions[h.Opened.Process] = append(s.sessions[h.Opened.Process], held)
}

// faultColour is the colour for the kind of thing that a fault breaks.
func faultColour(f record.Injection) string {
	switch {
	case f.Kills():
		return "#c0392b"
	case f.Halts():
		return "#8e44ad"
	case f.EndsSessions():
		return "#d68910"
	}
	return "#b9770e"
}

// faultInk is the colour of a fault's name, dark enough to be read on its pale band.
func faultInk(f record.Injection) string {
	switch faultColour(f) {
	case "#c0392b":
		return "#9c2a1f"
	case "#8e44ad":
		return "#6c3483"
	}
	return "#7a4a00"
}

// epochColour changes with each epoch, so that neighbours differ.
func epochColour(epoch int) string {
	return []string{"#1f77b4", "#2ca02c", "#17829b", "#5b6abf", "#3a9d6e", "#2a5d9f"}[epoch%6]
}

const (
	laneHeight = 26.0
	laneGap    = 4.0
)

// timeline draws all participants over a span of time. Each event in marks gets a line.
func (s *stage) timeline(from, to time.Duration, marks []record.Event) string {
	lanes := append(slices.Clone(s.servers), s.names...)
	c := newCanvas(from, to, float64(len(lanes))*(laneHeight+laneGap)+axisHeight+6, lanes...)
	c.axis()
	s.bands(c)
	top := map[string]float64{}
	for i, name := range lanes {
		y := float64(i)*(laneHeight+laneGap) + 2
		top[name] = y
		c.text(2, y+laneHeight*0.66, "font-size:12px;fill:#223", name)
		c.line(c.labels, y+laneHeight+laneGap/2, c.width-8, y+laneHeight+laneGap/2, "stroke:#eef;stroke-width:1")
		if slices.Contains(s.servers, name) {
			c.bar(0, s.end, y+9, 8, "fill:#cfd8dc", name+" serves unless a fault says otherwise")
		} else {
			s.lane(c, name, y)
		}
	}
	s.faultBars(c, top)
	for _, name := range s.names {
		s.epochs(c, name, top[name])
	}
	for _, e := range marks {
		if !c.shows(e.At, e.At) {
			continue
		}
		x := c.x(e.At)
		c.line(x, 0, x, c.height-axisHeight, "stroke:#d00;stroke-width:1.2;stroke-dasharray:3 2")
		if y, ok := top[e.Process]; ok {
			fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="5" style="fill:none;stroke:#d00;stroke-width:2"><title>#%d %s %s</title></circle>`, x, y+laneHeight/2, e.Seq, e.Kind.Label(), e.Type)
		}
	}
	return c.svg("timeline")
}

// bands shades the whole height for the time of each effective fault.
func (s *stage) bands(c *canvas) {
	for _, f := range s.faults {
		if f.Fault().Effective {
			c.bar(f.Invoke.At, f.Return(s.end), 0, c.height-axisHeight, "fill:"+faultColour(f.Fault())+";opacity:0.07", "")
		}
	}
}

// lane draws one participant: its process, its sessions, its work, its terms.
func (s *stage) lane(c *canvas, name string, y float64) {
	for _, l := range s.lives[name] {
		c.bar(l.from, l.to, y+laneHeight-7, 5, "fill:#b0bec5", l.text)
	}
	for _, l := range s.sessions[name] {
		c.bar(l.from, l.to, y+laneHeight-11, 3, "fill:#78a2b8", l.text)
	}
	s.density(c, name, y)
	s.own(c, name, y)
	for _, t := range s.terms[name] {
		drawn := c.bar(t.from, t.to, y, laneHeight-10, "fill:"+epochColour(t.number), fmt.Sprintf("%s leads epoch %d from %s to %s: %s", name, t.number, wording.Seconds(t.from), wording.Seconds(t.to), t.text))
		if drawn {
			c.free(name+" above", span{c.x(t.from), c.x(t.to)})
		}
	}
}

// epochs writes the number of each term into its bar, above the faults, as far as it fits.
func (s *stage) epochs(c *canvas, name string, y float64) {
	const perLetter = 6.4
	for _, t := range s.terms[name] {
		if !c.shows(t.from, t.to) {
			continue
		}
		for _, text := range []string{"epoch " + strconv.Itoa(t.number), strconv.Itoa(t.number)} {
			if c.x(t.to)-c.x(t.from) > perLetter*float64(len(text))+4 {
				c.text(c.x(t.from)+3, y+12, "font-size:11px;fill:#fff;stroke:#234;stroke-width:2.5px;paint-order:stroke;pointer-events:none", text)
				break
			}
		}
	}
}

// density draws how much a participant did: bars of three pixels width.
func (s *stage) density(c *canvas, name string, y float64) {
	work := s.work[name]
	if len(work) == 0 {
		return
	}
	const pixels = 3
	bins := int((c.width - c.labels) / pixels)
	span := (c.to - c.from) / time.Duration(bins)
	counts := map[int]int{}
	highest := 1
	for _, at := range work {
		if at >= c.from && at <= c.to {
			bin := int((at - c.from) / max(span, 1))
			counts[bin]++
			highest = max(highest, counts[bin])
		}
	}
	for _, bin := range slices.Sorted(maps.Keys(counts)) {
		height := max(1.5, float64(counts[bin])/float64(highest)*(laneHeight-12))
		from := c.from + time.Duration(bin)*span
		c.bar(from, from+span, y+laneHeight-12-height, height, "fill:#5d8aa8", fmt.Sprintf("%d between %s and %s", counts[bin], wording.Seconds(from), wording.Seconds(from+span)))
	}
}

// faultBars draws each fault in the lanes of its targets; a fault without effect is
// only outlined.
func (s *stage) faultBars(c *canvas, top map[string]float64) {
	for _, f := range s.faults {
		style := "fill:" + faultColour(f.Fault()) + ";opacity:0.45"
		if !f.Fault().Effective {
			style = "fill:none;stroke:" + faultColour(f.Fault()) + ";stroke-dasharray:2 2"
		}
		for _, target := range f.Targets() {
			y, ok := top[target]
			if !ok {
				continue
			}
			drawn := c.bar(f.Invoke.At, f.Return(s.end), y-1, laneHeight+2, style, fmt.Sprintf("%s on %s from %s to %s: %s", f.Fault().Fault, target, wording.Seconds(f.Invoke.At), wording.Seconds(f.Return(s.end)), f.Fault().Evidence))
			if drawn {
				c.faultName(f, target, y)
			}
		}
	}
}

// faultName writes the name of a fault into a lane, below or above its bar. If there is
// no room, only the tooltip has the name.
func (c *canvas) faultName(f record.Operation, lane string, y float64) {
	const perLetter = 5.2
	width := perLetter * float64(len(f.Fault().Fault))
	x := min(c.x(f.Invoke.At)+2, c.width-8-width)
	for _, row := range []struct {
		name string
		y    float64
	}{{" below", laneHeight}, {" above", 8}} {
		if c.free(lane+row.name, span{x, x + width}) {
			c.text(x, y+row.y, "font-size:9.5px;fill:#511;stroke:#fff;stroke-opacity:0.7;stroke-width:2px;paint-order:stroke;pointer-events:none", f.Fault().Fault)
			return
		}
	}
}
