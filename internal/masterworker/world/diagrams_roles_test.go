package world

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// entry is a znode of a tree, if it is there.
func entry(tree zk.Tree, path string) (zkapi.Result, bool) {
	r, err := tree.Read(zkapi.Get(path))
	return r, err == nil
}

// roleOf is the state of a master's or worker's process, as the tree, its session and what
// it claims show it.
func roleOf(v explore.View, place int) string {
	p := v.Processes[place]
	owns := func(path string) bool {
		e, there := entry(v.Tree, path)
		return there && p.Session != 0 && e.Stat.EphemeralOwner == p.Session
	}
	claim, _ := entry(v.Tree, "/assign/"+p.Name)
	switch {
	case !p.Running:
		return "down"
	case owns("/master"):
		return "leads"
	case p.Notes["leads"] != "":
		return "deposed"
	case owns("/workers/"+p.Name) && strings.Contains(string(claim.Data), `"retiring":true`):
		return "retires"
	case owns("/workers/" + p.Name):
		return "works"
	case p.Session == 0 || !p.Known:
		return "no_session"
	case strings.HasPrefix(p.Name, "master-"):
		return "backup"
	}
	return "registers"
}

// causes are the steps that are no request, by what they are called.
var causes = map[explore.Happening]string{
	explore.Notices: "learns that its session is over", explore.Restarts: "is started again", explore.Expires: "its session ends",
	explore.Stops: "is stopped, and its session ends", explore.ClockJumps: "sees how late it is", explore.Crashes: "dies", explore.Leaves: "is asked to leave",
}

// cause is what a step does, for an arrow.
func cause(m explore.Moment) string {
	switch {
	case causes[m.Happening] != "":
		return causes[m.Happening]
	case m.Asked.Opens:
		return "opens a session"
	case m.Asked.Closes:
		return "closes its session"
	case m.Asked.Op.Kind.Writes():
		var parts []string
		for _, op := range m.Asked.Op.Ops {
			path := strings.ReplaceAll(op.Path, "/"+m.Process, "/w")
			parts = append(parts, op.Kind.String()+" "+path)
		}
		return strings.Join(parts, ", ")
	case m.Asked.Resource != "":
		return "has returned"
	}
	return string(m.Happening)
}

// TestDiagrams_PresetRoles: the states of masters and workers and what leads from one to
// the other, in schedules that are drawn.
func TestDiagrams_PresetRoles(t *testing.T) {
	arrows := map[string]map[string]bool{"master": {}, "worker": {}}
	faults := explore.Bounds{Expiries: 1, Stops: 1, Crashes: 1, Leaves: 1}
	for _, c := range []Config{
		small(func(c *Config) { c.Masters, c.Workers, c.Tasks, c.Bounds = 2, 0, 0, faults }),
		small(func(c *Config) { c.Bounds = faults }),
	} {
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(100) {
			walked(t, w, seed, func(last, m explore.Moment) {
				p := m.Place
				if from, to := roleOf(last.View, p), roleOf(m.View, p); from != to && !strings.HasPrefix(m.Process, "client") {
					role, _, _ := strings.Cut(m.Process, "-")
					arrows[role][fmt.Sprintf("        %s --> %s: %s\n", from, to, cause(m))] = true
				}
			})
		}
	}
	var text strings.Builder
	for _, role := range []string{"master", "worker"} {
		lines := slices.Sorted(maps.Keys(arrows[role]))
		for i := range lines { // states of two roles must not share a name in one diagram
			lines[i] = regexp.MustCompile(`\b(down|no_session)\b( -->|:)`).ReplaceAllString(lines[i], role+"_$1$2")
		}
		fmt.Fprintf(&text, "    state %s {\n%s    }\n", strings.ToUpper(role[:1])+role[1:], strings.Join(lines, ""))
	}
	drawn(t, "preset roles", "```mermaid\nstateDiagram-v2\n"+text.String()+"```\n")
}

// slowToRegister delays the registration of workers, so that a node which becomes the first
// master has not registered as a worker at the same time.
type slowToRegister struct{ *zk.Env }

// Open implements zkapi.Env.
func (e slowToRegister) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := e.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	return slowSession{session.(*zk.Session)}, nil
}

type slowSession struct{ *zk.Session }

// Do implements zkapi.Session.
func (s slowSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	for _, part := range op.Ops {
		if part.Kind == zkapi.KindCreate && strings.HasPrefix(part.Path, "/workers/") {
			time.Sleep(50 * time.Millisecond)
		}
	}
	return s.Session.Do(ctx, op)
}

