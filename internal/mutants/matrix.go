package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Matrix has the findings about a catalogue so far. It is kept in a file from one hunt
// to the next, and in Markdown for people. A new finding replaces the old one of the
// same defect on the same engine.
type Matrix struct {
	path string
	all  Catalogue

	Catalogue string    `json:"catalogue,omitempty"` // the file that it is about
	Findings  []Finding `json:"findings"`
}

// OpenMatrix reads a matrix about a catalogue, which is the file named name. A missing
// matrix is an empty one. Findings about older versions of entries are dropped, and a
// matrix about another file is refused.
func OpenMatrix(path, name string, all Catalogue) (*Matrix, error) {
	if filepath.Ext(path) != ".json" {
		return nil, fmt.Errorf("mutants: results in %s: give a file that ends in .json; the page for people is written beside it", path)
	}
	m := &Matrix{path: path, all: all, Catalogue: name}
	if err := m.read(); err != nil {
		return nil, err
	}
	m.dropStale()
	return m, nil
}

// read adds the contents of the file, if it exists.
func (m *Matrix) read() error {
	var stored Matrix
	switch err := readJSON(m.path, &stored); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case stored.Catalogue != "" && stored.Catalogue != m.Catalogue:
		return fmt.Errorf("mutants: %s has the findings of %s, not of %s; give another results file", m.path, stored.Catalogue, m.Catalogue)
	}
	m.Findings = stored.Findings
	return nil
}

// Keep adds a finding and writes the files, each whole or not at all. Findings that
// another hunt has written meanwhile stay. A finding about the unchanged source that
// covers only a part of the catalogue is not kept, unless it was bad.
func (m *Matrix) Keep(f Finding) error {
	return m.alone(func() error {
		if err := m.read(); err != nil {
			return err
		}
		if f.ID != Unmodified || f.Bad() || m.inBaseline(f) {
			m.put(f)
		}
		return m.write()
	})
}

// put stores a finding in the place of the earlier one of the same defect and engine.
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

// Save writes the files without the findings that OpenMatrix drops. So it also shows
// whether they can be written.
func (m *Matrix) Save() error {
	return m.alone(func() error {
		if err := m.read(); err != nil {
			return err
		}
		m.dropStale()
		return m.write()
	})
}

// alone runs a function while no other hunt writes findings into the same folder.
func (m *Matrix) alone(do func() error) error {
	dir := filepath.Dir(m.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	held, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	defer held.Close() // which also releases the lock
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("mutants: lock %s: %w", dir, err)
	}
	return do()
}

// write writes both files.
func (m *Matrix) write() error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = record.Replace(m.path, append(data, '\n'))
	}
	if err == nil {
		err = record.Replace(strings.TrimSuffix(m.path, ".json")+".md", []byte(m.Page()))
	}
	if err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	return nil
}

// dropStale drops findings that do not fit the catalogue any more: other ids, other edits,
// another world, other faults or tests, engines that do not take the entry any more,
// and tests of the unchanged source that no entry needs. The outcome of the others
// follows the present catalogue. A known survivor is tested in another way, so it is
// tested again.
func (m *Matrix) dropStale() {
	var kept []Finding
	for _, f := range m.Findings {
		i := slices.IndexFunc(m.all, func(e Entry) bool { return e.ID == f.ID && e.stillAsks(f) })
		if i >= 0 && f.Outcome != Failed {
			before := f.Outcome
			if f.settle(m.all[i]); f.Outcome != before && len(f.Properties) == 0 {
				continue
			}
		}
		if i >= 0 || f.ID == Unmodified && m.inBaseline(f) {
			kept = append(kept, f)
		}
	}
	m.Findings = kept
}

// stillAsks reports whether a finding answers the present entry: the same edits, on an
// engine that takes it, looked for in the same way.
func (e Entry) stillAsks(f Finding) bool {
	engine, known := engines[f.Engine]
	return known && e.Fingerprint() == f.Fingerprint && engine.Takes(e) && e.asks(f.Engine) == f.Asked
}

// inBaseline reports whether the finding is about the unchanged source under conditions
// that the whole catalogue needs.
func (m *Matrix) inBaseline(f Finding) bool {
	engine, known := engines[f.Engine]
	if !known {
		return false
	}
	taken := slices.DeleteFunc(slices.Clone(m.all), func(e Entry) bool { return !engine.Takes(e) })
	return slices.ContainsFunc(engine.Baseline(taken), func(e Entry) bool { return e.asks(f.Engine) == f.Asked })
}

// engines are the engines of the columns.
var engines = map[string]Engine{
	ModelEngine: Model{}, TestsEngine: Tests{}, MemoryEngine: Runs{Ensemble: MemoryEngine}, EnsembleEngine: Runs{Ensemble: EnsembleEngine},
}

// find is the finding of an entry on an engine.
func (m *Matrix) find(id, engine string) (Finding, bool) {
	i := slices.IndexFunc(m.Findings, func(f Finding) bool { return f.ID == id && f.Engine == engine })
	if i < 0 {
		return Finding{}, false
	}
	return m.Findings[i], true
}

// Merge adds the findings of another file about the same catalogue, which another shard
// of a campaign has written. Of two findings of the same defect on the same engine the
// later one stays. It returns how many it has added, and writes both files.
func (m *Matrix) Merge(path string) (taken int, err error) {
	other := &Matrix{path: path, all: m.all, Catalogue: m.Catalogue}
	if _, err := os.Stat(path); err != nil {
		return 0, fmt.Errorf("mutants: %w", err)
	}
	if err := other.read(); err != nil {
		return 0, err
	}
	other.dropStale()
	return taken, m.alone(func() error {
		if err := m.read(); err != nil {
			return err
		}
		for _, f := range other.Findings {
			same := func(known Finding) bool {
				return known.ID == f.ID && known.Engine == f.Engine && known.Asked == f.Asked && !known.When.Before(f.When)
			}
			if !slices.ContainsFunc(m.Findings, same) {
				m.put(f)
				taken++
			}
		}
		m.dropStale()
		return m.write()
	})
}
