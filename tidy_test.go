package ringmaster

import (
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/mutants"
)

const module = "github.com/ringmaster-zk/ringmaster/"

// rooms is the whole architecture: what each room may import, of ours by its
// path, of others by the beginning of theirs. A room that is not listed may not
// exist. Test files may import what they like.
var rooms = map[string][]string{
	"zkapi":                          {},
	"zkclient":                       {"zkapi", "internal/clock", "internal/jute", "github.com/go-zookeeper/zk", "golang.org/x/sys/unix"},
	"recipe":                         {"zkapi", "recipe/internal/claims", "recipe/internal/decide", "recipe/internal/elect", "recipe/internal/epoch", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/observe", "recipe/internal/obstacle", "recipe/internal/retry", "recipe/internal/sessions", "recipe/internal/term"},
	"recipe/election":                {"zkapi", "recipe/internal/claims", "recipe/internal/elect", "recipe/internal/epoch", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/observe", "recipe/internal/obstacle", "recipe/internal/retry", "recipe/internal/sessions", "recipe/internal/term"},
	"recipe/internal/claims":         {"zkapi", "recipe/internal/epoch", "recipe/internal/fence", "recipe/internal/observe", "recipe/internal/retry", "recipe/internal/term"},
	"recipe/lock":                    {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/observe", "recipe/internal/retry", "recipe/internal/sessions", "recipe/internal/term", "recipe/internal/tokens"},
	"recipe/queue":                   {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/obstacle", "recipe/internal/observe", "recipe/internal/once", "recipe/internal/retry", "recipe/internal/sessions", "recipe/internal/term", "recipe/internal/tokens"},
	"recipe/standby":                 {"zkapi", "recipe/internal/claims", "recipe/internal/elect", "recipe/internal/epoch", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/observe", "recipe/internal/obstacle", "recipe/internal/once", "recipe/internal/process", "recipe/internal/retry", "recipe/internal/sessions", "recipe/internal/term"},
	"recipe/internal/tokens":         {},
	"recipe/internal/once":           {"zkapi", "recipe/internal/fence", "recipe/internal/observe", "recipe/internal/retry", "recipe/internal/term"},
	"recipe/internal/decide":         {}, // pure: the port and a clock are elsewhere
	"recipe/internal/elect":          {"zkapi", "recipe/internal/claims", "recipe/internal/epoch", "recipe/internal/fence", "recipe/internal/observe", "recipe/internal/obstacle", "recipe/internal/retry", "recipe/internal/term"},
	"recipe/internal/epoch":          {"zkapi", "recipe/internal/fence", "recipe/internal/observe"},
	"recipe/internal/input":          {"zkapi", "recipe/internal/observe"},
	"recipe/internal/fence":          {"zkapi"},
	"recipe/internal/observe":        {"zkapi"},
	"recipe/internal/obstacle":       {"zkapi", "recipe/internal/fence", "recipe/internal/retry"},
	"recipe/internal/retry":          {"zkapi", "recipe/internal/observe"},
	"recipe/internal/sessions":       {"zkapi", "recipe/internal/epoch", "recipe/internal/fence", "recipe/internal/observe", "recipe/internal/retry"},
	"recipe/internal/term":           {"zkapi", "recipe/internal/fence", "recipe/internal/observe", "recipe/internal/retry"},
	"record":                         {},
	"record/recordtest":              {"record"},
	"checker/checkertest":            {"checker", "record", "record/recordtest"},
	"model/zk":                       {"zkapi"},
	"model/zk/serve":                 {"zkapi", "model/zk", "internal/jute", "model/zk/serve/disk"},
	"model/zk/serve/disk":            {}, // what the bytes mean, it must not know
	"model/zk/zktest":                {"model/zk/serve"},
	"model/explore":                  {"zkapi", "model/zk"},
	"internal/worlds":                {"zkapi", "model/zk", "model/explore", "subject"},
	"internal/masterworker/world":    {"zkapi", "model/zk", "model/explore", "recipe", "subject", "internal/worlds"},
	"internal/election/world":        {"zkapi", "model/zk", "model/explore", "recipe/election", "subject", "internal/worlds"},
	"internal/lock/world":            {"zkapi", "model/zk", "model/explore", "recipe/lock", "subject", "internal/worlds"},
	"internal/queue/world":           {"zkapi", "model/zk", "model/explore", "recipe/queue", "subject", "internal/worlds"},
	"internal/standby/world":         {"zkapi", "model/zk", "model/explore", "recipe/standby", "subject", "internal/worlds"},
	"internal/exploration":           {"checker", "checker/report", "model/explore", "record", "subject"},
	"nemesis":                        {"record", "zkapi"},
	"internal/masterworker/protocol": {"record"},
	"checker/wording":                {"record"},
	"checker/wording/wordingtest":    {"checker/wording"},
	"checker":                        {"record", "checker/wording", "internal/exit", "internal/parallel", "github.com/anishathalye/porcupine"},
	"internal/leadership":            {"record", "checker", "checker/wording", "github.com/anishathalye/porcupine"},
	"internal/masterworker/judge":    {"record", "checker", "checker/wording", "internal/leadership", "internal/masterworker/protocol", "internal/parallel", "github.com/anishathalye/porcupine"},
	"internal/parallel":              {},
	"checker/explain/shrink":         {"record", "checker", "checker/wording", "internal/ddmin"},
	"internal/ddmin":                 {},
	"checker/explain":                {"record", "checker", "checker/wording"}, // for the names of what is violated
	"checker/report":                 {"record", "checker", "checker/explain", "checker/wording"},
	"checker/judge":                  {"record", "checker", "checker/explain", "checker/explain/shrink", "checker/report"},
	"internal/campaign":              {"checker", "record", "internal/ddmin", "internal/exit", "nemesis"},
	"internal/mutants":               {"checker", "record", "internal/exit", "internal/owner", "nemesis", "internal/campaign", "go.yaml.in/yaml"}, // reads verdicts and faults of programs that it builds; of the accused it has the text only
	"internal/recorder":              {"record", "zkapi"},
	"internal/participant":           {"internal/recorder", "subject", "zkapi", "zkclient", "record", "internal/clock"},
	"internal/harness":               {"internal/build", "internal/recorder", "subject", "record", "nemesis", "internal/participant", "zkapi", "zkclient", "model/zk", "internal/virtualtime", "internal/clock", "internal/ensemble", "internal/exit", "internal/owner", "internal/txnlog", "internal/wire"},
	"internal/virtualtime":           {"internal/exit"},
	"internal/clock":                 {"golang.org/x/sys/unix"},
	"internal/ensemble":              {"zkapi", "internal/clock", "internal/owner", "internal/wire", "github.com/testcontainers/testcontainers-go", "github.com/moby/moby", "github.com/containerd/errdefs"},
	"internal/ensemble/ensembletest": {"internal/ensemble"},
	"internal/exit":                  {},
	"internal/signals":               {"internal/exit"},
	"internal/owner":                 {},
	"internal/tlc":                   {},
	"internal/jute":                  {},
	"internal/txnlog":                {"internal/jute"}, // a reader of files; whose they are, it must not know
	"spec/agree":                     {"internal/tlc", "model/explore", "internal/masterworker/world", "internal/election/world", "internal/lock/world", "internal/standby/world", "internal/worlds", "subject", "model/zk", "zkapi"},
	"spec/tla":                       {},
	"internal/integration":           {},
	"recipe/metrics":                 {"recipe", "zkapi", "github.com/prometheus/client_golang"},
	"internal/shell":                 {"recipe", "golang.org/x/sys/unix"},
	"internal/usage":                 {"internal/exit", "github.com/spf13/cobra", "github.com/spf13/pflag"},
	"internal/wire":                  {"zkapi", "internal/jute"},
	"internal/build":                 {},
	"internal/worlds/worldstest":     {"model/explore", "internal/worlds"},
	"internal/candidate":             {"subject", "record", "nemesis", "recipe", "zkapi"},
	"internal/election":              {"internal/leadership/story", "subject", "internal/election/judge", "internal/election/workload", "internal/election/world"},
	"internal/primitives":            {"internal/primitives/judge", "internal/primitives/lanes", "internal/primitives/story", "internal/primitives/workload", "internal/primitives/world", "subject"},
	"internal/primitives/history":    {"record"},
	"internal/primitives/judge":      {"checker", "checker/wording", "internal/primitives/history", "record"},
	"internal/primitives/workload":   {"internal/primitives/history", "nemesis", "recipe/barrier", "recipe/lease", "recipe/stm", "recipe/value", "record", "subject", "zkapi"},
	"internal/primitives/world":      {"zkapi", "model/zk", "model/explore", "recipe/barrier", "recipe/lease", "recipe/stm", "recipe/value", "subject", "internal/worlds"},
	"internal/lock":                  {"internal/lock/judge", "internal/lock/lanes", "internal/lock/story", "internal/lock/workload", "internal/lock/world", "subject"},
	"internal/lock/history":          {"record"},
	"internal/lock/judge":            {"checker", "checker/wording", "internal/lock/history", "record", "github.com/anishathalye/porcupine"},
	"internal/lock/lanes":            {"checker/report", "internal/lock/history", "record"},
	"internal/lock/story":            {"checker/explain", "checker/wording", "internal/lock/history", "record"},
	"internal/lock/workload":         {"internal/lock/history", "nemesis", "recipe/lock", "record", "subject", "zkapi"},
	"internal/queue":                 {"internal/queue/judge", "internal/queue/lanes", "internal/queue/story", "internal/queue/workload", "internal/queue/world", "subject"},
	"internal/queue/history":         {"record"},
	"internal/queue/judge":           {"checker", "checker/wording", "internal/queue/history", "record", "github.com/anishathalye/porcupine"},
	"internal/queue/lanes":           {"checker/report", "internal/queue/history", "record"},
	"internal/queue/story":           {"checker/explain", "checker/wording", "internal/queue/history", "record"},
	"internal/queue/workload":        {"internal/queue/history", "nemesis", "recipe/queue", "record", "subject", "zkapi"},
	"internal/election/judge":        {"checker", "checker/wording", "internal/leadership", "record"},
	"internal/election/workload":     {"subject", "internal/candidate", "nemesis", "recipe/election", "record", "zkapi"},
	"recipe/barrier":                 {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/once", "recipe/internal/process", "recipe/internal/term"},
	"recipe/lease":                   {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/once", "recipe/internal/process", "recipe/internal/term"},
	"recipe/stm":                     {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/process"},
	"recipe/store":                   {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/once", "recipe/internal/process", "recipe/internal/retry", "recipe/internal/term"},
	"recipe/store/file":              {"recipe/store"},
	"internal/store/world":           {"zkapi", "model/zk", "model/explore", "recipe/store", "subject", "internal/worlds"},
	"recipe/store/storetest":         {"recipe/store", "zkapi"},
	"recipe/value":                   {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/process"},
	"recipe/internal/process":        {"zkapi", "recipe/internal/fence", "recipe/internal/input", "recipe/internal/observe", "recipe/internal/obstacle", "recipe/internal/once", "recipe/internal/retry", "recipe/internal/sessions", "recipe/internal/term", "recipe/internal/tokens"},
	"recipe/internal/mishap":         {"zkapi", "model/zk"},
	"internal/primitives/lanes":      {"checker/report", "internal/primitives/history", "record"},
	"internal/primitives/story":      {"checker/explain", "checker/wording", "internal/primitives/history", "record"},
	// A recipe of another module has the public rooms only.
	"torture/testdata/counter":       {"zkapi", "zkclient", "model/zk", "model/explore", "record", "subject", "nemesis", "checker", "checker/wording", "checker/explain", "checker/report", "recipe", "torture"},
	"subject":                        {"nemesis", "checker", "checker/explain", "checker/report", "model/explore", "record", "zkapi"},
	"subject/subjecttest":            {"model/zk", "record", "subject", "zkapi"},
	"internal/leadership/story":      {"record", "checker/explain", "checker/wording"},
	"internal/masterworker/lanes":    {"record", "checker/report"},
	"internal/masterworker/story":    {"record", "checker/explain", "checker/wording", "internal/leadership/story"},
	"internal/masterworker":          {"subject", "internal/masterworker/judge", "internal/masterworker/lanes", "internal/masterworker/story", "internal/masterworker/world", "internal/masterworker/workload"},
	"internal/masterworker/workload": {"internal/candidate", "subject", "nemesis", "recipe", "record", "zkapi"},
	"internal/masterworker/bench":    {"internal/masterworker/workload", "internal/clock", "internal/ensemble", "internal/owner", "internal/peers", "internal/wire", "recipe", "recipe/election", "recipe/lock", "recipe/queue", "recipe/value", "zkapi", "zkclient"},
	"internal/peers":                 {"internal/owner"},
	"torture":                        {"*"},
	"internal/standby":               {"internal/standby/history", "internal/standby/judge", "internal/standby/lanes", "internal/standby/story", "internal/standby/workload", "internal/standby/world", "subject"},
	"internal/standby/history":       {"record"},
	"internal/standby/judge":         {"checker", "checker/wording", "internal/leadership", "internal/standby/history", "record"},
	"internal/standby/lanes":         {"checker/report", "internal/standby/history", "record"},
	"internal/standby/story":         {"checker/explain", "checker/wording", "internal/leadership/story", "internal/standby/history", "record"},
	"internal/standby/workload":      {"internal/candidate", "internal/standby/history", "nemesis", "recipe/standby", "record", "subject", "zkapi"},
	"internal/store":                 {"internal/store/judge", "internal/store/lanes", "internal/store/story", "internal/store/workload", "internal/store/world", "subject"},
	"internal/store/history":         {"record"},
	"internal/store/judge":           {"checker", "checker/wording", "internal/leadership", "internal/store/history", "record"},
	"internal/store/lanes":           {"checker/report", "internal/store/history", "record"},
	"internal/store/story":           {"checker/explain", "checker/wording", "internal/leadership/story", "internal/standby/history", "internal/store/history", "record"},
	"internal/store/workload":        {"internal/candidate", "internal/standby/history", "internal/store/history", "nemesis", "recipe/standby", "recipe/store", "record", "subject", "zkapi"},
	"cmd/torture":                    {"internal/election", "internal/lock", "internal/masterworker", "internal/primitives", "internal/queue", "internal/standby", "internal/store", "torture"},
	"cmd/ringmaster":                 {"internal/build", "internal/cli", "internal/exit", "internal/usage", "zkclient", "github.com/spf13/cobra", "github.com/spf13/pflag"},
	"internal/cli":                   {"internal/exit", "internal/signals", "internal/shell", "model/zk/serve", "recipe", "recipe/barrier", "recipe/election", "recipe/lock", "recipe/metrics", "recipe/queue", "recipe/standby", "recipe/store", "recipe/value", "zkapi", "zkclient", "github.com/prometheus/client_golang"},

	"internal/masterworker/synthetic": {"record"}, // makes records for tests and benchmarks of several rooms

	// A module of its own, with the libraries of others.
	"peers": {"github.com/hibiken/asynq", "github.com/jackc/pgx", "github.com/redis/go-redis", "github.com/riverqueue/river"},
}

// sources parses every Go file of the module.
func sources(t *testing.T, visit func(path string, file *ast.File, fset *token.FileSet, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (entry.Name() == "results" || strings.HasPrefix(entry.Name(), ".") && path != ".") {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(path), file, fset, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	sources(t, func(path string, file *ast.File, _ *token.FileSet, _ string) {
		room := filepath.ToSlash(filepath.Dir(path))
		if room == "." || strings.HasSuffix(path, "_test.go") {
			return
		}
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s: the room %q is not in the table", path, room)
			return
		}
		for _, spec := range file.Imports {
			if name := strings.Trim(spec.Path.Value, `"`); !mayImport(allowed, name) {
				t.Errorf("%s: %s may not import %s", path, room, name)
			}
		}
	})
}

func mayImport(allowed []string, name string) bool {
	own, ours := strings.CutPrefix(name, module)
	first, _, _ := strings.Cut(name, "/")
	if slices.Contains(allowed, "*") || (!ours && !strings.Contains(first, ".")) {
		return true
	}
	if ours {
		return slices.Contains(allowed, own)
	}
	return slices.ContainsFunc(allowed, func(prefix string) bool { return strings.Contains(prefix, ".") && strings.HasPrefix(name, prefix) })
}

// judges are the rooms that give and explain the verdict on a stored run.
var judges = []string{"./checker/...", "./record/...", "./internal/masterworker/judge", "./internal/masterworker/protocol", "./internal/masterworker/story", "./internal/masterworker/lanes", "./internal/leadership/...", "./internal/lock/judge", "./internal/lock/story", "./internal/lock/lanes", "./internal/queue/judge", "./internal/queue/story", "./internal/queue/lanes", "./internal/standby/judge", "./internal/standby/story", "./internal/standby/lanes", "./internal/store/judge", "./internal/store/story", "./internal/store/lanes"}

// TestImports_JudgesLinkNoEnsemble: whoever judges a stored run needs neither containers nor
// a client of ZooKeeper, nor the recipe that is judged.
func TestImports_JudgesLinkNoEnsemble(t *testing.T) {
	linked := func(packages ...string) []string {
		printed, err := exec.Command("go", append([]string{"list", "-deps"}, packages...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(strings.Fields(string(printed)), func(name string) bool {
			return !slices.ContainsFunc([]string{"testcontainers", "moby/", "docker/", "go-zookeeper", module + "recipe", module + "internal/harness"}, func(part string) bool {
				return strings.Contains(name, part)
			})
		})
	}
	if found := linked(judges...); len(found) > 0 {
		t.Errorf("judges link %v", found)
	}
	if found := linked("./internal/harness"); len(found) < 4 {
		t.Errorf("of the harness, which links all of it, only %v is found", found)
	}
}

func TestEveryRoomSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	sources(t, func(path string, file *ast.File, _ *token.FileSet, _ string) {
		if file.Doc != nil {
			documented[filepath.ToSlash(filepath.Dir(path))] = true
		}
	})
	for room := range rooms {
		if !documented[room] {
			t.Errorf("%s has no package comment", room)
		}
	}
}

// Masters, workers and leaders have their session from package fence, which sends no unfenced
// write. A client writes without a claim, and package sessions opens the sessions of the roles: no
// other file of these rooms has a session in hand.
func TestRecipe_OnlyClientsHaveTheSession(t *testing.T) {
	roles := []string{"recipe", "recipe/election", "recipe/standby", "recipe/internal/claims", "recipe/internal/elect"}
	named := map[string]int{}
	sources(t, func(path string, file *ast.File, _ *token.FileSet, _ string) {
		room, name := filepath.ToSlash(filepath.Dir(path)), filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		has := withSession(file)
		switch {
		case room == "recipe/internal/sessions" || room == "recipe" && strings.HasPrefix(name, "client"):
			named[room] += len(has)
		case slices.Contains(roles, room) && len(has) > 0:
			t.Errorf("%s has the session: %v", path, has)
		}
	})
	if len(named) != 2 || named["recipe"] == 0 || named["recipe/internal/sessions"] == 0 {
		t.Error("no file has the session: the test looks for the wrong names")
	}
}

// withSession lists what gives a file a session to write with.
func withSession(file *ast.File) (names []string) {
	ways := []string{"Open", "ownSession", "Connected", "withSession"}
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && slices.Contains(ways, id.Name) {
			names = append(names, id.Name)
		}
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Session" {
			if room, ok := sel.X.(*ast.Ident); ok && room.Name == "zkapi" {
				names = append(names, "zkapi.Session")
			}
		}
		return true
	})
	return names
}

func TestWithSession_SeesEachWay(t *testing.T) {
	for code, want := range map[string]int{
		"func f(s zkapi.Session) {}":                                      1,
		"func (m *Master) f() { s, _ := m.env.Open(ctx); s.Do(ctx, op) }": 1,
		"func f(s *ownSession) {}":                                        1,
		"func f(c *Client) { _ = c.withSession(ctx, step) }":              1,
		"func f(s fence.Session) { s.Do(ctx, fence.Get(path)) }":          0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package recipe\n"+code, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(withSession(file)); got != want {
			t.Errorf("%s: %d, not %d", code, got, want)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	const limit = 70
	sources(t, func(path string, file *ast.File, fset *token.FileSet, _ string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; lines > limit {
					t.Errorf("%s: %s has %d lines, %d are allowed", path, f.Name.Name, lines, limit)
				}
			}
		}
	})
}

// longestOfACommand is the longest file of a command in lines. Commands have flags only:
// decisions belong to the packages that they call.
const longestOfACommand = 150

func TestCommands_HaveShortFiles(t *testing.T) {
	sources(t, func(path string, _ *ast.File, _ *token.FileSet, text string) {
		if n := strings.Count(text, "\n"); strings.HasPrefix(path, "cmd/") && !strings.HasSuffix(path, "_test.go") && n > longestOfACommand {
			t.Errorf("%s has %d lines, and %d are allowed: move decisions to the package that the command calls", path, n, longestOfACommand)
		}
	})
}

// TestForbiddenWords keeps out what makes code undeterministic or unfinished.
func TestForbiddenWords(t *testing.T) {
	sources(t, func(path string, file *ast.File, _ *token.FileSet, text string) {
		if !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "nemesis/") && calls(file, "time", "Sleep") {
			t.Errorf("%s: time.Sleep; wait for a condition or a timer", path)
		}
		for _, spec := range file.Imports {
			if strings.Trim(spec.Path.Value, `"`) == "math/rand" {
				t.Errorf("%s: math/rand; use math/rand/v2 with a seed", path)
			}
		}
		for _, name := range []string{"Int", "IntN", "Int64N", "Float64", "Shuffle", "Perm", "Uint64", "N"} {
			if calls(file, "rand", name) && !strings.Contains(text, "crypto/rand") {
				t.Errorf("%s: rand.%s without a seed", path, name)
			}
		}
		for _, group := range file.Comments {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME"} {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s: %s in a comment", path, word)
				}
			}
		}
	})
}

// TestSentencesAreNotRead: what a judge found is data, so no room that reads findings looks
// for anything in a sentence: neither by an expression nor by its words.
func TestSentencesAreNotRead(t *testing.T) {
	for path, problem := range readers(t, func(room string) bool {
		return slices.Contains([]string{"checker", "checker/judge", "checker/explain", "checker/explain/shrink", "checker/report", "internal/leadership", "internal/lock/judge", "internal/lock/story", "internal/masterworker/judge", "internal/queue/judge", "internal/queue/story", "internal/campaign", "torture"}, room)
	}) {
		t.Errorf("%s: %s", path, problem)
	}
	if found := readers(t, func(room string) bool { return room == "checker/wording" }); len(found) == 0 {
		t.Error("an expression in the room that has the templates is not found")
	}
}

// readers are the files of some rooms that take a sentence apart.
func readers(t *testing.T, chosen func(room string) bool) map[string]string {
	found := map[string]string{}
	sources(t, func(path string, file *ast.File, _ *token.FileSet, _ string) {
		if strings.HasSuffix(path, "_test.go") || !chosen(filepath.ToSlash(filepath.Dir(path))) {
			return
		}
		for _, spec := range file.Imports {
			if strings.Trim(spec.Path.Value, `"`) == "regexp" {
				found[path] = "regexp: read the findings of a property, not its sentence"
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok {
				if of, ok := f.X.(*ast.Ident); ok && of.Name == "strings" && slices.ContainsFunc(call.Args, isReason) {
					found[path] = "strings." + f.Sel.Name + " of a reason: read the findings of a property"
				}
			}
			return true
		})
	})
	return found
}

// isReason reports whether an expression is the sentence of a property.
func isReason(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Reason"
}

// tellsTime reports whether a file asks for the time or waits for it.
func tellsTime(file *ast.File) bool {
	return slices.ContainsFunc([]string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}, func(name string) bool {
		return calls(file, "time", name)
	})
}

// TestDecisionsHaveNoClock: what a master decides depends on the time that it is given.
func TestDecisionsHaveNoClock(t *testing.T) {
	planted, err := parser.ParseFile(token.NewFileSet(), "planted.go", "package p; import \"time\"; var late = time.Since(time.Time{})", 0)
	if err != nil || !tellsTime(planted) {
		t.Fatal("a clock is not found", err)
	}
	sources(t, func(path string, file *ast.File, _ *token.FileSet, _ string) {
		if strings.HasPrefix(path, "recipe/internal/decide/") && tellsTime(file) {
			t.Errorf("%s: it asks for the time", path)
		}
	})
}

// calls reports whether the file calls a function of a package by name.
func calls(file *ast.File, pkg, name string) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if id, ok := s.X.(*ast.Ident); ok && id.Name == pkg && id.Obj == nil {
				found = true
			}
		}
		return true
	})
	return found
}

