package world

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The diagrams of docs/protocol.md are drawn from what the recipe's code does on the
// ZooKeeper in memory. -update draws them anew.

var update = flag.Bool("update", false, "draw the diagrams of docs/protocol.md anew")

const page = "../../../docs/protocol.md"

// drawn compares one diagram of the page with what it should be.
func drawn(t *testing.T, name, text string) {
	t.Helper()
	switch was := onPage(t, name); {
	case was == text:
	case !*update:
		t.Errorf("%s: the diagram %q is not what the code does: go test ./internal/masterworker/world -run TestDiagrams -update\n%s", page, name, text)
	default:
		before, after := around(t, name)
		if err := os.WriteFile(page, []byte(before+text+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// around is the page before and after a diagram.
func around(t *testing.T, name string) (before, after string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := strings.Index(string(text), "<!-- "+name+" -->\n"), strings.Index(string(text), "<!-- end of "+name+" -->\n")
	if begin < 0 || end < begin {
		t.Fatalf("%s has no place for %q", page, name)
	}
	return string(text[:begin]) + "<!-- " + name + " -->\n", string(text[end:])
}

// onPage is a diagram as the page has it.
func onPage(t *testing.T, name string) string {
	t.Helper()
	before, after := around(t, name)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(text), before), after)
}

// move is one kind of write, by what it does to one task.
type move struct{ from, to, by, write string }

// States of a task, as its znodes show them.
const (
	absent     = "absent"
	waiting    = "waiting"
	assigned   = "assigned"
	calledBack = "called_back" // assigned, and its worker is told to give it back
	held       = "cancelled_held"
	heldBack   = "cancelled_called_back"
)

// stateOf is the state of a task in a tree, and who holds it.
func stateOf(tree zk.Tree, task string) (state, worker string) {
	state = absent
	var order struct{ Revoked, Taken bool }
	for path, entry := range tree.All() {
		var status struct{ State string }
		switch p := strings.Split(path, "/"); {
		case path == "/tasks/"+task && state == absent:
			state = waiting
		case path == "/tasks/"+task+"/status":
			_ = json.Unmarshal(entry.Data, &status)
			state = status.State
		case len(p) == 4 && p[1] == "assign" && p[3] == task:
			worker = p[2]
			_ = json.Unmarshal(entry.Data, &order)
		}
	}
	back := order.Revoked || order.Taken
	switch {
	case worker == "":
	case state == waiting && back:
		state = calledBack
	case state == waiting:
		state = assigned
	case state == "cancelled" && back:
		state = heldBack
	case state == "cancelled":
		state = held
	}
	return state, worker
}

// tasksOf lists the tasks that a request names.
func tasksOf(op zkapi.Op) []string {
	found := regexp.MustCompile(`/(task-[\w-]+)`).FindAllStringSubmatch(explore.DescribeOp(op), -1)
	var names []string
	for _, m := range found {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// asWritten is what a request says about one task: w is the worker that had it, or else gets
// it, and v is another one. What the request does to other tasks is left out.
func asWritten(op zkapi.Op, task, holder string) string {
	ops := op.Ops
	if op.Kind != zkapi.KindMulti {
		ops = []zkapi.Op{op}
	}
	concerned := map[string]string{}
	if holder != "" {
		concerned[holder] = "w"
	}
	for _, o := range ops {
		if p := strings.Split(o.Path, "/"); len(p) == 4 && p[1] == "assign" && p[3] == task && concerned[p[2]] == "" {
			concerned[p[2]] = []string{"w", "v"}[len(concerned)]
		}
	}
	var parts []string
	for _, o := range ops {
		p := strings.Split(o.Path, "/")
		of := len(p) == 2
		for i, name := range p {
			switch {
			case name == task:
				p[i], of = "t", true
			case i == 2 && concerned[name] != "":
				p[i], of = concerned[name], of || len(p) == 3
			case i == 3 && strings.HasPrefix(name, "attempt-"):
				p[i] = "attempt-n"
			case i == 3 && strings.HasPrefix(name, "left-"):
				p[i] = "left-n"
			}
		}
		if part := o.Kind.String() + " " + strings.Join(p, "/"); of && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// movesOf are the moves of one write.
func movesOf(process string, op zkapi.Op, before, after zk.Tree) []move {
	var moves []move
	by, _, _ := strings.Cut(process, "-")
	for _, task := range tasksOf(op) {
		from, holder := stateOf(before, task)
		to, _ := stateOf(after, task)
		moves = append(moves, move{from, to, by, asWritten(op, task, holder)})
	}
	return moves
}

// worlds in which tasks are looked at. The deep ones are for make explore.
var lives = []struct {
	config Config
	deep   bool
	walks  int // schedules that are drawn, in place of every state
}{
	{config: small(func(c *Config) { c.Failures, c.Collect = 1, true })},
	{config: small(func(c *Config) { c.Failures, c.Collect, c.Parts = 2, true, true })},
	{config: small(func(c *Config) { c.Cancel, c.Resubmit = true, true })},
	{config: small(func(c *Config) { c.Residents, c.Cancel, c.Collect = 1, true, true })},
	{config: small(func(c *Config) { c.Workers, c.Tasks, c.Residents = 2, 2, 2 }), walks: 20},
	{config: small(func(c *Config) { c.Bounds.Expiries = 1 }), deep: true},
	{config: small(func(c *Config) { c.Attempts, c.Bounds.Expiries = 1, 1 }), deep: true},
	{config: small(func(c *Config) { c.Cancel, c.Bounds.Expiries = true, 1 }), deep: true},
	{config: small(func(c *Config) { c.Residents, c.Bounds.Stops = 1, 1 }), deep: true},
	{config: small(func(c *Config) { c.Bounds.Leaves = 1 }), deep: true},
	{config: small(func(c *Config) { c.Abrupt, c.Bounds.Leaves = true, 1 }), deep: true},
	{config: small(func(c *Config) { c.Retention, c.Bounds.Sweeps = 3*time.Second, 2 }), deep: true},
	{config: small(func(c *Config) { c.Masters, c.Workers, c.Bounds.Expiries, c.Bounds.Crashes = 2, 2, 1, 1 }), deep: true, walks: 400},
	{config: small(func(c *Config) { c.Workers, c.Abrupt, c.Bounds.Leaves = 2, true, 1 }), deep: true, walks: 400},
}

// seenMoves are all moves of a world: in every state, or in schedules that are drawn.
func seenMoves(t *testing.T, c Config, walks int) map[move]bool {
	t.Helper()
	w, err := c.World()
	if err != nil {
		t.Fatal(err)
	}
	seen, mu := map[move]bool{}, sync.Mutex{}
	see := func(process string, op zkapi.Op, before, after zk.Tree) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range movesOf(process, op, before, after) {
			seen[m] = true
		}
	}
	if walks == 0 {
		w.Judge = watching{w.Judge, func(x explore.Write) {
			if x.Err == nil {
				see(x.Process, x.Op, x.Before, x.After)
			}
		}}
		if r, err := explore.BFS(t.Context(), w, explore.Limits{}, nil); err != nil || !r.Complete {
			t.Fatalf("%+v: complete: %v, %v", c, r.Complete, err)
		}
	}
	for seed := range uint64(walks) {
		walked(t, w, seed, func(last, m explore.Moment) {
			if m.Err == nil && m.Asked.Op.Kind.Writes() && m.Happening != explore.LosesRequest {
				see(m.Process, m.Asked.Op, last.View.Tree, m.View.Tree)
			}
		})
	}
	return seen
}

// walked shows the steps of one schedule that is drawn.
func walked(t *testing.T, w *explore.World, seed uint64, show func(last, m explore.Moment)) {
	t.Helper()
	var last explore.Moment
	for m, err := range explore.Walk(w, seed, 8) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Happening != explore.Begins {
			show(last, m)
		}
		last = m
	}
}

// watching is a judge beside whom somebody looks at every write.
type watching struct {
	explore.Judge
	see func(explore.Write)
}

func (w watching) Write(x explore.Write) []explore.Violation {
	w.see(x)
	return w.Judge.Write(x)
}

// name is what a move is called: by a master the action that it has decided on, by others
// what the caller asked for. A move without a name is one that this page does not know.
func (m move) name() string {
	gone := m.to == absent
	switch {
	case m.by == "client" && m.from == absent && m.to == waiting:
		return "Submit"
	case m.by == "client" && slices.Contains([]string{"cancelled", held, heldBack}, m.to) && m.from != m.to:
		return "Cancel"
	case m.by == "client" && strings.Contains(m.write, "create /collect/t"):
		return "Collect asks"
	case m.by == "client" && (gone || m.from == m.to && strings.Contains(m.write, "delete /tasks/t/attempt-n")):
		return "Collect"
	case m.by == "worker" && m.to == "done":
		return "Complete"
	case m.by == "worker" && m.from == assigned && m.to == waiting && strings.Contains(m.write, "left-n"):
		return "GiveBack"
	case m.by == "worker" && m.from == assigned && m.to == waiting:
		return "EndAttempt"
	case m.by == "worker" && (m.from == calledBack && m.to == waiting || (m.from == held || m.from == heldBack) && m.to == "cancelled"):
		return "GiveBack"
	case m.by == "master":
		return m.decided()
	}
	return ""
}

// decided is the action of a master's move.
func (m move) decided() string {
	switch {
	case m.to == absent || m.from == m.to && strings.Contains(m.write, "delete /tasks/t/attempt-n"):
		return "CollectTask"
	case m.to == "failed":
		return "FailTask"
	case m.from == m.to && strings.Contains(m.write, "delete /collect/t"):
		return "DropRequest"
	case m.from == waiting && m.to == assigned || m.from == "cancelled" && m.to == held:
		return "AssignTask"
	case (m.from == assigned || m.from == calledBack) && m.to == assigned:
		return "ReassignTask"
	case (m.from == assigned || m.from == calledBack) && m.to == waiting:
		return "ReleaseTask"
	case m.from == assigned && m.to == calledBack && !strings.Contains(m.write, "set /workers/w"):
		return "RevokeTask"
	case m.from == assigned && m.to == calledBack, (m.from == held || m.from == heldBack) && m.to == heldBack:
		return "TakeTask"
	case (m.from == held || m.from == heldBack) && m.to == "cancelled":
		return "DropTask"
	}
	return ""
}

// row is a move as a line of the page's table.
func (m move) row() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", m.name(), m.by, m.from, m.to, m.write)
}

var rows = regexp.MustCompile(`(?m)^\| \S.*? \| (client|master|worker) \| (\w+) \| (\w+) \| (.*) \|$`)

// movesIn reads the rows of a table.
func movesIn(text string) map[move]bool {
	all := map[move]bool{}
	for _, r := range rows.FindAllStringSubmatch(text, -1) {
		all[move{from: r[2], to: r[3], by: r[1], write: r[4]}] = true
	}
	return all
}

// life is the diagram of a task's life, and the table of the writes.
func life(all map[move]bool) string {
	place := func(state string) string {
		if state == absent {
			return "[*]"
		}
		return state
	}
	arrows, table := map[string]bool{}, map[string]bool{}
	for m := range all {
		table[m.row()] = true
		if m.from != m.to {
			arrows[fmt.Sprintf("    %s --> %s: %s (%s)\n", place(m.from), place(m.to), m.name(), m.by)] = true
		}
	}
	return "```mermaid\nstateDiagram-v2\n" + strings.Join(slices.Sorted(maps.Keys(arrows)), "") + "```\n\n" +
		"| action | by | from | to | the write, in one transaction |\n|---|---|---|---|---|\n" + strings.Join(slices.Sorted(maps.Keys(table)), "")
}

// TestDiagrams_LifeOfATask: every write that moves a task, in every state of these worlds,
// is in the diagram and in its table. make explore looks at more worlds, and then nothing
// is in the diagram that never happens.
func TestDiagrams_LifeOfATask(t *testing.T) {
	const name = "life of a task"
	all := worldstest.Deep()
	seen := map[move]bool{}
	for _, l := range lives {
		if all || !l.deep {
			maps.Copy(seen, seenMoves(t, l.config, l.walks))
		}
	}
	for m := range seen {
		if m.name() == "" {
			t.Errorf("a move without a name: %+v", m)
		}
	}
	if !all {
		maps.Copy(seen, movesIn(onPage(t, name)))
	}
	drawn(t, name, life(seen))
}

// TestDiagrams_EveryActionIsThere: the page has every action on which a master decides, by
// the name that it has in the recipe, but for those that move no task.
func TestDiagrams_EveryActionIsThere(t *testing.T) {
	movesNone := []string{
		"FenceWorker",   // takes a worker's claim
		"OpenInbox",     // makes the inbox of a worker that was made by hand
		"PruneAttempts", // removes the oldest records of a resident task, from the 32nd on
		"DropRequest",   // removes a request at /collect
	}
	table, found := onPage(t, "life of a task"), 0
	err := filepath.WalkDir("../../../recipe", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^\s+\w+:\s+\{name: "(\w+)", explain: `).FindAllStringSubmatch(string(text), -1) {
			found++
			if there := strings.Contains(table, "| "+m[1]+" | master |"); there == slices.Contains(movesNone, m[1]) {
				t.Errorf("%s has the action %s; it is in the table: %v", path, m[1], there)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("the recipe has %d actions that can be read: %v", found, err)
	}
}
