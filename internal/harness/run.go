package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// run is one run in progress, on any bench.
type run struct {
	config    Setup
	dir       string
	namespace string
	saying    sync.Mutex // guards out
	out       io.Writer

	bench    bench
	observer *observer
	members  []member
	injector *nemesis.Injector

	power *power

	harness, nemesis, effects *record.Journal
	wire                      *record.Wire

	recording context.Context // ends when something of the record could not be written
	lose      context.CancelCauseFunc

	now    func() time.Duration // since the run began
	number func() int           // of the next event; nil where the clock orders events
}

// bench has the servers and the participants of a run. Everything else is the same for
// all benches.
type bench interface {
	nemesis.Bench
	open(ctx context.Context) (Stored, error) // starts everything but the participants, and describes the bench
	// member makes a participant, which is the n-th of its role.
	member(name string, role subject.Role, n int) (member, error)
	clock() string                                                  // the clock that the load is measured by; empty for the ordinary one
	healServers(ctx context.Context) error                          // undoes the faults of servers
	serves(ctx context.Context) error                               // waits until the ensemble serves
	finalTree(ctx context.Context, evidence *record.Evidence) error // reads it
	committed(ctx context.Context, evidence *record.Evidence) error // writes the file of committed transactions, or says why there is none
	close(ctx context.Context) error                                // ends and removes everything that open has started
}

// member is a participant of a run.
type member interface {
	nemesis.Process
	recover() error // undoes the effects of faults; a participant that crashed stays dead
	drain()         // tells a participant that submits to submit no more
	close() error   // ends all of it
	// powerOff ends a life by force, and returns when it is over. ended is false if it was over
	// already. An error means that the life may go on.
	powerOff(life int) (ended bool, err error)
	again(life int) error // starts the next life, if that one was the last and is over
}

// newRun prepares a run in a folder that exists.
func newRun(config Setup, dir string, out io.Writer, now func() time.Duration) *run {
	r := &run{config: config, dir: dir, out: out, now: now}
	r.recording, r.lose = context.WithCancelCause(context.Background())
	r.power = newPower(r)
	return r
}

// unrecorded is an error if something of the record could not be written. Such a run shows
// nothing: it ends early, without a manifest, so that no judge takes its record for whole.
func (r *run) unrecorded() error {
	if r.recording.Err() == nil {
		return nil
	}
	return fmt.Errorf("harness: the record of the run could not be written, so the run is not judged: %w; make room for it in %s, and run again", context.Cause(r.recording), filepath.Dir(r.dir))
}

// on sets the bench of the run.
func (r *run) on(b bench) { r.bench, r.injector = b, nemesis.NewInjector(b) }

// settings are the settings that every bench has.
func (r *run) settings() nemesis.Settings {
	return nemesis.Settings{Namespace: r.namespace, SessionTimeout: r.config.SessionTimeout, Recipe: r.config.Subject.Workload.ForNemesis()}
}

// Now implements nemesis.Bench.
func (r *run) Now() time.Duration { return r.now() }

// Observer implements nemesis.Bench.
func (r *run) Observer() nemesis.Observer { return inquiry{r.observer, r.settings().Recipe} }

// Processes implements nemesis.Bench.
func (r *run) Processes() []nemesis.Process {
	all := make([]nemesis.Process, len(r.members))
	for i, m := range r.members {
		all[i] = m
	}
	return all
}

// say prints a line. Participants in memory may do so at the same time as the conductor.
func (r *run) say(format string, args ...any) {
	r.saying.Lock()
	defer r.saying.Unlock()
	fmt.Fprintf(r.out, format+"\n", args...)
}

// note records the fate of a process.
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
// checker needs. An error means that the run could not be completed. If the load had
// begun, the folder is returned with everything that was saved; otherwise it is
// removed. Nothing keeps running.
func Run(ctx context.Context, config Setup, out io.Writer) (dir string, err error) {
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
	d := newDocker(config, executable, out)
	var undo func() error
	if d.dir, undo, err = makeFolder(config.Out, config.Seed, d.started); err != nil {
		return "", err
	}
	if pids := owner.KillOrphans(); len(pids) > 0 {
		d.say("removed %d processes that an earlier run left behind", len(pids))
	}
	if err := d.setUp(ctx); err != nil {
		return "", errors.Join(err, d.tearDown(), undo())
	}
	err = d.conduct(ctx)
	d.warn(d.tearDown())
	if lost := d.unrecorded(); lost != nil { // perhaps by the teardown
		return d.dir, lost
	}
	return d.dir, errors.Join(err, d.complete())
}