// TestTheTableRejects plants imports that the table must refuse.
func TestTheTableRejects(t *testing.T) {
	for room, name := range map[string]string{
		"recipe": "github.com/go-zookeeper/zk", "checker": module + "recipe", "history": module + "zkapi", "zkapi": "github.com/spf13/cobra",
	} {
		if mayImport(rooms[room], name) {
			t.Errorf("%s may import %s", room, name)
		}
	}
}

// anyRecipe are the rooms that serve every recipe. They say object where the recipe of
// today says task.
var anyRecipe = []string{
	"checker", "checker/checkertest", "checker/wording", "checker/wording/wordingtest", "internal/parallel",
	"checker/explain", "checker/explain/shrink", "checker/report", "checker/judge",
	"nemesis", "subject", "internal/harness", "internal/participant", "internal/recorder", "internal/campaign",
}

// storedNames are strings that files of runs have had since before there was another
// recipe.
var storedNames = []string{`"tasks"`}

// TestRoomsOfEveryRecipeKnowNoTask: their identifiers, strings and pages do not have the word.
// Names of fields in stored files, which are in the tags of structs, do not count.
func TestRoomsOfEveryRecipeKnowNoTask(t *testing.T) {
	seen := 0
	sources(t, func(path string, file *ast.File, fset *token.FileSet, _ string) {
		if strings.HasSuffix(path, "_test.go") || !slices.Contains(anyRecipe, filepath.ToSlash(filepath.Dir(path))) {
			return
		}
		seen++
		for _, place := range withWord(file, "task") {
			t.Errorf("%s: the room is for every recipe, and says task", fset.Position(place))
		}
	})
	for _, room := range anyRecipe {
		pages, _ := filepath.Glob(filepath.Join(room, "*.html")) // the pattern is well formed
		for _, page := range pages {
			if text, err := os.ReadFile(page); err != nil || strings.Contains(strings.ToLower(string(text)), "task") {
				t.Errorf("%s: the page is for every recipe, and says task: %v", page, err)
			}
		}
	}
	if seen == 0 {
		t.Error("no file of those rooms is found")
	}
	planted, err := parser.ParseFile(token.NewFileSet(), "planted.go", "package p; var taskName = \"a task\"; type t struct { X int `json:\"task\"` }", 0)
	if err != nil || len(withWord(planted, "task")) != 2 {
		t.Error("the word is not found, or found in a tag", err)
	}
}

