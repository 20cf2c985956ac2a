package tlc

import (
	"regexp"
	"strconv"
	"strings"
)

// Outcome is TLC's result for one configuration.
type Outcome struct {
	Printed   string // everything
	Version   string
	Violated  string // the violated property, if any
	Complete  bool   // every state was visited, and nothing is violated
	Trace     int    // states of the counterexample
	Generated int    // states, including repeated ones
	Distinct  int
	Depth     int // in states: one more than steps
}

var patterns = struct{ version, counts, simulated, depth, violated, temporal, state *regexp.Regexp }{
	version:   regexp.MustCompile(`TLC2 Version ([^\n(]*)`),
	counts:    regexp.MustCompile(`(?m)^(\d+) states generated, (\d+) distinct states found`),
	simulated: regexp.MustCompile(`(?m)^Progress: (\d+) states checked`),
	depth:     regexp.MustCompile(`depth of the complete state graph search is (\d+)`),
	violated:  regexp.MustCompile(`Error: (?:Invariant|Action property) (.*?) is violated`),
	temporal:  regexp.MustCompile(`Error: Temporal propert(?:y|ies)(?: .*)? (?:was|were) violated`), // from 1.8 on with names
	state:     regexp.MustCompile(`(?m)^State (\d+):`),
}

// read parses the output of TLC.
func read(printed string) Outcome {
	o := Outcome{Printed: printed}
	number := func(match []string, at int) int {
		if len(match) <= at {
			return 0
		}
		n, _ := strconv.Atoi(match[at])
		return n
	}
	o.Complete = strings.Contains(printed, "Model checking completed. No error has been found.")
	if m := patterns.version.FindStringSubmatch(printed); m != nil {
		o.Version = strings.TrimSpace(m[1])
	}
	counts := patterns.counts.FindStringSubmatch(printed)
	o.Generated, o.Distinct = number(counts, 1), number(counts, 2)
	for _, m := range patterns.simulated.FindAllStringSubmatch(printed, -1) {
		o.Generated = number(m, 1)
	}
	o.Depth = number(patterns.depth.FindStringSubmatch(printed), 1)
	switch m := patterns.violated.FindStringSubmatch(printed); {
	case m != nil:
		o.Violated = m[1]
	case patterns.temporal.MatchString(printed):
		o.Violated = "temporal properties"
	case strings.Contains(printed, "Error: Deadlock reached"):
		o.Violated = "deadlock"
	}
	for _, m := range patterns.state.FindAllStringSubmatch(printed, -1) {
		o.Trace = max(o.Trace, number(m, 1))
	}
	return o
}
