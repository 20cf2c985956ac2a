package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/record"
)

// exploration is one call of torture explore.
type exploration struct {
	World    world.Config
	Engine   string
	Depth    int // of PCT
	Seed     uint64
	Time     time.Duration
	States   int
	Library  string
	Out      string `json:"-"`
	Replay   string `json:"-"`
	schedule explore.Schedule
	world    *explore.World
}

func exploreCommand() *cobra.Command {
	e := exploration{World: world.Defaults()}
	guards := ""
	for _, g := range world.Guards() {
		guards += fmt.Sprintf("  %-24s %s\n", g.Name, g.Explain)
	}
	cmd := &cobra.Command{
		Use: "explore", Short: "Model-check the recipe's own code on a ZooKeeper in memory", Args: cobra.NoArgs,
		Long: "Run the recipe's own code on a ZooKeeper in memory, through every interleaving and every\n" +
			"fault within the bounds, and judge every state.\n\nGuards of the protocol that --without takes out:\n" + guards,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.prepare(); err != nil {
				return exit.With(exit.WrongUse, err)
			}
			return e.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f, b := cmd.Flags(), &e.World.Bounds
	f.IntVar(&e.World.Masters, "masters", e.World.Masters, "candidates for the one active master")
	f.IntVar(&e.World.Workers, "workers", e.World.Workers, "workers; 0, with no tasks, for masters among themselves")
	f.BoolVar(&e.World.Twins, "twins", false, "a second process under the name of every worker")
	f.IntVar(&e.World.Tasks, "tasks", e.World.Tasks, "tasks that one client submits")
	f.IntVar(&e.World.Failures, "failures", 0, "attempts at the first task that fail")
	f.IntVar(&e.World.Attempts, "attempts", e.World.Attempts, "attempts after which a task fails")
	f.BoolVar(&e.World.Cancel, "cancel", false, "the client cancels its first task")
	f.BoolVar(&e.World.Collect, "collect", false, "the client collects its tasks")
	f.BoolVar(&e.World.Resubmit, "resubmit", false, "the client collects its tasks, and submits them again under the same ids")
	f.BoolVar(&e.World.Parts, "parts", false, "the servers take so little at once that a finished task is collected child by child")
	f.IntVar(&b.Expiries, "expiries", 0, "sessions that the server ends")
	f.IntVar(&b.Cuts, "cuts", 0, "sessions that are given up because no server is heard of")
	f.IntVar(&b.Stops, "stops", 0, "processes that are stopped for longer than their lease")
	f.IntVar(&b.Losses, "losses", 0, "connections that break, with a request, its answer or nothing under way")
	f.IntVar(&b.Crashes, "crashes", 0, "processes that die and are started again")
	f.BoolVar(&e.World.ForGood, "for-good", false, "who crashes stays down; only those crash whom another can stand in for")
	f.IntVar(&b.Leaves, "leaves", 0, "processes that are asked to leave, and are started again")
	f.IntVar(&b.Lags, "lags", 0, "servers that fall behind")
	f.IntVar(&b.Sweeps, "sweeps", 0, "times that a process looks at everything without having been told to")
	f.StringVar(&e.Library, "library", "honest", "client library: honest, or replacing, which hides the end of a session")
	f.IntVar(&e.World.Residents, "residents", 0, "how many of the tasks, the first ones, are resident; they stay, unless they are cancelled")
	f.IntVar(&e.World.Concurrency, "concurrency", 0, "handlers of ordinary tasks that a worker runs at a time; 0 for the default")
	f.DurationVar(&e.World.NotBefore, "not-before", 0, "how long after its submission the first task may begin; it needs --sweeps, which let time pass")
	f.DurationVar(&e.World.Retention, "retention", 0, "how long masters keep finished tasks; it needs --sweeps; 0 for ever")
	f.BoolVar(&e.World.Abrupt, "abrupt", false, "who is asked to leave is given no time for it")
	f.BoolVar(&e.World.Strands, "strands", false, "cuts are between a server and the leader: the server goes on to answer reads, and writes hang")
	f.BoolVar(&e.World.Slow, "slow", false, "what leads, and every handler, acts once more after it was told to return")
	f.BoolVar(&e.World.Unfenced, "unfenced", false, "the system outside ZooKeeper accepts every token")
	f.StringVar(&e.World.Without, "without", "", "guard of the protocol to take out")
	f.StringVar(&e.Engine, "engine", "bfs", "bfs (every state), dfs (every schedule), random or pct (schedules drawn from the seed)")
	f.IntVar(&e.Depth, "depth", 3, "depth of pct: how many moments must fall right")
	f.Uint64Var(&e.Seed, "seed", 1, "seed of random and pct")
	f.DurationVar(&e.Time, "time", time.Minute, "how long it may take; 0 for as long as it takes")
	f.IntVar(&e.States, "states", 200_000_000, "states that may be kept, of about 60 bytes each; 0 for as many as there are")
	f.StringVar(&e.Replay, "replay", "", "schedule to follow instead of exploring: the schedule.txt of a counterexample")
	f.StringVar(&e.Out, "out", "results", "folder for results")
	return cmd
}

// prepare checks the options.
func (e *exploration) prepare() error {
	libraries := map[string]explore.Library{"honest": explore.Honest, "replacing": explore.Replacing}
	library, ok := libraries[e.Library]
	switch {
	case !ok:
		return fmt.Errorf("--library %q: use honest or replacing", e.Library)
	case !slices.Contains([]string{"bfs", "dfs", "random", "pct"}, e.Engine):
		return fmt.Errorf("--engine %q: use bfs, dfs, random or pct", e.Engine)
	case e.Time < 0 || e.States < 0:
		return fmt.Errorf("--time %v --states %d: must not be negative", e.Time, e.States)
	case (e.Engine == "random" || e.Engine == "pct") && e.Time == 0:
		return fmt.Errorf("--engine %s --time 0: drawing schedules has no end of its own; give it a time", e.Engine)
	}
	e.World.Library = library
	var err error
	if e.world, err = e.World.World(); err != nil || e.Replay == "" {
		return err
	}
	file, err := os.Open(e.Replay)
	if err != nil {
		return fmt.Errorf("--replay: %w; give the schedule.txt of a counterexample", err)
	}
	defer file.Close()
	e.schedule, err = explore.ReadSchedule(file, e.world)
	return err
}

// explored is the result of any engine.
type explored struct {
	found    *explore.Finding
	complete bool
	limit    string
	covered  string // in words
	seen     []string
	counts   map[string]int
}

func (e *exploration) run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "exploring %s\n", e.settings()[0].Value)
	x, err := e.explore(ctx, out)
	if err != nil {
		return err
	}
	verdict := e.judge(x)
	dir, err := e.save(x, verdict)
	if err != nil {
		return err
	}
	for _, p := range verdict.Properties {
		fmt.Fprintf(out, "  %-7s  %-21s %s\n", p.Verdict, p.Name, p.Reason)
	}
	for _, why := range verdict.Vacuous {
		fmt.Fprintf(out, "  vacuous  %s\n", why)
	}
	if x.found != nil {
		fmt.Fprintln(out)
		if err := x.found.Schedule.Write(out, e.world); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%s\n", e.sentence(verdict, x))
	if x.found != nil {
		fmt.Fprintf(out, "replay: %s\n", e.command(dir))
	}
	fmt.Fprintf(out, "report: %s\n", filepath.Join(dir, record.ReportFile))
	if verdict.Verdict != checker.Valid {
		return verdictError{verdict.Verdict}
	}
	return nil
}

