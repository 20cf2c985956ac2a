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
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/internal/virtualtime"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// memory is a run in one process, on a ZooKeeper in memory and in virtual time.
// Participants, workload, faults and evidence are the same as on real servers. Only, a
// killed process is a participant whose sessions and journal end.
type memory struct {
	*run
	server *zk.Server
	acts   *participant.Sink
	owners sync.Map // by session id: the owner

	abandoned bool // a participant goes on although its life is over

	mu      sync.Mutex
	commits []record.Commit // in the order of the server
}

// runInChild makes the folder and runs a child process that does the run in virtual
// time.
func runInChild(ctx context.Context, config Setup, executable string, out io.Writer) (dir string, err error) {
	dir, undo, err := makeFolder(config.Out, config.Seed, time.Now())
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(config.Config)
	if err != nil {
		return "", fmt.Errorf("harness: %w", err)
	}
	child := exec.CommandContext(ctx, executable, "simulate", owner.Flag+owner.Self().String(), "--dir="+dir, "--config="+string(encoded))
	var complaint strings.Builder
	child.Stdout, child.Stderr = out, &complaint
	if err := child.Run(); err != nil {
		if ctx.Err() != nil {
			return "", errors.Join(fmt.Errorf("harness: interrupted: %w", context.Cause(ctx)), undo())
		}
		return dir, unfinished(dir, err, child.ProcessState, complaint.String())
	}
	return dir, newRun(config, dir, out, nil).complete()
}

// unfinished says why a run in memory did not come to its end. A crash leaves its stacks in
// the folder of the run.
func unfinished(dir string, err error, ended *os.ProcessState, complaint string) error {
	crash, complaint := "", strings.TrimSpace(complaint)
	if ended != nil {
		crash = exit.Crash(ended.ExitCode(), complaint)
	}
	if crash == "" {
		return fmt.Errorf("harness: the run in memory ended too early (%w): %s", err, strings.TrimPrefix(complaint, "harness: "))
	}
	stacks := filepath.Join(dir, record.LogsFolder, "simulate.stderr")
	if err := os.WriteFile(stacks, []byte(complaint+"\n"), 0o644); err != nil {
		return fmt.Errorf("harness: the run in memory %s; so it is not judged\n%s", crash, complaint)
	}
	return fmt.Errorf("harness: the run in memory %s; so it is not judged; the stacks are in %s", crash, stacks)
}

// stillness bounds how long virtual time may stand still: a participant that never
// waits would keep it there for ever.
const stillness = time.Minute

// Simulate does a run in memory in a folder that exists, and ends the process.
func Simulate(config Setup, dir string) {
	out := os.Stdout
	os.Stdout = os.Stderr // virtual time is that of a test, which prints there that it has passed
	virtualtime.Main(stillness, func() error {
		m := newMemory(config, dir, out)
		err := m.setUp(context.Background())
		if err == nil {
			err = m.conduct(context.Background())
		}
		err = errors.Join(err, m.tearDown())
		if err == nil {
			err = m.unrecorded() // by what was written last
		}
		if err == nil && m.abandoned {
			os.Exit(int(exit.Done)) // what does not end would keep virtual time going
		}
		return err
	})
}

// newMemory prepares a run that begins now.
func newMemory(config Setup, dir string, out io.Writer) *memory {
	began := time.Now()
	m := &memory{run: newRun(config, dir, out, func() time.Duration { return time.Since(began) }), server: zk.NewServer(config.SessionTimeout)}
	var events atomic.Int64
	m.number = func() int { return int(events.Add(1)) }
	m.on(m)
	return m
}

// open implements bench.
func (m *memory) open(context.Context) (Stored, error) {
	m.server.Record(m.wrote)
	m.observer = &observer{driver: &zk.Env{Server: m.server}, work: m.config.Subject.Workload}
	m.acts = participant.NewSink(m.effects, m.power.off)
	v := versions()
	v.ZooKeeper = "in memory"
	return Stored{Started: time.Now().UTC(), Versions: v}, nil
}

// member implements bench.
func (m *memory) member(name string, role subject.Role, _ int) (member, error) {
	return &simProcess{name: name, role: role, memory: m}, nil
}

// clock implements bench.
func (m *memory) clock() string { return " of virtual time" }

// healServers implements bench: there are no servers to heal.
func (m *memory) healServers(context.Context) error { return nil }

// serves implements bench.
func (m *memory) serves(ctx context.Context) error {
	_, err := m.observer.Must(ctx, zkapi.Sync("/"))
	return err
}

// finalTree implements bench.
func (m *memory) finalTree(ctx context.Context, evidence *record.Evidence) error {
	nodes, err := m.observer.tree(ctx)
	evidence.Nodes = append([]record.Node{}, nodes...)
	return err
}

// committed implements bench.
func (m *memory) committed(_ context.Context, evidence *record.Evidence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	evidence.Order = record.FromMemory
	err := record.WriteCommits(filepath.Join(m.dir, record.CommittedFile), m.commits)
	if err != nil {
		evidence.Order, evidence.Weaker = record.FromTree, "the commits could not be written: "+err.Error()
	}
	return err
}

// close implements bench.
func (m *memory) close(ctx context.Context) error {
	if m.observer != nil {
		m.observer.Close(ctx)
	}
	return nil
}

// Settings implements nemesis.Bench.
func (m *memory) Settings() nemesis.Settings { return m.settings() }

// Ensemble implements nemesis.Bench: there are no servers to break.
func (m *memory) Ensemble() nemesis.Ensemble { return nil }

// find returns a live session.
func (m *memory) find(id int64) *zk.Session {
	for _, s := range m.server.Sessions() {
		if s.ID() == id {
			return s
		}
	}
	return nil
}
