package judge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// hold is a stranger's kind of event: from its invocation on a process holds a lock, until
// it is over.
const hold record.Kind = "hold"

// locks is a stranger's recipe: a lock has one holder at a time.
func locks() Subject {
	oneHolder := func(c *checker.Case) checker.Property {
		p := checker.NewFindings("OneHolder")
		held := record.Operations(c.Events, hold)
		for i, next := range held {
			for _, old := range held[:i] {
				if old.Invoke.Object() == next.Invoke.Object() && next.Invoke.At < old.Return(c.End) {
					p.Violate(wording.Finding{Code: "two holders", Object: next.Invoke.Object(), Args: wording.Args{"old": old.Invoke.Process, "next": next.Invoke.Process}}, old.Invoke, next.Invoke)
				}
			}
		}
		return p.Property("%d locks were held, each by one.", len(held))
	}
	return Subject{
		Name: "locks",
		Judge: checker.Judging{
			Objects: record.Objects{Of: func(path string) string {
				name, _, _ := strings.Cut(strings.TrimPrefix(path, "/locks/"), "/")
				return name
			}},
			Judge: func(c *checker.Case) checker.Judgement {
				return checker.Judgement{
					Judges: []checker.Judge{{Name: "OneHolder", Judge: func() checker.Property { return oneHolder(c) }}},
					Counts: map[string]int{"locks": 2},
				}
			},
		},
		Stories: explain.Stories{Noun: "lock"},
		Lanes:   report.Lanes{Objects: "locks"},
	}
}

// stored makes the folder of a run in which a process holds lock-b while another does.
func stored(t *testing.T) string { return storedAs(t, "locks", "", "") }

// storedAs is stored, of a run of that recipe, with something in front of the names of processes
// and of paths.
func storedAs(t *testing.T, recipe, name, path string) string {
	t.Helper()
	dir := t.TempDir()
	var events []record.Event
	at := func(seconds int, process string, e record.Event) {
		e.Seq, e.At, e.Process, e.Life = len(events)+1, time.Duration(seconds)*time.Second, process, 1
		events = append(events, e)
	}
	held := func(from, to int, process, lock string, op int64) {
		node := []record.Op{{Kind: "create", Path: path + "/locks/" + lock + "/" + process, Ephemeral: true}}
		at(from, process, record.Event{Type: record.Invoke, Kind: record.Write, Op: op, Of: record.Request{Session: "0x" + process, Ops: node}})
		at(from, process, record.Event{Type: record.OK, Kind: record.Write, Op: op, Of: record.Request{Session: "0x" + process, Ops: node}})
		at(from, process, record.Event{Type: record.Invoke, Kind: hold, Op: op + 1, Of: record.Own{Object: lock}})
		at(to, process, record.Event{Type: record.OK, Kind: hold, Op: op + 1, Of: record.Own{Object: lock, Remark: "let go"}})
	}
	cut := record.Injection{Fault: "cut-locker", Targets: []string{name + "locker-1"}, Did: "cut %s off from ZooKeeper", Effective: true}
	at(1, "nemesis", record.Event{Type: record.Invoke, Kind: record.Fault, Op: 1, Of: cut})
	at(2, "nemesis", record.Event{Type: record.OK, Kind: record.Fault, Op: 1, Of: cut})
	held(1, 3, name+"locker-1", "lock-a", 1)
	held(5, 9, name+"locker-1", "lock-b", 3)
	held(7, 8, name+"locker-2", "lock-b", 1)
	held(10, 11, name+"locker-2", "lock-a", 3)
	events = record.Merge(events)
	write(t, filepath.Join(dir, record.ConfigFile), `{"seed":7,"recipe":"`+recipe+`","time":60000000000,"participants":{"`+name+`locker":2},"rate":3}`)
	write(t, filepath.Join(dir, record.FaultsFile), `[]`)
	err := record.WriteFile(filepath.Join(dir, record.HistoryFile), events)
	if err == nil {
		err = (&record.Evidence{Healed: true, Drained: true, Nodes: []record.Node{}, Order: record.FromTree, Weaker: "the test has no logs"}).Save(filepath.Join(dir, record.EvidenceFile))
	}
	if err != nil {
		t.Fatal(err)
	}
	recordtest.Seal(t, dir)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func lacks(t *testing.T, where, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", where, want, text)
		}
	}
}