// warn reports a problem after the load that takes nothing from the record: the run can
// be judged all the same.
func (r *run) warn(err error) {
	if err != nil {
		r.say("warning: %v", err)
	}
}

// setUp starts everything that must exist before the load.
func (r *run) setUp(ctx context.Context) error {
	if err := r.openJournals(); err != nil {
		return err
	}
	r.begin(record.SettingUp, "")
	stored, err := r.bench.open(ctx)
	if err != nil {
		return err
	}
	stored.Config, stored.RecordFormat, stored.Policy, stored.Namespace = r.config.Config, record.FormatVersion, r.config.policy(), r.namespace
	if err := record.SaveJSON(filepath.Join(r.dir, record.ConfigFile), stored); err != nil {
		return err
	}
	for _, group := range r.config.groups() {
		for i := range group.count {
			m, err := r.bench.member(named(group.role, i+1), group.role, i+1)
			if err != nil {
				return err
			}
			r.members = append(r.members, m)
			if err := m.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// journal creates the journal of one life of a process.
func (r *run) journal(file, process string, life int) (*record.Journal, error) {
	j, err := record.Create(filepath.Join(r.dir, record.JournalsFolder, file), process, life, r.now)
	if err == nil {
		j.NumberBy(r.number)
		j.OnFailure(r.lose)
	}
	return j, err
}

// openJournals opens the journals of the harness itself.
func (r *run) openJournals() error {
	for _, j := range []struct {
		name    string
		journal **record.Journal
	}{{"harness", &r.harness}, {"nemesis", &r.nemesis}, {"sink", &r.effects}} {
		var err error
		*j.journal, err = r.journal(j.name+".ndjson", j.name, 0)
		if err != nil {
			return err
		}
	}
	var err error
	r.harness.Add(record.Event{Type: record.Note, Kind: record.Clock, Of: record.Reading{Wall: time.Now().UTC().Round(0)}}) // all others are held against it
	r.wire, err = record.CreateWire(filepath.Join(r.dir, record.WireFile))
	if err == nil {
		r.wire.OnFailure(r.lose)
	}
	return err
}

// Deadlines of the phases after the load.
const (
	healDeadline    = 3 * time.Minute // on a busy machine alone the start of a server may take 40 s
	drainPatience   = time.Minute     // without any progress, beside the sessions of dead participants
	collectDeadline = time.Minute     // for each step
	leavePatience   = 2 * subject.LeavePatience
	tellEvery       = 15 * time.Second // for the conditions that a phase still waits for
)

// waits prints now and then the condition that a phase still waits for. It returns the
// time of the last such line.
func (r *run) waits(phase, what string, now, told time.Duration) time.Duration {
	if now-told < tellEvery {
		return told
	}
	r.say("%8.1fs  %s waits for: %s", now.Seconds(), phase, what)
	return now
}

// conduct goes through the phases of a run that has been set up. If ctx ends, the load
// ends, and the remaining phases still heal and save. If the record cannot be written, there
// is nothing to save.
func (r *run) conduct(ctx context.Context) error {
	plan := r.config.plan()
	r.begin(record.Loading, fmt.Sprintf("for %v%s, %d faults planned", r.config.Time, r.bench.clock(), len(plan)))
	load, cancel := context.WithTimeout(ctx, r.config.Time)
	after, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(r.recording, func() { cancel(); abandon() })()
	defer abandon()
	records := r.torture(load, plan)
	<-load.Done()
	cancel()
	interrupted := ctx.Err() != nil
	if err := r.unrecorded(); err != nil {
		return err
	}
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
	r.power.rest()
	var leaving sync.WaitGroup
	for _, m := range r.members {
		leaving.Go(func() { m.Leave() })
	}
	r.injector.Wait()
	leaving.Wait()
	err := r.collect(after, evidence, records)
	if lost := r.unrecorded(); lost != nil {
		return lost
	}
	if interrupted {
		err = errors.Join(fmt.Errorf("harness: a signal ended the run early: %w", context.Cause(ctx)), err)
	}
	return err
}

// heal undoes every fault, restarts dead participants, and waits until the ensemble
// serves.
func (r *run) heal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healDeadline)
	defer cancel()
	for told := r.now(); ; {
		err := r.bench.healServers(ctx)
		for _, m := range r.members {
			err = errors.Join(err, m.recover())
		}
		if err == nil {
			break
		}
		told = r.waits("heal", err.Error(), r.now(), told)
		if !wait(ctx, 200*time.Millisecond) {
			return fmt.Errorf("harness: heal: %w", err)
		}
	}
	return r.bench.serves(ctx)
}

// clients are the participants that submit.
func (r *run) clients() []member {
	return slices.DeleteFunc(slices.Clone(r.members), func(m member) bool { return !m.IsClient() })
}

// drain waits until the clients have heard of all that they have submitted, and no work
// is open in the tree. It gives up if there is no progress for a while, or if it takes
// much longer than the load: both are findings. A tree that could not be read is not a
// finding.
func (r *run) drain(ctx context.Context, evidence *record.Evidence) {
	for _, c := range r.clients() {
		c.drain()
	}
	r.awaitDrained(ctx, evidence, r.waitingClients)
}

// awaitDrained waits until the work is drained, for any kind of clients.
func (r *run) awaitDrained(ctx context.Context, evidence *record.Evidence, clients func() []string) {
	// The number of open items may rise for a while, when one is returned and handed out
	// again. Progress is a new minimum, or a client that still submits the rest: when
	// there is no more room, one item comes as another goes. All of the work was wanted
	// within the load, and nothing is broken any more, so it may not take many times as
	// long. A participant that was killed keeps its work as long as its session lives, and
	// the one that takes its place may have to wait for another such session.
	began := r.now()
	least, moves, moved, told := math.MaxInt, int64(0), began, began
	patience := drainPatience + 2*r.config.SessionTimeout
	deadline := began + 2*(r.config.Time+patience)
	for {
		looking, cancel := context.WithTimeout(ctx, drainPatience)
		work, err := r.observer.open(looking)
		cancel()
		waiting, now := clients(), r.now()
		open := work.Items + len(waiting)
		switch {
		case err == nil && open == 0:
			evidence.Drained, evidence.Undone = true, nil
			return
		case err == nil && (open < least || work.Moves != moves):
			least, moves, moved = min(open, least), work.Moves, now
		}
		left := fmt.Sprintf("waiting clients: %q", waiting)
		if work.Left != "" {
			left = work.Left + ", " + left
		}
		if err != nil {
			left = err.Error()
		}
		evidence.Undone = append(work.Below(), waiting...)
		told = r.waits("drain", left, now, told)
		why := ""
		switch {
		case now > deadline:
			why = fmt.Sprintf("work is still open after %v, and the load took %v", (now - began).Round(time.Second), r.config.Time)
		case now-moved > patience:
			why = fmt.Sprintf("no progress for %v", patience)
		}
		if why != "" {
			evidence.Problem = fmt.Sprintf("drain: %s; %s", why, left)
			if err != nil {
				evidence.Healed, evidence.Problem, evidence.Undone = false, "drain: "+left, nil
			}
			return
		}
		if !wait(ctx, 200*time.Millisecond) {
			evidence.Problem = "drain: the run ended early; " + left
			return
		}
	}
}

// waitingClients are the clients that have not heard of all that they have submitted.
func (r *run) waitingClients() []string {
	var names []string
	for _, c := range r.clients() {
		if c.Alive() || r.power.owes(c.Name()) {
			names = append(names, c.Name())
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
		err := within(func(ctx context.Context) error { return r.bench.finalTree(ctx, evidence) })
		if err != nil {
			evidence.Healed, evidence.Nodes, evidence.Servers = false, nil, nil
			evidence.Problem = strings.TrimSpace(evidence.Problem + " the final tree could not be read: " + err.Error())
		}
	}
	err := errors.Join(
		evidence.Save(filepath.Join(r.dir, record.EvidenceFile)),
		nemesis.Save(filepath.Join(r.dir, record.FaultsFile), records),
	)
	r.warn(within(func(ctx context.Context) error { return r.bench.committed(ctx, evidence) }))
	r.begin(record.Ending, "")
	if err = errors.Join(err, evidence.Save(filepath.Join(r.dir, record.EvidenceFile))); err != nil { // again, with the facts from the logs
		r.lose(err)
	}
	return err
}

// tearDown ends and removes everything that was started.
func (r *run) tearDown() error {
	ctx, cancel := context.WithTimeout(context.Background(), collectDeadline)
	defer cancel()
	r.power.close()
	var errs []error
	for _, m := range r.members {
		errs = append(errs, m.close())
	}
	r.injector.Wait()
	errs = append(errs, r.bench.close(ctx))
	for _, j := range []*record.Journal{r.harness, r.nemesis, r.effects} {
		if j != nil {
			errs = append(errs, j.Close())
		}
	}
	if r.wire != nil {
		errs = append(errs, r.wire.Close())
	}
	return errors.Join(errs...)
}
