package explore

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Names of the choices in a schedule that is written down.
var choiceNames = map[choiceKind]string{
	serveChoice: "serve", loseBefore: "lose-before", loseAfter: "lose-after", deliverChoice: "deliver", noticeChoice: "notice",
	catchUpChoice: "catch-up", endOrphanChoice: "end-ghost", lateChoice: "late", restartChoice: "restart", clockChoice: "leap",
	expireChoice: "expire", cutChoice: "cut", stopChoice: "stop", crashChoice: "crash", leaveChoice: "leave", lagChoice: "lag", sweepChoice: "sweep", breakChoice: "break", turnChoice: "turn", forgetChoice: "forget",
}

// Write writes a schedule as text, with one choice and its meaning on each line.
func (schedule Schedule) Write(to io.Writer, w *World) error {
	steps := Explain(w, schedule)
	for i, c := range schedule {
		if _, err := fmt.Fprintf(to, "%-11s %-9s %d  # %s\n", choiceNames[c.kind()], w.Processes[c.process()].Name, c.which(), steps[i].Text); err != nil {
			return fmt.Errorf("explore: %w", err)
		}
	}
	return nil
}

// line is one line of a schedule: the choice that it names, without its dependencies.
type line struct {
	kind    choiceKind
	process int
	which   int
}

func (l line) is(c Choice) bool {
	return l == line{c.kind(), c.process(), c.which()}
}

func lines(schedule Schedule) []line {
	var all []line
	for _, c := range schedule {
		all = append(all, line{c.kind(), c.process(), c.which()})
	}
	return all
}

// ReadSchedule reads the output of Write; text after a # is a comment.
func ReadSchedule(from io.Reader, w *World) (Schedule, error) {
	wanted, err := readLines(from, w)
	if err != nil {
		return nil, err
	}
	var schedule Schedule
	if err := guarded(func() { schedule, _ = newSpace(w, true).follow(wanted, false) }); err != nil {
		return nil, err
	}
	if len(schedule) < len(wanted) {
		return nil, fmt.Errorf("explore: schedule: step %d (%s of %s) is not possible; give the world that the schedule was written for, or explore again if the code has changed",
			len(schedule)+1, choiceNames[wanted[len(schedule)].kind], w.Processes[wanted[len(schedule)].process].Name)
	}
	return schedule, nil
}

func readLines(from io.Reader, w *World) ([]line, error) {
	var wanted []line
	scanner := bufio.NewScanner(from)
	for number := 1; scanner.Scan(); number++ {
		text, _, _ := strings.Cut(scanner.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		bad := func(what string) error {
			return fmt.Errorf("explore: schedule, line %d: %s in %q; a line is: choice process number", number, what, text)
		}
		if len(fields) != 3 {
			return nil, bad("other than three words")
		}
		l := line{process: slices.IndexFunc(w.Processes, func(p Process) bool { return p.Name == fields[1] })}
		for kind, name := range choiceNames {
			if name == fields[0] {
				l.kind = kind
			}
		}
		which, err := strconv.Atoi(fields[2])
		switch l.which = which; {
		case l.kind == 0:
			return nil, bad("unknown choice " + fields[0])
		case l.process < 0:
			return nil, bad("unknown process " + fields[1])
		case err != nil || which < 0:
			return nil, bad("no number " + fields[2])
		}
		wanted = append(wanted, l)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("explore: schedule: %w", err)
	}
	return wanted, nil
}

// follow runs a schedule up to the first violation. An impossible step is skipped if lenient,
// and ends the run otherwise. follow returns the steps that were done.
func (x *space) follow(wanted []line, lenient bool) (Schedule, *Finding) {
	s := x.initial()
	var done Schedule
	for _, l := range wanted {
		choices := x.choices(s, nil)
		at := slices.IndexFunc(choices, l.is)
		if at < 0 && !lenient {
			return done, nil
		}
		if at < 0 {
			continue
		}
		done = append(done, choices[at])
		if found := x.try(s, choices[at]); found != nil {
			return done, found.after(done)
		}
	}
	return done, x.stuck(s).after(done)
}

// Replay runs a schedule and returns its violation, or nil.
func Replay(w *World, schedule Schedule) (*Finding, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	var found *Finding
	err := guarded(func() { _, found = newSpace(w, false).follow(lines(schedule), false) })
	return found, err
}

// Attempt runs the possible steps of a schedule in this world. It returns the violation, or
// nil, and the number of possible steps. It is for schedules of defects that are fixed.
func Attempt(w *World, from io.Reader) (*Finding, int, error) {
	wanted, err := readLines(from, w)
	if err != nil {
		return nil, 0, err
	}
	var done Schedule
	var found *Finding
	err = guarded(func() { done, found = newSpace(w, false).follow(wanted, true) })
	return found, len(done), err
}

// shrink makes the schedule of a finding shorter, and then simpler, as long as the
// same property is violated: with fewer faults first, then with fewer changes from
// one process to another.
func (x *space) shrink(f *Finding) *Finding {
	property := f.Violations[0].Property
	try := func(candidate Schedule) bool {
		_, found := x.follow(lines(candidate), true)
		if found == nil || found.Violations[0].Property != property || cost(found.Schedule) >= cost(f.Schedule) {
			return false
		}
		f = found
		return true
	}
	for better := true; better; {
		better = false
		for size := max(len(f.Schedule)/2, 1); size >= 1; size /= 2 {
			for at := 0; at+size <= len(f.Schedule); {
				if try(slices.Delete(slices.Clone(f.Schedule), at, at+size)) {
					better = true
				} else {
					at++
				}
			}
		}
		for at := 1; at < len(f.Schedule); at++ {
			swapped := slices.Clone(f.Schedule)
			swapped[at-1], swapped[at] = swapped[at], swapped[at-1]
			better = try(swapped) || better
		}
		for at := 0; at < len(f.Schedule); at++ {
			if c := f.Schedule[at]; c.budget() == losses && c.kind() != breakChoice {
				harmless := slices.Clone(f.Schedule)
				harmless[at] = choose(serveChoice, c.process(), c.request())
				better = try(harmless) || better
			}
		}
	}
	return f
}

// cost orders schedules: fewer faults are simpler, then fewer steps, then fewer
// changes of the process.
func cost(schedule Schedule) int {
	faults, switches := 0, 0
	for i, c := range schedule {
		if c.fault() {
			faults++
		}
		if i > 0 && c.process() != schedule[i-1].process() {
			switches++
		}
	}
	return faults<<40 | len(schedule)<<20 | switches
}
