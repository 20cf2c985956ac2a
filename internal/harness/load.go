package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Load reads what a run left; see [Open].
func Load(dir string) (record.Run, error) {
	_, run, err := Open(dir)
	return run, err
}

// Open reads what a run left, and compares it with what the manifest says was recorded.
// What is missing, cut, unreadable or not as it was recorded is among the run's losses.
// An error means that the folder has nothing of a run.
//
// A run that was killed has journals that were never merged, and no manifest. A run from
// before there were manifests is whole when all that its files say of each other is so.
func Open(dir string) (Stored, record.Run, error) {
	if !holdsRun(dir) {
		return Stored{}, record.Run{}, exit.Misuse("harness: %s is not the folder of a run: it has neither %s nor anything else that a run records", dir, ConfigFile)
	}
	o := &opening{dir: dir}
	older := o.readManifest()
	o.readEvents()
	o.readEvidence()
	o.run.Exchanges = readPart(o, WireFile, record.ReadExchanges)
	o.run.Commits = readPart(o, CommittedFile, record.ReadCommits)
	records := readPart(o, FaultsFile, nemesis.Load)
	if older {
		o.infer(records)
	}
	return o.stored, o.run, nil
}

// holdsRun reports whether a folder has anything of a run.
func holdsRun(dir string) bool {
	return slices.ContainsFunc(append([]string{record.ManifestFile, journalFolder}, record.Parts...), func(name string) bool {
		return name != record.LogsFolder && exists(dir, name)
	})
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// opening is a run's folder while it is being read.
type opening struct {
	dir    string
	stored Stored
	run    record.Run
	killed bool // before the run had come to its end
}

// lose notes what is wrong with a file, once for each: the first is the cause of what
// else is wrong with it. Of a run that was killed everything else is missing for that.
func (o *opening) lose(file, format string, args ...any) {
	known := slices.ContainsFunc(o.run.Losses, func(l record.Loss) bool { return l.File == file })
	if !known && !o.killed {
		o.run.Losses = append(o.run.Losses, record.Loss{File: file, Problem: fmt.Sprintf(format, args...)})
	}
}

// unreadable notes why a file cannot be read.
func (o *opening) unreadable(file string, err error) {
	if errors.Is(err, os.ErrNotExist) {
		o.lose(file, "is missing")
	} else {
		o.lose(file, "cannot be read: %v", err)
	}
}

// readManifest compares the folder with its manifest. It reports whether the run is from
// before there were manifests.
func (o *opening) readManifest() (older bool) {
	manifest, err := record.ReadManifest(o.dir)
	stored, unreadable := LoadConfig(o.dir)
	o.stored, o.run.Manifest = stored, manifest
	switch {
	case err == nil:
		o.run.Losses = manifest.Losses(o.dir)
	case !errors.Is(err, os.ErrNotExist):
		o.lose(record.ManifestFile, "%v", err)
	case unreadable == nil && stored.RecordFormat == 0:
		older = true
	case exists(o.dir, journalFolder) && !exists(o.dir, HistoryFile):
		o.lose(record.ManifestFile, "is missing, and %s/ is there: the run was killed before its end", journalFolder)
		o.killed = true
	default:
		o.lose(record.ManifestFile, "is missing: it was lost, or the run was killed in its last moments")
	}
	if unreadable != nil {
		o.unreadable(ConfigFile, unreadable)
	}
	if manifest == nil {
		o.run.Manifest = &record.Manifest{Run: filepath.Base(o.dir), Seed: stored.Seed, Inferred: true}
	}
	return older
}

// readEvents reads the history, or, where there is none, the journals.
func (o *opening) readEvents() {
	var err error
	o.run.Events, err = record.ReadFile(filepath.Join(o.dir, HistoryFile))
	if errors.Is(err, os.ErrNotExist) && exists(o.dir, journalFolder) {
		o.lose(HistoryFile, "was not made of the journals, which are there: the run was killed before its end")
		o.run.Events, err = readJournals(o.dir)
	}
	if err != nil {
		o.unreadable(HistoryFile, err)
	}
}

func (o *opening) readEvidence() {
	var err error
	o.run.Evidence, err = record.ReadEvidence(filepath.Join(o.dir, EvidenceFile))
	if _, absent := o.run.Manifest.Lacks(EvidenceFile); err == nil || absent && errors.Is(err, os.ErrNotExist) {
		return
	}
	o.unreadable(EvidenceFile, err)
	o.run.Evidence = &record.Evidence{Problem: "the run did not come to its end, or what was found then was lost"}
}

// readPart reads a file of the run: nil where the manifest says that it was not recorded,
// and where it is lost.
func readPart[T any](o *opening, name string, read func(string) ([]T, error)) []T {
	all, err := read(filepath.Join(o.dir, name))
	_, absent := o.run.Manifest.Lacks(name)
	switch {
	case err == nil:
		return append([]T{}, all...)
	case !absent || !errors.Is(err, os.ErrNotExist):
		o.unreadable(name, err)
	}
	return nil
}

// LoadReplay returns the Config that repeats a stored run: the same seed, options
// and schedule. It refuses files that are not as they were recorded.
func LoadReplay(dir string) (Config, error) {
	manifest, err := record.ReadManifest(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // one that was killed can be repeated
		return Config{}, fmt.Errorf("harness: %s in %s %w; so nothing vouches for the schedule: restore the file", record.ManifestFile, dir, err)
	}
	if err == nil {
		for _, loss := range manifest.Losses(dir, ConfigFile, FaultsFile) {
			return Config{}, fmt.Errorf("harness: %s: %v; so it would not be the same run: restore the file", dir, loss)
		}
	}
	stored, err := LoadConfig(dir)
	if err != nil {
		return Config{}, err
	}
	records, err := nemesis.Load(filepath.Join(dir, FaultsFile))
	if err != nil {
		return Config{}, err
	}
	config := stored.Config
	config.Schedule = nemesis.Schedule(records)
	return config, nil
}
