package record_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// olderRun is a run on three servers from before there were manifests: the checker's
// frozen one, with a config.json and a faults.json that fit it.
type olderRun struct {
	record.Run
	stored record.Config
	faults []fault
}

// fault is what is read of a fault.
type fault struct {
	Kind      string `json:"kind"`
	Target    string `json:"target"`
	Effective bool   `json:"effective"`
	Evidence  string `json:"evidence"`
}

func readOlderRun(t *testing.T) *olderRun {
	t.Helper()
	o := &olderRun{Run: recordtest.Frozen(t, "committed"), stored: record.Config{Ensemble: record.Docker, Addresses: []string{"a:1", "b:1", "c:1"}}}
	var err, unread error
	o.Exchanges, err = record.ReadExchanges(filepath.Join(recordtest.Folder(t), "committed.wire.ndjson"))
	o.Commits, unread = record.ReadCommits(filepath.Join(recordtest.Folder(t), "committed.commits.ndjson"))
	if err = errors.Join(err, unread); err != nil {
		t.Fatal(err)
	}
	started := map[string]bool{}
	for _, e := range o.Events {
		if p := e.ProcessChange(); p.Fate == record.Started {
			started[p.Of.Process] = true
		}
	}
	count := func(role record.Role) (n int) {
		for name := range started {
			if record.RoleOf(name) == role {
				n++
			}
		}
		return n
	}
	c := &o.stored
	c.Masters, c.Workers, c.Nodes, c.Clients = count(record.MasterRole), count(record.WorkerRole), count(record.NodeRole), count(record.ClientRole)
	for _, f := range record.Operations(o.Events, record.Fault) {
		o.faults = append(o.faults, fault{Kind: f.Fault().Fault, Target: strings.Join(f.Targets(), ","), Effective: f.Fault().Effective, Evidence: f.Fault().Evidence})
	}
	return o
}

// store leaves the run as it would have left its folder, and reads that.
func (o *olderRun) store(t *testing.T) record.Run {
	t.Helper()
	dir := t.TempDir()
	err := errors.Join(
		record.SaveJSON(filepath.Join(dir, record.ConfigFile), o.stored), record.SaveJSON(filepath.Join(dir, record.FaultsFile), o.faults),
		record.WriteFile(filepath.Join(dir, record.HistoryFile), o.Events), o.Evidence.Save(filepath.Join(dir, record.EvidenceFile)),
	)
	if o.Commits != nil {
		err = errors.Join(err, record.WriteCommits(filepath.Join(dir, record.CommittedFile), o.Commits))
	}
	wire, unmade := record.CreateWire(filepath.Join(dir, record.WireFile))
	if err = errors.Join(err, unmade); err != nil {
		t.Fatal(err)
	}
	for _, x := range o.Exchanges {
		wire.Add(x)
	}
	run, err := record.Load(dir)
	if err = errors.Join(err, wire.Close()); err != nil {
		t.Fatal(err)
	}
	return run
}

// TestOpen_OlderRunIsReadAsItIs: where the files agree, nothing is missed; and what was not
// recorded is known with its reason.
func TestOpen_OlderRunIsReadAsItIs(t *testing.T) {
	run := readOlderRun(t).store(t)
	if len(run.Losses) > 0 || run.Manifest == nil || !run.Manifest.Inferred || run.Commits == nil || run.Exchanges == nil {
		t.Errorf("%v, %+v", run.Losses, run.Manifest)
	}
	external := readOlderRun(t)
	external.stored.Ensemble, external.Commits, external.Evidence.Servers = record.External, nil, nil
	external.Evidence.Order, external.Evidence.Weaker = record.FromTree, "the disks cannot be read"
	run = external.store(t)
	if a, absent := run.Manifest.Lacks(record.CommittedFile); len(run.Losses) > 0 || !absent || a.Failed || a.Because != "the disks cannot be read" {
		t.Errorf("%v, %+v", run.Losses, run.Manifest)
	}
	external.stored.Ensemble = record.Docker
	if a, absent := external.store(t).Manifest.Lacks(record.CommittedFile); !absent || !a.Failed {
		t.Errorf("on containers the logs are read, or that has failed: %+v", a)
	}
}

