package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// infer makes a manifest from the files of a run that is older than manifests, and
// looks for missing parts. Such a run always recorded the wire, and its evidence says
// how writes were ordered. A part that was cut off without leaving a contradiction
// cannot be found. Contradictions between the three records are the checker's to find.
func (o *opening) infer(faults []inflicted) {
	evidence := o.run.Evidence
	weaker := evidence.Order != FromLogs && evidence.Order != FromMemory
	if weaker {
		o.run.Losses = slices.DeleteFunc(o.run.Losses, func(l Loss) bool {
			return l.File == CommittedFile && !Exists(o.dir, CommittedFile)
		})
		o.run.Manifest.Absent = []Absence{{Name: CommittedFile, Because: evidence.Weaker, Failed: o.stored.Ensemble != External}}
	}
	for _, name := range []string{HistoryFile, WireFile, CommittedFile} {
		if !Exists(o.dir, name) {
			continue
		}
		if problem := torn(filepath.Join(o.dir, name)); problem != "" {
			o.lose(name, "%s", problem)
		}
	}
	o.inferConfig()
	if len(o.run.Losses) > 0 {
		return // the rest would follow from it
	}
	o.inferEnsemble()
	o.inferHistory(faults)
	o.inferCommits()
	o.inferTree()
}

// torn says what shows that the end of a file is missing; it is empty if nothing does.
func torn(path string) string {
	data, err := ReadRegular(path)
	switch {
	case err != nil:
		return fmt.Sprintf("cannot be read: %v", err)
	case bytes.Count(data, []byte{'\n'}) < 2:
		return "is empty"
	case data[len(data)-1] != '\n':
		return "was cut: its last line has no end"
	}
	return ""
}

// storedKeys are the keys that every config.json from before manifests has.
var storedKeys = []string{
	"seed", "time", "servers", "masters", "workers", "clients", "nodes", "rate", "nemesis", "ensemble", "out", "session_timeout", "tick_time",
	"started", "versions", "image_found", "addresses",
}

func (o *opening) inferConfig() {
	data, err := ReadRegular(filepath.Join(o.dir, ConfigFile))
	var keys map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(data, &keys)
	}
	if err != nil {
		o.unreadable(ConfigFile, err)
		return
	}
	for _, key := range storedKeys {
		if _, has := keys[key]; !has {
			o.lose(ConfigFile, "lacks %q, which every run records", key)
		}
	}
	folder, err := filepath.EvalSymlinks(o.dir)
	named := folderName.FindStringSubmatch(filepath.Base(folder))
	if err == nil && named != nil && named[1] != fmt.Sprint(o.stored.Seed) {
		o.lose(ConfigFile, "has seed %d, but the folder of the run has seed %s in its name: the file belongs to another run", o.stored.Seed, named[1])
	}
}

// inferEnsemble checks that the source of the order of writes fits the kind of
// ensemble.
func (o *opening) inferEnsemble() {
	order, servers := o.run.Evidence.Order, o.run.Evidence.Servers
	fits := map[string][]Source{
		Docker: {FromLogs, FromTree, ""}, Memory: {FromMemory}, External: {FromTree, ""},
	}[o.stored.Ensemble]
	if !slices.Contains(fits, order) {
		o.lose(EvidenceFile, "says that the order of writes is from %q, and the run was on an ensemble of kind %q (%s)", order, o.stored.Ensemble, ConfigFile)
	}
	if order == FromLogs && len(servers) != len(o.stored.Addresses) {
		o.lose(EvidenceFile, "has %d servers, but %s has %d", len(servers), ConfigFile, len(o.stored.Addresses))
	}
}

// inferHistory checks that the history goes from the first event to the end without a
// hole, and belongs to this run.
func (o *opening) inferHistory(faults []inflicted) {
	ended := false
	var inflicted []string
	started, open := map[string]bool{}, map[Life]int{}
	for i := range o.run.Events {
		e := &o.run.Events[i]
		switch {
		case e.Seq != i+1:
			o.lose(HistoryFile, "has a hole: event %d is followed by event %d", i, e.Seq)
			return
		case e.PhaseChange().Part == Ending:
			ended = true
		case e.ProcessChange().Fate == Started:
			started[e.ProcessChange().Of.Process] = true
		case e.Kind == Fault && e.Type != Invoke:
			f := e.Injection()
			inflicted = append(inflicted, told(f.Fault, strings.Join(f.Targets, ","), f.Effective, f.Evidence))
		}
		switch life := e.Alive(); {
		case e.Kind != Lead && e.Kind != Leave && e.Kind != Write:
		case e.Type == Invoke:
			open[life]++
		default:
			open[life]--
		}
	}
	participants := o.stored.Participants()
	slices.Sort(participants)
	switch {
	case !ended:
		o.lose(HistoryFile, "was cut, or the run was killed: the file ends before the end of the run")
	case !slices.Equal(slices.Sorted(slices.Values(inflicted)), describe(faults)):
		o.lose(FaultsFile, "has other faults than %s: one of the two was cut, or belongs to another run", HistoryFile)
	case !slices.Equal(slices.Sorted(maps.Keys(started)), participants):
		o.lose(ConfigFile, "names other participants than %s: one of the two belongs to another run", HistoryFile)
	}
	for _, e := range o.run.Events {
		if p := e.ProcessChange(); p.Fate == Exited && open[p.Of] > 0 {
			o.lose(HistoryFile, "was cut: %s has left, but one of its operations has no end", p.Of)
		}
	}
}