// TestDiagrams_EqualNodes: the states of equal nodes in a run in virtual time, in which the
// node that leads loses its session, and another one is asked to leave while it leads.
func TestDiagrams_EqualNodes(t *testing.T) {
	arrows := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		env := slowToRegister{&zk.Env{Server: zk.NewServer(10 * time.Second)}}
		nodes := map[string]*recipe.Node{}
		for _, name := range []string{"n1", "n2", "n3"} {
			node, err := recipe.NewNode(env, recipe.NodeConfig{
				Master: recipe.MasterConfig{Name: name, Address: name},
				Worker: recipe.WorkerConfig{Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
					_, err := env.Wait(ctx, env.Timer(3*time.Second))
					return recipe.Result("done"), err
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			nodes[name] = node
			work.Go(func() { _ = node.Run(ctx) })
		}
		client, err := recipe.NewClient(env, recipe.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			for ctx.Err() == nil {
				_, _ = client.Submit(ctx, []byte("task"))
				time.Sleep(time.Second / 5) // often enough that each worker always holds a task
			}
		})
		states := map[string]string{"n1": "joins", "n2": "joins", "n3": "joins"}
		for moment := range 40_000 {
			tree := env.Server.Tree()
			for name, from := range states {
				if to := nodeState(tree, name); to != from {
					arrows[fmt.Sprintf("    %s --> %s: %s\n", from, to, nodeChange(from, to))] = true
					states[name] = to
				}
			}
			leader, _ := entry(tree, "/master")
			switch moment {
			case 10_000:
				for _, s := range env.Server.Sessions() {
					if s.ID() == leader.Stat.EphemeralOwner {
						s.Expire()
					}
				}
			case 25_000:
				work.Go(func() { _ = nodes[string(leader.Data)].Close(ctx) })
			}
			time.Sleep(time.Millisecond)
		}
		stop()
		work.Wait()
	})
	drawn(t, "equal nodes", "```mermaid\nstateDiagram-v2\n    [*] --> joins\n"+strings.Join(slices.Sorted(maps.Keys(arrows)), "")+"```\n")
}

// nodeState is the state of a node, as the tree shows it.
func nodeState(tree zk.Tree, name string) string {
	master, led := entry(tree, "/master")
	_, works := entry(tree, "/workers/"+name)
	claim, _ := entry(tree, "/assign/"+name)
	leads, retires := led && string(master.Data) == name, strings.Contains(string(claim.Data), `"retiring":true`)
	switch {
	case leads && works && retires:
		return "leads_and_finishes_what_it_holds"
	case leads && works:
		return "leads_and_works"
	case leads:
		return "leads"
	case works && retires:
		return "finishes_what_it_holds"
	case works:
		return "works"
	}
	return "joins"
}

// nodeChange names the znodes that tell one state of a node from another.
func nodeChange(from, to string) string {
	var changes []string
	for _, z := range []struct {
		path, states string
	}{{"/master", "leads leads_and_works leads_and_finishes_what_it_holds"}, {"/workers/n", "works finishes_what_it_holds leads_and_works leads_and_finishes_what_it_holds"}} {
		was, is := slices.Contains(strings.Fields(z.states), from), slices.Contains(strings.Fields(z.states), to)
		if !was && is {
			changes = append(changes, "makes "+z.path)
		}
		if was && !is {
			changes = append(changes, z.path+" goes")
		}
	}
	if len(changes) == 0 {
		return "its claim says that it retires"
	}
	return strings.Join(changes, ", ")
}

// aimed is a judge to whom a state in which everything has come about is a finding, so that
// the shortest way there is found.
type aimed struct{ explore.Judge }

func (a aimed) State(v explore.View) []explore.Violation {
	if a.Goal(v) {
		return []explore.Violation{{Property: "Goal", Reason: "everything has come about"}}
	}
	return nil
}

// TestDiagrams_WorkPhase: the shortest schedule in which a task is submitted, assigned,
// fails once, is assigned again, done, and collected.
func TestDiagrams_WorkPhase(t *testing.T) {
	w, err := small(func(c *Config) { c.Failures, c.Collect = 1, true }).World()
	if err != nil {
		t.Fatal(err)
	}
	w.Judge = aimed{w.Judge}
	r, err := explore.BFS(t.Context(), w, explore.Limits{Threads: 1}, nil)
	if err != nil || r.Found == nil {
		t.Fatalf("no way to the goal: %v", err)
	}
	var text strings.Builder
	text.WriteString("```mermaid\nsequenceDiagram\n    participant client\n    participant master\n    participant ZooKeeper\n    participant worker\n    participant outside\n")
	role := func(p explore.Party) string { return strings.TrimSuffix(string(p), "-1") } // there is one of each
	reads, reader := []string(nil), explore.Party("")
	flush := func() {
		if len(reads) > 0 {
			fmt.Fprintf(&text, "    %s->>ZooKeeper: read %s\n", role(reader), strings.Join(reads, ", "))
		}
		reads = nil
	}
	for _, s := range explore.Explain(w, r.Found.Schedule) {
		verb, path, _ := strings.Cut(s.Text, " ")
		if slices.Contains([]string{"exists", "get", "children"}, verb) {
			if reader != s.From {
				flush()
			}
			path = strings.Replace(path, " and watch", " (watched)", 1)
			if reader = s.From; !slices.Contains(reads, path) {
				reads = append(reads, path)
			}
			continue
		}
		flush()
		switch said := regexp.MustCompile(` at version \d+`).ReplaceAllString(s.Text, ""); {
		case s.From == explore.ZooKeeper:
			fmt.Fprintf(&text, "    ZooKeeper-->>%s: %s\n", role(explore.Party(s.Process)), said)
		default:
			fmt.Fprintf(&text, "    %s->>%s: %s\n", role(s.From), s.To, strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(said, "multi["), "]"), ", ", ",<br/>"))
		}
	}
	flush()
	drawn(t, "work phase", text.String()+"```\n")
}

