package harness

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ringmaster-zk/ringmaster/record"
)

// complete makes the record of a run that is over whole: history and manifest. If that
// fails there is no manifest, so that no judge takes the record for whole.
func (r *run) complete() error {
	err := record.MergeJournals(r.dir)
	if err == nil {
		err = seal(r.dir, r.config.Config)
	}
	if err != nil {
		return fmt.Errorf("harness: the record of the run is not complete, so it is not judged: %w; make room in %s, and run again", err, filepath.Dir(r.dir))
	}
	r.warn(linkLatest(r.dir))
	return nil
}

// seal writes the manifest of a run that is over: none of its files is written any
// more. The manifest names the parts that a run on such an ensemble never has, and the
// parts that could not be recorded although they should have been.
func seal(dir string, config Config) error {
	m := record.Manifest{Run: filepath.Base(dir), Seed: config.Seed, Absent: []record.Absence{}}
	evidence, err := record.ReadEvidence(filepath.Join(dir, record.EvidenceFile))
	if err != nil {
		evidence = &record.Evidence{}
	}
	for _, part := range record.Parts {
		if recorded(dir, part) {
			continue
		}
		absence := record.Absence{Name: part, Because: "the file could not be written; the output of the run says why", Failed: true}
		switch {
		case part == record.CommittedFile && evidence.Weaker != "":
			absence.Because, absence.Failed = evidence.Weaker, config.Ensemble != External
		case part == record.LogsFolder && config.Ensemble == Memory:
			absence.Because, absence.Failed = "the participants and the server are one process, which writes no logs", false
		}
		m.Absent = append(m.Absent, absence)
	}
	return record.Seal(dir, m)
}

// recorded reports whether any file of a part exists.
func recorded(dir, part string) bool {
	if part != record.LogsFolder {
		return record.Exists(dir, part)
	}
	any := false
	_ = filepath.WalkDir(filepath.Join(dir, part), func(_ string, entry os.DirEntry, err error) error {
		any = any || err == nil && !entry.IsDir()
		return nil
	})
	return any
}