// withWord are the places of identifiers and strings that have a word in them.
func withWord(file *ast.File, word string) (places []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Tag = nil
		case *ast.Ident:
			if strings.Contains(strings.ToLower(n.Name), word) {
				places = append(places, n.Pos())
			}
		case *ast.BasicLit:
			if strings.Contains(strings.ToLower(n.Value), word) && !slices.Contains(storedNames, n.Value) {
				places = append(places, n.Pos())
			}
		}
		return true
	})
	return places
}

// documented are the rooms whose exported names are for others to use.
var documented = []string{"recipe", "zkapi", "zkclient", "recipe/metrics", "model/zk", "model/explore", "subject", "internal/masterworker/world", "checker", "checker/wording", "checker/wording/wordingtest"}

// TestExportedNamesAreDocumented looks for a comment on every exported function,
// method, type, constant and variable of those rooms.
func TestExportedNamesAreDocumented(t *testing.T) {
	sources(t, func(path string, file *ast.File, fset *token.FileSet, _ string) {
		if strings.HasSuffix(path, "_test.go") || !slices.Contains(documented, filepath.ToSlash(filepath.Dir(path))) {
			return
		}
		complain := func(name *ast.Ident) {
			if name.IsExported() {
				t.Errorf("%s: %s has no comment", fset.Position(name.Pos()), name.Name)
			}
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && exportedReceiver(d) {
					complain(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if d.Doc == nil && s.Doc == nil {
							complain(s.Name)
						}
					case *ast.ValueSpec:
						if d.Doc == nil && s.Doc == nil && s.Comment == nil {
							complain(s.Names[0])
						}
					}
				}
			}
		}
	})
}

