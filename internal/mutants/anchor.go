package mutants

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// anchor names a declaration of a package: its kind, for a method the type of its
// receiver, and its name.
type anchor struct{ kind, receiver, name string }

var anchorPattern = regexp.MustCompile(`^(func|type|const|var) (?:\((?:\w+ )?\*?(\w+)(?:\[[\w, ]+\])?\) )?(\w+)$`)

// parseAnchor reads the value of an edit's key in. The receiver's own name and its star
// do not count, because a type has one method of a name.
func parseAnchor(in string) (anchor, bool) {
	m := anchorPattern.FindStringSubmatch(strings.Join(strings.Fields(in), " "))
	if m == nil || m[2] != "" && m[1] != "func" {
		return anchor{}, false
	}
	return anchor{m[1], m[2], m[3]}, true
}

func (a anchor) String() string {
	if a.receiver != "" {
		return fmt.Sprintf("%s (%s) %s", a.kind, a.receiver, a.name)
	}
	return a.kind + " " + a.name
}

// lexeme is a token of Go, with its place in the text.
type lexeme struct {
	text     string
	from, to int
}

// lexemes are the tokens of a Go text, which may be any part of a file. White space,
// comments and the semicolons that line ends stand for are left out.
func lexemes(text string) ([]lexeme, error) {
	var all []lexeme
	var errs scanner.ErrorList
	var s scanner.Scanner
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	s.Init(file, []byte(text), errs.Add, 0)
	for {
		pos, kind, literal := s.Scan()
		switch {
		case kind == token.EOF:
			return all, errs.Err()
		case kind == token.SEMICOLON && literal == "\n":
			continue
		case literal == "":
			literal = kind.String()
		}
		from := file.Offset(pos)
		all = append(all, lexeme{literal, from, from + len(literal)})
	}
}

// starts are the places at which part begins in text; occurrences may overlap.
func starts(text, part []lexeme) []int {
	var all []int
	same := func(a, b lexeme) bool { return a.text == b.text }
	for i := 0; i+len(part) <= len(text); i++ {
		if slices.EqualFunc(text[i:i+len(part)], part, same) {
			all = append(all, i)
		}
	}
	return all
}

// replacement is the effect of an anchored edit: a range of bytes in a file and their
// new text.
type replacement struct {
	file     string // below the root
	from, to int
	edit     int // its number among those of the entry
	text     string
}

// locate finds the place of an anchored edit. It looks in the files of the package that
// are built on this platform, without tests.
func (e Edit) locate(root string) (replacement, error) {
	a, _ := parseAnchor(e.In)
	old, err := lexemes(e.Old)
	if err != nil {
		return replacement{}, err
	}
	dir := filepath.FromSlash(e.Package)
	names, err := goFiles(filepath.Join(root, dir))
	if err != nil {
		return replacement{}, err
	}
	declared := 0
	var found []replacement
	for _, name := range names {
		source, err := os.ReadFile(filepath.Join(root, dir, name))
		if err != nil {
			return replacement{}, err
		}
		if !strings.Contains(string(source), a.name) {
			continue
		}
		spans, err := declarations(name, source, a)
		if err != nil {
			return replacement{}, err
		}
		declared += len(spans)
		for _, s := range spans {
			text, err := lexemes(string(source[s.from:s.to]))
			if err != nil {
				return replacement{}, fmt.Errorf("%s: %w", name, err)
			}
			for _, i := range starts(text, old) {
				found = append(found, replacement{file: filepath.Join(dir, name), from: s.from + text[i].from, to: s.from + text[i+len(old)-1].to, text: strings.TrimSpace(e.New)})
			}
		}
	}
	switch {
	case declared == 0:
		return replacement{}, fmt.Errorf("the package has no such declaration; name the func, type, const or var that contains the old text, which begins %q", firstLine(e.Old))
	case len(found) != 1:
		return replacement{}, notOnce(len(found), e.Old)
	}
	return found[0], nil
}

// widened is the replacement, or, if it deletes all the code in its lines, the
// replacement of these whole lines.
func (r replacement) widened(source string) replacement {
	line := strings.LastIndexByte(source[:r.from], '\n') + 1
	rest, _, ended := strings.Cut(source[r.to:], "\n")
	left := strings.TrimSpace(rest)
	if r.text == "" && ended && strings.TrimSpace(source[line:r.from]) == "" && (left == "" || strings.HasPrefix(left, "//")) {
		r.from, r.to = line, r.to+len(rest)+1
	}
	return r
}

// goFiles are the names of the files of a package, without tests.
func goFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if built, err := build.Default.MatchFile(dir, name); err != nil {
			return nil, err
		} else if built {
			names = append(names, name)
		}
	}
	return names, nil
}

// span is the place of a declaration in its file, without the comment above it.
type span struct{ from, to int }

// declarations are the places in a file at which an anchor is declared. A type, const
// or var that is alone in its declaration includes the keyword; in a group it has only
// its own lines.
func declarations(name string, source []byte, a anchor) ([]span, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []span
	add := func(n ast.Node) {
		all = append(all, span{files.Position(n.Pos()).Offset, files.Position(n.End()).Offset})
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if (anchor{"func", receiver(d), d.Name.Name}) == a {
				add(d)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if d.Tok.String() != a.kind || a.receiver != "" || !slices.ContainsFunc(named(s), func(n *ast.Ident) bool { return n.Name == a.name }) {
					continue
				}
				if d.Lparen.IsValid() {
					add(s)
				} else {
					add(d)
				}
			}
		}
	}
	return all, nil
}

// receiver is the name of the type that a function is a method of, or empty.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	of := d.Recv.List[0].Type
	for {
		switch t := of.(type) {
		case *ast.StarExpr:
			of = t.X
		case *ast.ParenExpr:
			of = t.X
		case *ast.IndexExpr:
			of = t.X
		case *ast.IndexListExpr:
			of = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// named are the names that a type, const or var declares.
func named(s ast.Spec) []*ast.Ident {
	switch s := s.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{s.Name}
	case *ast.ValueSpec:
		return s.Names
	}
	return nil
}

// withImports adds missing imports to a source file, on the line of its package clause.
func withImports(name, source string, paths []string) (string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ImportsOnly)
	if err != nil {
		return "", err
	}
	at := files.Position(file.Name.End()).Offset
	for _, path := range paths {
		quoted := fmt.Sprintf("%q", path)
		if !slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == quoted }) {
			source = source[:at] + "; import " + quoted + source[at:]
		}
	}
	return source, nil
}
