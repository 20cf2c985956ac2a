package recipe_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var updateScenarios = flag.Bool("update", false, "write the transcripts of testdata/scenarios anew")

// TestScenarios_MatchTheirTranscripts plays the scripts of testdata/scenarios and compares
// what is written to ZooKeeper with the transcript below each command.
// testdata/scenarios/README.md says how to read them.
func TestScenarios_MatchTheirTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *updateScenarios {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the transcript differs; go test -run TestScenarios_MatchTheirTranscripts -update ./recipe writes it anew:\n%s", firstDifference(string(want), got))
			}
		})
	}
}

// TestScenarios_UnknownCommandIsRefused holds the player against scripts that it must not
// pass over.
func TestScenarios_UnknownCommandIsRefused(t *testing.T) {
	for _, line := range []string{"dance", "start cook c1", "finish nothing", "crash nobody", "wait long", "submit"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			defer s.end()
			if err := s.command(strings.Fields(line)); err == nil {
				t.Errorf("%q was accepted", line)
			}
		})
	}
}

// play runs a script and returns it with the transcript of this run. Every line that begins
// with "> " or "< " is a command, the latter without a transcript; lines that begin with
// "#", and empty lines, are kept; all others are the transcript of an earlier run.
func play(t *testing.T, script string) string {
	var out strings.Builder
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.end()
		for line := range strings.Lines(script) {
			switch {
			case strings.HasPrefix(line, "> "), strings.HasPrefix(line, "< "):
				out.WriteString(line)
				if err := s.command(strings.Fields(line[2:])); err != nil {
					t.Fatalf("%s: %v; before:\n%s", strings.TrimSpace(line), err, out.String())
				}
				if said := s.transcript(); line[0] == '>' {
					out.WriteString(said)
				}
			case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
				out.WriteString(line)
			}
		}
	})
	return out.String()
}

// firstDifference is the first line in which two texts differ, with the line before it.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("want %d lines, got %d", len(a), len(b))
}

// stage is a ZooKeeper in memory, the processes of a script, and the transcript.
type stage struct {
	t      *testing.T
	server *zk.Server
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	lines    []string
	names    map[int64]string // of sessions: whose they are
	envs     map[string]*processEnv
	leave    map[string]func()
	handlers map[string]chan outcome // by task
	client   *recipe.Client
}

// outcome is how a handler is to return.
type outcome struct {
	result recipe.Result
	err    error
}

func newStage(t *testing.T) *stage {
	s := &stage{
		t: t, server: zk.NewServer(timeout), names: map[int64]string{}, envs: map[string]*processEnv{},
		leave: map[string]func(){}, handlers: map[string]chan outcome{},
	}
	s.ctx, s.stop = context.WithCancel(t.Context())
	s.server.Record(s.write)
	return s
}

func (s *stage) end() {
	s.stop()
	s.work.Wait()
}

// command carries one line out and waits for a quarter of a second, in which everything
// that follows from it happens.
func (s *stage) command(words []string) error {
	verbs := map[string]struct {
		arguments int // at least
		run       func(arguments []string) error
	}{
		"start": {2, s.start}, "crash": {1, s.crash}, "stop": {1, s.leaves}, "submit": {1, s.submit},
		"finish": {1, s.finish}, "fail": {2, s.fail}, "cancel": {1, s.cancel}, "collect": {1, s.collect},
		"await": {1, s.await}, "wait": {1, s.wait},
	}
	verb, ok := verbs[words[0]]
	switch {
	case !ok:
		return fmt.Errorf("there is no command %q", words[0])
	case len(words)-1 < verb.arguments:
		return fmt.Errorf("%q needs %d arguments", words[0], verb.arguments)
	}
	if err := verb.run(words[1:]); err != nil {
		return err
	}
	time.Sleep(time.Second / 4)
	synctest.Wait()
	return nil
}

// processEnv is the port of one process: its sessions are known by its name, and each of
// its requests takes a time of its own, so that no two processes write at once.
type processEnv struct {
	*zk.Env
	stage    *stage
	name     string
	latency  time.Duration
	sessions []*zk.Session
	count    int
	crashed  bool
}

// Unique implements zkapi.Env.
func (e *processEnv) Unique() string {
	e.stage.mu.Lock()
	defer e.stage.mu.Unlock()
	e.count++
	return fmt.Sprintf("%s-%d", e.name, e.count)
}

