package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// run is one run in progress.
type run struct {
	config     Config
	dir        string
	namespace  string
	executable string
	out        io.Writer
	origin     time.Duration
	image      ensemble.Image
	started    time.Time

	ensemble  *ensemble.Ensemble
	names     *ensemble.Names // nil unless the servers have one name
	observer  *observer
	sink      *participant.Sink
	processes []*process
	work      sync.WaitGroup // goroutines that wait for processes

	overQuota atomic.Int64 // writes that were refused because of a quota

	harness, nemesis, effects *record.Journal
	wire                      *record.Wire

	now      func() time.Duration // since the run began
	injector *nemesis.Injector
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// note records what has become of a process.
func (r *run) note(process string, life int, fate record.ProcessFate, detail string) {
	change := record.ProcessChange{Of: record.Life{Process: process, Number: life}, Fate: fate, Detail: detail}
	r.harness.Add(record.Event{Type: record.Note, Kind: record.Process, Of: change})
}

// begin records that the next part of the run begins.
func (r *run) begin(part record.Part, detail string) {
	phase := record.PhaseChange{Part: part, Detail: detail}
	r.harness.Add(record.Event{Type: record.Note, Kind: record.Phase, Of: phase})
	r.say("%8.1fs  %s", r.now().Seconds(), phase)
}

// Run conducts a run and returns its folder, which holds everything that package
// checker needs. An error means that the run could not be completed; the folder
// is returned if the load had begun, with what was saved; otherwise nothing is left
// behind. Nothing keeps running.
func Run(ctx context.Context, config Config, out io.Writer) (dir string, err error) {
	if err := config.Validate(); err != nil {
		return "", err
	}
	executable, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("harness: %w", err)
	}
	if config.Ensemble == Memory {
		return runInChild(ctx, config, executable, out)
	}
	r := &run{config: config, out: out, origin: clock.Now(), executable: executable, started: time.Now()}
	r.now = func() time.Duration { return clock.Now() - r.origin }
	r.injector = nemesis.NewInjector(r)
	var undo func() error
	if r.dir, undo, err = makeFolder(config.Out, config.Seed, r.started); err != nil {
		return "", err
	}
	if pids := owner.KillOrphans(); len(pids) > 0 {
		r.say("removed %d processes that an earlier run left behind", len(pids))
	}
	if err := r.setUp(ctx); err != nil {
		return "", errors.Join(err, r.tearDown(), undo())
	}
	err = r.conduct(ctx)
	r.warn(r.tearDown())
	err = errors.Join(err, seal(r.dir, r.config))
	r.warn(linkLatest(r.dir))
	return r.dir, err
}

// warn tells of something that went wrong after the load and takes nothing from
// what was recorded: the run can be judged all the same.
func (r *run) warn(err error) {
	if err != nil {
		r.say("warning: %v", err)
	}
}

// containers names the containers of a run. Two runs may begin in the same second with
// the same seed, in different folders.
func (r *run) containers() string {
	return fmt.Sprintf("%s-%d", strings.ToLower(filepath.Base(r.dir)), os.Getpid())
}