// exportedReceiver reports whether a function is one that others can call.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	name, ok := of.(*ast.Ident)
	return ok && name.IsExported()
}

// TestTheMuseumShowsWhatExists: the commands of docs/bugs.md name tests and planted
// defects that are there.
func TestTheMuseumShowsWhatExists(t *testing.T) {
	page, err := os.ReadFile("docs/bugs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, museum, _ := strings.Cut(string(page), "| defect | found by | shown by |")
	all, err := mutants.Load("internal/mutants/catalogue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, command := range regexp.MustCompile("`(go test|bin/torture mutants) .*?-(run|only) (\\S+)( \\./(\\S+))?`").FindAllStringSubmatch(museum, -1) {
		shown++
		if name, room := command[3], command[5]; command[1] == "go test" && !tests(t, room, name) {
			t.Errorf("%s: there is no such test in %s", command[0], room)
		} else if _, err := all.Only([]string{name}); command[1] != "go test" && err != nil {
			t.Errorf("%s: %v", command[0], err)
		}
	}
	if rows := strings.Count(museum, "\n| "); shown != rows || rows == 0 {
		t.Errorf("%d rows, and %d commands that can be read", rows, shown)
	}
}

// TestFieldReportsNameTests: each row of docs/field-reports.md names a test that is there.
func TestFieldReportsNameTests(t *testing.T) {
	page, err := os.ReadFile("docs/field-reports.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| report |") {
			continue
		}
		rows++
		command := regexp.MustCompile("`go test -run (\\S+) \\./(\\S+)` \\|").FindStringSubmatch(line)
		if command == nil || !tests(t, command[2], command[1]) {
			t.Errorf("there is no such test: %s", line)
		}
	}
	if rows == 0 {
		t.Error("the page has no row that can be read")
	}
}

