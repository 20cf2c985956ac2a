package harness

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/build"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Stored is config.json: the options of a run, and its bench.
type Stored struct {
	Config
	// RecordFormat is 0 for a run from before manifests.
	RecordFormat int `json:"record_format,omitempty"`

	Policy    record.Policy   `json:"policy"`
	Namespace string          `json:"namespace,omitempty"`
	Started   time.Time       `json:"started"`
	Versions  record.Versions `json:"versions"`
	Builds    record.Builds   `json:"builds,omitempty"` // of participants, if there are two
	Pulled    ensemble.Image  `json:"image_found"`
	Addresses []string        `json:"addresses"`
}

// revision is the commit that a program was built from, as far as it knows.
func revision(info *debug.BuildInfo) (commit string, dirty bool) {
	commit, dirty = build.Revision(info)
	return cmp.Or(commit, "unknown"), dirty
}

// Commit is the commit that this command was built from, with a + when the source had
// changed since, and "unknown" when the build does not say.
func Commit() string {
	v := versions()
	if v.Dirty {
		return v.Commit + "+"
	}
	return v.Commit
}

func versions() record.Versions {
	v := record.Versions{Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Commit: "unknown"}
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

// makeFolder creates results/<UTC time>-<seed>/, with a number behind it if there is such a
// folder already. It returns a function that undoes that.
func makeFolder(out string, seed uint64, now time.Time) (dir string, undo func() error, err error) {
	_, missing := os.Stat(out)
	dir, err = record.MakeFolder(out, record.FolderName(now, seed))
	for _, path := range []string{filepath.Join(dir, record.LogsFolder), filepath.Join(dir, record.JournalsFolder)} {
		if err == nil {
			err = os.Mkdir(path, 0o755)
		}
	}
	if err != nil {
		return "", nil, exit.Misuse("harness: --out %s: the folder cannot be written, choose another one: %w", out, err)
	}
	return dir, func() error {
		err := os.RemoveAll(dir)
		if missing != nil {
			_ = os.Remove(out) // fails if another run is in it by now
		}
		return err
	}, nil
}

// linkLatest makes results/latest point to a complete run. Several runs may do that at the
// same time: one of them is the latest then.
func linkLatest(dir string) error {
	latest := filepath.Join(filepath.Dir(dir), record.LatestLink)
	own := latest + "-" + filepath.Base(dir)
	err := os.Symlink(filepath.Base(dir), own)
	if err == nil {
		err = os.Rename(own, latest)
	}
	if err != nil {
		return fmt.Errorf("harness: %w", errors.Join(err, os.RemoveAll(own)))
	}
	return nil
}

// LoadConfig reads config.json of a stored run. A run from before there were other
// recipes has the numbers of its participants under the names of their roles.
func LoadConfig(dir string) (Stored, error) {
	data, err := record.ReadRegular(filepath.Join(dir, record.ConfigFile))
	if err != nil {
		return Stored{}, exit.Misuse("harness: %s is not the folder of a run: %w", dir, err)
	}
	var s Stored
	var before struct{ Masters, Workers, Nodes, Clients int }
	if err := errors.Join(json.Unmarshal(data, &s), json.Unmarshal(data, &before)); err != nil {
		return Stored{}, fmt.Errorf("harness: %s in %s: %w", record.ConfigFile, dir, err)
	}
	if s.Participants == nil {
		s.Participants = map[string]int{"master": before.Masters, "worker": before.Workers, "node": before.Nodes, "client": before.Clients}
	}
	return s, nil
}

// LoadReplay returns the Setup that repeats a stored run: the same seed, options and
// schedule. find has the subject of a recipe; in runs from before there were other
// recipes, the name is empty. LoadReplay refuses files that differ from their record.
func LoadReplay(dir string, find func(recipe string) (subject.Subject, error)) (Setup, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return Setup{}, exit.Misuse("harness: %s is not the folder of a run: it is no folder", dir)
	}
	if err := record.Unaltered(dir, record.ConfigFile, record.FaultsFile); err != nil {
		return Setup{}, err
	}
	stored, err := LoadConfig(dir)
	if err != nil {
		return Setup{}, err
	}
	records, err := nemesis.Load(filepath.Join(dir, record.FaultsFile))
	if err != nil {
		return Setup{}, err
	}
	config := stored.Config
	config.Schedule = nemesis.Schedule(records)
	found, err := find(config.Recipe)
	if err != nil {
		return Setup{}, fmt.Errorf("%s: %w", dir, err)
	}
	config.Recipe = found.Name
	return Setup{config, found}, nil
}
