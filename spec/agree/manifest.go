package agree

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/tlc"
)

// manifestFile is where the manifest is, beside the modules.
const manifestFile = "manifest.json"

// Manifest holds TLC's results.
type Manifest struct {
	TLC     string  `json:"tlc"` // its version
	Entries []Entry `json:"entries"`
}

// Entry is TLC's result of one check.
type Entry struct {
	Name     string          `json:"name"`
	Says     string          `json:"says"`
	Kind     Kind            `json:"kind"`
	Module   string          `json:"module"`
	Config   string          `json:"config"`
	World    json.RawMessage `json:"world,omitempty"`
	Violated string          `json:"violated"` // the property; empty for none
	Trace    int             `json:"trace,omitempty"`

	// As TLC prints them; the depth in states. Of a simulation only those generated.
	Distinct  int `json:"distinct,omitempty"`
	Generated int `json:"generated,omitempty"`
	Depth     int `json:"depth,omitempty"`

	Seen     *Seen             `json:"seen,omitempty"` // of a complete world
	Seconds  float64           `json:"seconds"`
	SHA256   map[string]string `json:"sha256"` // of the files that were checked, without their comments
	version  string            // of TLC
	complete bool              // TLC has said that it visited everything
}

// Seen is the size of a graph in which indistinguishable states are merged.
type Seen struct {
	States      int    `json:"states"`
	Transitions int    `json:"transitions"`
	Depth       int    `json:"depth"` // in steps
	Looks       int    `json:"looks"` // different visible states
	LooksSHA256 string `json:"looks_sha256"`
	Fingerprint string `json:"fingerprint"` // of the behaviour
}

// Load reads the manifest that is beside the modules.
func Load(files fs.FS) (Manifest, error) {
	var m Manifest
	data, err := fs.ReadFile(files, manifestFile)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return m, fmt.Errorf("agree: manifest: %w", err)
	}
	return m, nil
}

// Entry finds the manifest's entry of that name; nil if there is none.
func (m Manifest) Entry(name string) *Entry {
	if at := slices.IndexFunc(m.Entries, func(e Entry) bool { return e.Name == name }); at >= 0 {
		return &m.Entries[at]
	}
	return nil
}

