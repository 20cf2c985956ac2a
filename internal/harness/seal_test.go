package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestSeal_NamesWhatIsMissing: what such an ensemble never has is told from what could not
// be recorded.
func TestSeal_NamesWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name, ensemble string
		order          record.Source
		weaker         string
		gone           string
		failed         bool
		because        string
	}{
		{"external", External, record.FromTree, "the disks cannot be read", record.CommittedFile, false, "the disks cannot be read"},
		{"logs that are damaged", Docker, record.FromTree, "log.1 is damaged", record.CommittedFile, true, "log.1 is damaged"},
		{"no file although there is an order", Docker, record.FromLogs, "", record.CommittedFile, true, "could not be written"},
		{"no evidence", Docker, record.FromLogs, "", record.EvidenceFile, true, "could not be written"},
		{"no logs in memory", Memory, record.FromMemory, "", record.LogsFolder, false, "writes no logs"},
		{"no logs of real servers", Docker, record.FromLogs, "", record.LogsFolder, true, "could not be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			evidence := record.Evidence{Healed: true, Drained: true, Nodes: []record.Node{}, Order: c.order, Weaker: c.weaker}
			err := errors.Join(os.MkdirAll(filepath.Join(dir, record.LogsFolder, "zk1"), 0o755), evidence.Save(filepath.Join(dir, record.EvidenceFile)))
			for _, part := range record.Parts {
				if part == record.LogsFolder {
					part = filepath.Join(part, "zk1", "log.1")
				}
				if !record.Exists(dir, part) {
					err = errors.Join(err, os.WriteFile(filepath.Join(dir, part), []byte("x\n"), 0o644))
				}
			}
			gone := filepath.Join(dir, c.gone)
			if c.gone == record.LogsFolder {
				gone = filepath.Join(gone, "zk1")
			}
			if err = errors.Join(err, os.RemoveAll(gone), seal(dir, Config{Ensemble: c.ensemble})); err != nil {
				t.Fatal(err)
			}
			m, err := record.ReadManifest(dir)
			if err != nil {
				t.Fatal(err)
			}
			a, absent := m.Lacks(c.gone)
			if len(m.Absent) != 1 || !absent || a.Failed != c.failed || !strings.Contains(a.Because, c.because) {
				t.Errorf("%+v", m.Absent)
			}
		})
	}
}