// tests reports whether a room has a test of that name.
func tests(t *testing.T, room, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(path string) bool {
		text, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(text), "\nfunc "+name+"(")
	})
}

// listed is a package of the module or one that it needs, as go list has it.
type listed struct {
	path, export, dir string
	files             []string
}

// packages are those of the module and all that they need, built.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", `{{.ImportPath}}|{{.Export}}|{{.Dir}}|{{join .GoFiles ","}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		all = append(all, listed{parts[0], parts[1], parts[2], strings.Split(parts[3], ",")})
	}
	return all
}

// typeChecker checks the types of files, against what is built of the packages.
type typeChecker struct {
	fset   *token.FileSet
	config types.Config
}

func newTypeChecker(all []listed) *typeChecker {
	export := map[string]string{}
	for _, p := range all {
		export[p.path] = p.export
	}
	c := &typeChecker{fset: token.NewFileSet()}
	c.config.Importer = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	return c
}

// complaints are the places in a package where a string of an event is compared with what
// package record does not define.
func (c *typeChecker) complaints(t *testing.T, path string, files []*ast.File) []string {
	t.Helper()
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	r := &eventReader{info: info, variables: map[types.Object]bool{}}
	if _, err := c.config.Check(path, c.fset, files, r.info); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			r.remember(n)
			if r.compares(n) {
				r.found = append(r.found, c.fset.Position(n.Pos()).String())
			}
			return true
		})
	}
	return r.found
}

