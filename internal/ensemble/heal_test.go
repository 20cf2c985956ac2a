package ensemble_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
)

// TestHealAll_UndoesEveryFault leaves every kind of fault active, as an interrupted run
// does, and ends all of them at once.
func TestHealAll_UndoesEveryFault(t *testing.T) {
	t.Parallel()
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 3, SmallLog: 16 << 20})
	ctx := limited(t)
	first, killed, small := e.Servers[0], e.Servers[1], e.SmallLog()
	if small != e.Servers[2] {
		t.Fatalf("the small volume is that of %v", small)
	}
	if err := first.FillDisk(ctx); !errors.Is(err, ensemble.ErrLargeDisk) {
		t.Errorf("the machine's own disk: %v", err)
	}
	must(t, first.SlowDisk(ctx, 50*time.Millisecond))
	if held, err := first.Traced(ctx); !held || err != nil {
		t.Errorf("strace runs: %v, %v", held, err)
	}
	must(t, first.Deafen(ctx, killed, small))
	must(t, killed.Kill(ctx))
	before, err := small.Process(ctx)
	must(t, err)
	if left, err := small.SpaceLeft(ctx); left < 8<<20 || err != nil {
		t.Errorf("%d bytes before, %v", left, err)
	}
	must(t, small.FillDisk(ctx))
	if left, err := small.SpaceLeft(ctx); left != 0 || err != nil {
		t.Errorf("%d bytes on a full volume, %v", left, err)
	}

	for range 2 { // the second time there is nothing to undo
		must(t, e.HealAll(ctx))
		must(t, e.WaitServing(ctx, 3))
	}
	if left, err := small.SpaceLeft(ctx); left < 8<<20 || err != nil {
		t.Errorf("%d bytes after healing, %v", left, err)
	}
	if after, err := small.Process(ctx); after == before || err != nil {
		t.Errorf("process %s before and %s after, %v", before, after, err)
	}
	if held, err := first.Traced(ctx); held || err != nil {
		t.Errorf("strace runs after healing: %v, %v", held, err)
	}
	if seen, err := first.Packets(ctx); seen != (ensemble.Packets{}) || err != nil {
		t.Errorf("rules after healing: %+v, %v", seen, err)
	}
	_, err = small.CLI(ctx, `create /mark "x"`)
	must(t, err)
	dir := t.TempDir()
	must(t, e.SaveEvidence(ctx, dir))
	for _, s := range e.Servers {
		logs, _ := filepath.Glob(filepath.Join(dir, s.Name, "data/log/version-2/log.*"))
		if len(logs) == 0 {
			t.Errorf("%s's evidence: %q", s.Name, logs)
		}
	}
}
