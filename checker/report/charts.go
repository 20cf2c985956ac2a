package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

const chartHeight = 190.0

// throughput draws per second how many operations succeeded.
func (s *stage) throughput(events []record.Event, charts []Chart) string {
	done := map[record.Kind]map[int]int{}
	for _, chart := range charts {
		done[chart.Kind] = map[int]int{}
	}
	highest := 1
	for _, e := range events {
		if counts := done[e.Kind]; counts != nil && e.Type == record.OK {
			second := int(e.At / time.Second)
			counts[second]++
			highest = max(highest, counts[second])
		}
	}
	c := newCanvas(0, s.end, chartHeight, s.names...)
	c.axis()
	s.bands(c)
	y := func(n float64) float64 { return (chartHeight - axisHeight) * (1 - n/float64(highest)*0.84) }
	c.scale(y, []float64{0, float64(highest) / 2, float64(highest)}, "%.0f/s")
	var legend []string
	for _, chart := range charts {
		c.steps(done[chart.Kind], y, "stroke:"+chart.Colour)
		legend = append(legend, chart.Done, chart.Colour)
	}
	c.legend(legend...)
	return c.svg("throughput")
}

// scale writes values at the left edge.
func (c *canvas) scale(y func(float64) float64, values []float64, format string) {
	for _, v := range values {
		c.text(8, y(v)+4, axisStyle, fmt.Sprintf(format, v))
		c.line(c.labels, y(v), c.width-8, y(v), "stroke:#dde;stroke-width:1")
	}
}

func (c *canvas) legend(pairs ...string) {
	long := 0.0
	for i := 0; i+1 < len(pairs); i += 2 {
		long += 20 + 6.4*float64(len(pairs[i]))
	}
	x := c.width - max(330, 8+long)
	for i := 0; i+1 < len(pairs); i += 2 {
		c.text(x, 12, "font-size:11px;fill:"+pairs[i+1], "■")
		c.text(x+12, 12, "font-size:11px;fill:#334", pairs[i])
		x += 20 + 6.4*float64(len(pairs[i]))
	}
}

// steps draws counts per second as a line of steps.
func (c *canvas) steps(counts map[int]int, y func(float64) float64, style string) {
	var path strings.Builder
	for second := 0; second <= int(c.to/time.Second); second++ {
		verb := "L"
		if path.Len() == 0 {
			verb = "M"
		}
		from, to := time.Duration(second)*time.Second, time.Duration(second+1)*time.Second
		v := y(float64(counts[second]))
		fmt.Fprintf(&path, "%s%.1f %.1f L%.1f %.1f ", verb, c.x(from), v, c.x(to), v)
	}
	fmt.Fprintf(&c.b, `<path d="%s" style="fill:none;stroke-width:1.6;%s"/>`+"\n", path.String(), style)
}

// maxDots bounds the operations of a kind in the latency chart, once for the successful
// ones and once for the others; beyond it a regular sample is drawn.
const maxDots = 6000

// latency draws how long operations took, on a logarithmic scale.
func (s *stage) latency(events []record.Event, charts []Chart) string {
	c := newCanvas(0, s.end, chartHeight+40, s.names...)
	c.axis()
	s.bands(c)
	const low, high = 0.0005, 60.0 // seconds
	y := func(v float64) float64 {
		share := math.Log(max(low, min(high, v))/low) / math.Log(high/low)
		return (c.height - axisHeight) * (1 - share*0.9)
	}
	for _, v := range []float64{0.001, 0.01, 0.1, 1, 10} {
		c.text(8, y(v)+4, axisStyle, fmt.Sprint(time.Duration(v*float64(time.Second))))
		c.line(c.labels, y(v), c.width-8, y(v), "stroke:#dde;stroke-width:1")
	}
	var legend []string
	for _, chart := range charts {
		legend = append(legend, string(chart.Kind), chart.Colour)
	}
	for _, chart := range slices.Backward(charts) { // the first is drawn on top
		ops := record.Operations(events, chart.Kind)
		all, seen := map[bool]int{}, map[bool]int{} // by whether they succeeded
		for i := range ops {
			all[ops[i].Outcome() == record.OK]++
		}
		for i := range ops {
			op := &ops[i]
			took := op.Return(s.end) - op.Invoke.At
			ok := op.Outcome() == record.OK
			if seen[ok]++; seen[ok]%(1+all[ok]/maxDots) != 0 {
				c.left++
				continue
			}
			colour := chart.Colour
			if !ok {
				colour = "#d62728"
			}
			c.dot(c.x(op.Invoke.At), y(took.Seconds()), "fill:"+colour+";opacity:0.55", "")
		}
	}
	c.legend(append(legend, "failed or unknown", "#d62728")...)
	return c.svg("latency")
}

// quantiles of a set of durations, in words.
func quantiles(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(100 * time.Microsecond) }
	return fmt.Sprintf("median %v, 95%% %v, 99%% %v, longest %v", at(0.5), at(0.95), at(0.99), at(1))
}
