package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const heading = "outcome    id                            engine    caught by                       after                      counterexample  with"

// line is a finding in the table that is printed as it goes.
func (f Finding) line() string {
	line := fmt.Sprintf("%-9s  %-28s  %-8s  %-30s  %-25s  %-14s  %s", f.Outcome, f.ID, f.Engine, f.by(), f.after(), f.length(), f.with())
	if f.Problem != "" {
		line += "\n           " + f.Problem
	}
	return line
}

// Matrix is what has been found so far about a catalogue, kept in a file from one hunt
// to the next, and beside it in Markdown for people: a finding replaces the one of the
// same defect on the same engine.
type Matrix struct {
	path string
	all  Catalogue

	Catalogue string    `json:"catalogue,omitempty"` // the file that it is about
	Findings  []Finding `json:"findings"`
}

// OpenMatrix reads a matrix about a catalogue, which is the file named name; a matrix
// that is not there is an empty one. What is not about the catalogue as it is now is
// dropped, and one about another file is refused.
func OpenMatrix(path, name string, all Catalogue) (*Matrix, error) {
	if filepath.Ext(path) != ".json" {
		return nil, fmt.Errorf("mutants: results in %s: give a file that ends in .json; what people read is written beside it", path)
	}
	m := &Matrix{path: path, all: all, Catalogue: name}
	if err := m.read(); err != nil {
		return nil, err
	}
	m.forget()
	return m, nil
}

// read takes over what is in the file, if it is there.
func (m *Matrix) read() error {
	var stored Matrix
	switch err := readJSON(m.path, &stored); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case stored.Catalogue != "" && stored.Catalogue != m.Catalogue:
		return fmt.Errorf("mutants: %s has the findings of %s, not of %s; give another file for them", m.path, stored.Catalogue, m.Catalogue)
	}
	m.Findings = stored.Findings
	return nil
}

// Keep takes a finding over and writes the files: all of each, or nothing. What another
// hunt has put there in the meantime stays. What was asked of the source as it is for
// the sake of a part of the catalogue is not kept, unless it was bad.
func (m *Matrix) Keep(f Finding) error {
	return m.alone(func() error {
		if err := m.read(); err != nil {
			return err
		}
		if f.ID != Unmodified || f.Bad() || m.ground(f) {
			m.put(f)
		}
		return m.write()
	})
}

// put is a finding in the place of the one of the same defect on the same engine.
func (m *Matrix) put(f Finding) {
	same := func(old Finding) bool {
		return old.ID == f.ID && old.Engine == f.Engine && (f.ID != Unmodified || old.Asked == f.Asked)
	}
	if i := slices.IndexFunc(m.Findings, same); i >= 0 {
		m.Findings[i] = f
	} else {
		m.Findings = append(m.Findings, f)
	}
}

// Save writes the files without what OpenMatrix drops, which finds out whether they can
// be written.
func (m *Matrix) Save() error {
	return m.alone(func() error {
		if err := m.read(); err != nil {
			return err
		}
		m.forget()
		return m.write()
	})
}

// alone does something while no other hunt that keeps its findings in that folder does.
func (m *Matrix) alone(do func() error) error {
	dir := filepath.Dir(m.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	held, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	defer held.Close() // which lets go of the lock
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("mutants: lock %s: %w", dir, err)
	}
	return do()
}

// write writes both files.
func (m *Matrix) write() error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = replace(m.path, append(data, '\n'))
	}
	if err == nil {
		err = replace(strings.TrimSuffix(m.path, ".json")+".md", []byte(m.Page()))
	}
	if err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	return nil
}

// replace writes a file whole, or leaves it as it is.
func replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// forget drops what is not about the catalogue as it is now: other ids, other edits,
// another world, other faults or tests, engines that do not take the entry any more,
// and the source as it is in what nobody asks for. What the catalogue says of the
// others by now decides what has come of them; whether nobody notices is looked for
// differently when it is known, and therefore anew.
func (m *Matrix) forget() {
	var kept []Finding
	for _, f := range m.Findings {
		i := slices.IndexFunc(m.all, func(e Entry) bool { return e.ID == f.ID && e.stillAsks(f) })
		if i >= 0 && f.Outcome != Failed {
			before := f.Outcome
			if f.settle(m.all[i]); f.Outcome != before && len(f.Properties) == 0 {
				continue
			}
		}
		if i >= 0 || f.ID == Unmodified && m.ground(f) {
			kept = append(kept, f)
		}
	}
	m.Findings = kept
}

// stillAsks reports whether a finding answers what the entry asks now: the same edits,
// on an engine that takes it, looked for with the same.
func (e Entry) stillAsks(f Finding) bool {
	engine, known := engines[f.Engine]
	return known && e.Fingerprint() == f.Fingerprint && engine.Takes(e) && e.asks(f.Engine) == f.Asked
}

