package mutants

import (
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ours is the catalogue of this project, and its source.
func ours(t *testing.T) (Catalogue, Source) {
	t.Helper()
	all, err := Load("catalogue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return all, Source{Dir: "../..", Command: "./cmd/torture"}
}

// TestEveryEntryCompiles checks that each edit matches exactly once, and that the
// packages that are edited compile. A hunt builds the rest.
func TestEveryEntryCompiles(t *testing.T) {
	all, source := ours(t)
	if err := source.Match(all); err != nil {
		t.Fatal(err)
	}
	checked := newTypeChecker(t, source.Dir)
	for _, e := range all {
		b, err := source.Plant(e, t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		var packages []string
		for _, edit := range e.Edits {
			if edit.Package == "" && filepath.Ext(edit.File) == ".go" {
				t.Errorf("%s: an edit of the file %s would not survive edits of the source; give package and in", e.ID, edit.File)
			}
			packages = append(packages, "./"+cmp.Or(edit.Package, path.Dir(edit.File)))
		}
		if testing.Short() {
			continue // make quick sees that each edit has its place; make test compiles it
		}
		slices.Sort(packages)
		packages = slices.Compact(packages)
		if len(packages) == 1 && checked.compiles(packages[0], b.Overlay) == nil {
			continue // the rest of the module is as it was compiled
		}
		if printed, err := b.tool(t.Context(), "build", packages...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", e.ID, err, printed)
		}
	}
}

// entry is a catalogue with one entry that has nothing wrong with it but changes.
func entry(changes ...string) string {
	text := `
- id: one
  says: it is wrong
  breaks: [P]
  world: --masters 1
  edits:
    - {file: a.go, old: x, new: y}
`
	return strings.NewReplacer(changes...).Replace(text)
}

func TestParse_RefusesBadCatalogues(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "is empty"},
		{entry("says:", "tells:"), "field tells not found"},
		{entry("id: one", "id: One"), "an id has small letters"},
		{entry("id: one", "id: unmodified"), "an id has small letters"},
		{entry("it is wrong", `""`), "says is missing"},
		{entry("[P]", "[]"), "breaks is missing"},
		{entry("  world: --masters 1\n", ""), "fault, world and tests are missing"},
		{entry("world: --masters 1", "run: --nodes 2\n  world: x"), "run needs fault"},
		{entry("  world: --masters 1\n", "  tests: [-run 'A|B' ./recipe]\n"), "leave out the quotes"},
		{entry("world: --masters 1", "fault: kill-everything"), `unknown fault "kill-everything"`},
		{entry("world:", "on: [paper]\n  world:"), `unknown engine "paper"`},
		{entry("world:", "survives: {paper: so}\n  world:"), `unknown engine "paper"`},
		{entry("world:", "survives: {model: ''}\n  world:"), "the reason why model"},
		{entry("file: a.go", "file: ../a.go"), "not below the source folder"},
		{entry("file: a.go", "package: ../a, in: func f"), "not below the source folder"},
		{entry("file: a.go", "file: a.go, package: a, in: func f"), "give either package and in"},
		{entry("file: a.go, ", ""), "give either package and in"},
		{entry("file: a.go", "package: a"), `in "" names no declaration`},
		{entry("file: a.go", "package: a, in: f"), `in "f" names no declaration`},
		{entry("file: a.go", "package: a, in: type (t) f"), `names no declaration`},
		{entry("file: a.go", "file: a.go, in: func f"), "in and imports need package"},
		{entry("file: a.go", "file: a.go, imports: [time]"), "in and imports need package"},
		{entry("file: a.go, old: x", "package: a, in: func f, old: '\"x'"), "not made of whole tokens"},
		{entry("file: a.go, old: x", "package: a, in: func f, old: // x"), "old is missing"},
		{entry("old: x", "old: ''"), "old is missing"},
		{entry("old: x", "old: y"), "old and new are the same"},
		{entry() + entry(), "the id one occurs twice"},
		{entry() + "---" + entry("id: one", "id: two"), "put all entries in one list"},
		{entry("world:", "on: [tests]\n  world:"), "no engine can test it"},
		{entry("world: --masters 1", "on: [memory]\n  fault: kill-server"), "no engine can test it"},
	} {
		_, err := Parse(strings.NewReader(c.text), "cat.yaml")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "cat.yaml") {
			t.Errorf("%s\n%v\nwant: %s", c.text, err, c.want)
		}
	}
	if _, err := Parse(strings.NewReader(entry()), "cat.yaml"); err != nil {
		t.Errorf("the valid entry: %v", err)
	}
	if _, err := Load("no-such.yaml"); err == nil || !strings.Contains(err.Error(), "no-such.yaml") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestCatalogue_OnlyPicksByID(t *testing.T) {
	all, err := Parse(strings.NewReader(entry()+entry("id: one", "id: two")), "cat.yaml")
	if err != nil {
		t.Fatal(err)
	}
	picked, err := all.Only([]string{"two"})
	if err != nil || len(picked) != 1 || picked[0].ID != "two" {
		t.Errorf("%v, %v", picked, err)
	}
	for id, want := range map[string]string{"three": "the catalogue has 2", "one-more": "did you mean one?"} {
		if _, err := all.Only([]string{id}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("an unknown id: %v, want %q", err, want)
		}
	}
}

// TestCatalogue_SampleTakesTurns takes every entry that can be caught within as many
// turns as that needs, and no other entry.
func TestCatalogue_SampleTakesTurns(t *testing.T) {
	var all Catalogue
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		all = append(all, Entry{ID: id, World: "w"})
	}
	all = append(all, Entry{ID: "explained", World: "w", Survives: map[string]string{ModelEngine: "so"}}, Entry{ID: "elsewhere", Tests: []string{"."}})
	engines := []Engine{Model{}}
	var got []string
	for turn := range 4 {
		got = append(got, strings.Join(all.Sample(2, turn, engines, &Matrix{}).IDs(), ""))
	}
	if want := []string{"ab", "cd", "ea", "bc"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if few := all.Sample(9, 1, engines, &Matrix{}).IDs(); !slices.Equal(few, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("more than there are: %q", few)
	}
	known := &Matrix{}
	for id, f := range map[string]Finding{
		"a": {Outcome: Survived}, "b": {Outcome: Caught, Runs: 3}, "c": {Outcome: Caught, Fingerprint: "of other edits"}, "d": {Outcome: Caught, Runs: 1},
	} {
		f.ID, f.Engine, f.Asked = id, ModelEngine, "w"
		if f.Fingerprint == "" {
			f.Fingerprint = Entry{}.Fingerprint()
		}
		known.Findings = append(known.Findings, f)
	}
	if proven := all.Sample(9, 0, engines, known).IDs(); !slices.Equal(proven, []string{"d"}) {
		t.Errorf("caught at the first try: %q", proven)
	}
}

// TestParse_RecipeIsAnOption: the recipe of an entry is an option of its worlds and of its runs.
func TestParse_RecipeIsAnOption(t *testing.T) {
	all, err := Parse(strings.NewReader(`
- {id: a, says: s, breaks: [P], recipe: locks, world: --holders 2, edits: [{file: f, old: x, new: y}]}
- {id: b, says: s, breaks: [P], recipe: locks, fault: kill-server, run: --nodes 3, edits: [{file: f, old: x, new: y}]}
- {id: c, says: s, breaks: [P], world: --masters 2, edits: [{file: f, old: x, new: y}]}
`), "locks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := all[0], all[1], all[2]; a.World != "--recipe locks --holders 2" || a.Run != "" || b.World != "" || b.Run != "--recipe locks --nodes 3" || c.World != "--masters 2" {
		t.Errorf("%+v", all)
	}
}
