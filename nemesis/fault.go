package nemesis

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Kind names a fault.
type Kind string

// The catalogue.
const (
	ExpireMaster  Kind = "expire-master"
	ExpireWorker  Kind = "expire-worker"
	KillMaster    Kind = "kill-master"
	KillWorker    Kind = "kill-worker"
	KillClient    Kind = "kill-client"
	LeaveMaster   Kind = "leave-master"
	LeaveWorker   Kind = "leave-worker"
	StopMaster    Kind = "stop-master"
	StopWorker    Kind = "stop-worker"
	CutMaster     Kind = "cut-master"
	CutWorker     Kind = "cut-worker"
	CutClient     Kind = "cut-client"
	IsolateLeader Kind = "isolate-leader"
	SplitServers  Kind = "split-servers"
	KillServer    Kind = "kill-server"
	PauseServer   Kind = "pause-server"
)

// Entry is one line of the catalogue.
type Entry struct {
	Kind    Kind
	Role    Role
	Explain string
	Probe   string
}

// Role is whom a fault is aimed at; who that is, is found out when the time
// comes.
type Role string

// The roles.
const (
	ActiveMaster Role = "active master"
	SomeWorker   Role = "worker"
	SomeClient   Role = "client"
	LeaderServer Role = "leading server"
	SomeServer   Role = "server"
	Servers      Role = "servers"
)

// OnServers reports whether a fault breaks the ensemble itself.
func (r Role) OnServers() bool { return r == LeaderServer || r == SomeServer || r == Servers }

// Catalogue lists every fault, in the order of the documentation.
var Catalogue = []Entry{
	{ExpireMaster, ActiveMaster, "the active master's session is ended by a second connection with its id and password", "the server confirms the end and no longer knows the session"},
	{ExpireWorker, SomeWorker, "a worker's session is ended the same way", "the server confirms the end and no longer knows the session"},
	{KillMaster, ActiveMaster, "the active master gets SIGKILL and is started again later", "the process ended by that signal"},
	{KillWorker, SomeWorker, "a worker gets SIGKILL and is started again later", "the process ended by that signal"},
	{KillClient, SomeClient, "a client gets SIGKILL and is started again later", "the process ended by that signal"},
	{LeaveMaster, ActiveMaster, "the active master is asked to leave, hands over, and is started again later", "the process ended by itself, with code 0"},
	{LeaveWorker, SomeWorker, "a worker is asked to leave, finishes what it holds or gives it back, and is started again later", "the process ended by itself, with code 0"},
	{StopMaster, ActiveMaster, "the active master is stopped (SIGSTOP) for longer than its session lasts, then goes on", "the process is stopped at both ends, and for longer than the session timeout"},
	{StopWorker, SomeWorker, "a worker is stopped (SIGSTOP) for longer than its session lasts, then goes on", "the process is stopped at both ends, and for longer than the session timeout"},
	{CutMaster, ActiveMaster, "the active master's packets are swallowed, both ways", "bytes were swallowed"},
	{CutWorker, SomeWorker, "a worker's packets are swallowed, both ways", "bytes were swallowed"},
	{CutClient, SomeClient, "a client's packets are swallowed, both ways", "bytes were swallowed"},
	{IsolateLeader, LeaderServer, "the ZooKeeper leader is cut from all other servers", "packets were dropped, and it no longer leads"},
	{SplitServers, Servers, "the servers are split into a majority and a minority", "packets were dropped, and the minority does not serve"},
	{KillServer, SomeServer, "a ZooKeeper server gets SIGKILL and is started again later", "the process is gone and the server does not answer"},
	{PauseServer, SomeServer, "a ZooKeeper server is frozen, then goes on", "the engine holds it paused and the server does not answer"},
}

// groups are names for several faults.
var groups = map[string][]Kind{
	"expire":    {ExpireMaster, ExpireWorker},
	"kill":      {KillMaster, KillWorker, KillClient},
	"leave":     {LeaveMaster, LeaveWorker},
	"stop":      {StopMaster, StopWorker},
	"cut":       {CutMaster, CutWorker, CutClient},
	"partition": {CutMaster, CutWorker, CutClient, IsolateLeader, SplitServers},
	"server":    {IsolateLeader, SplitServers, KillServer, PauseServer},
}

// Lookup finds a fault in the catalogue.
func Lookup(kind Kind) (Entry, bool) {
	i := slices.IndexFunc(Catalogue, func(e Entry) bool { return e.Kind == kind })
	if i < 0 {
		return Entry{}, false
	}
	return Catalogue[i], true
}

// Parse reads a comma-separated list of faults and groups, "all" or "none". The
// kinds come back in the order of the catalogue, each once.
func Parse(list string) ([]Kind, error) {
	chosen := map[Kind]bool{}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		switch _, single := Lookup(Kind(name)); {
		case name == "none" || name == "":
		case single:
			chosen[Kind(name)] = true
		case name == "all":
			for _, e := range Catalogue {
				chosen[e.Kind] = true
			}
		case groups[name] != nil:
			for _, k := range groups[name] {
				chosen[k] = true
			}
		default:
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

// Groups lists the names of several faults at once.
func Groups() []string {
	return slices.Sorted(maps.Keys(groups))
}

// Names lists everything that Parse understands.
func Names() []string {
	names := append([]string{"all", "none"}, Groups()...)
	for _, e := range Catalogue {
		names = append(names, string(e.Kind))
	}
	return names
}

// Fault is one planned fault.
type Fault struct {
	Number   int           `json:"number"`
	Kind     Kind          `json:"kind"`
	Start    time.Duration `json:"start"`    // since the load began, in ns
	Duration time.Duration `json:"duration"` // until it is healed, in ns; 0 for a single deed
	Pick     int           `json:"pick"`     // which of those that fit the role, modulo their number
}

// Record is what became of a fault.
type Record struct {
	Fault
	Target    string        `json:"target"` // who it was aimed at when its time came
	Applied   bool          `json:"applied"`
	Effective bool          `json:"effective"`
	Evidence  string        `json:"evidence"` // the probe's finding, in words
	From      time.Duration `json:"from"`     // since the run began, in ns
	To        time.Duration `json:"to"`
}

// Save writes the records of a run.
func Save(path string, records []Record) error {
	data, err := json.MarshalIndent(records, "", "  ")
	if err != nil {
		return fmt.Errorf("nemesis: %w", err)
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Load reads the records of a run.
func Load(path string) ([]Record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("nemesis: %w", err)
	}
	var records []Record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("nemesis: %s: %w", path, err)
	}
	return records, nil
}

// Schedule is the plan behind records.
func Schedule(records []Record) []Fault {
	plan := make([]Fault, len(records))
	for i, r := range records {
		plan[i] = r.Fault
	}
	return plan
}
