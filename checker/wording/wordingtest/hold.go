package wordingtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
)

// Hold reads the Go files of some folders, without their tests, and holds the codes that
// they define against a table: each code has a sentence and is used, the table has no
// other code, and a finding gives what its sentence needs. A finding whose code, or whose
// arguments, are not written out where it is made is not looked at.
func Hold(t testing.TB, texts wording.Texts, folders ...string) {
	t.Helper()
	for _, problem := range problems(t, texts, folders) {
		t.Error(problem)
	}
}

func problems(t testing.TB, texts wording.Texts, folders []string) (all []string) {
	t.Helper()
	r := reader{texts: texts, codes: map[string]wording.Code{}, used: map[string]bool{}}
	for _, folder := range folders {
		r.read(t, folder)
	}
	for _, file := range r.files {
		r.define(file)
	}
	if len(r.codes) == 0 {
		t.Fatalf("no code is defined in %v", folders)
	}
	for _, file := range r.files {
		ast.Inspect(file, r.look)
	}
	defined := map[wording.Code]bool{}
	for name, code := range r.codes {
		defined[code] = true
		if texts[code] == "" {
			r.problems = append(r.problems, name+" has no sentence")
		}
		if !r.used[name] {
			r.problems = append(r.problems, name+" is in no finding")
		}
	}
	for code := range texts {
		if !defined[code] {
			r.problems = append(r.problems, "the sentence of "+string(code)+" is of no code that is defined")
		}
	}
	slices.Sort(r.problems)
	return r.problems
}

// reader reads the files of rooms.
type reader struct {
	texts    wording.Texts
	files    []*ast.File
	codes    map[string]wording.Code // by the name of the constant
	used     map[string]bool         // names of constants
	problems []string
}

func (r *reader) read(t testing.TB, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no Go files: %v", folder, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		r.files = append(r.files, file)
	}
}

// define notes the codes that a file defines.
func (r *reader) define(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Type != nil && nameOf(v.Type) == "Code" {
			for i, name := range v.Names {
				if i < len(v.Values) {
					r.codes[name.Name] = wording.Code(text(v.Values[i]))
				}
			}
		}
		return true
	})
}

// look notes the codes that a node uses, and holds the findings that it makes.
func (r *reader) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		if n.Type != nil && nameOf(n.Type) == "Code" {
			return false
		}
	case *ast.CompositeLit:
		if nameOf(n.Type) == "Texts" {
			return false
		}
		r.hold(n)
	case *ast.Ident:
		r.used[n.Name] = true
	}
	return true
}

// hold compares what a finding is made of with what its sentence needs.
func (r *reader) hold(l *ast.CompositeLit) {
	var code wording.Code
	given := map[string]bool{}
	for _, e := range l.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		key := nameOf(pair.Key)
		given[strings.ToLower(key)] = true
		if known, is := r.codes[nameOf(pair.Value)]; is && key == "Code" {
			code = known
		}
		if args, is := pair.Value.(*ast.CompositeLit); is && key == "Args" {
			for _, a := range args.Elts {
				if pair, ok := a.(*ast.KeyValueExpr); ok {
					given[argument(pair.Key)] = true
				}
			}
		}
	}
	for _, needed := range r.texts.Needs(code) {
		if !given[needed] {
			r.problems = append(r.problems, "a finding "+string(code)+" does not give "+needed)
		}
	}
}

// argument is the name of an argument: written out, or the one that has a constant.
func argument(e ast.Expr) string {
	if nameOf(e) == "Listed" {
		return wording.Listed
	}
	return text(e)
}

// nameOf is the last name of an expression.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// text is the value of a string that is written out.
func text(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok {
		return strings.Trim(l.Value, "`\"")
	}
	return ""
}