// TestOpen_OlderRunMustAgreeWithItself plants one contradiction at a time.
func TestOpen_OlderRunMustAgreeWithItself(t *testing.T) {
	status := func(n record.Node) bool { return strings.HasSuffix(n.Path, "/status") }
	for name, c := range map[string]struct {
		plant func(o *olderRun)
		file  string
		says  string
	}{
		"an event is gone":     {func(o *olderRun) { o.Events = slices.Delete(o.Events, 100, 101) }, record.HistoryFile, "event 100 is followed by event 102"},
		"an event comes twice": {func(o *olderRun) { o.Events = slices.Insert(o.Events, 100, o.Events[99]) }, record.HistoryFile, "event 100 is followed by event 100"},
		"the end is gone":      {func(o *olderRun) { o.Events = o.Events[:len(o.Events)-1] }, record.HistoryFile, "ends before the end of the run"},
		"a term has no end": {func(o *olderRun) {
			o.drop(func(e record.Event) bool { return e.Kind == record.Lead && e.Remark() == "closed" })
		}, record.HistoryFile, "has left, but one of its operations has no end"},
		"a fault is gone":       {func(o *olderRun) { o.faults = o.faults[1:] }, record.FaultsFile, "has other faults than history.ndjson"},
		"a fault was effective": {func(o *olderRun) { o.faults[0].Effective = !o.faults[0].Effective }, record.FaultsFile, "has other faults"},
		"no faults":             {func(o *olderRun) { o.faults = nil }, record.FaultsFile, "has other faults"},
		"one more worker":       {func(o *olderRun) { o.stored.Workers++ }, record.ConfigFile, "names other participants"},
		"in memory":             {func(o *olderRun) { o.stored.Ensemble = record.Memory }, record.EvidenceFile, `on an ensemble of kind "memory"`},
		"no kind of ensemble":   {func(o *olderRun) { o.stored.Ensemble = "" }, record.EvidenceFile, `on an ensemble of kind ""`},
		"five servers":          {func(o *olderRun) { o.stored.Addresses = make([]string, 5) }, record.EvidenceFile, "has 3 servers, but config.json has 5"},
		"a server is gone":      {func(o *olderRun) { o.Evidence.Servers = o.Evidence.Servers[1:] }, record.EvidenceFile, "has 2 servers"},
		"a commit is gone":      {func(o *olderRun) { o.Commits = slices.Delete(o.Commits, 50, 51) }, record.CommittedFile, "has a hole: zxid 0x100000032 is followed by 0x100000034"},
		"the last commit":       {func(o *olderRun) { o.Commits = o.Commits[:len(o.Commits)-1] }, record.CommittedFile, "ends with zxid 0x1000000ac"},
		"no commits":            {func(o *olderRun) { o.Commits = nil }, record.CommittedFile, "is missing"},
		"no commit":             {func(o *olderRun) { o.Commits = []record.Commit{} }, record.CommittedFile, "is empty"},
		"no exchange":           {func(o *olderRun) { o.Exchanges = nil }, record.WireFile, "is empty"},
		"a status is gone":      {func(o *olderRun) { o.Evidence.Nodes = slices.DeleteFunc(o.Evidence.Nodes, status) }, record.EvidenceFile, "in the final tree, but committed.ndjson has it"},
		"a status is another": {func(o *olderRun) {
			o.Evidence.Nodes[slices.IndexFunc(o.Evidence.Nodes, status)].Data = "x"
		}, record.EvidenceFile, "than committed.ndjson gives"},
		"a task of nobody": {func(o *olderRun) { o.Evidence.Nodes = append(o.Evidence.Nodes, record.Node{Path: "/tasks/x"}) }, record.EvidenceFile, "has /tasks/x in the final tree"},
	} {
		t.Run(name, func(t *testing.T) {
			o := readOlderRun(t)
			c.plant(o)
			losses := o.store(t).Losses
			if len(losses) == 0 || losses[0].File != c.file || !strings.Contains(losses[0].Problem, c.says) {
				t.Errorf("%v", losses)
			}
		})
	}
}

// drop takes the first such event out, and numbers the others again.
func (o *olderRun) drop(such func(record.Event) bool) {
	at := slices.IndexFunc(o.Events, such)
	o.Events = record.Merge(slices.Delete(o.Events, at, at+1))
}

// TestOpen_HiddenHoleIsNone: what the logs are known not to tell was not cut.
func TestOpen_HiddenHoleIsNone(t *testing.T) {
	o := readOlderRun(t)
	gone := o.Commits[50].Zxid
	o.Commits = slices.Delete(o.Commits, 50, 51)
	o.Evidence.Gaps = []record.ZxidRange{{From: gone, To: gone}}
	if losses := o.store(t).Losses; len(losses) > 0 {
		t.Errorf("%v", losses)
	}
}

// TestOpen_Policy: a run is judged by the policy that it stores, by that of its time if it
// stores none, and not at all by one that this program does not know.
func TestOpen_Policy(t *testing.T) {
	o := readOlderRun(t)
	if got := o.store(t).Rules(); got != record.FirstPolicy() {
		t.Errorf("without a policy it is %+v", got)
	}
	o.stored.Policy = record.Policy{Version: record.PolicyVersion, MaxAttempts: 2, MaxHandovers: 3, Concurrency: 4, Retention: 5}
	if run := o.store(t); run.Rules() != o.stored.Policy || len(run.Losses) > 0 {
		t.Errorf("%+v, %v", run.Rules(), run.Losses)
	}
	o.stored.Policy.Version++
	if losses := o.store(t).Losses; len(losses) == 0 || losses[0].File != record.ConfigFile {
		t.Errorf("a later policy: %v", losses)
	}
}
