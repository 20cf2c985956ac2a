package torture

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/synthetic"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// store leaves a record as a run leaves its folder.
func store(t testing.TB, r *synthetic.Record) string {
	t.Helper()
	dir := t.TempDir()
	config, err := json.Marshal(harness.Stored{Config: harness.Defaults(masterworker.Subject()).Config})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, record.ConfigFile), config, 0o644)
	}
	if err == nil {
		err = record.WriteFile(filepath.Join(dir, record.HistoryFile), r.Events)
	}
	if err == nil {
		err = r.Evidence.Save(filepath.Join(dir, record.EvidenceFile))
	}
	if err != nil {
		t.Fatal(err)
	}
	wire, err := record.CreateWire(filepath.Join(dir, record.WireFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Exchanges {
		wire.Add(x)
	}
	if err := wire.Close(); err != nil {
		t.Fatal(err)
	}
	recordtest.Seal(t, dir)
	return dir
}

// BenchmarkMillion judges stored runs as a person does, with torture check, in a process
// of its own: one of a hundred thousand operations, and one of a million. It prints how
// long that took, the greatest memory that the process had, and how much longer a
// million took than ten times a tenth of it: 1 is linear.
func BenchmarkMillion(b *testing.B) {
	for b.Loop() {
		tenth := judgedIn(b, 100_000)
		whole := judgedIn(b, 1_000_000)
		b.ReportMetric(whole.Seconds()/(10*tenth.Seconds()), "x-linear")
	}
}

// judgedIn is how long torture check takes for that many operations.
func judgedIn(b *testing.B, operations int) time.Duration {
	b.Helper()
	r := synthetic.Run(1, int(float64(operations)/synthetic.PerTask))
	if r.Operations() < operations {
		b.Fatalf("%d operations are fewer than %d", r.Operations(), operations)
	}
	dir := store(b, r)
	b.Logf("%d operations, %d events, %d exchanges, %d znodes", r.Operations(), len(r.Events), len(r.Exchanges), len(r.Evidence.Nodes))
	runtime.GC()
	cmd, out := command(b, "check", dir)
	began := time.Now()
	if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "VALID") {
		b.Fatalf("%v: %s", err, out)
	}
	took := time.Since(began)
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	page, err := os.Stat(filepath.Join(dir, record.ReportFile))
	if err != nil {
		b.Fatal(err)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.Logf("torture check: %.1f s, %.1f s of all processors, %d MiB at the most, a report of %d kB", took.Seconds(), used.Seconds(), peak, page.Size()>>10)
	return took
}