// explore runs the engine.
func (e *exploration) explore(ctx context.Context, out io.Writer) (*explored, error) {
	limits := explore.Limits{Time: e.Time, States: e.States}
	tell := func(p explore.Progress) {
		fmt.Fprintf(out, "\r%s states, %s a second, depth %d, %s wait   ", grouped(p.States),
			grouped(int64(float64(p.States)/max(p.Elapsed.Seconds(), 0.001))), p.Depth, grouped(int64(p.Frontier)))
	}
	defer fmt.Fprintln(out)
	if e.Replay != "" {
		found, err := explore.Replay(e.world, e.schedule)
		return &explored{found: found, covered: fmt.Sprintf("the %d steps of %s", len(e.schedule), e.Replay)}, err
	}
	if e.Engine == "bfs" {
		r, err := explore.BFS(ctx, e.world, limits, tell)
		if err != nil {
			return nil, err
		}
		return &explored{
			found: r.Found, complete: r.Complete, limit: r.Limit, seen: r.Seen,
			covered: fmt.Sprintf("%s states, %s transitions, depth %d, %.1f s (%s a second, %d bytes a state)", grouped(r.States), grouped(r.Transitions), r.Depth,
				r.Elapsed.Seconds(), grouped(int64(float64(r.States)/r.Elapsed.Seconds())), int64(r.Bytes)/r.States),
			counts: map[string]int{"states": int(r.States), "transitions": int(r.Transitions), "depth": r.Depth, "local_states": r.Locals, "trees": r.Trees},
		}, nil
	}
	var w *explore.Walks
	var err error
	switch e.Engine {
	case "dfs":
		w, err = explore.DFS(ctx, e.world, limits)
	case "random":
		w, err = explore.Random(ctx, e.world, e.Seed, limits, tell)
	case "pct":
		w, err = explore.PCT(ctx, e.world, e.Seed, e.Depth, limits, tell)
	}
	if err != nil {
		return nil, err
	}
	return &explored{
		found: w.Found, complete: w.Complete, limit: w.Limit, seen: w.Seen,
		covered: fmt.Sprintf("%s schedules, %s steps, up to %d long, %.1f s", grouped(w.Schedules), grouped(w.Steps), w.Deepest, w.Elapsed.Seconds()),
		counts:  map[string]int{"schedules": int(w.Schedules), "steps": int(w.Steps), "depth": w.Deepest},
	}, nil
}

