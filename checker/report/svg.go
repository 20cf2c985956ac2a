package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"
)

// canvas builds one SVG picture over a span of time.
type canvas struct {
	b             strings.Builder
	from, to      time.Duration
	width, height float64
	labels        float64           // the width of the names on the left
	specks        map[speck]bool    // that were drawn
	left          int               // specks that were not
	taken         map[string][]span // by row: the spans that are drawn there
}

// span is a stretch of a row, in pixels.
type span struct{ from, to float64 }

// free takes a stretch of a row, if nothing is drawn there.
func (c *canvas) free(row string, s span) bool {
	if slices.ContainsFunc(c.taken[row], func(other span) bool { return s.from < other.to && other.from < s.to }) {
		return false
	}
	if c.taken == nil {
		c.taken = map[string][]span{}
	}
	c.taken[row] = append(c.taken[row], s)
	return true
}

// speck is a bar that is too short to be seen at its own length.
type speck struct {
	x, y  int
	style string
}

// Geometry that all pictures share, in pixels: lane labels on the left, the time
// axis over the rest.
const (
	pageWidth  = 1160.0
	labelWidth = 96.0 // at least
	axisHeight = 22.0
)

// newCanvas is a canvas with room for these names on the left.
func newCanvas(from, to time.Duration, height float64, names ...string) *canvas {
	const letter = 6.8 // is as wide as that, at most, in nearly all fonts
	c := &canvas{from: from, to: max(to, from+time.Millisecond), width: pageWidth, height: height, labels: labelWidth}
	for _, name := range names {
		c.labels = max(c.labels, 8+letter*float64(len(name)))
	}
	return c
}

// x is where a moment lies.
func (c *canvas) x(at time.Duration) float64 {
	share := float64(at-c.from) / float64(c.to-c.from)
	return c.labels + min(1, max(0, share))*(c.width-c.labels-8)
}

// shows reports whether any of a stretch of time is in the picture.
func (c *canvas) shows(from, to time.Duration) bool { return to >= c.from && from <= c.to }

// bar is a rectangle from one moment to another, with a tooltip. A bar too short to be
// seen is drawn a pixel and a half wide. Only the first of several such bars in the
// same place is drawn, so that the picture of a long run stays small. It reports
// whether the bar was drawn.
func (c *canvas) bar(from, to time.Duration, y, height float64, style, title string) bool {
	if !c.shows(from, to) || c.covered(from, to, y, style) {
		return false
	}
	fmt.Fprintf(&c.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" style="%s">`, c.x(from), y, max(1.5, c.x(to)-c.x(from)), height, style)
	if title != "" {
		fmt.Fprintf(&c.b, "<title>%s</title>", html.EscapeString(title))
	}
	c.b.WriteString("</rect>\n")
	return true
}

// covered reports whether a bar is a speck that is drawn already.
func (c *canvas) covered(from, to time.Duration, y float64, style string) bool {
	if c.x(to)-c.x(from) >= 1.5 {
		return false
	}
	at := speck{int(c.x(from) / 1.5), int(y), style}
	if c.specks[at] {
		c.left++
		return true
	}
	if c.specks == nil {
		c.specks = map[speck]bool{}
	}
	c.specks[at] = true
	return false
}

func (c *canvas) line(x1, y1, x2, y2 float64, style string) {
	fmt.Fprintf(&c.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" style="%s"/>`+"\n", x1, y1, x2, y2, style)
}

func (c *canvas) text(x, y float64, style, text string) {
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" style="%s">%s</text>`+"\n", x, y, style, html.EscapeString(text))
}

func (c *canvas) dot(x, y float64, style, title string) {
	fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="1.6" style="%s">`, x, y, style)
	if title != "" {
		fmt.Fprintf(&c.b, "<title>%s</title>", html.EscapeString(title))
	}
	c.b.WriteString("</circle>\n")
}

const axisStyle = "font-size:11px;fill:#667"

// axis draws the seconds at the bottom, with lines up through the picture.
func (c *canvas) axis() {
	step := niceStep(c.to-c.from, 12)
	first := (c.from + step - 1) / step * step
	for at := first; at <= c.to; at += step {
		x := c.x(at)
		c.line(x, 0, x, c.height-axisHeight+4, "stroke:#dde;stroke-width:1")
		text := fmt.Sprintf("%gs", at.Seconds())
		c.text(min(x, c.width-3.2*float64(len(text))-2), c.height-6, axisStyle+";text-anchor:middle", text)
	}
}

// niceStep divides a span into at most n parts of 1, 2 or 5 times a power of ten.
func niceStep(span time.Duration, n int) time.Duration {
	raw := span.Seconds() / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*power >= raw {
			return time.Duration(m * power * float64(time.Second))
		}
	}
	return span
}

// svg closes the picture, and says how much it leaves out.
func (c *canvas) svg(label string) string {
	height := c.height
	if c.left > 0 {
		const row = 12.0 // below the axis, where it covers nothing
		height += row
		c.text(2, height-4, "font-size:9px;fill:#667", fmt.Sprintf("%d marks are left out, for want of room", c.left))
	}
	return fmt.Sprintf(`<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s" font-family="system-ui,sans-serif">`, c.width, height, html.EscapeString(label)) +
		"\n" + c.b.String() + "</svg>"
}
