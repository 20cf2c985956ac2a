package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/internal/virtualtime"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// memory is a run in one process, on a ZooKeeper in memory and in virtual time:
// the same participants, workload, faults and evidence, but that a process is a
// participant whose sessions and journal end when it is killed.
type memory struct {
	*run
	server *zk.Server
	actors []*actor
	acts   *participant.Sink
	owners sync.Map // holder: whose each session is, by its id

	mu      sync.Mutex
	commits []record.Commit // in the order of the server
}

// runInChild makes the folder and lets a process of its own, which lives in virtual
// time, do the run in it.
func runInChild(ctx context.Context, config Config, executable string, out io.Writer) (dir string, err error) {
	dir, undo, err := makeFolder(config.Out, config.Seed, time.Now())
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("harness: %w", err)
	}
	child := exec.CommandContext(ctx, executable, "simulate", owner.Flag+owner.Self().String(), "--dir="+dir, "--config="+string(encoded))
	var complaint strings.Builder
	child.Stderr = io.MultiWriter(out, &complaint)
	if err := child.Run(); err != nil {
		if ctx.Err() != nil {
			return "", errors.Join(fmt.Errorf("harness: interrupted: %w", context.Cause(ctx)), undo())
		}
		if crash := exit.Crash(child.ProcessState.ExitCode(), complaint.String()); crash != "" {
			return dir, fmt.Errorf("harness: the run in memory has %s\n%s", crash, complaint.String())
		}
		return dir, fmt.Errorf("harness: the run in memory has broken off (%w): %s", err, complaint.String())
	}
	err = record.MergeJournals(dir)
	return dir, errors.Join(err, seal(dir, config), linkLatest(dir))
}

// stillness is how long virtual time may stand still: a participant that goes on
// without ever waiting would keep it there for ever.
const stillness = time.Minute

// Simulate does a run in memory in a folder that exists, and ends the process.
func Simulate(config Config, dir string) {
	virtualtime.Main(stillness, func() error {
		began := time.Now()
		r := &run{config: config, out: os.Stderr, dir: dir, now: func() time.Duration { return time.Since(began) }}
		m := &memory{run: r, server: zk.NewServer(config.SessionTimeout)}
		r.injector = nemesis.NewInjector(m)
		m.server.Record(m.wrote)
		return m.play()
	})
}

// play goes through the phases of a run.
func (m *memory) play() error {
	ctx := context.Background()
	if err := m.openJournals(); err != nil {
		return err
	}
	m.begin(record.SettingUp, "")
	m.observer = &observer{driver: &zk.Env{Server: m.server}}
	m.acts = participant.NewSink(m.effects)
	if err := m.saveMemoryConfig(); err != nil {
		return err
	}
	for _, group := range m.config.cast() {
		for i := range group.count {
			a := &actor{name: fmt.Sprintf("%s-%d", group.role, i+1), role: group.role, memory: m}
			m.actors = append(m.actors, a)
			if err := a.Start(); err != nil {
				return err
			}
		}
	}
	plan := m.config.plan()
	m.begin(record.Loading, fmt.Sprintf("for %v of virtual time, %d faults planned", m.config.Time, len(plan)))
	load, cancel := context.WithTimeout(ctx, m.config.Time)
	records := m.torture(load, plan)
	<-load.Done()
	cancel()
	m.begin(record.Healing, "")
	evidence := &record.Evidence{Healed: true}
	for _, a := range m.actors {
		if err := a.recover(); err != nil {
			return err
		}
	}
	m.begin(record.Draining, "")
	m.drainActors(ctx, evidence)
	m.begin(record.Collecting, "")
	for _, a := range m.actors {
		a.Leave()
	}
	return m.gather(ctx, evidence, records)
}

// drainActors is drain for actors.
func (m *memory) drainActors(ctx context.Context, evidence *record.Evidence) {
	for _, a := range m.actors {
		a.drain()
	}
	m.awaitDrained(ctx, evidence, func() (waiting []string) {
		for _, a := range m.actors {
			if a.role == participant.Client && a.Alive() {
				waiting = append(waiting, a.name)
			}
		}
		return waiting
	})
}

// gather writes the evidence.
func (m *memory) gather(ctx context.Context, evidence *record.Evidence, records []nemesis.Record) error {
	nodes, err := m.observer.tree(ctx)
	evidence.Nodes = append([]record.Node{}, nodes...)
	m.observer.Close(ctx)
	evidence.Order = record.FromMemory
	err = errors.Join(err,
		record.WriteCommits(filepath.Join(m.dir, record.CommittedFile), m.commits),
		evidence.Save(filepath.Join(m.dir, record.EvidenceFile)),
		nemesis.Save(filepath.Join(m.dir, record.FaultsFile), records),
	)
	m.begin(record.Ending, "")
	for _, j := range []*record.Journal{m.harness, m.nemesis, m.effects} {
		err = errors.Join(err, j.Close())
	}
	for _, a := range m.actors {
		a.bury()
	}
	return errors.Join(err, m.wire.Close())
}

func (m *memory) saveMemoryConfig() error {
	v := versions()
	v.ZooKeeper = "in memory"
	return record.SaveJSON(filepath.Join(m.dir, record.ConfigFile), Stored{Config: m.config, RecordFormat: record.FormatVersion, Policy: m.config.policy(), Started: time.Now().UTC(), Versions: v})
}

// Settings implements nemesis.Bench.
func (m *memory) Settings() nemesis.Settings {
	s := m.run.Settings()
	s.Offers = 0
	return s
}

// Processes implements nemesis.Bench.
func (m *memory) Processes() []nemesis.Process {
	all := make([]nemesis.Process, len(m.actors))
	for i, a := range m.actors {
		all[i] = a
	}
	return all
}

// Ensemble implements nemesis.Bench: there are no servers to be broken.
func (m *memory) Ensemble() nemesis.Ensemble { return nil }

// find returns a session that lives.
func (m *memory) find(id int64) *zk.Session {
	for _, s := range m.server.Sessions() {
		if s.ID() == id {
			return s
		}
	}
	return nil
}