// TestFolder_OfAnyRecipe judges the run of a stranger: it has a verdict, a story, a smallest
// history that is judged the same, and a page.
func TestFolder_OfAnyRecipe(t *testing.T) {
	dir := stored(t)
	var printed strings.Builder
	verdict, err := Folder(dir, locks(), ShrinkBudget, &printed)
	if verdict != checker.Invalid || err != nil {
		t.Fatalf("%s, %v:\n%s", verdict, err, &printed)
	}
	lacks(t, "the terminal", printed.String(), "invalid  OneHolder", "INVALID: OneHolder is violated.", "2 locks", "The lock is lock-b.", "Smallest part of the history that shows it: 4 of 18 events")
	story := contents(t, filepath.Join(dir, record.StoryFile))
	lacks(t, "the story", story, "The lock is lock-b.", "locker-1 wrote create /locks/lock-b/locker-1.", "locker-2 began: hold of the lock; at 8.000s it was done (let go).")
	if strings.Contains(story, "lock-a") {
		t.Errorf("the story tells of another lock:\n%s", story)
	}
	lacks(t, "the page", contents(t, filepath.Join(dir, record.ReportFile)),
		"The lock is <code>lock-b</code>", "locker-1 hold lock-b from 5.000s to 9.000s: ok; let go", "1m0s at 3 locks per second", "2 lockers", "the moment of the violation")

	part := filepath.Join(dir, record.ShrunkFolder, "OneHolder")
	printed.Reset()
	if verdict, err := Folder(part, locks(), 0, &printed); verdict != checker.Invalid || err != nil {
		t.Errorf("the part is %s, %v:\n%s", verdict, err, &printed)
	}
	if run, err := record.Load(part); err != nil || len(run.Events) != 4 || run.Events[0].Object() != "lock-b" {
		t.Errorf("the part has %d events, %v", len(run.Events), err)
	}
}

// TestFolder_WithoutJudges judges nothing: such a run must not pass.
func TestFolder_WithoutJudges(t *testing.T) {
	subject := locks()
	subject.Judge.Judge = nil
	if verdict, err := Folder(stored(t), subject, 0, &strings.Builder{}); verdict != "" || err == nil || !strings.Contains(err.Error(), `the recipe "locks" has no judges`) {
		t.Errorf("%s, %v", verdict, err)
	}
}

// TestFolder_OfSeveralRecipes: the violation is told, and cut down, as that of a run which its recipe
// had alone, and the smallest part is one of that recipe.
func TestFolder_OfSeveralRecipes(t *testing.T) {
	part := func(name string) Part {
		of := locks()
		of.Name = name
		return Part{of, record.Portion{Below: "/" + name, Name: func(process string) (string, bool) { return strings.CutPrefix(process, name+"-") }}}
	}
	both := Subject{Name: "locks,others", Parts: []Part{part("locks"), part("others")}}
	var judged []checker.Part
	for _, p := range both.Parts {
		judged = append(judged, checker.Part{Name: p.Subject.Name, Objects: "locks", Judging: p.Judge, Portion: p.Portion})
	}
	both.Judge = checker.Together(judged)
	dir := storedAs(t, "locks,others", "locks-", "/locks")
	var out strings.Builder
	verdict, err := Folder(dir, both, time.Minute, &out)
	if err != nil || verdict != checker.Invalid {
		t.Fatalf("%s, %v: %s", verdict, err, out.String())
	}
	lacks(t, "output", out.String(), "invalid  locks/OneHolder", "valid    others/OneHolder", "INVALID: locks/OneHolder is violated")
	lacks(t, "story", contents(t, filepath.Join(dir, record.StoryFile)), "locks/OneHolder is violated", "The lock is lock-b", "locker-2 began: hold of the lock")
	lacks(t, "picture of the violation", contents(t, filepath.Join(dir, record.ReportFile)), ">locker-2</text>", ">locks-locker-2</text>")
	smallest := filepath.Join(dir, record.ShrunkFolder, "locks", "OneHolder")
	lacks(t, "configuration of the smallest part", contents(t, filepath.Join(smallest, record.ConfigFile)), `"recipe": "locks"`)
	if verdict, err = Folder(smallest, locks(), 0, &out); err != nil || verdict != checker.Invalid {
		t.Errorf("the smallest part: %s, %v", verdict, err)
	}
}