// Save writes the manifest into the folder of the modules, in the order of the plan.
func (m Manifest) Save(dir string) error {
	place := map[string]int{}
	for i, c := range Plan() {
		place[c.Name] = i
	}
	m.Entries = slices.DeleteFunc(m.Entries, func(e Entry) bool { _, planned := place[e.Name]; return !planned })
	slices.SortStableFunc(m.Entries, func(a, b Entry) int { return cmp.Compare(place[a.Name], place[b.Name]) })
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(m); err != nil {
		return fmt.Errorf("agree: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifestFile), out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("agree: %w", err)
	}
	return nil
}

// files are the files that a check depends on.
func (c Check) files() []string { return append(slices.Clone(modules[c.Module()]), c.Config()) }

// withoutComments is a specification as TLC reads it: without block comments, which
// nest, without comments to the end of the line, without white space at the ends of
// lines, and without empty lines. So a changed comment does not need a new run of TLC.
// No string in a specification contains the beginning of a comment.
func withoutComments(text string) string {
	var code strings.Builder
	for depth := 0; text != ""; {
		switch {
		case strings.HasPrefix(text, "(*"):
			depth, text = depth+1, text[2:]
		case strings.HasPrefix(text, "*)") && depth > 0:
			depth, text = depth-1, text[2:]
		case strings.HasPrefix(text, `\*`) && depth == 0:
			_, text, _ = strings.Cut(text, "\n")
			code.WriteByte('\n')
		default:
			if depth == 0 || text[0] == '\n' {
				code.WriteByte(text[0])
			}
			text = text[1:]
		}
	}
	var lines []string
	for line := range strings.Lines(code.String()) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// Hashes are the hashes of a check's files as they are now, comments aside.
func (c Check) Hashes(files fs.FS) (map[string]string, error) {
	sums := map[string]string{}
	for _, name := range c.files() {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("agree: %w", err)
		}
		sum := sha256.Sum256([]byte(withoutComments(string(data))))
		sums[name] = hex.EncodeToString(sum[:])
	}
	return sums, nil
}

// Simulations are drawn with these options.
const (
	simulated     = 2000
	simulateDepth = 150
	simulateSeed  = 1
)

// Ask runs TLC for a check, on the files as they are now.
func (c Check) Ask(ctx context.Context, by tlc.TLC, files fs.FS) (Entry, error) {
	e := Entry{Name: c.Name, Says: c.Says, Kind: c.Kind, Module: c.Module(), Config: c.Config(), World: c.world()}
	var err error
	if e.SHA256, err = c.Hashes(files); err != nil {
		return e, err
	}
	began := time.Now()
	outcome, g, err := c.run(ctx, by, files, func(l *visibleState) string { return l.digest() })
	if err != nil {
		return e, err
	}
	e.Seconds = math.Round(10*time.Since(began).Seconds()) / 10
	e.version, e.complete = outcome.Version, outcome.Complete
	e.Violated, e.Trace = outcome.Violated, outcome.Trace
	if e.Violated == "" {
		e.Distinct, e.Generated, e.Depth = outcome.Distinct, outcome.Generated, outcome.Depth
	}
	if g != nil && e.Violated == "" {
		seen := measure(g)
		e.Seen = &seen
	}
	return e, nil
}

// run runs TLC for a check. For a complete world it returns the graph, with colours if
// asked.
func (c Check) run(ctx context.Context, by tlc.TLC, files fs.FS, colour func(*visibleState) string) (tlc.Outcome, *tlc.Graph, error) {
	dir, err := os.MkdirTemp("", "ringmaster-spec")
	if err != nil {
		return tlc.Outcome{}, nil, fmt.Errorf("agree: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := tlc.Write(dir, files, c.files()...); err != nil {
		return tlc.Outcome{}, nil, err
	}
	job := tlc.Job{Module: c.Module(), Config: strings.TrimSuffix(filepath.Base(c.Config()), ".cfg")}
	switch c.Kind {
	case Complete:
		job.Dot = filepath.Join(dir, "graph.dot")
	case Simulate:
		job.Simulate, job.Depth, job.Seed = simulated, simulateDepth, simulateSeed
	}
	outcome, err := by.Run(ctx, dir, job)
	if err != nil {
		return outcome, nil, fmt.Errorf("%w:\n%s", err, outcome.Printed[max(0, len(outcome.Printed)-2000):])
	}
	if c.Kind != Complete {
		return outcome, nil, nil
	}
	g, err := c.readGraph(job.Dot, colour)
	return outcome, g, err
}

// Expected compares a result of TLC with the plan alone; the error says how they
// differ.
func (c Check) Expected(e Entry) error {
	switch {
	case c.Violates != e.Violated && c.Violates == "":
		return fmt.Errorf("%s: TLC finds that %s is violated; nothing should be", c.Name, e.Violated)
	case c.Kind == Simulate && e.Generated < simulated:
		return fmt.Errorf("%s: only %d states were drawn", c.Name, e.Generated)
	case c.Violates == "" && c.Kind != Simulate && !e.complete && e.version != "":
		return fmt.Errorf("%s: TLC does not report a complete search", c.Name)
	case c.Violates != e.Violated:
		return fmt.Errorf("%s: %s should be violated, TLC finds %q", c.Name, c.Violates, e.Violated)
	}
	return nil
}

// Same compares a result of TLC with the one in the manifest; the error says how they
// differ. Times are not compared, nor the number of states that a simulation drew.
func Same(was, is Entry) error {
	var errs []error
	name := is.Name
	differ := func(what string, before, now any) {
		if before != now {
			errs = append(errs, fmt.Errorf("%s: %s is %v, the manifest has %v", name, what, now, before))
		}
	}
	differ("the violated property", was.Violated, is.Violated)
	differ("the length of the trace", was.Trace, is.Trace)
	if is.Kind != Simulate {
		differ("the number of distinct states", was.Distinct, is.Distinct)
		differ("the number of generated states", was.Generated, is.Generated)
		differ("the depth", was.Depth, is.Depth)
	}
	if was.Seen != nil && is.Seen != nil {
		differ("the fingerprint of the graph", *was.Seen, *is.Seen)
	} else {
		differ("whether the graph was compared", was.Seen != nil, is.Seen != nil)
	}
	return errors.Join(errs...)
}

// Put replaces or adds TLC's result of one check.
func (m *Manifest) Put(e Entry) {
	if old := m.Entry(e.Name); old != nil {
		*old = e
	} else {
		m.Entries = append(m.Entries, e)
	}
	if e.version != "" {
		m.TLC = e.version
	}
}

// Agrees compares a result of TLC with the manifest's; the error says how they differ. The
// release of TLC may be another: see Note.
func (m Manifest) Agrees(e Entry) error {
	was := m.Entry(e.Name)
	if was == nil {
		return fmt.Errorf("%s is not in the manifest", e.Name)
	}
	if !maps.Equal(was.SHA256, e.SHA256) {
		return fmt.Errorf("%s: the files have changed since TLC ran: run bin/torture spec --write --only %s", e.Name, e.Name)
	}
	return Same(*was, e)
}

// Note is for people if a result is from another release of TLC than the manifest, and
// otherwise empty.
func (m Manifest) Note(e Entry) string {
	if m.TLC == e.version {
		return ""
	}
	return fmt.Sprintf("TLC %s gives these answers; the manifest has those of TLC %s.", e.version, m.TLC)
}

// Line is the entry for people.
func (e Entry) Line() string {
	text := fmt.Sprintf("%-8s %-26s", e.Kind, e.Name)
	switch {
	case e.Violated != "":
		text += fmt.Sprintf(" %s is violated after %d steps", e.Violated, e.Trace-1)
	case e.Kind == Simulate:
		text += fmt.Sprintf(" nothing is violated in %d states that were drawn", e.Generated)
	default:
		text += fmt.Sprintf(" nothing is violated: %d distinct states, %d generated, depth %d", e.Distinct, e.Generated, e.Depth)
	}
	if e.Seen != nil {
		text += fmt.Sprintf("; %d to be told apart", e.Seen.States)
	}
	return text + fmt.Sprintf(" (%.1f s)", e.Seconds)
}
