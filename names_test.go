package ringmaster

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/mutants"
)

// namesOfTests lists the tests of the repository by folder.
func namesOfTests(t *testing.T) map[string][]string {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	all := map[string][]string{}
	for _, name := range files(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		for _, m := range function.FindAllStringSubmatch(read(t, name), -1) {
			all[path.Dir(name)] = append(all[path.Dir(name)], m[1])
		}
	}
	return all
}

// in lists the tests in packages as go test names them. Without a package it lists all.
func in(all map[string][]string, packages []string) (names []string) {
	for dir, tests := range all {
		if len(packages) == 0 || slices.ContainsFunc(packages, func(p string) bool {
			p = path.Clean(p)
			above, whole := strings.CutSuffix(p, "...")
			return p == dir || whole && strings.HasPrefix(dir+"/", above)
		}) {
			names = append(names, tests...)
		}
	}
	return names
}

// unmatched returns the alternatives of a -run expression that match no test. Of a path of
// subtests, only the test is looked for.
func unmatched(expression string, tests []string) (bad []string) {
	for alternative := range strings.SplitSeq(strings.Trim(expression, "'()"), "|") {
		name, _, _ := strings.Cut(alternative, "/")
		pattern, err := regexp.Compile(strings.ReplaceAll(name, "$$", "$"))
		if err != nil || name != "^$" && name != "^$$" && !slices.ContainsFunc(tests, pattern.MatchString) {
			bad = append(bad, alternative)
		}
	}
	return bad
}

// badCatalogue returns what the entries of a catalogue name and what is no test: the
// alternatives of their calls, and the tests that should notice a defect.
func badCatalogue(all mutants.Catalogue, tests map[string][]string) (bad []string) {
	for _, e := range all {
		var reach []string
		for _, call := range e.Tests {
			words := strings.Fields(call)
			packages := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(w, "./") })
			reach = append(reach, in(tests, packages)...)
			if i := slices.Index(words, "-run"); i >= 0 {
				for _, alternative := range unmatched(words[i+1], in(tests, packages)) {
					bad = append(bad, fmt.Sprintf("%s: -run %s matches no test of %v", e.ID, alternative, packages))
				}
			}
		}
		for _, name := range e.Breaks {
			if strings.HasPrefix(name, "Test") && !slices.Contains(reach, name) {
				bad = append(bad, fmt.Sprintf("%s: breaks %s, which is no test of its packages", e.ID, name))
			}
		}
	}
	return bad
}

// runs finds the calls of go test in a page, with the packages in the rest of the line.
var (
	runs         = regexp.MustCompile("-run[ =]('[^']+'|[^\\s`\"]+)([^\n`]*)")
	packagePaths = regexp.MustCompile(`\./[\w/.]*\w`)
	testName     = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// badPage returns the -run expressions of a page that match no test, and the names of tests
// that do not exist.
func badPage(page string, tests map[string][]string) (bad []string) {
	everywhere := in(tests, nil)
	for _, m := range runs.FindAllStringSubmatch(page, -1) {
		for _, alternative := range unmatched(m[1], in(tests, packagePaths.FindAllString(m[2], -1))) {
			bad = append(bad, fmt.Sprintf("-run %s matches no test", alternative))
		}
	}
	for _, name := range testName.FindAllString(page, -1) {
		if !slices.ContainsFunc(everywhere, func(test string) bool { return strings.HasPrefix(test, name) }) {
			bad = append(bad, name+" is no test")
		}
	}
	return bad
}

// TestNames_OfThePagesExist looks at the pages, the catalogue of planted defects, the
// Makefile and the scripts. results/ has the names of the time of its findings.
func TestNames_OfThePagesExist(t *testing.T) {
	tests := namesOfTests(t)
	all, err := mutants.Load(filepath.FromSlash("internal/mutants/catalogue.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range badCatalogue(all, tests) {
		t.Errorf("catalogue.yaml: %s", bad)
	}
	pages := files(t, func(name string) bool {
		return (strings.HasSuffix(name, ".md") || name == "Makefile" || strings.HasPrefix(name, ".ci/")) && !strings.HasPrefix(name, "results/")
	})
	for _, name := range pages {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			continue
		}
		for _, bad := range badPage(read(t, name), tests) {
			t.Errorf("%s: %s", name, bad)
		}
	}
}

// TestNames_WrongOnesAreSeen plants a wrong name in each place.
func TestNames_WrongOnesAreSeen(t *testing.T) {
	tests := map[string][]string{"recipe": {"TestWorker_Leaves", "TestMaster_Leads"}, "zkapi": {"TestStat_Owner"}}
	for page, want := range map[string]int{
		"`go test -run TestWorker_ ./recipe`":                      0,
		"`go test -run 'TestWorker_Leaves|TestMaster' ./recipe`":   0,
		"`go test -run TestWorker_Leaves/slowly ./recipe`":         0,
		"`go test -run '^$' -bench Million ./recipe`":              0,
		"`go test -run TestStat_ ./...`":                           0,
		"TestStat_Owner holds it.":                                 0,
		"`go test -run TestWorker_Leaves ./zkapi`":                 1,
		"`go test -run 'TestWorker_Leaves|TestStat_' ./recipe`":    1,
		"TestStat_Other holds it.":                                 1,
		"`go test -run TestClient ./recipe` has two wrong answers": 2,
	} {
		if got := badPage(page, tests); len(got) != want {
			t.Errorf("%s: %q, %d are wanted", page, got, want)
		}
	}
	for _, c := range []struct {
		entry mutants.Entry
		want  int
	}{
		{mutants.Entry{Breaks: []string{"TestWorker_Leaves", "SingleMaster"}, Tests: []string{"-run TestWorker|TestMaster ./recipe"}}, 0},
		{mutants.Entry{Breaks: []string{"TestStat_Owner"}, Tests: []string{"-run TestWorker ./recipe"}}, 1},
		{mutants.Entry{Tests: []string{"-run TestWorker|TestStat ./recipe ./nowhere"}}, 1},
	} {
		if got := badCatalogue(mutants.Catalogue{c.entry}, tests); len(got) != c.want {
			t.Errorf("%+v: %q, %d are wanted", c.entry, got, c.want)
		}
	}
}
