package torture

import "strings"

// columns is the width of a terminal.
const columns = 80

// hanging wraps a text whose first line begins after indent columns, and indents the
// other lines by as much.
func hanging(text string, indent int) string {
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}