// things are the znodes of the recipe, each with the name of what it stands for.
var things = map[string]string{
	"/master": "ACTIVE_MASTER", "/candidates/c-<id>-<n>": "CANDIDATE", "/format": "FORMAT", "/backlog": "BACKLOG", "/quarantine": "QUARANTINE", "/pruned": "PRUNED",
	"/workers/<w>": "WORKER", "/tasks/<t>": "TASK", "/tasks/<t>/attempt-<n>": "ENDED_ATTEMPT", "/tasks/<t>/left-<n>": "UNCOUNTED_ATTEMPT",
	"/tasks/<t>/progress": "PROGRESS", "/tasks/<t>/status": "STATUS", "/assign": "EPOCH", "/assign/<w>": "INCARNATION",
	"/assign/<w>/<t>": "ASSIGNMENT", "/collect/<t>": "REQUEST_TO_REMOVE",
}

// TestDiagrams_Relations: the znodes of the table in recipe/doc.go; what stands below what,
// and what names what, as their paths say.
func TestDiagrams_Relations(t *testing.T) {
	doc, err := os.ReadFile("../../../recipe/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds, paths := map[string]string{}, []string(nil)
	for _, row := range regexp.MustCompile(`(?m)^//\t(/\S+)\s+(\w+)`).FindAllStringSubmatch(string(doc), -1) {
		path := strings.Replace(row[1], "/task-<id>", "/<t>", 1)
		kinds[path], paths = row[2], append(paths, path)
		if things[path] == "" {
			t.Errorf("%s is a znode of the recipe, and the diagram has no name for it", path)
		}
	}
	if len(paths) != len(things) {
		t.Errorf("recipe/doc.go has %d znodes, the diagram %d", len(paths), len(things))
	}
	plain := strings.NewReplacer("<", "", ">", "")
	var text strings.Builder
	text.WriteString("```mermaid\nerDiagram\n")
	for _, path := range paths {
		fmt.Fprintf(&text, "    %s {\n        %s znode \"%s\"\n    }\n", things[path], kinds[path], plain.Replace(path))
		many := "o|"
		if strings.HasSuffix(path, ">") {
			many = "o{"
		}
		parent, last := path[:strings.LastIndex(path, "/")], path[strings.LastIndex(path, "/")+1:]
		if things[parent] != "" {
			fmt.Fprintf(&text, "    %s ||--%s %s : \"has below it\"\n", things[parent], many, things[path])
		}
		for variable, named := range map[string]string{"<w>": "/workers/<w>", "<t>": "/tasks/<t>"} {
			if last == variable && named != path {
				fmt.Fprintf(&text, "    %s |o--o| %s : \"is named by\"\n", things[named], things[path])
			}
		}
	}
	drawn(t, "relations", text.String()+"```\n")
	for path, kind := range created(t) {
		if kinds[path] != kind {
			t.Errorf("%s is created as %s, and recipe/doc.go says %q", path, kind, kinds[path])
		}
	}
}

// created are the znodes that a run creates, and how.
func created(t *testing.T) map[string]string {
	t.Helper()
	w, err := small(func(c *Config) { c.Cancel, c.Resubmit = true, true }).World()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	abstract := strings.NewReplacer("worker-1", "<w>", "task-1", "<t>", "attempt-1", "attempt-<n>")
	for seed := range uint64(10) {
		walked(t, w, seed, func(_, m explore.Moment) {
			for _, op := range append(m.Asked.Op.Ops, m.Asked.Op) {
				if op.Kind == zkapi.KindCreate {
					found[abstract.Replace(op.Path)] = map[bool]string{true: "ephemeral", false: "persistent"}[op.Mode == zkapi.Ephemeral]
				}
			}
		})
	}
	return found
}
