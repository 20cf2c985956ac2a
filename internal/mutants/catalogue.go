package mutants

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Entry is one defect of a catalogue.
type Entry struct {
	ID     string   `yaml:"id"`
	Says   string   `yaml:"says"`   // a sentence: the defect
	Recipe string   `yaml:"recipe"` // whose worlds and runs look for it, by its --recipe; empty for the default
	Breaks []string `yaml:"breaks"` // the properties that should be violated; of tests, the names of those that should fail
	On     []string `yaml:"on"`     // the only engines that can see it; if empty, all engines that it has options for
	Fault  string   `yaml:"fault"`  // for torture runs: the nemesis that provokes it, comma-separated
	Run    string   `yaml:"run"`    // for torture runs: further options
	World  string   `yaml:"world"`  // for the explorer: the options of a world that shows it
	Tests  []string `yaml:"tests"`  // calls of go test: packages whose tests should fail, with -run perhaps
	// Survives has the engines that are known not to catch it, each with the reason.
	Survives map[string]string `yaml:"survives"`
	Note     string            `yaml:"note"` // other facts about it
	Edits    []Edit            `yaml:"edits"`
}

// Edit replaces a text that occurs exactly once: in a declaration of a package, or in a
// file. In a declaration, white space and comments do not count, nor does the file of
// the declaration, so an edit survives moves and other layout. In a file every
// character counts.
type Edit struct {
	Package string   `yaml:"package"` // folder of a package below the source folder, with slashes
	In      string   `yaml:"in"`      // a declaration of it: func name, func (*type) name, type name, const name or var name
	Imports []string `yaml:"imports"` // the imports of the new text; imports that exist already do no harm
	File    string   `yaml:"file"`    // instead of a package: a file below the source folder, with slashes
	Old     string   `yaml:"old"`
	New     string   `yaml:"new"`
}

// Fingerprint identifies the version of an entry's edits. A change of layout in an
// anchored edit does not change it.
func (e Entry) Fingerprint() string {
	sum := sha256.New()
	for _, edit := range e.Edits {
		if edit.Package == "" {
			fmt.Fprintf(sum, "%q %q %q\n", edit.File, edit.Old, edit.New)
			continue
		}
		in, _ := parseAnchor(edit.In)
		fmt.Fprintf(sum, "%q %q %q %q %q\n", edit.Package, in, edit.Imports, strings.Fields(edit.Old), strings.Fields(edit.New))
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:6])
}

// Catalogue is a list of defects.
type Catalogue []Entry

// Load reads a catalogue from a file.
func Load(path string) (Catalogue, error) {
	file, err := record.OpenRegular(path)
	if err != nil {
		return nil, fmt.Errorf("mutants: %w; give the file of a catalogue", err)
	}
	defer file.Close()
	return Parse(file, path)
}

// Parse reads a catalogue. Unknown keys, ids that occur twice, and entries that cannot
// be carried out are errors, all reported at once; name is the source's name in them.
func Parse(from io.Reader, name string) (Catalogue, error) {
	decoder := yaml.NewDecoder(from)
	decoder.KnownFields(true)
	var all Catalogue
	if err := decoder.Decode(&all); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("mutants: %s is empty; a catalogue is a list of entries, each with id, says, breaks and edits", name)
	} else if err != nil {
		return nil, fmt.Errorf("mutants: %s: %w", name, err)
	}
	var errs []error
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		errs = append(errs, fmt.Errorf("mutants: %s: a second document follows the list of entries; put all entries in one list", name))
	}
	seen := map[string]bool{}
	for i, e := range all {
		if seen[e.ID] {
			errs = append(errs, fmt.Errorf("mutants: %s: the id %s occurs twice; give each entry its own id", name, e.ID))
		}
		seen[e.ID] = true
		for _, what := range e.problems() {
			errs = append(errs, fmt.Errorf("mutants: %s: entry %d, %q: %s", name, i+1, e.ID, what))
		}
		all[i] = e.ofRecipe()
	}
	return all, errors.Join(errs...)
}

