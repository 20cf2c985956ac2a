package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// figure is a row of a run, as it was printed.
type figure struct {
	suite, what, figure string
	ratio               float64 // to its baseline; 0 for none
}

var (
	lineOfRow   = regexp.MustCompile(`^([a-z]+): (.+): (.+)$`)
	endOfRow    = regexp.MustCompile(`^(.+), ([0-9]+\.[0-9]+) x .+$`)
	firstNumber = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?`)

	// What a build without suites prints.
	firstBaseline = regexp.MustCompile(`^baseline: [0-9]+ (znodes created one by one, 128 in flight): ([0-9]+) per second$`)
	firstBacklog  = regexp.MustCompile(`^backlog of ([0-9]+) tasks, 1 master, ([0-9]+) workers: ([0-9]+) tasks per second`)
	firstRatio    = regexp.MustCompile(`^ratio: ([0-9]+\.[0-9]+) tasks for each znode of the baseline`)
)

// readFigures reads what `torture bench` has printed, of this build and of older ones: the rows
// of those suites. It skips the rest.
func readFigures(printed string, suites []string) (all []figure) {
	known := map[string]bool{}
	for _, s := range suites {
		known[s] = true
	}
	for line := range strings.Lines(printed) {
		line = strings.TrimRight(line, "\n")
		if f, ok := readRow(line); ok && known[f.suite] {
			all = append(all, f)
			continue
		}
		if m := firstBaseline.FindStringSubmatch(line); m != nil {
			all = append(all, figure{suite: "drain", what: m[1], figure: m[2] + "/s"})
		}
		if m := firstBacklog.FindStringSubmatch(line); m != nil {
			all = append(all, figure{suite: "drain", what: drainedRow, figure: fmt.Sprintf("%s/s of %s, %s workers", m[3], m[1], m[2])})
		}
		if m := firstRatio.FindStringSubmatch(line); m != nil && len(all) > 0 {
			all[len(all)-1].ratio, _ = strconv.ParseFloat(m[1], 64) // it is digits
		}
	}
	return all
}

// readRow reads a line that bed.against has printed.
func readRow(line string) (f figure, ok bool) {
	m := lineOfRow.FindStringSubmatch(line)
	if m == nil {
		return f, false
	}
	f = figure{suite: m[1], what: m[2], figure: m[3]}
	if r := endOfRow.FindStringSubmatch(f.figure); r != nil {
		f.figure = r[1]
		f.ratio, _ = strconv.ParseFloat(r[2], 64) // it is digits
	}
	return f, true
}

// number is the first number of a figure, and its unit: the rest of its word, or the next word. A
// duration is in seconds.
func (f figure) number() (n float64, unit string, ok bool) {
	at := firstNumber.FindStringIndex(f.figure)
	if at == nil {
		return 0, "", false
	}
	rest := strings.Fields(f.figure[at[0]:])
	word := strings.TrimRight(rest[0], ",;")
	if d, err := time.ParseDuration(word); err == nil {
		return d.Seconds(), "s", true
	}
	n, err := strconv.ParseFloat(f.figure[at[0]:at[1]], 64)
	unit = word[min(len(word), at[1]-at[0]):]
	if unit == "" && len(rest) > 1 && word == rest[0] {
		unit = strings.TrimRight(rest[1], ",;")
	}
	return n, unit, err == nil
}
