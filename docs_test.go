package ringmaster

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// read returns the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files lists the files of the repository that keep reports whether to keep. It skips
// hidden folders other than .ci, what was built, and what runs have left.
func files(t *testing.T, keep func(name string) bool) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(name, ".") && name != "." && name != ".ci" || name == "bin" || path.Dir(name) == "results"):
			return filepath.SkipDir
		case !entry.IsDir() && keep(name):
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestReadme_IsShort: the README is for the person who needs the product. What else
// there is to say has a page in docs/.
func TestReadme_IsShort(t *testing.T) {
	const limit = 9216
	if size := len(read(t, "README.md")); size > limit {
		t.Errorf("README.md has %d bytes, %d are allowed", size, limit)
	}
}

// TestReadme_CodeCompiles builds the Go code of the README in a package that exists
// only in an overlay.
func TestReadme_CodeCompiles(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, "README.md"), "```go\n")
	code, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("the README has no Go code")
	}
	source := "package readme\n\nimport (\n\t\"context\"\n\t\"time\"\n\n\t\"" + module + "recipe\"\n\t\"" + module + "zkclient\"\n)\n\nfunc readme(ctx context.Context) (any, error) {\n" +
		code + "return result, err\n}\n"
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "readme.go"), filepath.Join(dir, "overlay.json")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "internal", "readme", "readme.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{file: source, overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "./internal/readme").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	quoted  = regexp.MustCompile("`[^`\n]*`")
	links   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// anchors lists the anchors that GitHub gives to the headings of a page.
func anchors(page string) []string {
	var all []string
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(h[1])))
	}
	return all
}

// brokenLinks lists the relative links of a page that lead nowhere. exists and content
// look at the repository.
func brokenLinks(name, page string, exists func(string) bool, content func(string) string) []string {
	var broken []string
	page = quoted.ReplaceAllString(fenced.ReplaceAllString(page, ""), "")
	for _, l := range links.FindAllStringSubmatch(page, -1) {
		if strings.Contains(l[1], "://") || strings.HasPrefix(l[1], "mailto:") {
			continue
		}
		target, anchor, _ := strings.Cut(l[1], "#")
		file := name
		if target != "" {
			file = path.Join(path.Dir(name), target)
		}
		if !exists(file) || anchor != "" && !slices.Contains(anchors(content(file)), anchor) {
			broken = append(broken, l[1])
		}
	}
	return broken
}

func exists(name string) bool {
	_, err := os.Stat(filepath.FromSlash(name))
	return err == nil
}

// TestDocs_LinksLeadSomewhere looks at every relative link and anchor of every page.
func TestDocs_LinksLeadSomewhere(t *testing.T) {
	for _, name := range files(t, func(name string) bool { return path.Ext(name) == ".md" }) {
		for _, link := range brokenLinks(name, read(t, name), exists, func(file string) string { return read(t, file) }) {
			t.Errorf("%s: the link to %s leads nowhere", name, link)
		}
	}
}

// TestDocs_LinkCheckerRejects plants links that lead nowhere.
func TestDocs_LinkCheckerRejects(t *testing.T) {
	there := func(name string) bool { return name == "docs/a.md" || name == "docs/b.md" }
	content := func(string) string { return "# A page\n\n```\n# no heading\n```\n\n## Who's `who`, in short\n" }
	for link, want := range map[string]bool{
		"b.md": true, "../docs/b.md": true, "b.md#whos-who-in-short": true, "#a-page": true, "https://example.com/c.md": true,
		"c.md": false, "../b.md": false, "b.md#nowhere": false, "#nowhere": false, "b.md#no-heading": false,
	} {
		page := "[text](" + link + ") and `[code](nowhere.md)`\n" + content("")
		if broken := brokenLinks("docs/a.md", page, there, content); (len(broken) == 0) != want {
			t.Errorf("%s: broken %q, want it to be found: %v", link, broken, want)
		}
	}
}

// TestDocs_EveryPageIsInTheIndex: docs/README.md says for whom each page is.
func TestDocs_EveryPageIsInTheIndex(t *testing.T) {
	index := read(t, "docs/README.md")
	for _, name := range files(t, func(name string) bool { return path.Dir(name) == "docs" && path.Ext(name) == ".md" }) {
		if base := path.Base(name); base != "README.md" && !strings.Contains(index, "]("+base+")") {
			t.Errorf("docs/README.md does not mention %s", base)
		}
	}
}

// TestDocs_CodeNamesPagesThatExist: comments, messages and scripts that send a reader to
// a page of docs/ name one that is there.
func TestDocs_CodeNamesPagesThatExist(t *testing.T) {
	page := regexp.MustCompile(`\b((?:docs|results|model|spec/tla)/[\w/-]+\.md)`)
	seen := 0
	for _, name := range files(t, func(name string) bool {
		return name != "docs_test.go" && name != "results/latest" && slices.Contains([]string{".go", ".yaml", ".tla", ".service", ".html", ""}, path.Ext(name))
	}) {
		for _, m := range page.FindAllStringSubmatch(read(t, name), -1) {
			seen++
			if !exists(m[1]) {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("no file names any page")
	}
}

// TestDocs_CodeMapNamesWhatExists: every path in docs/code.md is that of a file or of a
// folder.
func TestDocs_CodeMapNamesWhatExists(t *testing.T) {
	seen := 0
	for _, m := range regexp.MustCompile("`([\\w.-]+(?:/[\\w.-]*)+|[\\w-]+\\.(?:go|md))`").FindAllStringSubmatch(read(t, "docs/code.md"), -1) {
		seen++
		if !exists(m[1]) {
			t.Errorf("docs/code.md names %s, which is not there", m[1])
		}
	}
	for room := range rooms {
		if !strings.Contains(read(t, "docs/code.md"), "`"+room+"/`") {
			t.Errorf("docs/code.md does not have the room %s", room)
		}
	}
	if seen < len(rooms) {
		t.Errorf("docs/code.md has %d paths that can be read, and there are %d rooms", seen, len(rooms))
	}
}

// TestPicture_HasTheZnodesOfTheRecipe: the tree in docs/group.svg has no znode that the
// table in recipe/doc.go does not have, and shows the same ones as ephemeral.
func TestPicture_HasTheZnodesOfTheRecipe(t *testing.T) {
	table := map[string]string{} // path to the kind of the znode
	for _, row := range regexp.MustCompile(`(?m)^//\t(/\S+)\s+(\w+)`).FindAllStringSubmatch(read(t, "recipe/doc.go"), -1) {
		table[strings.Replace(row[1], "/task-<id>", "/<t>", 1)] = row[2]
	}
	abstract := strings.NewReplacer("/task-17", "/<t>", "/w1", "/<w>", "attempt-1", "attempt-<n>")
	shown := regexp.MustCompile(`fill="(#\w+)" data-znode="([^"]+)"`).FindAllStringSubmatch(read(t, "docs/group.svg"), -1)
	for _, m := range shown {
		kind, known := table[abstract.Replace(m[2])]
		parent := m[2] == "/workers" || m[2] == "/tasks"
		if !known && !parent {
			t.Errorf("the picture has %s, which recipe/doc.go does not have", m[2])
		}
		if ephemeral := m[1] == "#b44d12"; ephemeral != (kind == "ephemeral") {
			t.Errorf("the picture shows %s as ephemeral: %v; recipe/doc.go says %q", m[2], ephemeral, kind)
		}
	}
	if len(shown) == 0 {
		t.Error("the picture shows no znode that can be read")
	}
}
