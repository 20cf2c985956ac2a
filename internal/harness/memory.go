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
	"slices"
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

	commits []record.Commit // in the order of the server; mu guards them
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
		r.bind = m.bind
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
	m.phase("set-up")
	m.observer = &observer{driver: &zk.Env{Server: m.server}}
	m.acts = participant.NewSink(m.effects)
	if err := m.saveMemoryConfig(); err != nil {
		return err
	}
	for _, group := range m.config.cast() {
		for i := range group.count {
			a := &actor{name: fmt.Sprintf("%s-%d", group.role, i+1), role: group.role, memory: m}
			m.actors = append(m.actors, a)
			if err := a.start(); err != nil {
				return err
			}
		}
	}
	plan := m.config.plan()
	m.phase(fmt.Sprintf("load for %v of virtual time, %d faults planned", m.config.Time, len(plan)))
	load, cancel := context.WithTimeout(ctx, m.config.Time)
	records := m.torture(load, plan)
	<-load.Done()
	cancel()
	m.phase("heal")
	evidence := &record.Evidence{Healed: true}
	for _, a := range m.actors {
		if err := a.recover(); err != nil {
			return err
		}
	}
	m.phase("drain")
	m.drainActors(ctx, evidence)
	m.phase("collect")
	for _, a := range m.actors {
		a.leave(leavePatience)
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
			if a.role == participant.Client && a.alive() {
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
	m.observer.close(ctx)
	evidence.Order = record.FromMemory
	err = errors.Join(err,
		record.WriteCommits(filepath.Join(m.dir, record.CommittedFile), m.commits),
		evidence.Save(filepath.Join(m.dir, record.EvidenceFile)),
		nemesis.Save(filepath.Join(m.dir, record.FaultsFile), records),
	)
	m.phase("end")
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

// bind finds the target of a fault and what is to be done to it.
func (m *memory) bind(ctx context.Context, fault nemesis.Fault) (deed, error) {
	fault.Role = fault.Aim()
	bind := deedsInMemory[fault.Kind]
	if bind == nil {
		return deed{}, fmt.Errorf("%s is impossible in memory", fault.Kind)
	}
	a, err := m.victim(ctx, fault.Role, fault.Pick)
	if err != nil {
		return deed{}, err
	}
	d := bind(m, a, fault)
	d.target, d.done = a.name, a.release
	return d, nil
}

// victim claims the participant that a fault is for.
func (m *memory) victim(ctx context.Context, role nemesis.Role, pick int) (*actor, error) {
	if role == nemesis.ActiveMaster {
		return m.activeMaster(ctx)
	}
	fit, err := m.fit(ctx, role)
	if err != nil {
		return nil, err
	}
	for i := range fit {
		if a := fit[(pick+i)%len(fit)]; a.claim() {
			return a, nil
		}
	}
	return nil, fmt.Errorf("every %s suffers already, or there is none", role)
}

// fit lists the actors that fit a role.
func (m *memory) fit(ctx context.Context, role nemesis.Role) ([]*actor, error) {
	playing := func(roles ...participant.Role) []*actor {
		return slices.DeleteFunc(slices.Clone(m.actors), func(a *actor) bool { return !slices.Contains(roles, a.role) })
	}
	switch role {
	case nemesis.SomeClient:
		return playing(participant.Client), nil
	case nemesis.Backup:
		active, _, err := m.observer.activeMaster(ctx)
		return slices.DeleteFunc(playing(participant.Master, participant.Node), func(a *actor) bool { return a.name == active }), err
	}
	return playing(participant.Worker, participant.Node), nil
}

// activeMaster is that of run, for actors.
func (m *memory) activeMaster(ctx context.Context) (*actor, error) {
	const patience = 20
	for range patience {
		name, session, err := m.observer.activeMaster(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range m.actors {
			if a.name == name && a.port().owns(session) && a.claim() {
				return a, nil
			}
		}
		if !wait(ctx, 200*time.Millisecond) {
			break
		}
	}
	return nil, errors.New("the active master suffers already, or is dead and nobody has noticed yet")
}

// sessionAs is the session with which a participant plays a role: the one that holds
// what the role holds, or, of one that holds nothing, any of its own.
func (m *memory) sessionAs(ctx context.Context, a *actor, role nemesis.Role) (*zk.Session, error) {
	path := "/workers/" + a.name
	switch role {
	case nemesis.ActiveMaster:
		path = "/master"
	case nemesis.Backup, nemesis.SomeClient:
		for _, s := range m.server.Sessions() {
			if a.port().owns(s.ID()) {
				return s, nil
			}
		}
		return nil, fmt.Errorf("%s has no session", a.name)
	}
	id, err := m.observer.holder(ctx, path)
	if err != nil {
		return nil, err
	}
	session := m.find(id)
	if session == nil || !a.port().owns(id) {
		return nil, fmt.Errorf("%s is not held by %s", path, a.name)
	}
	return session, nil
}

// find returns a session that lives.
func (m *memory) find(id int64) *zk.Session {
	for _, s := range m.server.Sessions() {
		if s.ID() == id {
			return s
		}
	}
	return nil
}
