package mutants

import (
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files, by path, into a folder of their own.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// anchored is an entry with one edit of the package p.
func anchored(in, old, new string) Entry {
	return Entry{ID: "m", Edits: []Edit{{Package: "p", In: in, Old: old, New: new}}}
}

const counted = `package p

type box[T any] struct {
	held []T // what is in it
}

func (b *box[T]) put(v T) {
	if len(b.held) < most { // room
		b.held = append(b.held, v)
	}
}

func put(v int) { (&box[int]{}).put(v) }

const most = 5
`

// TestEdited_AnchorsSurviveOtherEdits applies one edit to five sources that differ in
// everything that an anchor ignores. The edit changes only the function that it names.
func TestEdited_AnchorsSurviveOtherEdits(t *testing.T) {
	_, body, _ := strings.Cut(counted, "\n\n")
	for name, files := range map[string]map[string]string{
		"as it is":           {"p/a.go": counted},
		"in another file":    {"p/z.go": counted, "p/a.go": "package p\n\nvar other = most\n"},
		"indented, in lines": {"p/a.go": strings.NewReplacer("if len", "if true {\nif len", "v)\n\t}", "v)\n}}", "append(b.held", "append(\n\t\t\tb.held", "len(b.held) <", "len( b.held )<").Replace(counted)},
		"other neighbours":   {"p/a.go": "package p\n\nfunc new() { println(len(\"b.held = append(b.held, v)\")) }\n\n" + body},
		"other comments":     {"p/a.go": strings.NewReplacer("// room", "// is there room?\n", "put(v T)", "put( /* what */ v T)", "b.held = ", "b.held = /* more */ ").Replace(counted)},
	} {
		root := tree(t, files)
		texts, err := edited(root, anchored("func (b *box) put", "b.held) < most {\n\t// x\n\tb.held = append(b.held, v)", "b.held) > most {\nb.held = append(b.held[:0], v)"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for file, text := range texts {
			got, err := format.Source([]byte(text))
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, text)
			}
			if strings.Count(string(got), "b.held = append(b.held[:0], v)") != 1 || strings.Contains(string(got), "< most") || files[filepath.ToSlash(file)] == "" {
				t.Errorf("%s: %s\n%s", name, file, got)
			}
		}
		if len(texts) != 1 {
			t.Errorf("%s: %d files are edited", name, len(texts))
		}
	}
}

// TestEdited_AnchorsOfEveryKind has functions, methods, types, consts and vars, alone and
// in groups.
func TestEdited_AnchorsOfEveryKind(t *testing.T) {
	root := tree(t, map[string]string{
		"p/a.go": "package p\n\nimport \"fmt\"\n\ntype one struct{ n int }\n\ntype (\n\ttwo struct{ n int }\n)\n\nconst (\n\tn, m = 1, 2\n\tk    = 1\n)\n\nvar v = func() int { return 1 }\n\n" +
			"func (one) f() int { return 1 }\n\nfunc (*two) f() int { return 1 }\n\nfunc f() {\n\tfmt.Print(1)\n\n\tfmt.Print(2) // twice\n}\n\nfunc init() { f() }\n\nfunc init() { f(); f() }\n",
		"p/a_plan9.go": "package p\n\nfunc f() { fmt.Print(1) }\n",
		"p/a_test.go":  "package p\n\nfunc f() { fmt.Print(1) }\n",
	})
	for _, c := range []struct{ in, old, new, want string }{
		{"type one", "n int", "n int32", "type one struct{ n int32 }"},
		{"type two", "n int", "n int32", "\ttwo struct{ n int32 }"},
		{"const m", "1, 2", "1, 3", "\tn, m = 1, 3\n"},
		{"const k", "1", "2", "\tk    = 2\n"},
		{"var v", "return 1", "return 2", "{ return 2 }\n\nfunc (one)"},
		{"func (o one) f", "1", "2", "func (one) f() int { return 2 }"},
		{"func (two) f", "1", "2", "func (*two) f() int { return 2 }"},
		{"func f", "fmt.Print(2)", "", "Print(1)\n\n}"},
		{"func f", "func f() {", "func g() {}\n\nfunc f() {", "func g() {}\n\nfunc f() {\n"},
		{"func init", "f(); f()", "g()", "func init() { f() }\n\nfunc init() { g() }"},
	} {
		texts, err := edited(root, anchored(c.in, c.old, c.new))
		text := texts[filepath.Join("p", "a.go")]
		if err != nil || len(texts) != 1 || strings.Count(text, c.want) != 1 {
			t.Errorf("%s: %v, %d files, %q is not in\n%s", c.in, err, len(texts), c.want, text)
		}
	}
}

// TestMatch_NamesAnchorsThatDoNotFit wants the entry, the declaration, the text and the
// count in the error.
func TestMatch_NamesAnchorsThatDoNotFit(t *testing.T) {
	root := tree(t, map[string]string{"p/a.go": counted, "q/a.go": "package q\n\nfunc f() {"})
	twice := anchored("func (*box) put", "b.held = append(b.held, v)", "x")
	twice.Edits = append(twice.Edits, Edit{Package: "p", In: "func (*box) put", Old: "(b.held, v)", New: "y"})
	broken := anchored("func f", "x", "y")
	broken.Edits[0].Package = "q"
	nowhere := anchored("func f", "x", "y")
	nowhere.Edits[0].Package = "nowhere"
	for _, c := range []struct {
		entry Entry
		want  []string
	}{
		{anchored("func take", "x := 1", "y"), []string{"m: p: func take: ", "has no such declaration", `"x := 1"`}},
		{anchored("func (*jar) put", "x", "y"), []string{"m: p: func (*jar) put: ", "has no such declaration"}},
		{anchored("type put", "x", "y"), []string{"has no such declaration"}},
		{anchored("func (*box) put", "most {\n\tx", "y"), []string{"m: p: func (*box) put: ", "occurs 0 times, not once", `begins "most {"`}},
		{anchored("func (*box) put", "b.held", "y"), []string{"m: p: func (*box) put: ", "occurs 3 times, not once", `"b.held"`}},
		{anchored("func (*box) put", "hel", "y"), []string{"occurs 0 times"}},
		{anchored("func (*box) put", "room", "y"), []string{"occurs 0 times"}},
		{twice, []string{"m: p: func (*box) put: ", "edits 1 and 2 change the same text"}},
		{broken, []string{"m: q: func f: a.go:3"}},
		{nowhere, []string{"m: nowhere: func f: ", "no such file"}},
	} {
		err := Source{Dir: root}.Match(Catalogue{c.entry})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in: %v", want, err)
			}
		}
	}
}