// eventReader looks for comparisons of what events say.
type eventReader struct {
	info      *types.Info
	variables map[types.Object]bool // that have been given a string of an event
	found     []string
}

// remember notes the variables that a node makes for strings of events.
func (r *eventReader) remember(n ast.Node) {
	assign, ok := n.(*ast.AssignStmt)
	if !ok || assign.Tok != token.DEFINE {
		return
	}
	for i, left := range assign.Lhs {
		id, named := left.(*ast.Ident)
		from := assign.Rhs[0]
		if len(assign.Rhs) == len(assign.Lhs) {
			from = assign.Rhs[i]
		}
		if call, called := from.(*ast.CallExpr); called && len(call.Args) > 0 && len(assign.Rhs) == 1 {
			from = call.Args[0] // what strings.Cut makes of it
		}
		if named && id.Name != "_" && r.ofEvent(from) {
			r.variables[r.info.Defs[id]] = true
		}
	}
}

// ofEvent reports whether an expression is a string of an event: a field of it, or of its
// payload, or what a method of one of them returns.
func (r *eventReader) ofEvent(e ast.Expr) bool {
	e = ast.Unparen(e)
	if t := r.info.TypeOf(e); t == nil || !isString(t) {
		return false
	}
	if id, ok := e.(*ast.Ident); ok {
		return r.variables[r.info.Uses[id]]
	}
	if call, ok := e.(*ast.CallExpr); ok {
		e = call.Fun
	}
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	t := r.info.TypeOf(s.X)
	if p, pointer := t.(*types.Pointer); pointer {
		t = p.Elem()
	}
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != module+"record" {
		return false
	}
	payload, _ := named.Obj().Pkg().Scope().Lookup("Payload").Type().Underlying().(*types.Interface)
	name := named.Obj().Name()
	return name == "Event" || name == "Life" || types.Implements(named, payload)
}

