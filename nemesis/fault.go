package nemesis

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Kind names a fault.
type Kind string

// Role is the role of a fault's target. The process or server that has the role is
// found when the fault begins.
type Role string

// The roles.
const (
	ActiveMaster  Role = "active master"
	Backup        Role = "backup master"
	BusiestWorker Role = "busiest worker" // the worker with the most assignments
	SomeWorker    Role = "worker"
	WorkerAlone   Role = "worker that stands for no election"
	SomeClient    Role = "client"
	NextMaster    Role = "next master" // the master that wins the next election
	Several       Role = "several participants"

	LeaderServer   Role = "leading server"
	FollowerServer Role = "following server"
	MastersServer  Role = "the master's server" // the server that the active master is connected to
	HoldersServer  Role = "the holder's server" // the server that a participant is connected to that holds something long-lived
	SomeServer     Role = "server"
	Minority       Role = "minority of the servers"
	AllServers     Role = "all servers" // one after the other, or all at once
)

// OnServers reports whether a fault breaks the ensemble itself.
func (r Role) OnServers() bool {
	switch r {
	case LeaderServer, FollowerServer, MastersServer, HoldersServer, SomeServer, Minority, AllServers:
		return true
	}
	return false
}

// Fault is one planned fault.
type Fault struct {
	Number   int           `json:"number"`
	Kind     Kind          `json:"kind"`
	Role     Role          `json:"role"`
	Start    time.Duration `json:"start"`    // since the load began, in ns
	Duration time.Duration `json:"duration"` // until it is healed, in ns; 0 for a fault without duration
	Pick     int           `json:"pick"`     // the index among the targets that fit the role, modulo their number
}

// Record is the course of a fault: intended, as planned; applied, as the harness did
// it; effective, as the probe found it.
type Record struct {
	Fault
	Target    string            `json:"target"` // the target that was found when the fault began
	Applied   bool              `json:"applied"`
	Effective bool              `json:"effective"`
	Evidence  string            `json:"evidence"`          // the probe's finding, in words
	Figures   map[string]string `json:"figures,omitempty"` // and in figures
	From      time.Duration     `json:"from"`              // since the run began, in ns
	To        time.Duration     `json:"to"`
}

// Save writes the records of a run.
func Save(path string, records []Record) error { return record.SaveJSON(path, records) }

// SaveSchedule writes a plan without its results. [LoadSchedule] reads it, and it can
// be edited by hand.
func SaveSchedule(path string, plan []Fault) error {
	return record.SaveJSON(path, append([]Fault{}, plan...)) // no faults are an empty list, not null
}

// Load reads the records of a run.
func Load(path string) ([]Record, error) {
	data, err := record.ReadRegular(path)
	if err != nil {
		return nil, fmt.Errorf("nemesis: %w", err)
	}
	var records []Record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("nemesis: %s: %w", path, err)
	}
	return records, nil
}

// LoadSchedule reads a plan from a file of faults, such as the faults.json of a run. It
// refuses faults that cannot be carried out.
func LoadSchedule(path string) ([]Fault, error) {
	records, err := Load(path)
	if err != nil {
		return nil, err
	}
	plan := Schedule(records)
	if err := Validate(plan); err != nil {
		return nil, fmt.Errorf("nemesis: %s: %w", path, err)
	}
	return plan, nil
}

// Validate lists everything in a schedule that cannot be carried out.
func Validate(plan []Fault) error {
	var errs []error
	for i, f := range plan {
		entry, known := Lookup(f.Kind)
		switch {
		case !known:
			errs = append(errs, fmt.Errorf("fault %d: unknown kind %q: torture faults lists the kinds", i+1, f.Kind))
		case f.Role != "" && !slices.Contains(entry.Roles, f.Role):
			errs = append(errs, fmt.Errorf("fault %d: %s cannot hit the role %q: use one of %q", i+1, f.Kind, f.Role, entry.Roles))
		case f.Start < 0 || f.Duration < 0 || f.Pick < 0:
			errs = append(errs, fmt.Errorf("fault %d (%s): start, duration and pick must not be negative", i+1, f.Kind))
		}
	}
	return errors.Join(errs...)
}

// Schedule is the plan behind records.
func Schedule(records []Record) []Fault {
	plan := make([]Fault, len(records))
	for i, r := range records {
		plan[i] = r.Fault
	}
	return plan
}

// Kinds are the kinds of a plan, in the order of the catalogue, each once.
func Kinds(plan []Fault) []Kind {
	var kinds []Kind
	for _, e := range Catalogue {
		if slices.ContainsFunc(plan, func(f Fault) bool { return f.Kind == e.Kind }) {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// Aim is the role that a fault aims at: its own or, if the schedule names none, the
// first of its kind that a participant can have.
func (f Fault) Aim(lacking ...Role) Role {
	entry, ok := Lookup(f.Kind)
	if roles := entry.rolesBut(lacking); ok && f.Role == "" && len(roles) > 0 {
		return roles[0]
	}
	return f.Role
}

// Parse reads a comma-separated list of faults and groups, "all" or "none". "all" are
// the faults for servers of every profile; the others must be named. The kinds come
// back in the order of the catalogue, each once.
func Parse(list string) ([]Kind, error) {
	chosen := map[Kind]bool{}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "none" || name == "" {
			continue
		}
		found := false
		for _, e := range Catalogue {
			if name == "all" && !e.ByName || name == string(e.Kind) || slices.Contains(e.groups(), name) {
				chosen[e.Kind], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("nemesis: unknown fault %q: choose from %s", name, strings.Join(Names(), ", "))
		}
	}
	var kinds []Kind
	for _, e := range Catalogue {
		if chosen[e.Kind] {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds, nil
}

// Named lists the kinds that a list names directly, not by a group.
func Named(list string) []Kind {
	var kinds []Kind
	for name := range strings.SplitSeq(list, ",") {
		if e, ok := Lookup(Kind(strings.TrimSpace(name))); ok {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// Names lists everything that Parse understands.
func Names() []string {
	names := append([]string{"all", "none"}, Groups()...)
	for _, e := range Catalogue {
		names = append(names, string(e.Kind))
	}
	return names
}

// Groups lists the names of several faults at once.
func Groups() []string {
	var all []string
	for _, e := range Catalogue {
		all = append(all, e.groups()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Lookup finds a fault in the catalogue.
func Lookup(kind Kind) (Entry, bool) {
	i := slices.IndexFunc(Catalogue, func(e Entry) bool { return e.Kind == kind })
	if i < 0 {
		return Entry{}, false
	}
	return Catalogue[i], true
}
