package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// widest is how wide a column gets. A longer cell stands out of its column, so that one long
// name does not push the columns of all other rows away.
const widest = 100

// table lists rows in columns. Every cell is made safe for a terminal.
type table struct{ rows [][]string }

// add appends a row.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = plain(fmt.Sprint(cell))
	}
	t.rows = append(t.rows, row)
}

// print writes the rows. With short it cuts cells that are wider than a column, except in the
// last column. The table stays as it is.
func (t *table) print(w io.Writer, short bool) error {
	width := map[int]int{}
	for _, row := range t.rows {
		for i, cell := range row[:len(row)-1] {
			if n := utf8.RuneCountInString(cell); n <= widest {
				width[i] = max(width[i], n)
			}
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		last := len(row) - 1
		for i, cell := range row[:last] {
			if short {
				cell = clip(cell, widest)
			}
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", max(0, width[i]-utf8.RuneCountInString(cell))+2))
		}
		b.WriteString(row[last])
		b.WriteByte('\n')
	}
	return send(w, &b)
}
