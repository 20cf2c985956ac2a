package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
)

// together stands for a space at which a line is not broken.
const together = "~"

// width is the width of a line of text, in columns.
const width = 110

// Write writes the story as text.
func (s Story) Write(w io.Writer) error { return s.write(w, 0, len(s.Lines)) }

// WriteShort writes the end of the story: the violation, and the few lines before and
// after that it needs.
func (s Story) WriteShort(w io.Writer) error {
	const few = 4
	from, to := s.Core(few)
	return s.write(w, from, to)
}

// Core is the range of lines from at most so many before the first wrong line, to one
// after the last wrong line or the last line that is needed to understand it.
func (s Story) Core(context int) (from, to int) {
	from, to = len(s.Lines), len(s.Lines)
	needed := 0
	for i, l := range s.Lines {
		if l.Wrong {
			from, to = min(from, i), i+1
		}
		if l.Needed() {
			needed = i + 1
		}
	}
	return max(0, from-context), max(needed, min(len(s.Lines), to+1))
}

// write writes some of the lines.
func (s Story) write(w io.Writer, from, to int) error {
	var b strings.Builder
	if s.Object != "" {
		fmt.Fprintf(&b, "The %s is %s.\n", s.Noun, s.Object)
	}
	if from > 0 {
		fmt.Fprintf(&b, "   (%d earlier steps are in the report)\n", from)
	}
	for i := from; i < to; i++ {
		b.WriteString(s.line(i))
	}
	if s.LeftOut > 0 && to-from == len(s.Lines) {
		fmt.Fprintf(&b, "   (%d steps in between are left out)\n", s.LeftOut)
	}
	if s.Conclusion != "" {
		fmt.Fprintf(&b, "   %s\n", strings.Join(wrap(s.Conclusion, width-3), "\n   "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line is one line with its number, time, zxid and events.
func (s Story) line(i int) string {
	l := s.Lines[i]
	mark := " "
	if l.Wrong {
		mark = ">"
	}
	head := fmt.Sprintf("%s %2d  %10s  %-12s ", mark, i+1, wording.Seconds(l.At), l.Place())
	text := l.Text
	if refs := l.References(); refs != "" {
		text += " (" + strings.ReplaceAll(refs, " ", together) + ")"
	}
	indent := strings.Repeat(" ", len(head))
	return head + strings.ReplaceAll(strings.Join(wrap(text, width-len(head)), "\n"+indent), together, " ") + "\n"
}

// Needed reports whether the line is wrong, or is needed to understand the violation.
func (l Line) Needed() bool { return l.Wrong || l.Key }

// References are the numbers of the events that a line rests on: #12, #13.
func (l Line) References() string {
	refs := make([]string, len(l.Events))
	for i, seq := range l.Events {
		refs[i] = fmt.Sprintf("#%d", seq)
	}
	return strings.Join(refs, " ")
}

// Place is the line's place in ZooKeeper's order, as ZooKeeper prints it; empty if not
// known.
func (l Line) Place() string {
	if l.Zxid == 0 {
		return ""
	}
	return Zxid(l.Zxid)
}

// wrap breaks a text into lines of at most so many columns, between words.
func wrap(text string, columns int) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > columns:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
