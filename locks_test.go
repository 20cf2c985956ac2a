package ringmaster

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The explorer runs the threads of a process one at a time, from one call of the port that waits
// to the next. So it has no point of choice at a lock. That is sound only if no thread waits at
// the port while it holds a lock; otherwise another thread would wait for a lock that nobody
// gives back. These tests read the recipe's code for that.

// lockReader looks for calls that may wait while a lock is held.
type lockReader struct {
	info   *types.Info
	fset   *token.FileSet
	waits  map[*types.Func]string // why a function may wait
	bodies map[*types.Func]*ast.BlockStmt
	found  []string
	locked int               // sections that were read
	below  map[string]string // why functions of packages that were read before may wait, by full name
}

// newLockReader reads the types of a package, and which of its functions may wait.
// below has those of packages that were read before; the new ones are added.
func newLockReader(t *testing.T, c *typeChecker, path string, files []*ast.File, below map[string]string) *lockReader {
	t.Helper()
	r := &lockReader{
		below: below,
		info:  &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}},
		fset:  c.fset,
		waits: map[*types.Func]string{}, bodies: map[*types.Func]*ast.BlockStmt{},
	}
	if _, err := c.config.Check(path, c.fset, files, r.info); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, file := range files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				r.bodies[r.info.Defs[f.Name].(*types.Func)] = f.Body
			}
		}
	}
	for again := true; again; {
		again = false
		for f, body := range r.bodies {
			if why := r.waiting(body); why != "" && r.waits[f] == "" {
				r.waits[f], again = f.Name()+" calls "+why, true
				below[f.FullName()] = r.waits[f]
			}
		}
	}
	return r
}

// callee is the function or method that a call names, or nil for a value of type func.
func (r *lockReader) callee(call *ast.CallExpr) *types.Func {
	f := ast.Unparen(call.Fun)
	if index, ok := f.(*ast.IndexExpr); ok {
		f = index.X
	}
	var id *ast.Ident
	switch f := f.(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	}
	if id == nil {
		return nil
	}
	called, _ := r.info.Uses[id].(*types.Func)
	if called != nil {
		called = called.Origin()
	}
	return called
}

// waitsAtPort reports whether a function of another package may wait: one of the port, or of
// the fence, that takes a context.
func waitsAtPort(f *types.Func) bool {
	if f.Pkg() == nil || !slices.Contains([]string{module + "zkapi", module + "recipe/internal/fence"}, f.Pkg().Path()) {
		return false
	}
	params := f.Type().(*types.Signature).Params()
	return params.Len() > 0 && params.At(0).Type().String() == "context.Context"
}

// waiting returns the first call in a node that may wait, or an empty text. The body of a
// function literal counts where it is written, unless a new thread runs it.
func (r *lockReader) waiting(node ast.Node) (why string) {
	ast.Inspect(node, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || why != "" {
			return why == ""
		}
		f := r.callee(call)
		if f == nil {
			return true
		}
		switch {
		case f.Name() == "Spawn":
			return false
		case waitsAtPort(f):
			why = f.Pkg().Name() + "." + f.Name()
		case r.waits[f] != "":
			why = r.waits[f]
		case r.below[f.FullName()] != "":
			why = r.below[f.FullName()]
		}
		return why == ""
	})
	return why
}

// lock says whether a statement takes or gives back a lock, and which.
func (r *lockReader) lock(s ast.Stmt) (which, does string) {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return "", ""
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok {
		return "", ""
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if f := r.callee(call); !ok || f == nil || f.Pkg() == nil || f.Pkg().Path() != "sync" {
		return "", ""
	}
	return types.ExprString(sel.X), sel.Sel.Name
}

// read reads statements, one after the other, with the locks that are held before, and returns
// those that are held after.
func (r *lockReader) read(list []ast.Stmt, held map[string]bool) map[string]bool {
	held = maps.Clone(held)
	for _, s := range list {
		switch which, does := r.lock(s); does {
		case "Lock", "RLock":
			held[which] = true
			r.locked++
			continue
		case "Unlock", "RUnlock":
			delete(held, which)
			continue
		}
		inner, compound := blocks(s)
		if !compound {
			if why := r.waiting(s); why != "" && len(held) > 0 && !ends(s) {
				r.found = append(r.found, r.fset.Position(s.Pos()).String()+": "+why)
			}
			continue
		}
		after := maps.Clone(held)
		for _, block := range inner {
			then := r.read(block, held)
			if len(block) == 0 || !leaves(block[len(block)-1]) {
				maps.Copy(after, then)
			}
		}
		held = after
	}
	return held
}

// ends reports whether a statement only gives a lock back later.
func ends(s ast.Stmt) bool {
	_, deferred := s.(*ast.DeferStmt)
	return deferred
}

// leaves reports whether a block does not go on after a statement.
func leaves(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.CallExpr); ok {
			name, named := call.Fun.(*ast.Ident)
			return named && name.Name == "panic"
		}
	}
	return false
}

