package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the folder of a run; see [Open].
func Load(dir string) (Run, error) {
	_, run, err := Open(dir)
	return run, err
}

// Open reads the folder of a run and compares it with the manifest. A part that is
// missing, cut, unreadable or changed is among the run's losses. The error is
// [ErrNoRun] if the folder holds no run.
//
// A killed run has journals that were never merged, and no manifest. A run from before
// manifests is whole if its files do not contradict each other.
func Open(dir string) (Config, Run, error) {
	if !holdsRun(dir) {
		return Config{}, Run{}, fmt.Errorf("record: %s %w: the folder has neither %s nor any other file of a run", dir, ErrNoRun, ConfigFile)
	}
	o := &opening{dir: dir}
	older := o.readManifest()
	o.readEvents()
	o.readEvidence()
	o.run.Exchanges = readPart(o, WireFile, ReadExchanges)
	shareOps(o.run.Events, o.run.Exchanges)
	o.run.Commits = readPart(o, CommittedFile, ReadCommits)
	records := readPart(o, FaultsFile, readFaults)
	if older {
		o.infer(records)
	}
	return o.stored, o.run, nil
}

// holdsRun reports whether a folder holds any file of a run.
func holdsRun(dir string) bool {
	return slices.ContainsFunc(append([]string{ManifestFile, JournalsFolder}, Parts...), func(name string) bool {
		return name != LogsFolder && Exists(dir, name)
	})
}

// opening is a run's folder while it is being read.
type opening struct {
	dir    string
	stored Config
	run    Run
	killed bool // before the run had come to its end
}

// lose notes the defect of a file, once for each file: the first defect causes the
// others. If a run was killed, everything else is missing for that reason.
func (o *opening) lose(file, format string, args ...any) {
	if !o.knows(file) && !o.killed {
		o.run.Losses = append(o.run.Losses, Loss{File: file, Problem: fmt.Sprintf(format, args...)})
	}
}

// knows reports whether a defect of a file was noted.
func (o *opening) knows(file string) bool {
	return slices.ContainsFunc(o.run.Losses, func(l Loss) bool { return l.File == file })
}

// unreadable notes why a file cannot be read. That it differs from the manifest may be known
// already; then the place of the damage is added.
func (o *opening) unreadable(file string, err error) {
	switch {
	case errors.Is(err, os.ErrNotExist):
		o.lose(file, "is missing")
	case o.knows(file):
		at := slices.IndexFunc(o.run.Losses, func(l Loss) bool { return l.File == file })
		if l := &o.run.Losses[at]; !strings.Contains(l.Problem, "cannot be read") {
			l.Problem += fmt.Sprintf("; it cannot be read: %v", err)
		}
	default:
		o.lose(file, "cannot be read: %v", err)
	}
}

// readManifest compares the folder with its manifest. It reports whether the run is from
// before there were manifests.
func (o *opening) readManifest() (older bool) {
	manifest, err := ReadManifest(o.dir)
	stored, unreadable := ReadConfig(o.dir)
	o.stored, o.run.Manifest, o.run.Policy = stored, manifest, stored.Policy
	switch {
	case err == nil:
		o.run.Losses = manifest.Losses(o.dir)
	case !errors.Is(err, os.ErrNotExist):
		o.lose(ManifestFile, "%v", err)
	case unreadable == nil && stored.RecordFormat == 0:
		older = true
	case Exists(o.dir, JournalsFolder) && !Exists(o.dir, HistoryFile):
		o.lose(ManifestFile, "is missing, but %s/ exists: the run was killed before its end", JournalsFolder)
		o.killed = true
	default:
		o.lose(ManifestFile, "is missing: it was lost, or the run was killed in its last moments")
	}
	if unreadable != nil {
		o.unreadable(ConfigFile, unreadable)
	}
	if stored.Policy.Version > PolicyVersion {
		o.lose(ConfigFile, "has a policy of version %d, and this program knows %d: use the program that made it, or a later one", stored.Policy.Version, PolicyVersion)
	}
	if manifest == nil {
		o.run.Manifest = &Manifest{Run: filepath.Base(o.dir), Seed: stored.Seed, Inferred: true}
	}
	return older
}

// readEvents reads the history or, if there is none, the journals.
func (o *opening) readEvents() {
	var err error
	o.run.Events, err = ReadFile(filepath.Join(o.dir, HistoryFile))
	if errors.Is(err, os.ErrNotExist) && Exists(o.dir, JournalsFolder) {
		o.lose(HistoryFile, "is missing, but the journals exist: the run was killed before its end")
		o.run.Events, err = readJournals(o.dir)
	}
	if err != nil {
		o.unreadable(HistoryFile, err)
	}
}

func (o *opening) readEvidence() {
	var err error
	o.run.Evidence, err = ReadEvidence(filepath.Join(o.dir, EvidenceFile))
	if _, absent := o.run.Manifest.Lacks(EvidenceFile); err == nil || absent && errors.Is(err, os.ErrNotExist) {
		return
	}
	o.unreadable(EvidenceFile, err)
	o.run.Evidence = &Evidence{Problem: "the run did not come to its end, or what was found then was lost"}
}

// readPart reads a file of the run: nil if the manifest says that it was not recorded,
// or if it is lost.
func readPart[T any](o *opening, name string, read func(string) ([]T, error)) []T {
	all, err := read(filepath.Join(o.dir, name))
	_, absent := o.run.Manifest.Lacks(name)
	switch {
	case err == nil:
		if all == nil { // it was recorded, and nothing is in it
			all = []T{}
		}
		return all
	case !absent || !errors.Is(err, os.ErrNotExist):
		o.unreadable(name, err)
	}
	return nil
}