// Open implements zkapi.Env.
func (e *processEnv) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := e.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	e.stage.mu.Lock()
	defer e.stage.mu.Unlock()
	e.stage.names[session.ID()] = e.name
	e.sessions = append(e.sessions, session.(*zk.Session))
	return slowSession{session.(*zk.Session), e.latency}, nil
}

// slowSession is a session whose requests take some time to arrive.
type slowSession struct {
	*zk.Session
	latency time.Duration
}

// Do implements zkapi.Session.
func (s slowSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	time.Sleep(s.latency)
	return s.Session.Do(ctx, op)
}

// DoAll implements zkapi.Session.
func (s slowSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	time.Sleep(s.latency)
	return s.Session.DoAll(ctx, ops)
}

func (s *stage) env(name string) *processEnv {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &processEnv{Env: &zk.Env{Server: s.server}, stage: s, name: name, latency: time.Duration(1000+37*len(s.envs)) * time.Microsecond}
	s.envs[name] = e
	return e
}

func (s *stage) say(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf("    "+format+"\n", arguments...))
}

// says is what a process does, unless it has crashed.
func (s *stage) says(process, format string, arguments ...any) {
	s.mu.Lock()
	crashed := s.envs[process].crashed
	s.mu.Unlock()
	if !crashed {
		s.say("%-6s "+format, append([]any{process}, arguments...)...)
	}
}

func (s *stage) transcript() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := strings.Join(s.lines, "")
	s.lines = nil
	return all
}

// write notes a write. Those that change nothing, the heartbeats, are left out, and so is the end
// of a session that has expired: the line of the crash has it.
func (s *stage) write(w zk.Write) {
	name := s.names[w.Session]
	if w.Expired {
		return
	}
	if w.Op.Kind == 0 {
		s.say("%-6s closes its session", name)
		return
	}
	ops := []zkapi.Op{w.Op}
	if w.Op.Kind == zkapi.KindMulti {
		ops = w.Op.Ops
	}
	if w.Err == nil && !slices.ContainsFunc(ops, func(op zkapi.Op) bool { return op.Kind != zkapi.KindCheck }) {
		return
	}
	refused := ""
	if w.Err != nil {
		refused = "  REFUSED: " + reason(w.Err)
	}
	for i, op := range ops {
		who, end := name, ""
		if i > 0 {
			who = ""
		}
		if i == len(ops)-1 {
			end = refused
		}
		s.say("%-6s %s%s", who, describeOp(op), end)
	}
}

// reason is what the server says, in a word.
func reason(err error) string {
	for _, known := range []error{zkapi.ErrBadVersion, zkapi.ErrNoNode, zkapi.ErrNodeExists, zkapi.ErrNotEmpty} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// changing is what differs between two runs of a script: sessions, nonces, times.
var changing = regexp.MustCompile(`"(session|nonce|ended)":"[^"]*",?`)

func describeOp(op zkapi.Op) string {
	text := fmt.Sprintf("%-6s %s", op.Kind, op.Path)
	if op.Kind == zkapi.KindCreate && op.Mode == zkapi.Ephemeral {
		text = fmt.Sprintf("%-6s %s (ephemeral)", op.Kind, op.Path)
	}
	if op.Kind == zkapi.KindCheck || op.Kind == zkapi.KindSet && op.Version != zkapi.AnyVersion {
		text += fmt.Sprintf(" version %d", op.Version)
	}
	if len(op.Data) > 0 {
		text += "  " + strings.ReplaceAll(changing.ReplaceAllString(string(op.Data), ""), ",}", "}")
	}
	return strings.ReplaceAll(text, "\n", `\n`)
}

func (s *stage) start(words []string) error {
	role, name := words[0], words[1]
	if s.envs[name] != nil {
		return fmt.Errorf("there was a process %q before: give it another name", name)
	}
	var runs recipe.Role
	var err error
	switch role {
	case "master":
		runs, err = recipe.NewMaster(s.env(name), recipe.MasterConfig{Name: name, Address: name + ":1", OnLead: func(ctx context.Context, lead recipe.Lead) {
			epoch := lead.Epoch()
			s.says(name, "leads in epoch %d", epoch)
			<-ctx.Done()
			s.says(name, "leads no more")
		}})
	case "worker":
		runs, err = recipe.NewWorker(s.env(name), recipe.WorkerConfig{Name: name, Address: name + ":1", Handler: s.handler(name)})
	default:
		return fmt.Errorf("there is no role %q: start a master or a worker", role)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.leave[name] = cancel
	s.work.Go(func() { _ = runs.Run(ctx) })
	return nil
}

// handler executes a task until the script says how it ends, or its context does.
func (s *stage) handler(worker string) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		ends := make(chan outcome)
		s.mu.Lock()
		s.handlers[task.Name] = ends
		s.mu.Unlock()
		s.says(worker, "begins %s, attempt %d of epoch %d", task.Name, task.Token.Attempt, task.Token.Epoch)
		select {
		case o := <-ends:
			return o.result, o.err
		case <-ctx.Done():
			s.says(worker, "is told to end %s: %v", task.Name, context.Cause(ctx))
			return nil, ctx.Err()
		}
	}
}

