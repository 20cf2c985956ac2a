package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Files and folders that a run records in its own folder. The manifest lists them; it
// is written last.
const (
	ManifestFile   = "manifest.json"
	ConfigFile     = "config.json"      // see Config
	HistoryFile    = "history.ndjson"   // see Event
	WireFile       = "wire.ndjson"      // see Exchange
	CommittedFile  = "committed.ndjson" // see Commit
	FaultsFile     = "faults.json"
	EvidenceFile   = "evidence.json" // see Evidence
	LogsFolder     = "logs"          // of participants and servers
	JournalsFolder = "journals"      // a history for each process, until the run is over
)

// Files and folders that judges add to a run's folder.
const (
	VerdictFile         = "verdict.json"
	ReportFile          = "report.html"
	LinearizabilityFile = "linearizability.html"
	StoryFile           = "story.txt"
	ShrunkFolder        = "shrunk" // and in it a folder for each property, which can be judged like a run
	TraceFolder         = "trace"  // modules for TLC
	TLCLog              = "tlc.log"
	ScheduleFile        = "schedule.json" // the smallest schedule that still violates a property
	ShrinkingFolder     = "shrinking"     // and in it the last run that violated it with that schedule
	OutputFile          = "output.txt"    // the output of one run of a series
	CounterexampleFile  = "schedule.txt"  // of an exploration
	WorldFile           = "exploration.json"
	LatestLink          = "latest" // beside the folders of runs: the last one
)

// FormatVersion is the record_format of runs that have a manifest.
const FormatVersion = 1

// FolderName is the name of a run's folder.
func FolderName(started time.Time, seed uint64) string {
	return fmt.Sprintf("%s-%d", started.UTC().Format("20060102T150405Z"), seed)
}

// folderName finds the seed in a name that FolderName made, perhaps with the number that
// MakeFolder has added.
var folderName = regexp.MustCompile(`^\d{8}T\d{6}Z-(\d+)(?:-\d+)?$`)

// MakeFolder makes a new folder below out, and out itself if need be. If the name is
// taken, it adds -2, -3 and so on. It returns the path of the folder.
func MakeFolder(out, name string) (string, error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	dir := filepath.Join(out, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o755)
		if !errors.Is(err, os.ErrExist) {
			return dir, err
		}
		dir = filepath.Join(out, fmt.Sprintf("%s-%d", name, n))
	}
}

// JournalName is the name of the journal of one life of a process, within the folder of
// journals.
func JournalName(process string, life int) string { return fmt.Sprintf("%s-%d.ndjson", process, life) }

// SaveJSON writes a value as indented JSON.
func SaveJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// Replace writes the whole file, or leaves it as it was: a process that is killed
// meanwhile leaves no half of it.
func Replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// WriteTo creates a file and has it written.
func WriteTo(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return errors.Join(write(file), file.Close())
}

// readJournals merges the journals of all processes into one history.
func readJournals(dir string) ([]Event, error) {
	paths, err := filepath.Glob(filepath.Join(dir, JournalsFolder, "*.ndjson"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("record: %s holds neither %s nor %s/", dir, HistoryFile, JournalsFolder)
	}
	var journals [][]Event
	for _, path := range paths {
		events, err := ReadFile(path)
		if err != nil {
			return nil, err
		}
		journals = append(journals, events)
	}
	return Merge(journals...), nil
}

// MergeJournals writes the history of a run that is over, and removes its journals. After
// an error the journals are as they were, and there is no history.
func MergeJournals(dir string) error {
	merged, err := readJournals(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, HistoryFile)
	if err := WriteFile(path, merged); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return os.RemoveAll(filepath.Join(dir, JournalsFolder))
}

// Exists reports whether a run's folder has a file or folder of that name.
func Exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// Unaltered compares files of a run with its manifest. A killed run has no manifest, so
// its files cannot be compared.
func Unaltered(dir string, files ...string) error {
	manifest, err := ReadManifest(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("record: %s in %s %w; so the schedule may be wrong: restore the file", ManifestFile, dir, err)
	}
	for _, loss := range manifest.Losses(dir, files...) {
		return fmt.Errorf("record: %s: %v; so a repetition would be another run: restore the file", dir, loss)
	}
	return nil
}

// Replayable reports whether the options and the schedule of a run are as they were
// recorded, so that it can be run again.
func Replayable(dir string) bool {
	if Unaltered(dir, ConfigFile, FaultsFile) != nil {
		return false
	}
	_, noConfig := ReadConfig(dir)
	_, noFaults := readFaults(filepath.Join(dir, FaultsFile))
	return noConfig == nil && noFaults == nil
}
