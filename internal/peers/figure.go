package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// What a program measures.
const (
	Drain  = "drain"  // tasks that wait are done
	Submit = "submit" // tasks are handed in
	Lone   = "lone"   // one task at a time
	Pair   = "pair"   // a lock is taken and released, and nothing else contends
	Grants = "grants" // contenders take a lock and release it, again and again
	Passed = "passed" // a lock or a leadership goes to one that waits: from the call that gives it up
	Adds   = "adds"   // processes add 1 to a counter, again and again
	Puts   = "puts"   // items are put into a queue, one after the other
	Takes  = "takes"  // consumers take items and acknowledge them, each of them one at a time
	Server = "server" // nothing: what the server says of its settings

	PutsOfMany  = "puts-of-many"  // many items are put into a queue by one call
	TakesOfMany = "takes-of-many" // consumers take many items at a time, and acknowledge each
)

// Figure is one line that a program prints.
type Figure struct {
	What    string  `json:"what"`
	Setting string  `json:"setting"` // how it was measured; of Server: what the server says of itself
	Waiting int     `json:"waiting"` // of Drain: tasks in the queue when it began; of Grants and Adds: contenders; of Takes: consumers
	Tasks   int     `json:"tasks"`   // that were done or handed in; locks, or grants
	Seconds float64 `json:"seconds"` // that all of them took; of what is timed one by one: the median
}

// IsTime reports whether tasks are timed one by one.
func IsTime(what string) bool { return what == Lone || what == Pair || what == Passed }

// EachTakes is how many seconds one task takes: the reciprocal of a rate, or the median.
func (f Figure) EachTakes() float64 {
	if IsTime(f.What) {
		return f.Seconds
	}
	return f.Seconds / float64(f.Tasks)
}

// check returns what makes a figure no measurement.
func (f Figure) check() error {
	switch f.What {
	case Server:
		if f.Setting == "" {
			return fmt.Errorf("it says nothing of the server")
		}
		return nil
	case Drain:
		if f.Tasks > f.Waiting {
			return fmt.Errorf("%d of %d waiting tasks were done", f.Tasks, f.Waiting)
		}
	case Grants, Adds, Takes, TakesOfMany:
		if f.Waiting < 1 {
			return fmt.Errorf("it does not say how many contend")
		}
	case Submit, Lone, Pair, Passed, Puts, PutsOfMany:
	default:
		return fmt.Errorf("%q is not known", f.What)
	}
	if f.Tasks < 1 || f.Seconds <= 0 {
		return fmt.Errorf("%d tasks in %v s are no measurement", f.Tasks, f.Seconds)
	}
	return nil
}

// read reads the figures that a program prints, one object of JSON a line. Anything else is
// an error, because a figure that is not understood must not be missed.
func read(from io.Reader) (all []Figure, err error) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var f Figure
		line := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		line.DisallowUnknownFields()
		err := line.Decode(&f)
		if err == nil && line.More() {
			err = fmt.Errorf("something follows the figure")
		}
		if err == nil {
			err = f.check()
		}
		if err != nil {
			return nil, fmt.Errorf("it printed %q, which is no figure: %w", lines.Text(), err)
		}
		all = append(all, f)
	}
	return all, lines.Err()
}