// crash ends the sessions of a process, as the server does when a process has died and the
// timeout is over. What the process would say from now on is left out: it is dead.
func (s *stage) crash(words []string) error {
	e := s.envs[words[0]]
	if e == nil {
		return fmt.Errorf("there is no process %q", words[0])
	}
	s.say("%-6s has crashed; its session has expired", words[0])
	s.mu.Lock()
	e.crashed = true
	s.mu.Unlock()
	for _, session := range e.sessions {
		session.Expire()
	}
	s.leave[words[0]]()
	return nil
}

func (s *stage) leaves(words []string) error {
	if s.leave[words[0]] == nil {
		return fmt.Errorf("there is no process %q", words[0])
	}
	s.leave[words[0]]()
	return nil
}

// asks does something as a client and says how it ended, whenever that is.
func (s *stage) asks(what string, do func(c *recipe.Client) string) error {
	if s.client == nil {
		var err error
		if s.client, err = recipe.NewClient(s.env("client"), recipe.ClientConfig{}); err != nil {
			return err
		}
	}
	s.work.Go(func() {
		if said := do(s.client); s.ctx.Err() == nil {
			s.say("client has %s: %s", what, said)
		}
	})
	return nil
}

func (s *stage) submit(words []string) error {
	options := []recipe.SubmitOption{recipe.ID(words[0])}
	if slices.Contains(words, "resident") {
		options = append(options, recipe.Resident())
	}
	if slices.Contains(words, "twice") {
		options = append(options, recipe.MaxAttempts(2))
	}
	return s.asks("submitted "+words[0], func(c *recipe.Client) string {
		_, err := c.Submit(s.ctx, []byte("payload"), options...)
		return answered("accepted", err)
	})
}

func answered(well string, err error) string {
	if err != nil {
		return err.Error()
	}
	return well
}

func (s *stage) await(words []string) error {
	return s.asks("awaited "+words[0], func(c *recipe.Client) string {
		status, err := c.Await(s.ctx, words[0])
		return answered(fmt.Sprintf("%s %s%s", status.State, status.Result, status.Reason), err)
	})
}

func (s *stage) cancel(words []string) error {
	return s.asks("cancelled "+words[0], func(c *recipe.Client) string {
		status, err := c.Cancel(s.ctx, words[0])
		return answered(string(status.State), err)
	})
}

func (s *stage) collect(words []string) error {
	return s.asks("collected "+words[0], func(c *recipe.Client) string { return answered("it is gone", c.Collect(s.ctx, words[0])) })
}

func (s *stage) ends(task string, o outcome) error {
	s.mu.Lock()
	ends := s.handlers[task]
	s.mu.Unlock()
	if ends == nil {
		return fmt.Errorf("nobody executes %q", task)
	}
	select {
	case ends <- o:
		return nil
	case <-time.After(time.Millisecond):
		return fmt.Errorf("nobody executes %q any more", task)
	}
}

func (s *stage) finish(words []string) error {
	return s.ends(words[0], outcome{result: []byte(strings.Join(words[1:], " "))})
}

func (s *stage) fail(words []string) error {
	return s.ends(words[0], outcome{err: errors.New(strings.Join(words[1:], " "))})
}

func (s *stage) wait(words []string) error {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	time.Sleep(d)
	return nil
}
