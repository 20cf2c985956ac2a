package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// Files of a run's folder.
const (
	ConfigFile    = "config.json"
	HistoryFile   = "history.ndjson"
	FaultsFile    = "faults.json"
	EvidenceFile  = "evidence.json"
	journalFolder = "journals"
)

// Stored is config.json: what was asked for, and what it ran on.
type Stored struct {
	Config
	Namespace string         `json:"namespace,omitempty"`
	Started   time.Time      `json:"started"`
	Versions  Versions       `json:"versions"`
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

func versions() Versions {
	v := Versions{Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Commit: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/go-zookeeper/zk" {
				v.Client = m.Version
			}
		}
	}
	if out, err := exec.Command("git", "rev-parse", "HEAD").Output(); err == nil {
		v.Commit = strings.TrimSpace(string(out))
		status, err := exec.Command("git", "status", "--porcelain").Output()
		v.Dirty = err != nil || len(status) > 0
	}
	return v
}

// makeFolder creates results/<UTC time>-<seed>/.
func makeFolder(out string, seed uint64, now time.Time) (string, error) {
	dir := filepath.Join(out, fmt.Sprintf("%s-%d", now.UTC().Format("20060102T150405Z"), seed))
	for _, sub := range []string{"logs", journalFolder} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return "", fmt.Errorf("harness: --out %s cannot be written: choose another folder: %w", out, err)
		}
	}
	return dir, nil
}

// removeFolder undoes makeFolder, and removes the folder around it if it is
// empty then.
func removeFolder(dir string) error {
	err := os.RemoveAll(dir)
	_ = os.Remove(filepath.Dir(dir)) // fails when something else is in it
	return err
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
		return Stored{}, fmt.Errorf("harness: %s is not the folder of a run: %w", dir, err)
	}
	var s Stored
	if err := json.Unmarshal(data, &s); err != nil {
		return Stored{}, fmt.Errorf("harness: %s in %s: %w", ConfigFile, dir, err)
	}
	return s, nil
}

// LoadReplay returns the Config that repeats a stored run: the same seed, options
// and schedule.
func LoadReplay(dir string) (Config, error) {
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

// Load reads what a run left. A run that was killed has journals that were never
// merged, and no evidence; it can still be judged as far as they go.
func Load(dir string) ([]history.Event, *history.Evidence, error) {
	if _, err := os.Stat(filepath.Join(dir, journalFolder)); err == nil {
		if _, err := mergeJournals(dir); err != nil {
			return nil, nil, err
		}
	}
	events, err := history.ReadFile(filepath.Join(dir, HistoryFile))
	if err != nil {
		return nil, nil, err
	}
	evidence, err := history.ReadEvidence(filepath.Join(dir, EvidenceFile))
	if errors.Is(err, os.ErrNotExist) {
		return events, &history.Evidence{Problem: "the run did not come to its end"}, nil
	}
	return events, evidence, err
}

// mergeJournals makes one history of the journals of all processes.
func mergeJournals(dir string) ([]history.Event, error) {
	paths, err := filepath.Glob(filepath.Join(dir, journalFolder, "*.ndjson"))
	if err != nil {
		return nil, err
	}
	var journals [][]history.Event
	for _, path := range paths {
		events, err := history.ReadFile(path)
		if err != nil {
			return nil, err
		}
		journals = append(journals, events)
	}
	merged := history.Merge(journals...)
	if err := history.WriteFile(filepath.Join(dir, HistoryFile), merged); err != nil {
		return nil, err
	}
	return merged, errors.Join(os.RemoveAll(filepath.Join(dir, journalFolder)))
}
