package tlc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestParseState_ReadsValues reads values as TLC prints them. Equal values have the same
// text.
func TestParseState_ReadsValues(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                               `{}`,
		`{3, 1, 2}`:                        `{1, 2, 3}`,
		`<< >>`:                            `<<>>`,
		`<<"a", -1, TRUE, None>>`:          `<<"a", -1, TRUE, None>>`,
		"[ b |-> 1,\n  a |-> {<<1>>} ]":    `("a" :> {<<1>>} @@ "b" :> 1)`,
		`( <<"x">> :> 1 @@ <<>> :> 2 )`:    `(<<"x">> :> 1 @@ <<>> :> 2)`,
		`[a |-> "with \"quotes\" |-> []"]`: `("a" :> "with \"quotes\" |-> []")`,
	} {
		v, err := Parse(text)
		if err != nil || v.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, v, err, want)
		}
	}
	made := Record(map[string]Value{"a": Set(Int(2), Int(1), Int(2)), "b": Seq(Str("x"), Bool(false), Model("None"))})
	read, err := Parse(`[b |-> <<"x", FALSE, None>>, a |-> {1, 2}]`)
	if err != nil || read.String() != made.String() {
		t.Errorf("read %s, made %s, %v", read, made, err)
	}
	if read.Field("b").Items()[0].Text() != "x" || !read.Has(`"a"`) || read.Has(`"c"`) {
		t.Errorf("%s does not show its parts", read)
	}
	for _, broken := range []string{``, `{1`, `<<1>`, `[a |- 1]`, `1 2`, `"open`, `(1 :> 2`} {
		if v, err := Parse(broken); err == nil {
			t.Errorf("%q is read as %s", broken, v)
		}
	}
	state, err := ParseState("/\\ x = 1\n/\\ y = [a |-> {}]")
	if err != nil || state["x"].String() != "1" || state["y"].Field("a").String() != "{}" {
		t.Errorf("%v, %v", state, err)
	}
}

// graph makes a graph from lines such as "a b c": a state of colour a, the numbers of
// those that it leads to after a colon.
func graph(states ...string) *Graph {
	g := &Graph{}
	for _, s := range states {
		colour, to, _ := strings.Cut(s, ":")
		g.Colours = append(g.Colours, colour)
		var edges []int
		for f := range strings.FieldsSeq(to) {
			edges = append(edges, int(f[0]-'0'))
		}
		g.Edges = append(g.Edges, edges)
	}
	return g
}

// TestGraph_FingerprintAndDifference has graphs that no path distinguishes, and graphs
// that a path distinguishes.
func TestGraph_FingerprintAndDifference(t *testing.T) {
	small := graph("red: 1", "green: 0 2", "blue:")
	// The same with a state of its own for every second round, one that is reached
	// twice, and a transition that is there twice.
	large := graph("red: 1 1", "green: 2 4", "red: 3", "green: 0 4", "blue:")
	m := large.Minimal()
	if m.Len() != 3 || m.Transitions() != 3 || m.Depth() != 2 {
		t.Errorf("minimal: %+v", m)
	}
	if d := Differ(small, large); d != "" {
		t.Error(d)
	}
	if small.Fingerprint() != large.Fingerprint() {
		t.Error("one behaviour has two fingerprints")
	}
	for name, other := range map[string]*Graph{
		"a transition less":       graph("red: 1", "green: 0", "blue:"),
		"a transition more":       graph("red: 1", "green: 0 2", "blue: 2"),
		"another colour at last":  graph("red: 1", "green: 0 2", "black:"),
		"a choice made too early": graph("red: 1 3", "green: 0", "blue:", "green: 2"),
	} {
		if d := Differ(small, other); d == "" || small.Fingerprint() == other.Fingerprint() {
			t.Errorf("%s is not noticed: %q", name, d)
		}
	}
	if d := Differ(small, graph("red: 1", "green: 0 2", "blue: 0")); !strings.Contains(d, "after 2 steps") || !strings.Contains(d, "only the second") {
		t.Errorf("the difference reads: %s", d)
	}
}