// setUp starts everything that has to be there before the load.
func (r *run) setUp(ctx context.Context) error {
	if err := r.openJournals(); err != nil {
		return err
	}
	r.begin(record.SettingUp, "")
	if err := r.openEnsemble(ctx); err != nil {
		return err
	}
	var err error
	if r.observer, err = r.newObserver(r.ensemble.Addresses()); err != nil {
		return err
	}
	if r.config.profile().OneName {
		if r.names, err = ensemble.ServeNames(ensemble.LocalAddresses(len(r.ensemble.Servers))); err != nil {
			return err
		}
	}
	if err := r.saveConfig(ctx); err != nil {
		return err
	}
	if r.sink, err = participant.ListenSink(r.effects); err != nil {
		return err
	}
	for _, group := range r.config.cast() {
		for i := range group.count {
			p := &process{name: fmt.Sprintf("%s-%d", group.role, i+1), role: group.role, run: r, started: new(atomic.Int32), executable: r.executable}
			if r.config.isOther(i + 1) {
				p.executable = r.config.Mixed
			}
			if err := p.connect(); err != nil {
				return err
			}
			r.processes = append(r.processes, p)
			if err := p.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// openJournals begins what the harness itself writes down.
func (r *run) openJournals() error {
	for _, j := range []struct {
		name    string
		journal **record.Journal
	}{{"harness", &r.harness}, {"nemesis", &r.nemesis}, {"sink", &r.effects}} {
		var err error
		*j.journal, err = record.Create(filepath.Join(r.dir, record.JournalsFolder, j.name+".ndjson"), j.name, 0, r.now)
		if err != nil {
			return err
		}
	}
	var err error
	r.harness.Add(record.Event{Type: record.Note, Kind: record.Clock, Of: record.Reading{Wall: time.Now().UTC().Round(0)}}) // all others are held against it
	r.wire, err = record.CreateWire(filepath.Join(r.dir, record.WireFile))
	return err
}

func (r *run) openEnsemble(ctx context.Context) error {
	var err error
	if r.config.Ensemble == External {
		r.namespace = fmt.Sprintf("/ringmaster-%d-%d", r.config.Seed, r.started.UnixMilli())
		r.ensemble, err = ensemble.External(ctx, r.config.Connect)
		return err
	}
	r.namespace = r.config.profile().Namespace
	removed, err := ensemble.RemoveLeftovers(ctx)
	if err != nil {
		return err
	}
	if removed > 0 {
		r.say("removed %d containers, networks and volumes that an earlier run left behind", removed)
	}
	if r.image, err = ensemble.FindImage(ctx, r.config.Image, r.out); err != nil {
		return err
	}
	r.ensemble, err = ensemble.Start(ctx, ensemble.Config{
		Servers: r.config.Servers, TickTime: r.config.TickTime, Image: r.image,
		Run: r.containers(), SmallLog: r.config.smallLog(), Profile: r.config.profile(),
	})
	return err
}

func (r *run) saveConfig(ctx context.Context) error {
	v := versions()
	v.ZooKeeper = "unknown"
	if status, err := r.ensemble.Servers[0].Status(ctx); err == nil {
		v.ZooKeeper = status.Version
	}
	r.say("ensemble: %d servers, ZooKeeper %s, %s", len(r.ensemble.Servers), v.ZooKeeper, strings.TrimSpace(r.image.Reference+" "+r.image.Source))
	own, other := record.Build{Path: r.executable, Commit: v.Commit, Dirty: v.Dirty}, record.Build{}
	if r.config.Mixed != "" {
		var err error
		if other, err = otherBuild(r.config.Mixed); err != nil {
			return err
		}
	}
	builds := r.config.builds(own, other)
	if len(builds) > 0 {
		r.say("builds: %v", builds)
	}
	return record.SaveJSON(filepath.Join(r.dir, record.ConfigFile), Stored{
		Builds: builds, Config: r.config, RecordFormat: record.FormatVersion, Policy: r.config.policy(), Namespace: r.namespace, Started: r.started.UTC(), Versions: v, Pulled: r.image,
		Addresses: r.ensemble.Addresses(),
	})
}

// Deadlines of the phases after the load.
const (
	healDeadline    = time.Minute
	drainPatience   = time.Minute // without a single task ending
	collectDeadline = time.Minute // for each step
	leavePatience   = 10 * time.Second
	tellEvery       = 15 * time.Second // what a phase still waits for
)

// waits says now and then what a phase still waits for. It returns when that was said
// last.
func (r *run) waits(phase, what string, now, told time.Duration) time.Duration {
	if now-told < tellEvery {
		return told
	}
	r.say("%8.1fs  %s waits: %s", now.Seconds(), phase, what)
	return now
}

// conduct goes through the phases of a run that has been set up. When ctx ends,
// the load ends, and the rest goes on: what was done is healed and saved.
func (r *run) conduct(ctx context.Context) error {
	plan := r.config.plan()
	r.begin(record.Loading, fmt.Sprintf("for %v, %d faults planned", r.config.Time, len(plan)))
	load, cancel := context.WithTimeout(ctx, r.config.Time)
	records := r.torture(load, plan)
	<-load.Done()
	cancel()
	interrupted := ctx.Err() != nil
	after := context.WithoutCancel(ctx)
	evidence := &record.Evidence{}
	r.begin(record.Healing, "")
	if err := r.heal(after); err != nil {
		evidence.Problem = err.Error()
	} else {
		evidence.Healed = true
		r.begin(record.Draining, "")
		r.drain(after, evidence)
	}
	r.begin(record.Collecting, "")
	for _, p := range r.processes {
		r.work.Go(func() { p.quit(leavePatience) })
	}
	r.injector.Wait()
	r.work.Wait()
	err := r.collect(after, evidence, records)
	if interrupted {
		err = errors.Join(fmt.Errorf("harness: interrupted, the run is cut short: %w", context.Cause(ctx)), err)
	}
	return err
}

// heal undoes every fault, starts again who is dead, and waits until the ensemble
// serves.
func (r *run) heal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healDeadline)
	defer cancel()
	for told := r.now(); ; {
		err := r.ensemble.HealAll(ctx)
		for _, p := range r.processes {
			err = errors.Join(err, p.recover())
		}
		if err == nil {
			break
		}
		told = r.waits("heal", err.Error(), r.now(), told)
		if !wait(ctx, 200*time.Millisecond) {
			return fmt.Errorf("harness: heal: %w", err)
		}
	}
	if r.ensemble.IsExternal() {
		_, err := r.observer.Must(ctx, zkapi.Sync("/"))
		return err
	}
	return r.ensemble.WaitServing(ctx, len(r.ensemble.Servers))
}

// drain waits until the clients have heard of all their tasks, every task in the
// tree has its status, and no assignment is left. It gives up when nothing has
// moved for a while, or when it takes much longer than the load has: both are
// findings. That the tree could not be read is none.
func (r *run) drain(ctx context.Context, evidence *record.Evidence) {
	for _, p := range r.processes {
		if p.role == participant.Client {
			p.drain()
		}
	}
	r.awaitDrained(ctx, evidence, r.waitingClients)
}

// awaitDrained waits for what drain does, whoever the clients are.
func (r *run) awaitDrained(ctx context.Context, evidence *record.Evidence, clients func() []string) {
	// What is open may rise for a while, when a task is given back and assigned again;
	// only less than ever is progress, or that clients go on handing in what they have yet
	// to: with a full backlog one comes as another goes. All of it was wanted within the
	// load, and nothing is broken any more, so it may not take many times as long.
	began := r.now()
	least, handedIn, moved, told := math.MaxInt, int32(0), began, began
	deadline := began + 2*(r.config.Time+drainPatience)
	for {
		looking, cancel := context.WithTimeout(ctx, drainPatience)
		work, err := r.observer.unfinished(looking)
		cancel()
		waiting, now := clients(), r.now()
		open := work.tasks + work.assignments + len(waiting)
		switch {
		case err == nil && open == 0:
			evidence.Drained = true
			return
		case err == nil && (open < least || work.handedIn != handedIn):
			least, handedIn, moved = min(open, least), work.handedIn, now
		}
		left := fmt.Sprintf("%d tasks without status, %d assignments, clients that wait: %q", work.tasks, work.assignments, waiting)
		if err != nil {
			left = err.Error()
		}
		told = r.waits("drain", left, now, told)
		why := ""
		switch {
		case now > deadline:
			why = fmt.Sprintf("not over after %v, the load took %v", (now - began).Round(time.Second), r.config.Time)
		case now-moved > drainPatience:
			why = fmt.Sprintf("nothing moved for %v", drainPatience)
		}
		if why != "" {
			evidence.Problem = fmt.Sprintf("drain: %s; %s", why, left)
			if err != nil {
				evidence.Healed, evidence.Problem = false, "drain: "+left
			}
			return
		}
		wait(ctx, 200*time.Millisecond)
	}
}

// waitingClients are those that have not heard of all their tasks.
func (r *run) waitingClients() []string {
	var names []string
	for _, p := range r.processes {
		if p.role == participant.Client && p.Alive() {
			names = append(names, p.name)
		}
	}
	return names
}

// collect gathers the evidence and writes the files of the run. A copy of logs
// that fails is a warning; evidence that cannot be written is an error.
func (r *run) collect(ctx context.Context, evidence *record.Evidence, records []nemesis.Record) error {
	within := func(step func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, collectDeadline)
		defer cancel()
		return step(ctx)
	}
	if evidence.Healed {
		err := within(func(ctx context.Context) error { return r.finalTrees(ctx, evidence) })
		if err != nil {
			evidence.Healed, evidence.Nodes, evidence.Servers = false, nil, nil
			evidence.Problem = strings.TrimSpace(evidence.Problem + " the final tree could not be read: " + err.Error())
		}
	}
	err := errors.Join(
		evidence.Save(filepath.Join(r.dir, record.EvidenceFile)),
		nemesis.Save(filepath.Join(r.dir, record.FaultsFile), records),
	)
	r.warn(within(func(ctx context.Context) error { return r.saveCommitted(ctx, evidence) }))
	r.begin(record.Ending, "")
	return errors.Join(err, evidence.Save(filepath.Join(r.dir, record.EvidenceFile))) // again, with what the logs say
}

// tearDown ends and removes whatever was started, and merges what was recorded.
func (r *run) tearDown() error {
	ctx, cancel := context.WithTimeout(context.Background(), collectDeadline)
	defer cancel()
	var errs []error
	for _, p := range r.processes {
		if p.command != nil && p.Alive() {
			p.quit(time.Second)
		}
		errs = append(errs, p.proxy.Close())
	}
	r.injector.Wait()
	r.work.Wait()
	if r.sink != nil {
		errs = append(errs, r.sink.Close())
	}
	if r.names != nil {
		errs = append(errs, r.names.Close())
	}
	if r.observer != nil {
		if r.ensemble.IsExternal() {
			errs = append(errs, r.observer.removeTree(ctx))
		}
		r.observer.Close(ctx)
	}
	if r.ensemble != nil {
		errs = append(errs, r.ensemble.Stop(ctx))
	}
	for _, j := range []*record.Journal{r.harness, r.nemesis, r.effects} {
		if j != nil {
			errs = append(errs, j.Close())
		}
	}
	if r.wire != nil {
		errs = append(errs, r.wire.Close())
	}
	return errors.Join(append(errs, record.MergeJournals(r.dir))...)
}
