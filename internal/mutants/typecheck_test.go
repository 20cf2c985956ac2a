package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// typeChecker says whether a package with edited files compiles, as far as the types go.
// It takes everything that the package imports as the compiler has left it, which saves a
// run of the compiler for each of the many entries.
type typeChecker struct {
	packages map[string]listed // by path below the root: ./recipe
	exports  map[string]string // files of export data, by import path
	imported types.Importer    // shared: a package is read once
	fset     *token.FileSet
}

// listed is a package in the output of go list.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Module                  *struct{ Dir string }
}

func newTypeChecker(t *testing.T, root string) *typeChecker {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Module", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err = filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	c := &typeChecker{packages: map[string]listed{}, exports: map[string]string{}, fset: token.NewFileSet()}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		c.exports[p.ImportPath] = p.Export
		if below, ours := strings.CutPrefix(p.Dir, root+string(filepath.Separator)); ours {
			c.packages["./"+filepath.ToSlash(below)] = p
		}
	}
	c.imported = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(c.exports[path]) })
	return c
}

// compiles checks one package; overlay is the file that names the edited ones.
func (c *typeChecker) compiles(pkg, overlay string) error {
	p, known := c.packages[pkg]
	if !known {
		return fmt.Errorf("there is no package %s", pkg)
	}
	data, err := os.ReadFile(overlay)
	if err != nil {
		return err
	}
	var edited struct{ Replace map[string]string }
	if err := json.Unmarshal(data, &edited); err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		if other := edited.Replace[path]; other != "" {
			path = other
		}
		file, err := parser.ParseFile(c.fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	var all []error
	config := types.Config{Importer: c.imported, Error: func(err error) { all = append(all, err) }}
	_, _ = config.Check(p.ImportPath, c.fset, files, nil) // Error has collected the errors
	return errors.Join(all...)
}

// TestTypeChecker_RefusesWhatTheCompilerRefuses plants code that a compiler refuses.
func TestTypeChecker_RefusesWhatTheCompilerRefuses(t *testing.T) {
	_, source := ours(t)
	c := newTypeChecker(t, source.Dir)
	root, err := filepath.Abs(source.Dir)
	if err != nil {
		t.Fatal(err)
	}
	p := c.packages["./internal/campaign"]
	replaced := filepath.Join(root, "internal", "campaign", p.GoFiles[0])
	original, err := os.ReadFile(replaced)
	if err != nil {
		t.Fatal(err)
	}
	for added, want := range map[string]string{
		"": "", "func f() { g() }": "undefined: g", "func f() { x := 1 }": "declared and not used", `import web "net/http"`: "as web and not used", "func": "expected",
	} {
		dir := t.TempDir()
		file, overlay := filepath.Join(dir, "edited.go"), filepath.Join(dir, "overlay.json")
		text := strings.Replace(string(original), "package campaign\n", "package campaign\n"+added+"\n", 1)
		list, err := json.Marshal(map[string]map[string]string{"Replace": {replaced: file}})
		if err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644), os.WriteFile(overlay, list, 0o644)); err != nil {
			t.Fatal(err)
		}
		err = c.compiles("./internal/campaign", overlay)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", added, err, want)
		}
	}
}
