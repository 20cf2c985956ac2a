package wording

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFinding_Sentence(t *testing.T) {
	for want, f := range map[string]Finding{
		"task-1 was accepted from client-1 at 1.500s and is gone.": {Code: TaskGone, Object: "task-1", Args: Args{"process": "client-1", "at": 1500 * time.Millisecond}},
		"master-1 wrote in the name of session 0x1 at 2.000s and was accepted, although that session had ended. (The zxids are 0x10, and then 0x11.)": {
			Code: SessionOver, Zxid: 17, Args: Args{"process": "master-1", "session": "0x1", "at": 2 * time.Second, "before": int64(16)}},
		"master-1 wrote in the name of session 0x1 at 2.000s and was accepted, although that session had ended.": {
			Code: SessionOver, Args: Args{"process": "master-1", "session": "0x1", "at": 2 * time.Second}},
		`Submission "a" made 2 tasks: t, u.`:            {Code: SubmittedTwice, Args: Args{"id": `"a"`, "count": 2, "tasks": []string{"t", "u"}}},
		"a code of another program: t at=1 names=a\nb.": {Code: "a code of another program", Object: "t", Args: Args{"at": 1, "names": []string{"a", "b"}}},
	} {
		if got := f.Sentence(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		data, err := json.Marshal(f)
		var again Finding
		if err == nil {
			err = json.Unmarshal(data, &again)
		}
		if got := again.Sentence(); err != nil || got != want {
			t.Errorf("read again: %s, %v", got, err)
		}
	}
}

// TestFinding_Repeats: a part of a run may know less of a finding, and nothing else.
func TestFinding_Repeats(t *testing.T) {
	whole := Finding{Property: "P", Code: StaleMaster, Object: "t", Events: []int{1, 2}, Zxid: 7, Args: Args{"at": time.Second, "before": 6, "process": "m"}}
	for name, c := range map[string]struct {
		change func(*Finding)
		want   bool
	}{
		"the same":       {func(*Finding) {}, true},
		"other events":   {func(f *Finding) { f.Events = nil }, true},
		"no order":       {func(f *Finding) { f.Zxid, f.Args = 0, Args{"at": time.Second, "process": "m"} }, true},
		"another zxid":   {func(f *Finding) { f.Zxid = 8 }, false},
		"another code":   {func(f *Finding) { f.Code = TaskGone }, false},
		"another task":   {func(f *Finding) { f.Object = "u" }, false},
		"another time":   {func(f *Finding) { f.Args = Args{"at": time.Minute} }, false},
		"another judge":  {func(f *Finding) { f.Property = "Q" }, false},
		"something more": {func(f *Finding) { f.Args = Args{"until": 1} }, false},
	} {
		part := whole
		if c.change(&part); part.Repeats(whole) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

// TestSentences_HaveTheirArguments reads the judges: each code has a sentence, each sentence
// is used, and a finding gives what its sentence needs.
func TestSentences_HaveTheirArguments(t *testing.T) {
	var paths []string
	for _, room := range []string{"..", "../../internal/leadership", "../../internal/masterworker/judge"} {
		found, err := filepath.Glob(room + "/*.go")
		if err != nil || len(found) == 0 {
			t.Fatal(room, err)
		}
		paths = append(paths, found...)
	}
	names := constants(t)
	used := map[string]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && names[s.Sel.Name] != "" {
				used[s.Sel.Name] = true
			}
			if l, ok := n.(*ast.CompositeLit); ok {
				given(t, l, names)
			}
			return true
		})
	}
	for name, code := range names {
		if _, known := sentences[code]; !known || !used[name] {
			t.Errorf("%s: it has a sentence: %v, a judge finds it: %v", name, known, used[name])
		}
	}
}

// constants are the codes by their names.
func constants(t *testing.T) map[string]Code {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typed, ok := v.Type.(*ast.Ident); ok && typed.Name == "Code" {
				names[v.Names[0].Name] = Code(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	return names
}

// given compares what a finding is made of with what its sentence needs. A finding whose
// code, or whose arguments, are not written out where it is made is left to the frozen
// histories.
func given(t *testing.T, l *ast.CompositeLit, names map[string]Code) {
	has := map[string]bool{}
	var code Code
	for _, e := range l.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		key, ok := pair.Key.(*ast.Ident)
		if !ok {
			return
		}
		has[strings.ToLower(key.Name)] = true
		if s, ok := pair.Value.(*ast.SelectorExpr); ok && key.Name == "Code" {
			code = names[s.Sel.Name]
		}
		if args, ok := pair.Value.(*ast.CompositeLit); ok && key.Name == "Args" {
			for _, a := range args.Elts {
				name := Listed // the only one that is not written out
				if written, ok := a.(*ast.KeyValueExpr).Key.(*ast.BasicLit); ok {
					name = strings.Trim(written.Value, `"`)
				}
				has[name] = true
			}
		}
	}
	if code == "" {
		return
	}
	for _, needed := range place.FindAllStringSubmatch(option.ReplaceAllString(sentences[code], ""), -1) {
		if !has[needed[1]] {
			t.Errorf("%s: no judge gives %q", code, needed[1])
		}
	}
}
