package harness

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// played is a run in memory whose only participant plays as told.
type played struct {
	m       *memory
	err     error // of the run
	printed bytes.Buffer
	took    time.Duration
}

// playMemory does a run in memory, but for its process, up to the removal of everything that
// it has started. loading is called when the participant has been started.
func playMemory(t *testing.T, play func(context.Context, subject.Participant) error, loading func(m *memory)) *played {
	t.Helper()
	idle := subject.Subject{Name: "idle", Workload: subject.Workload{Roles: []subject.Role{{Name: "idler", Count: 1, Most: 1}}, Play: play}}
	config := Defaults(idle)
	config.Ensemble, config.Nemesis, config.Time = Memory, nil, 10*time.Minute
	dir, _, err := makeFolder(t.TempDir(), 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, began := &played{}, time.Now()
	p.m = newMemory(config, dir, &p.printed)
	if err := p.m.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	loading(p.m)
	p.err = errors.Join(p.m.conduct(t.Context()), p.m.tearDown())
	p.took = time.Since(began)
	return p
}

// obedient plays as a participant should.
func obedient(ctx context.Context, _ subject.Participant) error { <-ctx.Done(); return nil }

// TestMemory_EndsWhatCannotBeRecorded: a disk that is full ends the run early and in order.
// The record that is left does not pass for a whole one.
func TestMemory_EndsWhatCannotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := playMemory(t, obedient, func(m *memory) {
			time.AfterFunc(time.Minute, func() {
				_ = m.harness.Close() // which fails as a full disk does: the next write is refused
				m.note("idler-1", 1, record.Exited, "lost")
			})
		})
		if p.err == nil || !strings.Contains(p.err.Error(), "could not be written, so the run is not judged") || !strings.Contains(p.err.Error(), "harness.ndjson") || !strings.Contains(p.err.Error(), "make room") {
			t.Errorf("the run ends with %v", p.err)
		}
		if p.took > 2*time.Minute {
			t.Errorf("it went on for %v", p.took)
		}
		if record.Exists(p.m.dir, record.ManifestFile) || record.Exists(p.m.dir, record.EvidenceFile) {
			t.Error("it looks like a whole run")
		}
	})
}

// TestMemory_PanicOfAParticipantIsItsCrash: the run goes on, and its record says who crashed.
func TestMemory_PanicOfAParticipantIsItsCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := playMemory(t, func(context.Context, subject.Participant) error { panic("boom") }, func(*memory) {})
		if p.err != nil {
			t.Fatal(p.err)
		}
		if err := p.m.complete(); err != nil {
			t.Fatal(err)
		}
		run, err := record.Load(p.m.dir)
		if err != nil {
			t.Fatal(err)
		}
		crashes := 0
		for _, e := range run.Events {
			if c := e.ProcessChange(); c.Fate == record.Crashed && c.Of.Process == "idler-1" && c.Detail == "panic: boom" {
				crashes++
			}
		}
		if crashes != 1 || len(run.Losses) > 0 {
			t.Errorf("%d crashes, losses %v", crashes, run.Losses)
		}
		if said := p.printed.String(); !strings.Contains(said, "idler-1/1 panicked: boom") || !strings.Contains(said, "unfinished_test.go") {
			t.Errorf("it does not say where: %s", said)
		}
	})
}

// TestMemory_LeavesAParticipantThatNeverReturns: the run comes to its end all the same, and
// says who goes on.
func TestMemory_LeavesAParticipantThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		p := playMemory(t, func(context.Context, subject.Participant) error { <-release; return nil }, func(*memory) {})
		if p.err != nil || !p.m.abandoned || !strings.Contains(p.printed.String(), "idler-1/1 goes on 10s after the end of its context: Play must return then") {
			t.Errorf("%v, abandoned is %v: %s", p.err, p.m.abandoned, &p.printed)
		}
		if p.took > p.m.config.Time+2*time.Minute {
			t.Errorf("it took %v", p.took)
		}
	})
}

// TestMemory_ObedientParticipantEndsInOrder: what the tests above look for is not there.
func TestMemory_ObedientParticipantEndsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := playMemory(t, obedient, func(*memory) {})
		if p.err != nil || p.m.abandoned || p.m.unrecorded() != nil || strings.Contains(p.printed.String(), "warning") {
			t.Errorf("%v, abandoned is %v: %s", p.err, p.m.abandoned, &p.printed)
		}
	})
}

// TestProcess_ThatCannotRecordDidNotCrash: the recipe is not accused of a full disk, and the
// run ends.
func TestProcess_ThatCannotRecordDidNotCrash(t *testing.T) {
	for code, crashed := range map[string]bool{"74": false, "1": true} {
		r, p := stage(t, time.Second)
		command := exec.Command("sh", "-c", "exit "+code)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		p.reap(command, make(chan struct{}), 7)
		events, err := record.ReadFile(filepath.Join(r.dir, record.JournalsFolder, "harness.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, e := range events {
			c := e.ProcessChange()
			found = found || c.Of.Number == 7 && c.Fate == record.Crashed
		}
		if lost := r.unrecorded(); found != crashed || (lost == nil) != crashed {
			t.Errorf("exit code %s: a crash is %v, the run is lost: %v", code, found, lost)
		}
	}
}

// TestComplete_LeavesNoHalfOfAHistory: a history that cannot be written whole is not there,
// and the journals are.
func TestComplete_LeavesNoHalfOfAHistory(t *testing.T) {
	dir, _, err := makeFolder(t.TempDir(), 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(defaults(), dir, &bytes.Buffer{}, func() time.Duration { return 0 })
	if err := r.openJournals(); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(dir, record.HistoryFile)); err != nil {
		t.Fatal(err)
	}
	if err := r.complete(); err == nil || !strings.Contains(err.Error(), "not complete, so it is not judged") {
		t.Errorf("%v", err)
	}
	if record.Exists(dir, record.HistoryFile) || record.Exists(dir, record.ManifestFile) || !record.Exists(dir, record.JournalsFolder) {
		t.Error("it looks like a whole run")
	}
	if _, err := os.Readlink(filepath.Join(filepath.Dir(dir), record.LatestLink)); err == nil {
		t.Error("it is the latest complete run")
	}
}