// blocks are the lists of statements inside a statement.
func blocks(s ast.Stmt) (lists [][]ast.Stmt, compound bool) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		return [][]ast.Stmt{s.List}, true
	case *ast.IfStmt:
		lists = append(lists, s.Body.List)
		if s.Else != nil {
			more, _ := blocks(s.Else)
			lists = append(lists, more...)
		}
		return append(lists, header(s.Init, s.Cond)), true
	case *ast.ForStmt:
		return [][]ast.Stmt{s.Body.List, header(s.Init, s.Cond)}, true
	case *ast.RangeStmt:
		return [][]ast.Stmt{s.Body.List, header(nil, s.X)}, true
	case *ast.SwitchStmt:
		return append(clauses(s.Body), header(s.Init, s.Tag)), true
	case *ast.TypeSwitchStmt:
		return append(clauses(s.Body), header(s.Init, nil)), true
	}
	return nil, false
}

func clauses(body *ast.BlockStmt) (lists [][]ast.Stmt) {
	for _, c := range body.List {
		clause := c.(*ast.CaseClause)
		for _, e := range clause.List {
			lists = append(lists, header(nil, e))
		}
		lists = append(lists, clause.Body)
	}
	return lists
}

// header is what a compound statement evaluates before its blocks.
func header(init ast.Stmt, cond ast.Expr) (list []ast.Stmt) {
	if init != nil {
		list = append(list, init)
	}
	if cond != nil {
		list = append(list, &ast.ExprStmt{X: cond})
	}
	return list
}

// all reads every function, and every function literal.
func (r *lockReader) all(files []*ast.File) []string {
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					r.read(n.Body.List, map[string]bool{})
				}
			case *ast.FuncLit:
				r.read(n.Body.List, map[string]bool{})
			}
			return true
		})
	}
	return r.found
}

// TestLocks_AreNotHeldAtThePort reads the recipes, and what they share. Each package comes after
// those that it imports.
func TestLocks_AreNotHeldAtThePort(t *testing.T) {
	all := packages(t)
	c := newTypeChecker(all)
	locked, waits, below := 0, 0, map[string]string{}
	for _, p := range all {
		if p.path != module+"recipe" && !strings.HasPrefix(p.path, module+"recipe/") {
			continue
		}
		var files []*ast.File
		for _, name := range p.files {
			file, err := parser.ParseFile(c.fset, filepath.Join(p.dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		r := newLockReader(t, c, p.path, files, below)
		for _, place := range r.all(files) {
			t.Errorf("%s: a lock is held where this thread may wait", place)
		}
		locked += r.locked
		waits += len(r.waits)
	}
	if locked < 50 || waits < 50 {
		t.Errorf("%d sections with a lock and %d functions that may wait are too few: the test reads the wrong code", locked, waits)
	}
}

// TestLocks_HeldAtThePortAreSeen plants sections that wait, and some that do not.
func TestLocks_HeldAtThePortAreSeen(t *testing.T) {
	all := packages(t)
	c := newTypeChecker(all)
	for code, want := range map[string]int{
		"a.mu.Lock(); defer a.mu.Unlock(); a.session.Do(ctx, zkapi.Get(\"/\"))":                                 1,
		"a.mu.Lock(); a.mu.Unlock(); a.session.Do(ctx, zkapi.Get(\"/\"))":                                       0,
		"a.mu.Lock(); a.step(ctx); a.mu.Unlock()":                                                               1,
		"a.mu.Lock(); if a.n > 0 { a.mu.Unlock(); a.step(ctx); return }; a.mu.Unlock()":                         0,
		"a.mu.Lock(); if a.n > 0 { a.step(ctx) }; a.mu.Unlock()":                                                1,
		"a.mu.Lock(); if a.step(ctx) == nil { a.n++ }; a.mu.Unlock()":                                           1,
		"a.mu.Lock(); a.env.Spawn(\"x\", func() { a.step(ctx) }); a.mu.Unlock()":                                0,
		"f := func() { a.mu.Lock(); a.env.Wait(ctx); a.mu.Unlock() }; f()":                                      1,
		"for a.n > 0 { a.mu.Lock(); a.n--; a.mu.Unlock(); a.step(ctx) }":                                        0,
		"switch { case a.n > 0: a.mu.Lock(); case a.n < 0: return }; a.env.Open(ctx); a.mu.Unlock()":            1,
		"a.mu.Lock(); n := a.env.Now(); _ = n; a.mu.Unlock()":                                                   0,
		"a.mu.Lock(); defer a.mu.Unlock(); for range a.session.DoAll(ctx, nil) { a.n++ }":                       1,
		"a.mu.Lock(); switch { case a.n > 0: a.mu.Unlock(); a.step(ctx); default: a.mu.Unlock(); a.step(ctx) }": 0,
	} {
		file, err := parser.ParseFile(c.fset, "planted.go", strings.Join([]string{
			"package planted", `import ("context"; "sync"; "` + module + `zkapi")`,
			"type A struct { mu sync.Mutex; n int; env zkapi.Env; session zkapi.Session }",
			"func (a *A) step(ctx context.Context) error { _, err := a.env.Wait(ctx); return err }",
			"func (a *A) f(ctx context.Context) { " + code + " }",
		}, "\n"), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files := []*ast.File{file}
		if got := newLockReader(t, c, "planted", files, map[string]string{}).all(files); len(got) != want {
			t.Errorf("%s: %v, want %d", code, got, want)
		}
	}
}
