package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Files of a run's folder. The manifest, which history.Manifest describes, lists what
// was recorded.
const (
	ConfigFile    = record.ConfigFile
	HistoryFile   = record.HistoryFile
	WireFile      = record.WireFile
	CommittedFile = record.CommittedFile
	FaultsFile    = record.FaultsFile
	EvidenceFile  = record.EvidenceFile
	journalFolder = "journals" // until the run has come to its end
)

// recordFormat is that of the folders that this program makes: they have a manifest.
const recordFormat = 1

// Stored is config.json: what was asked for, and what it ran on.
type Stored struct {
	Config
	// RecordFormat is 0 of a run from before there were manifests.
	RecordFormat int `json:"record_format,omitempty"`

	Namespace string         `json:"namespace,omitempty"`
	Started   time.Time      `json:"started"`
	Versions  Versions       `json:"versions"`
	Builds    Builds         `json:"builds,omitempty"` // of participants, if there are two
	Pulled    ensemble.Image `json:"image_found"`
	Addresses []string       `json:"addresses"`
}

// ServerNames are the names by which faults call the servers.
func (s Stored) ServerNames() []string {
	names := make([]string, len(s.Addresses))
	for i := range names {
		names[i] = ensemble.ServerName(i + 1)
	}
	return names
}

// Versions says what took part in a run.
type Versions struct {
	ZooKeeper string `json:"zookeeper"`
	Go        string `json:"go"`
	System    string `json:"system"`
	Client    string `json:"client"` // go-zookeeper/zk
	Commit    string `json:"commit"`
	Dirty     bool   `json:"dirty"`
}

// revision is the commit that a program was built from, as far as it knows.
func revision(info *debug.BuildInfo) (commit string, dirty bool) {
	commit = "unknown"
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	return commit, dirty
}

func versions() Versions {
	v := Versions{Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Commit: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Commit, v.Dirty = revision(info)
		for _, m := range info.Deps {
			if m.Path == "github.com/go-zookeeper/zk" {
				v.Client = m.Version
			}
		}
	}
	return v
}

// makeFolder creates results/<UTC time>-<seed>/, and says how to undo that.
func makeFolder(out string, seed uint64, now time.Time) (dir string, undo func() error, err error) {
	_, missing := os.Stat(out)
	dir = filepath.Join(out, fmt.Sprintf("%s-%d", now.UTC().Format("20060102T150405Z"), seed))
	err = os.MkdirAll(out, 0o755)
	for _, path := range []string{dir, filepath.Join(dir, record.LogsFolder), filepath.Join(dir, journalFolder)} {
		if err == nil {
			err = os.Mkdir(path, 0o755)
		}
	}
	if err != nil {
		return "", nil, exit.Misuse("harness: --out %s cannot be written: choose another folder: %w", out, err)
	}
	return dir, func() error {
		err := os.RemoveAll(dir)
		if missing != nil {
			_ = os.Remove(out) // fails when something else is in it by now
		}
		return err
	}, nil
}

// linkLatest makes results/latest point to a run that is complete.
func linkLatest(dir string) error {
	latest := filepath.Join(filepath.Dir(dir), "latest")
	if err := os.Remove(latest); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("harness: %w", err)
	}
	if err := os.Symlink(filepath.Base(dir), latest); err != nil {
		return fmt.Errorf("harness: %w", err)
	}
	return nil
}

func saveJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("harness: %w", err)
	}
	return nil
}

// LoadConfig reads config.json of a stored run.
func LoadConfig(dir string) (Stored, error) {
	data, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	if err != nil {
		return Stored{}, exit.Misuse("harness: %s is not the folder of a run: %w", dir, err)
	}
	var s Stored
	if err := json.Unmarshal(data, &s); err != nil {
		return Stored{}, fmt.Errorf("harness: %s in %s: %w", ConfigFile, dir, err)
	}
	return s, nil
}

// readJournals makes one history of the journals of all processes.
func readJournals(dir string) ([]record.Event, error) {
	paths, err := filepath.Glob(filepath.Join(dir, journalFolder, "*.ndjson"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("harness: %s holds neither %s nor %s/", dir, HistoryFile, journalFolder)
	}
	var journals [][]record.Event
	for _, path := range paths {
		events, err := record.ReadFile(path)
		if err != nil {
			return nil, err
		}
		journals = append(journals, events)
	}
	return record.Merge(journals...), nil
}

// mergeJournals writes the history of a run that is over and removes its
// journals.
func mergeJournals(dir string) error {
	merged, err := readJournals(dir)
	if err == nil {
		err = record.WriteFile(filepath.Join(dir, HistoryFile), merged)
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, journalFolder))
}
