package mutants

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const heading = "outcome    engine    defect; below it: caught by, after, counterexample; with"

// line is a finding in the table that a hunt prints as it goes: two lines, because
// names are long.
func (f Finding) line() string {
	details := []string{f.by(), f.after(), f.length()}
	details = slices.DeleteFunc(details, func(part string) bool { return part == "" || part == "-" })
	line := fmt.Sprintf("%-9s  %-8s  %s\n           %s; %s", f.Outcome, f.Engine, f.ID, strings.Join(details, ", "), f.with())
	if f.Problem != "" {
		line += "\n           " + f.Problem
	}
	return line
}

// span is the time of the findings, and the number of missing ones.
func (m *Matrix) span() string {
	missing := 0
	for _, e := range m.all {
		for _, engine := range Engines {
			if _, looked := m.find(e.ID, engine); !looked && engines[engine].Takes(e) {
				missing++
			}
		}
	}
	if len(m.Findings) == 0 {
		return fmt.Sprintf("No defect has been tested; %d findings are missing.", missing)
	}
	byTime := func(a, b Finding) int { return a.When.Compare(b.When) }
	text := fmt.Sprintf("Found between %s and %s UTC.", slices.MinFunc(m.Findings, byTime).When.Format(time.DateTime), slices.MaxFunc(m.Findings, byTime).When.Format(time.DateTime))
	text += m.commits()
	if missing > 0 {
		text += fmt.Sprintf(" **Partial**: %d findings are missing, marked *not yet*.", missing)
	}
	return text
}

// commits lists the commits of the source that the findings are about.
func (m *Matrix) commits() string {
	counts := map[string]int{}
	for _, f := range m.Findings {
		counts[f.Commit]++
	}
	var parts []string
	for _, commit := range slices.Sorted(maps.Keys(counts)) {
		switch {
		case commit == "":
			parts = append(parts, fmt.Sprintf("%d about an unknown commit", counts[commit]))
		case strings.HasSuffix(commit, "+"):
			parts = append(parts, fmt.Sprintf("%d about commit `%s` with changes", counts[commit], strings.TrimSuffix(commit, "+")))
		default:
			parts = append(parts, fmt.Sprintf("%d about commit `%s`", counts[commit], commit))
		}
	}
	return " Findings, with those about the unchanged source: " + strings.Join(parts, ", ") + "."
}

// totals sums up the outcomes of each engine, and its speed.
func (m *Matrix) totals() string {
	var b strings.Builder
	for _, engine := range Engines {
		counts, seconds := map[Outcome]int{}, []float64{}
		for _, f := range m.Findings {
			if f.Engine != engine || f.ID == Unmodified {
				continue
			}
			if counts[f.Outcome]++; f.Outcome == Caught {
				seconds = append(seconds, f.Seconds)
			}
		}
		if len(counts) == 0 {
			continue
		}
		fmt.Fprintf(&b, "- %s: ", engine)
		for i, o := range slices.Sorted(maps.Keys(counts)) {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%d %s", counts[o], o)
		}
		if n := len(seconds); n > 0 {
			slices.Sort(seconds)
			fmt.Fprintf(&b, "; caught after %.1f s in the median, %.1f s at most", (seconds[(n-1)/2]+seconds[n/2])/2, seconds[n-1])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Page is the matrix for people, in Markdown: a row for each entry, a column for each
// engine.
func (m *Matrix) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Planted defects\n\nWritten by `torture mutants`. Each row is a defect of `%s`, planted with `go build -overlay`; each column an engine that tested it. A dash means that the engine cannot test it.\n\n", m.Catalogue)
	b.WriteString(m.span() + "\n\n" + m.totals() + "\n")
	b.WriteString("| defect | what is wrong | " + strings.Join(Engines, " | ") + " |\n|---|---|" + strings.Repeat("---|", len(Engines)) + "\n")
	for _, e := range m.all {
		cells := make([]string, len(Engines))
		for i, engine := range Engines {
			cells[i] = m.cell(e, engine)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.ID, inCell(e.Says), strings.Join(cells, " | "))
	}
	b.WriteString("\nThe unchanged source under the same conditions:\n\n| engine | outcome | after | with |\n|---|---|---|---|\n")
	for _, f := range m.Findings {
		if f.ID == Unmodified {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Engine, f.outcome(), f.after(), inCell(f.with()+f.problem()))
		}
	}
	var notes []string
	for _, e := range m.all {
		for _, note := range e.notes() {
			notes = append(notes, fmt.Sprintf("- `%s`: %s\n", e.ID, note))
		}
	}
	if len(notes) > 0 {
		b.WriteString("\nNotes:\n\n" + strings.Join(notes, ""))
	}
	return b.String()
}

// cell is the outcome of an entry on an engine.
func (m *Matrix) cell(e Entry, engine string) string {
	f, looked := m.find(e.ID, engine)
	switch {
	case !looked && engines[engine].Takes(e):
		return "*not yet*"
	case !looked:
		return "-"
	case f.Outcome == Astray:
		return fmt.Sprintf("**astray**: %s, after %s", f.by(), f.after())
	case f.Outcome != Caught:
		return fmt.Sprintf("%s after %s%s", f.outcome(), f.after(), inCell(f.problem()))
	case f.Problem == unexpected:
		return f.how() + f.problem()
	}
	return f.how()
}

// how says which check caught a defect, and under which conditions.
func (f Finding) how() string {
	switch f.Engine {
	case MemoryEngine, EnsembleEngine:
		return fmt.Sprintf("%s, %s, %s; %s", f.by(), f.after(), f.length(), f.with())
	case ModelEngine:
		return fmt.Sprintf("%s, %s, %s; `%s`", f.by(), f.after(), f.length(), f.with())
	}
	return fmt.Sprintf("%s, %s", f.by(), f.after())
}

// outcome is in bold if it needs a person.
func (f Finding) outcome() string {
	if f.Bad() {
		return "**" + string(f.Outcome) + "**"
	}
	return string(f.Outcome)
}

// problem is the problem of a finding, as an addition to other text.
func (f Finding) problem() string {
	if f.Problem == "" {
		return ""
	}
	return "; " + f.Problem
}

// notes are the notes of an entry, including the reasons for engines that do not catch
// it.
func (e Entry) notes() []string {
	var all []string
	if e.Note != "" {
		all = append(all, inCell(e.Note))
	}
	for _, engine := range Engines {
		if why, known := e.Survives[engine]; known {
			all = append(all, fmt.Sprintf("not caught on %s: %s", engine, inCell(why)))
		}
	}
	return all
}

// inCell is a text on one line.
func inCell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
