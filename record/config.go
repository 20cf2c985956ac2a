package record

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Kinds of ensemble.
const (
	Docker   = "docker"
	External = "external"
	Memory   = "memory" // in one process and in virtual time
)

// PlainProfile is the profile of the servers if a run names none.
const PlainProfile = "kind"

// Config is config.json as judges and reports read it: the options of the run, and the
// ensemble that it ran on. The harness has the same fields in types of its own.
type Config struct {
	Recipe         string          `json:"recipe,omitempty"` // the name of its subject; empty for a run from before there was a choice
	Seed           uint64          `json:"seed"`
	Time           time.Duration   `json:"time"`
	Servers        int             `json:"servers"`
	Counts         map[string]int  `json:"participants,omitempty"` // of each role, by its name
	Rate           float64         `json:"rate"`
	Nemesis        []string        `json:"nemesis"`
	Schedule       json.RawMessage `json:"schedule,omitempty"`
	Ensemble       string          `json:"ensemble"`
	Connect        []string        `json:"connect,omitempty"`
	Image          string          `json:"image,omitempty"`
	Out            string          `json:"out"`
	SessionTimeout time.Duration   `json:"session_timeout"`
	TickTime       time.Duration   `json:"tick_time"`
	Profile        string          `json:"server_profile,omitempty"`
	Mixed          string          `json:"mixed,omitempty"`
	Holders        int             `json:"holders,omitempty"`

	// A run from before there was a choice of recipes has these numbers instead of Counts.
	Masters int `json:"masters,omitempty"`
	Workers int `json:"workers,omitempty"`
	Clients int `json:"clients,omitempty"`
	Nodes   int `json:"nodes,omitempty"`

	// RecordFormat is 0 for a run from before manifests.
	RecordFormat int       `json:"record_format,omitempty"`
	Policy       Policy    `json:"policy,omitzero"` // empty for a run from before it was stored
	Namespace    string    `json:"namespace,omitempty"`
	Started      time.Time `json:"started"`
	Versions     Versions  `json:"versions"`
	Builds       Builds    `json:"builds,omitempty"`
	Pulled       Image     `json:"image_found"`
	Addresses    []string  `json:"addresses"`
}

// Image describes the software of the servers.
type Image struct {
	Reference string `json:"reference"`
	ID        string `json:"id"`
	Source    string `json:"source"`
}

// Versions names the versions of the software in a run.
type Versions struct {
	ZooKeeper string `json:"zookeeper"`
	Go        string `json:"go"`
	System    string `json:"system"`
	Client    string `json:"client"` // go-zookeeper/zk
	Commit    string `json:"commit"`
	Dirty     bool   `json:"dirty"`
}

// Builds are the builds of a run whose participants are not all of the same build.
type Builds []Build

// Build is a program, and the participants that it runs.
type Build struct {
	Path         string   `json:"path"`
	Commit       string   `json:"commit"`
	Dirty        bool     `json:"dirty,omitempty"`
	Participants []string `json:"participants"`
}

// String names the builds for a reader.
func (b Builds) String() string {
	parts := make([]string, len(b))
	for i, build := range b {
		parts[i] = fmt.Sprintf("%s of commit %s", strings.Join(build.Participants, ", "), build.commit())
	}
	return strings.Join(parts, "; ")
}

func (b Build) commit() string {
	if b.Dirty {
		return b.Commit + " with changes"
	}
	return b.Commit
}

// ErrNoRun says that a folder holds no run.
var ErrNoRun = errors.New("is not the folder of a run")

// ReadConfig reads config.json of a stored run.
func ReadConfig(dir string) (Config, error) {
	data, err := ReadRegular(filepath.Join(dir, ConfigFile))
	if err != nil {
		return Config{}, fmt.Errorf("record: %s %w: %w", dir, ErrNoRun, err)
	}
	var c Config
	if err := decodeJSON(data, &c); err != nil {
		return Config{}, fmt.Errorf("record: %s in %s: %w", ConfigFile, dir, err)
	}
	return c, nil
}

// ServerNames are the names by which faults and reports call the servers.
func (c Config) ServerNames() []string {
	names := make([]string, len(c.Addresses))
	for i := range names {
		names[i] = fmt.Sprintf("zk%d", i+1)
	}
	return names
}

// RoleCount is a role, and how many participants of the run have it.
type RoleCount struct {
	Role  Role
	Count int
}

// RoleCounts lists the roles of the run: first those that have a rank, in its order, then the
// others.
func (c Config) RoleCounts() []RoleCount {
	if c.Counts == nil {
		return []RoleCount{{MasterRole, c.Masters}, {WorkerRole, c.Workers}, {NodeRole, c.Nodes}, {ClientRole, c.Clients}}
	}
	var all []RoleCount
	for name, count := range c.Counts {
		all = append(all, RoleCount{Role(name), count})
	}
	place := func(r Role) int {
		if rank := r.Rank(); rank >= 0 {
			return rank
		}
		return len(numbered)
	}
	slices.SortFunc(all, func(a, b RoleCount) int {
		return cmp.Or(cmp.Compare(place(a.Role), place(b.Role)), cmp.Compare(a.Role, b.Role))
	})
	return all
}

// String says how many there are: "2 masters".
func (c RoleCount) String() string {
	if c.Role == NodeRole {
		return fmt.Sprintf("%d equal nodes", c.Count)
	}
	return fmt.Sprintf("%d %ss", c.Count, c.Role)
}

// Participants are the names of the participants that the options asked for, in the
// order of their roles.
func (c Config) Participants() []string {
	var names []string
	for _, role := range c.RoleCounts() {
		for i := range role.Count {
			names = append(names, fmt.Sprintf("%s-%d", role.Role, i+1))
		}
	}
	return names
}

// inflicted holds the fields of a fault in faults.json that judges read.
type inflicted struct {
	Kind      string `json:"kind"`
	Target    string `json:"target"`
	Effective bool   `json:"effective"`
	Evidence  string `json:"evidence"`
}

func readFaults(path string) ([]inflicted, error) {
	data, err := ReadRegular(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	var all []inflicted
	if err := decodeJSON(data, &all); err != nil {
		return nil, fmt.Errorf("record: %s: %w", path, err)
	}
	return all, nil
}