func isString(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsString != 0
}

// foreign reports whether an expression is a text that package record does not define, and no
// kind of event that a recipe defines. The empty one says only whether there is any.
func (r *eventReader) foreign(e ast.Expr) bool {
	v := r.info.Types[e].Value
	if v == nil || v.Kind() != constant.String || constant.StringVal(v) == "" {
		return false
	}
	own := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || r.info.Uses[id] == nil || r.info.Uses[id].Pkg() == nil {
			return true
		}
		_, defined := r.info.Uses[id].(*types.Const)
		own = own || r.info.Uses[id].Pkg().Path() == module+"record" || defined && r.info.Uses[id].Type().String() == module+"record.Kind"
		return true
	})
	return !own
}

// compares reports whether a node compares a string of an event with a foreign text: with
// an operator, in a switch, or by a function of package strings.
func (r *eventReader) compares(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		compared := slices.Contains([]token.Token{token.EQL, token.NEQ}, n.Op)
		return compared && (r.ofEvent(n.X) && r.foreign(n.Y) || r.ofEvent(n.Y) && r.foreign(n.X))
	case *ast.SwitchStmt:
		return n.Tag != nil && r.ofEvent(n.Tag) && slices.ContainsFunc(n.Body.List, func(s ast.Stmt) bool {
			return slices.ContainsFunc(s.(*ast.CaseClause).List, r.foreign)
		})
	case *ast.CallExpr:
		s, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || r.info.Uses[s.Sel] == nil || r.info.Uses[s.Sel].Pkg() == nil {
			return false
		}
		searches := slices.Contains([]string{"strings", "regexp"}, r.info.Uses[s.Sel].Pkg().Path()) && s.Sel.Name != "Join" && s.Sel.Name != "ReplaceAll"
		return searches && slices.ContainsFunc(n.Args, r.ofEvent) && (len(n.Args) == 1 || slices.ContainsFunc(n.Args, r.foreign))
	}
	return false
}