// judge makes a verdict like that of a run. An engine that draws schedules is never
// complete: its violations count, and its limit is its budget.
func (e *exploration) judge(x *explored) *checker.Report {
	r := &checker.Report{Verdict: checker.Valid, Seed: e.Seed, Counts: map[string]int{}}
	maps.Copy(r.Counts, x.counts)
	exhaustive := e.Engine == "bfs" || e.Engine == "dfs"
	for _, p := range world.Properties {
		one := checker.Property{Name: p.Name, Verdict: checker.Valid, Reason: p.Says}
		if e.Replay == "" && exhaustive && !x.complete {
			one.Verdict = checker.Unknown
		}
		if x.found != nil {
			for _, v := range x.found.Violations {
				if v.Property == p.Name {
					one.Verdict, one.Reason = checker.Invalid, v.Reason
				}
			}
		}
		r.Properties = append(r.Properties, one)
	}
	if x.found != nil && !slices.ContainsFunc(r.Properties, func(p checker.Property) bool { return p.Verdict == checker.Invalid }) {
		v := x.found.Violations[0]
		r.Properties = append(r.Properties, checker.Property{Name: v.Property, Verdict: checker.Invalid, Reason: v.Reason})
	}
	for _, p := range r.Properties {
		r.Verdict = checker.Worst(r.Verdict, p.Verdict)
	}
	if x.found != nil {
		r.Counts["counterexample"] = len(x.found.Schedule)
	}
	if x.complete && e.World.Without == "" {
		for _, name := range e.World.Expected() {
			if !slices.Contains(x.seen, name) {
				r.Vacuous = append(r.Vacuous, "never happened: "+name)
				r.Verdict = checker.Worst(r.Verdict, checker.Vacuous)
			}
		}
	}
	return r
}

func (e *exploration) sentence(r *checker.Report, x *explored) string {
	switch r.Verdict {
	case checker.Invalid:
		v := x.found.Violations[0]
		return fmt.Sprintf("INVALID: %s is violated after %d steps: %s. Covered: %s.", v.Property, len(x.found.Schedule), v.Reason, x.covered)
	case checker.Unknown:
		return fmt.Sprintf("UNKNOWN: nothing is violated, but %s. Covered: %s.", x.limit, x.covered)
	case checker.Vacuous:
		return fmt.Sprintf("VACUOUS: nothing is violated, but something that should have happened never did. Covered: %s.", x.covered)
	}
	if x.complete {
		return fmt.Sprintf("VALID: complete within %s: %s.", e.settings()[0].Value, x.covered)
	}
	return fmt.Sprintf("VALID as far as it went: %s.", x.covered)
}

// settings lists the options of the exploration; the first line is a summary.
func (e *exploration) settings() []report.Setting {
	w := e.World
	config := fmt.Sprintf("masters=%d workers=%d tasks=%d, %v", w.Masters, w.Workers, w.Tasks, w.Bounds)
	for _, more := range []struct {
		when bool
		text string
	}{
		{w.Twins, "twins"}, {w.Failures > 0, fmt.Sprintf("failures=%d", w.Failures)}, {w.Cancel, "cancel"}, {w.Collect, "collect"},
		{w.Residents > 0, fmt.Sprintf("residents=%d", w.Residents)}, {w.Concurrency > 0, fmt.Sprintf("concurrency=%d", w.Concurrency)}, {w.Slow, "slow"}, {w.Abrupt, "abrupt"}, {w.Strands, "strands"},
		{w.NotBefore > 0, fmt.Sprintf("not-before=%v", w.NotBefore)}, {w.Retention > 0, fmt.Sprintf("retention=%v", w.Retention)},
		{w.ForGood, "for good"}, {w.Resubmit, "resubmit"},
		{w.Library == explore.Replacing, "library=replacing"}, {w.Unfenced, "unfenced"}, {w.Without != "", "without " + w.Without},
	} {
		if more.when {
			config += ", " + more.text
		}
	}
	return []report.Setting{
		{Name: "world", Value: config}, {Name: "engine", Value: e.Engine},
		{Name: "limits", Value: fmt.Sprintf("%v, %s states", e.Time, grouped(int64(e.States)))},
	}
}

