package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// evil clears a screen, sets a title, goes back in the line, turns the direction of text
// round, and forges a row.
const evil = "\x1b[2J\x1b]0;t\x07a\rb\u202ec\u009b31m\x7f\nMASTER  m9"

func TestPlain_EscapesControlCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"host:1 ü 日本 😀":                         "host:1 ü 日本 😀",
		"a\r\nMASTER m9\tx":                     "a  MASTER m9 x",
		"\x1b[2J\x07\u009b31m\u202eb\U000e0001": `\x1b[2J\x07\u009b31m\u202eb\U000e0001`,
		"\xff\xfe ü \xc3":                       `\xff\xfe ü \xc3`,
		"\ufffd":                                "\ufffd", // which is not a byte that is no text
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestPrintf_MakesEveryArgumentSafe, whatever its type and the verb are.
func TestPrintf_MakesEveryArgumentSafe(t *testing.T) {
	for _, arg := range []any{evil, []byte(evil), errors.New(evil), recipe.State(evil), timing{Granted: evil, Unknown: evil}, []string{evil}} {
		for _, verb := range []string{"%s", "%v", "%+v"} {
			var b strings.Builder
			if printf(&b, verb+"\t%d\n", arg, 7) != nil || unsafe(b.String()) || strings.Count(b.String(), "\n") != 1 || !strings.HasSuffix(b.String(), "\t7\n") {
				t.Errorf("%T, %s: %q", arg, verb, b.String())
			}
		}
	}
}

// unsafe reports whether a text has a character that may control a terminal.
func unsafe(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) })
}

// TestNothingElsePrints: in this room only print.go writes to a stream.
func TestNothingElsePrints(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		ours := name == "print.go"
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
				of := fmt.Sprint(selector.X) + "." + selector.Sel.Name
				written := strings.HasPrefix(of, "fmt.Fprint") || strings.HasPrefix(of, "fmt.Print") || of == "io.WriteString" || of == "json.NewEncoder" || strings.HasSuffix(of, ".Write")
				if written && !ours {
					t.Errorf("%s writes with %s: use printf, printJSON, write or a table", name, of)
				}
				if written {
					seen++
				}
			}
			return true
		})
	}
	if seen < 5 {
		t.Errorf("%d writes were found in print.go", seen)
	}
}