// ofRecipe is the entry with its recipe among the options of its worlds and runs.
func (e Entry) ofRecipe() Entry {
	if e.Recipe == "" {
		return e
	}
	option := "--recipe " + e.Recipe
	if e.World != "" {
		e.World = option + " " + e.World
	}
	if e.Fault != "" {
		e.Run = strings.TrimSpace(option + " " + e.Run)
	}
	return e
}

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// problems lists the problems of an entry that do not depend on the source.
func (e Entry) problems() []string {
	var all []string
	add := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(!idPattern.MatchString(e.ID) || e.ID == Unmodified, "an id has small letters, digits and single dashes, and is not %q", Unmodified)
	add(e.Recipe != "" && !idPattern.MatchString(e.Recipe), "recipe %q: give a name, as for --recipe", e.Recipe)
	add(strings.TrimSpace(e.Says) == "", "says is missing: describe the defect in a sentence")
	add(len(e.Breaks) == 0, "breaks is missing: name the properties, or tests, that should fail")
	add(len(e.Edits) == 0, "edits is missing: give a list of package, in, old, new")
	add(e.Fault == "" && e.World == "" && len(e.Tests) == 0, "fault, world and tests are missing: give one of them, for torture runs, the explorer, or go test")
	for _, call := range append([]string{e.World, e.Run}, e.Tests...) {
		add(strings.ContainsAny(call, `'"`), "%s: leave out the quotes, because no shell reads this", call)
	}
	add(e.Run != "" && e.Fault == "", "run needs fault, because its options are for torture runs")
	if _, err := nemesis.Parse(e.Fault); err != nil {
		add(true, "fault: %v", err)
	}
	looked := slices.ContainsFunc(Engines, func(name string) bool { return engines[name].Takes(e) })
	add(len(all) == 0 && !looked, "no engine can test it: on names %s, but fault, world and tests are for others", strings.Join(e.On, ", "))
	for _, engine := range e.On {
		add(!slices.Contains(Engines, engine), "on: unknown engine %q; choose from %s", engine, strings.Join(Engines, ", "))
	}
	for engine, why := range e.Survives {
		add(!slices.Contains(Engines, engine), "survives: unknown engine %q; choose from %s", engine, strings.Join(Engines, ", "))
		add(strings.TrimSpace(why) == "", "survives: give the reason why %s does not catch it", engine)
	}
	for n, edit := range e.Edits {
		for _, what := range edit.problems() {
			add(true, "edit %d: %s", n+1, what)
		}
	}
	return all
}

// problems lists the problems of an edit that do not depend on the source.
func (e Edit) problems() []string {
	anchored := e.Package != ""
	path, key := e.File, "file"
	if anchored {
		path, key = e.Package, "package"
	}
	_, known := parseAnchor(e.In)
	old, err := lexemes(e.Old)
	var all []string
	for _, p := range []struct {
		when bool
		what string
	}{
		{anchored == (e.File != ""), "give either package and in, for a declaration of Go, or file"},
		{path != "" && !filepath.IsLocal(filepath.FromSlash(path)), fmt.Sprintf("%s %q is not below the source folder", key, path)},
		{anchored && !known, fmt.Sprintf("in %q names no declaration; give func name, func (*type) name, type name, const name or var name", e.In)},
		{!anchored && e.In+strings.Join(e.Imports, "") != "", "in and imports need package, because they are about a declaration"},
		{anchored && err != nil, fmt.Sprintf("old is not made of whole tokens of Go: %v", err)},
		{e.Old == "" || anchored && len(old) == 0, "old is missing: give the text to replace"},
		{e.Old == e.New, "old and new are the same"},
	} {
		if p.when {
			all = append(all, p.what)
		}
	}
	return all
}

// Only picks entries by id, in the order of the catalogue; no ids pick all.
func (c Catalogue) Only(ids []string) (Catalogue, error) {
	if len(ids) == 0 {
		return c, nil
	}
	var picked Catalogue
	for _, e := range c {
		if slices.Contains(ids, e.ID) {
			picked = append(picked, e)
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(c, func(e Entry) bool { return e.ID == id }) {
			return nil, fmt.Errorf("mutants: no entry has the id %q; %s", id, c.like(id))
		}
	}
	return picked, nil
}

// like names the entries whose ids have a word of this one, or says how many there are.
func (c Catalogue) like(id string) string {
	const most = 8
	var near []string
	for _, other := range c.IDs() {
		if slices.ContainsFunc(strings.Split(id, "-"), func(word string) bool { return len(word) > 2 && strings.Contains(other, word) }) {
			near = append(near, other)
		}
	}
	if len(near) == 0 || len(near) > most {
		return fmt.Sprintf("the catalogue has %d; search it for \"- id:\"", len(c))
	}
	return "did you mean " + strings.Join(near, ", ") + "?"
}

// Sample picks n entries that the engines take and are expected to catch. Each turn
// picks the next ones, until all have been picked. If the matrix has findings of these
// engines, only entries that were caught at the first try are picked, because the
// survival of a mutant that is hard to catch says little.
func (c Catalogue) Sample(n, turn int, engines []Engine, known *Matrix) Catalogue {
	tested := slices.ContainsFunc(known.Findings, func(f Finding) bool {
		return f.ID != Unmodified && slices.ContainsFunc(engines, func(g Engine) bool { return g.Name() == f.Engine })
	})
	var fit Catalogue
	for _, e := range c {
		if slices.ContainsFunc(engines, func(g Engine) bool {
			f, _ := known.find(e.ID, g.Name())
			proven := f.Outcome == Caught && f.Runs <= 1 && e.stillAsks(f)
			return g.Takes(e) && e.Survives[g.Name()] == "" && (proven || !tested)
		}) {
			fit = append(fit, e)
		}
	}
	if n >= len(fit) {
		return fit
	}
	first := turn * n % len(fit)
	return slices.Concat(fit, fit)[first : first+n]
}

// IDs are the ids of the entries, in their order.
func (c Catalogue) IDs() []string {
	all := make([]string, len(c))
	for i, e := range c {
		all[i] = e.ID
	}
	return all
}