// describe gives each fault as a line of text, in alphabetical order.
func describe(faults []inflicted) []string {
	var all []string
	for _, f := range faults {
		all = append(all, told(f.Kind, f.Target, f.Effective, f.Evidence))
	}
	slices.Sort(all)
	return all
}

func told(kind, target string, effective bool, evidence string) string {
	return fmt.Sprintf("%s at %s, effective %v: %s", kind, target, effective, evidence)
}

// inferCommits checks that the committed transactions have no hole. In memory the
// server recorded each exchange; the logs have each transaction, and zxids are
// consecutive.
func (o *opening) inferCommits() {
	commits, evidence := o.run.Commits, o.run.Evidence
	switch evidence.Order {
	case FromMemory:
		if len(commits) != len(o.run.Exchanges) {
			o.lose(CommittedFile, "has %d transactions, but %s has %d: one of the two was cut", len(commits), WireFile, len(o.run.Exchanges))
		}
	case FromLogs:
		if o.stored.Namespace != "" || len(commits) == 0 {
			return
		}
		if last := commits[len(commits)-1].Zxid; last != evidence.Last {
			o.lose(CommittedFile, "ends with zxid 0x%x, but the servers were at 0x%x (%s)", last, evidence.Last, EvidenceFile)
		}
		for i := range commits[1:] {
			before, next := commits[i].Zxid, commits[i+1].Zxid
			hidden := slices.ContainsFunc(evidence.Gaps, func(r ZxidRange) bool { return r.Contains(before + 1) })
			if next != before+1 && next>>32 == before>>32 && !hidden {
				o.lose(CommittedFile, "has a hole: zxid 0x%x is followed by 0x%x", before, next)
				return
			}
		}
	}
}

// inferTree applies the committed transactions and compares the result with the final
// tree. Ephemeral znodes are left out, because in memory the end of a session by its
// timeout is not recorded.
func (o *opening) inferTree() {
	if o.run.Commits == nil || len(o.run.Evidence.Gaps) > 0 || o.run.Evidence.Nodes == nil {
		return
	}
	type node struct {
		data         string
		version      int32
		czxid, mzxid int64
	}
	made, found, ephemeral := map[string]node{}, map[string]node{}, map[string]bool{}
	below := func(path string) bool {
		first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		return slices.Contains([]string{"assign", "master", "tasks", "workers"}, first)
	}
	for _, c := range o.run.Commits {
		for _, op := range c.Ops {
			switch {
			case !below(op.Path):
			case op.Kind == "create" && op.Ephemeral:
				ephemeral[op.Path] = true
			case op.Kind == "set" && ephemeral[op.Path]: // a master that is to be heard by a worker
			case op.Kind == "create":
				delete(ephemeral, op.Path)
				made[op.Path] = node{op.Data, 0, c.Zxid, c.Zxid}
			case op.Kind == "set":
				made[op.Path] = node{op.Data, op.Got, made[op.Path].czxid, c.Zxid}
			case op.Kind == "delete":
				delete(made, op.Path)
			}
		}
	}
	for _, n := range o.run.Evidence.Nodes {
		if n.Owner == "" && below(n.Path) {
			found[n.Path] = node{n.Data, n.Version, n.Czxid, n.Mzxid}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(made)) {
		if _, has := found[path]; !has {
			o.lose(EvidenceFile, "lacks %s in the final tree, but %s has it", path, CommittedFile)
		} else if found[path] != made[path] {
			o.lose(EvidenceFile, "has another %s in the final tree than %s gives", path, CommittedFile)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		if _, has := made[path]; !has {
			o.lose(EvidenceFile, "has %s in the final tree, but %s does not", path, CommittedFile)
		}
	}
}