func TestClip_CountsCharacters(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{"abcd", "abcd"}, {"abcde", "abcd..."}, {"日本日本日", "日本日本..."}, {"日本日本", "日本日本"}, {"a\x1bbc", `a\x1...`},
		{strings.Repeat("😀", 10), "😀😀😀😀..."}, {strings.Repeat("\xff", 9), `\xff...`},
	} {
		if got := clip(c.text, 4); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestTable_IsNotPaddedByOneName: a cell of 60,000 characters stands out of its column, and
// the other rows are as they are without it.
func TestTable_IsNotPaddedByOneName(t *testing.T) {
	rows := [][]any{{"TASK", "STATE", "WORKER", "N"}, {"task-ü", "done", "", 3}, {"b", "pending", "w1", 12}}
	var want strings.Builder
	reference := tabwriter.NewWriter(&want, 0, 0, 2, ' ', 0)
	var alone, beside table
	for _, row := range rows {
		fmt.Fprintf(reference, "%v\t%v\t%v\t%v\n", row...)
		alone.add(row...)
		beside.add(row...)
	}
	_ = reference.Flush()
	long := strings.Repeat("x", 60_000)
	beside.add(long, "done", evil, 1)
	for _, short := range []bool{true, false, true} { // in any order: to print a table does not change it
		shown := map[bool]string{false: long, true: long[:widest] + "..."}[short]
		var got, more strings.Builder
		if alone.print(&got, short) != nil || beside.print(&more, short) != nil || got.String() != want.String() {
			t.Errorf("%q, want %q", got.String(), want.String())
		}
		lines := strings.Split(more.String(), "\n")
		if len(lines) != 5 || len(lines[1]) > 100 || !strings.HasPrefix(lines[3], shown+"  done     ") || unsafe(more.String()) {
			t.Errorf("%d lines; %q, and %.200q", len(lines), lines[1], lines[3])
		}
	}
}

// TestJSON_LosesNothing: what is read from it is what was there, and a terminal may show it.
func TestJSON_LosesNothing(t *testing.T) {
	const bytes = "\xff\x00\x1b"
	token := recipe.Token{}
	d := recipe.TaskDetail{
		TaskInfo: recipe.TaskInfo{Name: "a"}, Payload: []byte(evil + "\U000e0001"), Progress: []byte(bytes),
		Status: &recipe.Status{State: recipe.Done, Result: recipe.Result(bytes), Token: token},
	}
	var b strings.Builder
	var got map[string]any
	if err := errors.Join(printJSON(&b, detailOf(d)), json.Unmarshal([]byte(b.String()), &got)); err != nil || unsafe(b.String()) {
		t.Fatalf("%v: %q", err, b.String())
	}
	if got["payload"] != evil+"\U000e0001" || got["payload_base64"] != nil || got["result_base64"] != "/wAb" || got["progress_base64"] != "/wAb" {
		t.Errorf("%s", b.String())
	}
	o := recipe.Overview{Candidates: []string{"c1", bytes}, Leader: recipe.Leader{Address: bytes, Session: 7}, Workers: []recipe.WorkerInfo{{Name: "w", Address: bytes}}}
	b.Reset()
	if err := printJSON(&b, overviewOf(o, "")); err != nil || strings.Count(b.String(), `"address_base64":"/wAb"`) != 2 || !strings.Contains(b.String(), `"candidates_base64":["YzE=","/wAb"]`) {
		t.Errorf("%v: %s", err, b.String())
	}
	b.Reset()
	if err := printJSON(&b, outcomeOf(3, "task-a", *d.Status)); err != nil || !strings.Contains(b.String(), `"line":3,"task":"task-a","state":"done"`) || !strings.Contains(b.String(), `"result_base64":"/wAb"`) {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestLog_IsOneSafeLineForEachRecord, also for an error that is several, and for addresses
// and names.
func TestLog_IsOneSafeLineForEachRecord(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var b strings.Builder
		log := slog.New(logTo(&b, slog.LevelInfo, asJSON))
		log.Warn("a\x7f\u202eb", "error", errors.Join(errors.New("no session"), errors.New("refused\x1b")), "who", evil, "at", netip.Addr{}, "none", error(nil))
		log.Info("del", "name", "a\x7fb", "error", "no answer\nclosed")
		if text := b.String(); unsafe(text) || strings.Count(text, "\n") != 2 || !strings.Contains(text, "no session; refused") || !strings.Contains(text, "no answer; closed") {
			t.Errorf("%q", text)
		}
	}
}

// TestWrite_LeavesDataForProgramsAlone: a file or a pipe gets a result byte for byte.
func TestWrite_LeavesDataForProgramsAlone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(w, []byte(evil+"\xff")), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != evil+"\xff" {
		t.Errorf("%v, %q", err, got)
	}
}

// TestWatch_ClearsOnlyATerminal: a file or a pipe gets no escape codes.
func TestWatch_ClearsOnlyATerminal(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	t.Setenv("TERM", "xterm")
	if got := heading(at, true); got != clearScreen+"03:04:05   (press Ctrl-C to end)\n\n" {
		t.Errorf("%q", got)
	}
	if got := heading(at, false); got != "\n03:04:05\n\n" {
		t.Errorf("%q", got)
	}
	t.Setenv("TERM", "dumb")
	if got := heading(at, true); unsafe(got) {
		t.Errorf("%q", got)
	}
	var b strings.Builder
	if err := show(&b, Overview{}, false, true); err != nil || unsafe(b.String()) {
		t.Errorf("%v, %q", err, b.String())
	}
}