// TestReadDot reads a graph as TLC writes it, with the edges in any order.
func TestReadDot(t *testing.T) {
	const dot = `strict digraph DiskGraph {
7 [label="/\\ x = \"a\"\n/\\ y = <<1>>",style = filled]
7 -> -8 [label="Go",color="black",fontcolor="black"];
-8 [label="/\\ x = \"b\"\n/\\ y = <<>>"];
-8 -> 7;
{rank = same; 7;-8;}
}`
	g, err := ReadDot(strings.NewReader(dot), func(vars map[string]Value) (string, error) { return vars["x"].Text(), nil })
	if err != nil || strings.Join(g.Colours, "") != "ab" || g.Transitions() != 2 || g.Edges[1][0] != 0 {
		t.Errorf("%+v, %v", g, err)
	}
	for broken, says := range map[string]string{
		`7 -> 8;`:                           "not in the file",
		`7 [label="/\\ x = \"a`:             "cut off",
		`7 [label="/\\ x = 1",tooltip="/\\`: "cut off",
	} {
		if _, err := ReadDot(strings.NewReader(broken), nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", broken, err, says)
		}
	}
}

// TestReadDot_ReadsWhatEachReleaseWrites: the files are of one module. Its states have texts
// with quotes, backslashes, and what looks like other parts of the file.
func TestReadDot_ReadsWhatEachReleaseWrites(t *testing.T) {
	want := strings.Join([]string{
		`0 None -> 1`,
		`1 ("seq" :> <<0, {}>> @@ "text" :> "a \"quoted\" \\ word, tooltip=") -> 2 3`,
		`2 ("seq" :> <<1, {}>> @@ "text" :> "a \"quoted\" \\ word, tooltip=") -> 4`,
		`0 ("seq" :> <<>> @@ "text" :> "]; -> 7") -> 1`,
		`1 ("seq" :> <<>> @@ "text" :> "]; -> 7") -> 2 3`,
	}, "\n")
	for _, release := range []string{"1.7.4", "1.8"} {
		file, err := os.Open("testdata/graph-" + release + ".dot")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		g, err := ReadDot(file, func(vars map[string]Value) (string, error) { return vars["x"].String() + " " + vars["y"].String(), nil })
		if err != nil {
			t.Errorf("%s: %v", release, err)
			continue
		}
		var states []string
		for n, colour := range g.Colours {
			states = append(states, colour+" -> "+strings.Trim(fmt.Sprint(g.Edges[n]), "[]"))
		}
		if got := strings.Join(states, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", release, got, want)
		}
	}
}

// TestParse_ReadsTheOutcome reads the output of TLC.
func TestParse_ReadsTheOutcome(t *testing.T) {
	o := read("TLC2 Version 2.19 of 08 August 2024 (rev: 5a47802)\n7070 states generated, 2396 distinct states found, 0 states left on queue.\n" +
		"The depth of the complete state graph search is 36.\n")
	if o.Version != "2.19 of 08 August 2024" || o.Generated != 7070 || o.Distinct != 2396 || o.Depth != 36 || o.Violated != "" {
		t.Errorf("%+v", o)
	}
	if o := read("Progress: 7 states checked.\nProgress: 3022 states checked.\n"); o.Generated != 3022 {
		t.Errorf("of a simulation: %+v", o)
	}
	for printed, want := range map[string]string{
		"Error: Invariant NeverStuck is violated.\nState 1: <Initial predicate>\nState 2: <Go>\n": "NeverStuck",
		"Error: Action property NoOrphan is violated.\nState 2: <Go>\n":                           "NoOrphan",
		"Error: Temporal properties were violated.\n\nState 2: x\n":                               "temporal properties", // 1.7
		"Error: Temporal property Ends was violated.\n\nState 2: x\n":                             "temporal properties", // 1.8
		"Error: Temporal properties Ends and Heard were violated.\n\nState 2: x\n":                "temporal properties",
		"Error: Deadlock reached.\nState 2: x\n":                                                  "deadlock",
	} {
		if o := read(printed); o.Violated != want || o.Trace != 2 {
			t.Errorf("%s: %+v", want, o)
		}
	}
}

// TestFind_RefusesAnotherRelease keeps no file that is not the pinned release.
func TestFind_RefusesAnotherRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "tla2tools.jar")
	if err := keep([]byte("something else"), path); err == nil || !strings.Contains(err.Error(), checksum) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was kept")
	}
}

// TestFind_SaysHowToGetTLC has no TLC.
func TestFind_SaysHowToGetTLC(t *testing.T) {
	t.Setenv(Variable, filepath.Join(t.TempDir(), "missing.jar"))
	for name, look := range map[string]func() (TLC, error){
		"Find": Find, "Fetch": func() (TLC, error) { return Fetch(t.Context()) },
	} {
		if _, err := look(); err == nil || !strings.Contains(err.Error(), Variable) || !strings.Contains(err.Error(), "missing.jar") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