// ground reports whether the source as it is has to be clean in that, for the sake of
// the whole catalogue.
func (m *Matrix) ground(f Finding) bool {
	engine, known := engines[f.Engine]
	if !known {
		return false
	}
	taken := slices.DeleteFunc(slices.Clone(m.all), func(e Entry) bool { return !engine.Takes(e) })
	return slices.ContainsFunc(engine.Ground(taken), func(e Entry) bool { return e.asks(f.Engine) == f.Asked })
}

// engines are those of the columns, to ask what each takes.
var engines = map[string]Engine{
	ModelEngine: Model{}, TestsEngine: Tests{}, MemoryEngine: Runs{Ensemble: MemoryEngine}, EnsembleEngine: Runs{Ensemble: EnsembleEngine},
}

// span says from when the findings are, and how many are still to come.
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
		return fmt.Sprintf("Nothing has been looked for; %d findings are to come.", missing)
	}
	byTime := func(a, b Finding) int { return a.When.Compare(b.When) }
	text := fmt.Sprintf("Found between %s and %s UTC.", slices.MinFunc(m.Findings, byTime).When.Format(time.DateTime), slices.MaxFunc(m.Findings, byTime).When.Format(time.DateTime))
	text += m.commits()
	if missing > 0 {
		text += fmt.Sprintf(" **Partial**: %d findings are to come, marked *not yet*.", missing)
	}
	return text
}

// commits says of which states of the source the findings are.
func (m *Matrix) commits() string {
	counts := map[string]int{}
	for _, f := range m.Findings {
		counts[f.Commit]++
	}
	var parts []string
	for _, commit := range slices.Sorted(maps.Keys(counts)) {
		switch {
		case commit == "":
			parts = append(parts, fmt.Sprintf("%d of a commit that is not known", counts[commit]))
		case strings.HasSuffix(commit, "+"):
			parts = append(parts, fmt.Sprintf("%d of the commit `%s`, changed", counts[commit], strings.TrimSuffix(commit, "+")))
		default:
			parts = append(parts, fmt.Sprintf("%d of the commit `%s`", counts[commit], commit))
		}
	}
	return " Of the findings, those about the source as it is included, are " + strings.Join(parts, ", ") + "."
}

// totals says of each engine what it has come to, and how fast it was.
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

// find is the finding of an entry on an engine.
func (m *Matrix) find(id, engine string) (Finding, bool) {
	i := slices.IndexFunc(m.Findings, func(f Finding) bool { return f.ID == id && f.Engine == engine })
	if i < 0 {
		return Finding{}, false
	}
	return m.Findings[i], true
}

// Page is the matrix for people, in Markdown: a row for each entry, a column for each
// engine.
func (m *Matrix) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Planted defects\n\nWritten by `torture mutants`. Each row is a defect of `%s`, planted with `go build -overlay`; each column an engine that looked for it. A dash: it is not for that engine.\n\n", m.Catalogue)
	b.WriteString(m.span() + "\n\n" + m.totals() + "\n")
	b.WriteString("| defect | what is wrong | " + strings.Join(Engines, " | ") + " |\n|---|---|" + strings.Repeat("---|", len(Engines)) + "\n")
	for _, e := range m.all {
		cells := make([]string, len(Engines))
		for i, engine := range Engines {
			cells[i] = m.cell(e, engine)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.ID, inCell(e.Says), strings.Join(cells, " | "))
	}
	b.WriteString("\nThe source as it is, in all of that:\n\n| engine | outcome | after | with |\n|---|---|---|---|\n")
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

// cell is what came of an entry on an engine.
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
	case engine == MemoryEngine || engine == EnsembleEngine:
		return fmt.Sprintf("%s, %s, %s; %s", f.by(), f.after(), f.length(), f.with())
	case engine == ModelEngine:
		return fmt.Sprintf("%s, %s, %s; `%s`", f.by(), f.after(), f.length(), f.with())
	}
	return fmt.Sprintf("%s, %s", f.by(), f.after())
}

// outcome is in bold when somebody has to look after it.
func (f Finding) outcome() string {
	if f.Bad() {
		return "**" + string(f.Outcome) + "**"
	}
	return string(f.Outcome)
}

// problem is what went wrong, behind something else.
func (f Finding) problem() string {
	if f.Problem == "" {
		return ""
	}
	return "; " + f.Problem
}

// notes are an entry's, with those about engines that do not notice.
func (e Entry) notes() []string {
	var all []string
	if e.Note != "" {
		all = append(all, inCell(e.Note))
	}
	for _, engine := range Engines {
		if why, known := e.Survives[engine]; known {
			all = append(all, fmt.Sprintf("not noticed on %s: %s", engine, inCell(why)))
		}
	}
	return all
}

// inCell is a text on one line.
func inCell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