// TestEdited_AnchoredEditsInAnyOrder edits one function several times, in any order, with
// imports. Edits of files follow the edits of declarations.
func TestEdited_AnchoredEditsInAnyOrder(t *testing.T) {
	root := tree(t, map[string]string{"p/a.go": "package p\n\nimport \"fmt\"\n\nfunc f() {\n\tfmt.Print(1)\n\tfmt.Print(2)\n}\n", "page.html": "<h1>"})
	e := Entry{ID: "m", Edits: []Edit{
		{File: "page.html", Old: "<h1>", New: "<h2>"},
		{Package: "p", In: "func f", Old: "2", New: "time.Now()", Imports: []string{"time", "fmt"}},
		{Package: "p", In: "func f", Old: "1", New: "math.Pi", Imports: []string{"time", "math"}},
		{File: "p/a.go", Old: "math.Pi)", New: "math.E)"},
	}}
	want := map[string]string{
		filepath.Join("p", "a.go"): "package p; import \"math\"; import \"time\"\n\nimport \"fmt\"\n\nfunc f() {\n\tfmt.Print(math.E)\n\tfmt.Print(time.Now())\n}\n",
		"page.html":                "<h2>",
	}
	for range 2 {
		texts, err := edited(root, e)
		if err != nil || !maps.Equal(texts, want) {
			t.Errorf("%q, %v", texts, err)
		}
		e.Edits[1], e.Edits[2] = e.Edits[2], e.Edits[1]
		e.Edits[1].Imports, e.Edits[2].Imports = slices.Clone(e.Edits[2].Imports), slices.Clone(e.Edits[1].Imports)
	}
}

// TestFingerprint_IgnoresLayout keeps the findings if only the layout of an edit changes,
// and drops them if its text does.
func TestFingerprint_IgnoresLayout(t *testing.T) {
	one := anchored("func (b *box) put", "if a {\n\tb()\n}", "b()")
	if other := anchored("func (box) put", "if a {\n\t\tb()\n\t}\n", "\tb()"); other.Fingerprint() != one.Fingerprint() {
		t.Error("another layout has another fingerprint")
	}
	seen := map[string]bool{one.Fingerprint(): true}
	for _, other := range []Entry{
		anchored("func put", "if a {\n\tb()\n}", "b()"), anchored("func (*box) put", "if a {\n\tc()\n}", "b()"), anchored("func (*box) put", "if a {\n\tb()\n}", "c()"),
		{Edits: []Edit{{Package: "p", In: "func (*box) put", Old: "if a {\n\tb()\n}", New: "b()", Imports: []string{"time"}}}},
	} {
		if seen[other.Fingerprint()] {
			t.Errorf("%+v has the fingerprint of another entry", other)
		}
		seen[other.Fingerprint()] = true
	}
}