// TestNoStringOfAnEventIsCompared outside of package record: what other rooms want to know
// of an event is a value there, and its words are for people. Tests may.
func TestNoStringOfAnEventIsCompared(t *testing.T) {
	all := packages(t)
	c := newTypeChecker(all)
	for _, p := range all {
		if !strings.HasPrefix(p.path, module) || p.path == module+"record" {
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
		for _, place := range c.complaints(t, p.path, files) {
			t.Errorf("%s: a string of an event is compared; let package record have a value for it", place)
		}
	}
}

// TestComparingAStringOfAnEventIsSeen plants comparisons, and what is none.
func TestComparingAStringOfAnEventIsSeen(t *testing.T) {
	c := newTypeChecker(packages(t))
	for condition, planted := range map[string]bool{
		`e.Remark() == "started"`:                                                                   true,
		`"started" != e.ProcessChange().String()`:                                                   true,
		`strings.HasPrefix(e.Process, "node-")`:                                                     true,
		`strings.HasSuffix(e.ID(), ".resident")`:                                                    true,
		`e.Injection().Fault == "stop-worker"`:                                                      true,
		`e.PhaseChange().Part == "collect"`:                                                         true,
		`func() bool { switch e.Process { case "sink": return true }; return false }()`:             true,
		`func() bool { text := e.Remark(); return text == "started" }()`:                            true,
		`func() bool { verb, _, _ := strings.Cut(e.Remark(), e.Process); return verb == "kill" }()`: true,
		`e.Kind == "mine"`:                          true,
		`e.Process == other`:                        true,
		`e.Kind == mine`:                            false,
		`e.PhaseChange().Part == record.Collecting`: false,
		`e.Remark() != ""`:                          false,
		`e.Process == e.ProcessChange().Of.Process`: false,
		`strings.HasPrefix("started", "s")`:         false,
	} {
		source := "package p\nimport (\"strings\"; \"" + module + "record\")\nvar _ = strings.HasPrefix\nvar _ = record.Collecting\nconst mine record.Kind = \"mine\"\nconst other = \"mine\"\nfunc f(e record.Event) bool { return " + condition + " }\n"
		file, err := parser.ParseFile(c.fset, "planted.go", source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if found := c.complaints(t, "p", []*ast.File{file}); (len(found) > 0) != planted {
			t.Errorf("%s: %d complaints", condition, len(found))
		}
	}
}