// command replays the counterexample.
func (e *exploration) command(dir string) string {
	w, b := e.World, e.World.Bounds
	text := fmt.Sprintf("torture explore --replay %s --masters %d --workers %d --tasks %d --attempts %d", filepath.Join(dir, record.CounterexampleFile), w.Masters, w.Workers, w.Tasks, w.Attempts)
	for _, n := range []struct {
		flag  string
		value int
	}{
		{"failures", w.Failures}, {"residents", w.Residents}, {"concurrency", w.Concurrency}, {"expiries", b.Expiries}, {"cuts", b.Cuts}, {"stops", b.Stops}, {"losses", b.Losses},
		{"crashes", b.Crashes}, {"leaves", b.Leaves}, {"lags", b.Lags}, {"sweeps", b.Sweeps},
	} {
		if n.value > 0 {
			text += fmt.Sprintf(" --%s %d", n.flag, n.value)
		}
	}
	for flag, d := range map[string]time.Duration{"not-before": w.NotBefore, "retention": w.Retention} {
		if d > 0 {
			text += fmt.Sprintf(" --%s %v", flag, d)
		}
	}
	for flag, set := range map[string]bool{"twins": w.Twins, "cancel": w.Cancel, "collect": w.Collect, "for-good": w.ForGood, "resubmit": w.Resubmit, "slow": w.Slow, "abrupt": w.Abrupt, "strands": w.Strands, "unfenced": w.Unfenced} {
		if set {
			text += " --" + flag
		}
	}
	if w.Library == explore.Replacing {
		text += " --library replacing"
	}
	if w.Without != "" {
		text += " --without " + w.Without
	}
	return text
}

// save writes the files of the exploration.
func (e *exploration) save(x *explored, verdict *checker.Report) (string, error) {
	dir := filepath.Join(e.Out, fmt.Sprintf("explore-%s-%s", e.Engine, time.Now().Format("20060102-150405.000")))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("--out %s: %w", e.Out, err)
	}
	if err := verdict.Save(filepath.Join(dir, record.VerdictFile)); err != nil {
		return dir, err
	}
	page := report.Exploration{
		Report: verdict, Sentence: e.sentence(verdict, x), Settings: e.settings(), Seen: x.seen, Command: e.command(dir),
	}
	files := map[string]func(io.Writer) error{
		record.ReportFile: func(w io.Writer) error { return page.Write(w) },
		record.WorldFile: func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(e)
		},
	}
	if x.found != nil {
		page.Lanes, page.Messages = e.picture(x.found.Schedule)
		files[record.CounterexampleFile] = func(w io.Writer) error { return x.found.Schedule.Write(w, e.world) }
	}
	for name, write := range files {
		if err := record.WriteTo(filepath.Join(dir, name), write); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

// picture turns a schedule into a message-sequence chart, with ZooKeeper in the middle
// of its clients.
func (e *exploration) picture(schedule explore.Schedule) (lanes []string, messages []report.Message) {
	steps := explore.Explain(e.world, schedule)
	outside := slices.ContainsFunc(steps, func(s explore.Step) bool { return s.To == explore.Outside })
	for i, p := range e.world.Processes {
		if i == (len(e.world.Processes)+1)/2 {
			lanes = append(lanes, string(explore.ZooKeeper))
		}
		lanes = append(lanes, p.Name)
	}
	if outside {
		lanes = append(lanes, string(explore.Outside))
	}
	at := func(p explore.Party) int { return slices.Index(lanes, string(p)) }
	for _, s := range steps {
		messages = append(messages, report.Message{From: at(s.From), To: at(s.To), Text: s.Text, Answer: s.Answer, Fault: s.Fault, Lost: s.Lost})
	}
	return lanes, messages
}

// grouped writes a number with commas.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
