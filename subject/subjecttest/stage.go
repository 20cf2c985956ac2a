package subjecttest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// stage is where the participants of one run play, in virtual time, on one server in memory. Each has a
// journal of its own.
type stage struct {
	work     subject.Workload
	run      subject.Run
	dir      string // of the journals
	names    []string
	server   *zk.Server
	since    func() time.Duration // since the play began
	draining chan struct{}
}

// newStage is for a test, outside its bubble of virtual time.
func newStage(t *testing.T, work subject.Workload, run subject.Run) *stage {
	return &stage{work: work, run: run, dir: t.TempDir()}
}

// begin begins the play, in the bubble.
func (s *stage) begin() {
	began := time.Now()
	s.server, s.draining = zk.NewServer(4*time.Second), make(chan struct{})
	s.since = func() time.Duration { return time.Since(began) }
}

// participant is the participant of a role with a number. clock is that of its journal, which is closed when
// the bubble ends.
func (s *stage) participant(t *testing.T, role string, number int, clock func() time.Duration) subject.Participant {
	t.Helper()
	name := fmt.Sprintf("%s-%d", role, number)
	path := filepath.Join(s.dir, record.JournalName(name, 1))
	journal, err := record.Create(path, name, 1, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := journal.Close(); err != nil {
			t.Error(err)
		}
	})
	s.names = append(s.names, path)
	return subject.Participant{
		Name: name, Role: role, Life: 1, Seed: s.run.Seed + uint64(number-1), SessionTimeout: s.run.SessionTimeout, Env: named{&zk.Env{Server: s.server}, name}, Journal: journal,
		Log: slog.New(slog.DiscardHandler), Now: s.since, Draining: s.draining, Effect: func(subject.Effect) error { return nil }, Options: s.options(t),
	}
}

// participants are all those of the run.
func (s *stage) participants(t *testing.T) (all []subject.Participant) {
	for _, role := range s.work.Roles {
		for n := range s.run.Counts[role.Name] {
			all = append(all, s.participant(t, role.Name, n+1, s.since))
		}
	}
	return all
}

// options are the options of the run as participants get them.
func (s *stage) options(t *testing.T) []byte {
	t.Helper()
	if s.work.Options == nil {
		return []byte("{}")
	}
	text, err := json.Marshal(s.work.Options(s.run))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// events are what the participants have recorded, one participant after the other. The bubble has ended.
func (s *stage) events(t *testing.T) (all []record.Event) {
	t.Helper()
	for _, name := range s.names {
		events, err := record.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events...)
	}
	return all
}

// named is the port of one participant: no two of them make the same name.
type named struct {
	*zk.Env
	name string
}

// Unique implements zkapi.Env.
func (n named) Unique() string { return n.name + "." + n.Env.Unique() }
