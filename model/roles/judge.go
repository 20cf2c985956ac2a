package roles

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// picture is a tree in the terms of the recipe's znodes, as an outsider reads
// them.
type picture struct {
	epoch  int32
	master int64 // session that holds /master
	worker map[string]int64
	inbox  map[string]inbox
	tasks  map[string]*task
}

// inbox is a worker's claim.
type inbox struct {
	version  int32
	Retiring bool `json:"retiring"`
}

// task is one task in a picture.
type task struct {
	payload  string
	status   *record
	raw      string
	attempts map[int32]record
	assigned map[string]record // by worker
	exists   bool
}

// record is what the data of an assignment, an attempt or a status says.
type record struct {
	Epoch   int32  `json:"epoch"`
	Attempt int32  `json:"attempt"`
	State   string `json:"state"`

	Incarnation int32  `json:"incarnation"`
	Result      string `json:"result"`
}

func (r record) token() int64 { return token(r.Epoch, r.Attempt) }

func look(tree zk.Tree) picture {
	p := picture{worker: map[string]int64{}, inbox: map[string]inbox{}, tasks: map[string]*task{}}
	of := func(name string) *task {
		if p.tasks[name] == nil {
			p.tasks[name] = &task{attempts: map[int32]record{}, assigned: map[string]record{}}
		}
		return p.tasks[name]
	}
	for path, entry := range tree.All() {
		var r record
		_ = json.Unmarshal(entry.Data, &r)
		switch parts := strings.Split(strings.Trim(path, "/"), "/"); {
		case path == "/assign":
			p.epoch = entry.Stat.Version
		case path == "/master":
			p.master = entry.Stat.EphemeralOwner
		case len(parts) == 2 && parts[0] == "workers":
			p.worker[parts[1]] = entry.Stat.EphemeralOwner
		case len(parts) == 2 && parts[0] == "tasks":
			of(parts[1]).exists, of(parts[1]).payload = true, string(entry.Data)
		case len(parts) == 2 && parts[0] == "assign":
			in := inbox{version: entry.Stat.Version}
			_ = json.Unmarshal(entry.Data, &in)
			p.inbox[parts[1]] = in
		case len(parts) == 3 && parts[0] == "assign":
			of(parts[2]).assigned[parts[1]] = r
		case len(parts) == 3 && parts[2] == "status":
			of(parts[1]).status, of(parts[1]).raw = &r, string(entry.Data)
		case len(parts) == 3 && strings.HasPrefix(parts[2], "attempt-"):
			n, _ := strconv.Atoi(strings.TrimPrefix(parts[2], "attempt-"))
			of(parts[1]).attempts[int32(n)] = r
		}
	}
	return p
}

// newest is the greatest token that a task has had.
func (t *task) newest() int64 {
	greatest := int64(-1)
	for _, r := range t.assigned {
		greatest = max(greatest, r.token())
	}
	for _, r := range t.attempts {
		greatest = max(greatest, r.token())
	}
	if t.status != nil {
		greatest = max(greatest, t.status.token())
	}
	return greatest
}

// Properties are those that are judged, by the names that the harness uses where it
// judges the same, and what each says.
var Properties = []struct{ Name, Says string }{
	{"SingleMaster", "what a master writes carries the epoch that is the highest; no two masters lead whose sessions live"},
	{"NoLostTask", "a task that was accepted is there until it is collected with its status"},
	{"NoDoubleResult", "a status is never changed"},
	{"NoPhantomTask", "every task was submitted, and one submission makes one task"},
	{"NoOrphan", "nothing is assigned to a worker that is not there"},
	{"ResultFromItsAttempt", "a result comes from the assignment and the incarnation that it is of"},
	{"UniqueAttempts", "no two executions of a task have the same token, and later ones have greater ones"},
	{"AtomicTransitions", "no task is between two states: assigned twice, or assigned and ended; an assignment goes only in one write with what comes instead"},
	{"BudgetKept", "a task fails after the attempts that it is allowed, not before, and none comes after"},
	{"StaleEffectsFenced", "outside ZooKeeper no smaller token acts after a greater one"},
	{"ToldTruly", "the status that a client is told is the one that is recorded"},
	{"GoalStaysReachable", "from every state each task can still end, and its client can hear of it, without another fault"},
	{"NoCrash", "no program panics"},
}

// Expected is what must happen somewhere in a world of this Config, or the
// exploration proves little.
func (c Config) Expected() []string {
	names := []string{"an election", "an assignment", "a task that is done"}
	add := func(when bool, name string) {
		if when {
			names = append(names, name)
		}
	}
	b := c.Bounds
	ends := b.Expiries + b.Cuts + b.Stops
	add(ends > 0 || b.Crashes > 0 && c.crash(c.Masters) != explore.Spared, "a failover")
	add((ends > 0 || b.Crashes > 0 && c.crash(c.Workers) != explore.Spared) && c.Workers > 1 && c.Attempts > 1, "a reassignment")
	add(b.Losses > 0, "an ambiguous create that was resolved")
	add(b.Leaves > 0, "a hand-over")
	add(c.Failures > 0 && c.Attempts > 1, "an attempt that ended without a result")
	add(c.Failures >= c.Attempts, "a task that is failed")
	add(c.Cancel, "a task that is cancelled")
	add(c.Resubmit, "a task that is submitted again and done")
	add(c.Library == explore.Replacing && b.Expiries > 0 && c.Masters > 1, "a stale master that was fenced")
	if c.Failures >= c.Attempts && c.Tasks == 1 {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "a task that is done" })
	}
	return names
}

// judge holds the properties.
type judge struct{ config Config }

// findings collects violations.
type findings []explore.Violation

func (f *findings) violate(property, format string, args ...any) {
	*f = append(*f, explore.Violation{Property: property, Reason: fmt.Sprintf(format, args...)})
}

// Write implements explore.Judge.
func (j judge) Write(w explore.Write) []explore.Violation {
	if w.Err != nil {
		return nil
	}
	var f findings
	before, after := look(w.Before), look(w.After)
	for _, name := range slices.Sorted(maps.Keys(after.tasks)) {
		was, is := before.tasks[name], after.tasks[name]
		if was == nil {
			was = &task{}
		}
		j.assigned(&f, w, name, was, is, before)
		j.ended(&f, w, name, was, is, before)
		j.shape(&f, name, is, after.tasks)
	}
	for _, name := range slices.Sorted(maps.Keys(before.tasks)) {
		was, is := before.tasks[name], after.tasks[name]
		if is == nil {
			is = &task{}
		}
		if was.exists && was.status == nil && !is.exists {
			f.violate("NoLostTask", "%s is deleted without a status", name)
		}
		j.released(&f, w, name, was, is)
	}
	return f
}

// assigned judges assignments that are new.
func (j judge) assigned(f *findings, w explore.Write, name string, was, is *task, before picture) {
	for _, worker := range slices.Sorted(maps.Keys(is.assigned)) {
		r := is.assigned[worker]
		if old, there := was.assigned[worker]; there && old == r {
			continue
		}
		if r.Epoch != before.epoch {
			f.violate("SingleMaster", "%s assigns %s to %s in epoch %d, but epoch %d has begun", w.Process, name, worker, r.Epoch, before.epoch)
		}
		if newest := was.newest(); r.token() <= newest {
			f.violate("UniqueAttempts", "%s is assigned with token %d.%d, and %d.%d was there before", name, r.Epoch, r.Attempt, newest>>32, newest&0xffffffff)
		}
		if _, alive := before.worker[worker]; !alive {
			f.violate("NoOrphan", "%s is assigned to %s, which is not there", name, worker)
		}
	}
}

// ended judges statuses and records of attempts that are new.
func (j judge) ended(f *findings, w explore.Write, name string, was, is *task, before picture) {
	if was.status != nil && is.exists && was.raw != is.raw {
		f.violate("NoDoubleResult", "%s had the status %s and gets another: %s", name, was.raw, is.raw)
	}
	if is.status != nil && was.status == nil {
		j.result(f, w, name, was, is, before)
	}
	for _, n := range slices.Sorted(maps.Keys(is.attempts)) {
		if _, there := was.attempts[n]; there {
			continue
		}
		r := is.attempts[n]
		if own := j.own(w, name, was); r.Epoch != before.epoch && (own == nil || own.token() != r.token()) {
			f.violate("SingleMaster", "%s records attempt %d of %s in epoch %d, but epoch %d has begun", w.Process, n, name, r.Epoch, before.epoch)
		}
	}
}

// released judges assignments that are gone and records of attempts that are new: an
// attempt that ends is on record in the very write that takes its assignment away, or
// its task has a status from then on. Only what is left of a task that is finished or
// gone is taken away by itself.
func (j judge) released(f *findings, w explore.Write, name string, was, is *task) {
	recorded := map[int32]bool{}
	for _, n := range slices.Sorted(maps.Keys(is.attempts)) {
		if _, before := was.attempts[n]; before {
			continue
		}
		recorded[n] = true
		if !was.holds(n) || is.holds(n) {
			f.violate("AtomicTransitions", "%s records attempt %d of %s and takes no assignment of it away", w.Process, n, name)
		}
	}
	over := !was.exists || was.status != nil || is.status != nil
	over = over || j.config.Cancel && strings.HasSuffix(was.payload, again) // one that was cancelled may have left it
	for _, worker := range slices.Sorted(maps.Keys(was.assigned)) {
		r := was.assigned[worker]
		if now, there := is.assigned[worker]; there && now == r || over || recorded[r.Attempt] {
			continue
		}
		f.violate("AtomicTransitions", "%s takes the assignment of %s from %s and puts nothing in its place", w.Process, name, worker)
	}
}

// holds reports whether somebody is assigned that attempt.
func (t *task) holds(attempt int32) bool {
	for _, r := range t.assigned {
		if r.Attempt == attempt {
			return true
		}
	}
	return false
}

// own is the assignment of the process that writes.
func (j judge) own(w explore.Write, name string, was *task) *record {
	if r, there := was.assigned[workerName(w.Process)]; there {
		return &r
	}
	return nil
}

// result judges a new status.
func (j judge) result(f *findings, w explore.Write, name string, was, is *task, before picture) {
	switch is.status.State {
	case "done":
		own := j.own(w, name, was)
		if own == nil || own.token() != is.status.token() {
			f.violate("ResultFromItsAttempt", "%s records a result of %s with token %d.%d, which is not assigned to it", w.Process, name, is.status.Epoch, is.status.Attempt)
		}
		if in := before.inbox[workerName(w.Process)]; own != nil && own.Incarnation < in.version && !in.Retiring {
			f.violate("ResultFromItsAttempt", "%s records a result of %s, which was assigned to incarnation %d, but incarnation %d has begun",
				w.Process, name, own.Incarnation, in.version)
		}
		if is.status.Result != taskOf(is.payload) {
			f.violate("ResultFromItsAttempt", "%s records %q as the result of %s, whose payload is %q", w.Process, is.status.Result, name, is.payload)
		}
	case "failed":
		if is.status.Epoch != before.epoch {
			f.violate("SingleMaster", "%s fails %s in epoch %d, but epoch %d has begun", w.Process, name, is.status.Epoch, before.epoch)
		}
		if len(is.attempts) < j.config.Attempts {
			f.violate("BudgetKept", "%s fails after %d attempts, %d are allowed", name, len(is.attempts), j.config.Attempts)
		}
	}
}

// shape judges one task by itself: what a crash between two writes would leave
// behind.
func (j judge) shape(f *findings, name string, is *task, after map[string]*task) {
	if len(is.assigned) > 1 {
		f.violate("AtomicTransitions", "%s is assigned to %v at the same time", name, slices.Sorted(maps.Keys(is.assigned)))
	}
	for _, worker := range slices.Sorted(maps.Keys(is.assigned)) {
		r := is.assigned[worker]
		if _, ended := is.attempts[r.Attempt]; ended {
			f.violate("AtomicTransitions", "attempt %d of %s has ended, and it is still assigned to %s", r.Attempt, name, worker)
		}
		if is.status != nil && is.status.State != "cancelled" {
			f.violate("AtomicTransitions", "%s is %s, and it is still assigned to %s", name, is.status.State, worker)
		}
		if int(r.Attempt) > j.config.Attempts {
			f.violate("BudgetKept", "%s is assigned for attempt %d, %d are allowed", name, r.Attempt, j.config.Attempts)
		}
	}
	if is.exists && !j.wanted(name) {
		f.violate("NoPhantomTask", "%s was never submitted", name)
	}
	if again := after[name+secondTry]; is.exists && again != nil && again.exists {
		f.violate("NoPhantomTask", "one submission has made two tasks, %s and %s", name, name+secondTry)
	}
}

func (j judge) wanted(name string) bool {
	for n := 1; n <= j.config.Tasks; n++ {
		if strings.TrimSuffix(name, secondTry) == taskName(n) {
			return true
		}
	}
	return false
}

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f findings
	for _, resource := range slices.Sorted(maps.Keys(v.Acts)) {
		if v.Acts[resource].Stale {
			f.violate("StaleEffectsFenced", "%s was changed with a smaller token than it had seen", resource)
		}
		if v.Acts[resource].Twice {
			f.violate("UniqueAttempts", "%s was changed by two processes with one token", resource)
		}
	}
	j.leaders(&f, v)
	now := look(v.Tree)
	for _, p := range v.Processes {
		for _, key := range slices.Sorted(maps.Keys(p.Notes)) {
			j.claim(&f, p, key, now)
		}
	}
	return f
}

// leaders judges who believes to lead: a process whose session the server has
// ended may not know it yet; of the others there is one at most.
func (j judge) leaders(f *findings, v explore.View) {
	var leaders []string
	for _, p := range v.Processes {
		if p.Notes["leads"] != "" && p.Known {
			leaders = append(leaders, p.Name)
		}
	}
	if len(leaders) > 1 && j.config.Library == explore.Honest {
		f.violate("SingleMaster", "%v lead at the same time, and none of their sessions has ended", leaders)
	}
}

// claim judges what a client believes.
func (j judge) claim(f *findings, p explore.ProcessView, key string, now picture) {
	if name, ok := strings.CutPrefix(key, "accepted-"); ok && p.Notes["collecting-"+name] == "" {
		if again := now.tasks[name+secondTry]; again != nil && again.exists {
			return
		}
		if t := now.tasks[name]; t == nil || !t.exists {
			f.violate("NoLostTask", "%s was accepted and is gone", name)
		}
	}
	if name, ok := strings.CutPrefix(key, "told-"); ok && p.Notes["collecting-"+name] == "" {
		t := now.tasks[name]
		if told := p.Notes[key]; t == nil || t.status == nil || told != t.status.State+" "+t.status.Result {
			f.violate("ToldTruly", "%s was told that %s is %q", p.Name, name, told)
		}
	}
	if key == "refused" {
		f.violate("NoLostTask", "a submission was refused for good: %s", p.Notes[key])
	}
}

// Goal implements explore.Judge: the client has heard of all its tasks, and no
// assignment is left. A task that was submitted again may wait: a master that takes
// it for the one before looks closer when it sweeps.
func (j judge) Goal(v explore.View) bool {
	waits := false
	for _, t := range look(v.Tree).tasks {
		if len(t.assigned) > 0 {
			return false
		}
		waits = waits || strings.HasSuffix(t.payload, again) && t.status == nil
	}
	for _, p := range v.Processes {
		if strings.HasPrefix(p.Name, "client") && p.Notes["satisfied"] == "" && !waits {
			return false
		}
	}
	return true
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	if w.Err != nil {
		return j.refused(w)
	}
	before, after := look(w.Before), look(w.After)
	var names []string
	note := func(happened bool, name string) {
		if happened {
			names = append(names, name)
		}
	}
	note(after.epoch == 1 && before.epoch == 0, "an election")
	note(after.epoch > 1 && after.epoch > before.epoch, "a failover")
	note(before.master != 0 && after.master == 0 && w.Op.Kind == zkapi.KindMulti, "a hand-over")
	for name, is := range after.tasks {
		was := before.tasks[name]
		if was == nil {
			was = &task{}
		}
		note(len(is.assigned) > 0 && len(was.assigned) == 0, "an assignment")
		note(len(is.assigned) > 0 && len(was.assigned) > 0 && !maps.Equal(is.assigned, was.assigned), "a reassignment")
		note(len(is.attempts) > len(was.attempts) && len(is.assigned) == 0 && is.status == nil, "an attempt that ended without a result")
		note(is.status != nil && was.status == nil, "a task that is "+statusOf(is))
		note(is.status != nil && was.status == nil && strings.HasSuffix(is.payload, again), "a task that is submitted again and "+statusOf(is))
	}
	return names
}

func statusOf(t *task) string {
	if t.status == nil {
		return ""
	}
	return t.status.State
}

// refused names what is worth seeing among refusals.
func (j judge) refused(w explore.Write) []string {
	fenced := zkapi.FailedIndex(w.Err) == 0 && errors.Is(w.Err, zkapi.ErrBadVersion) && len(w.Op.Ops) > 0 && w.Op.Ops[0].Kind == zkapi.KindCheck
	switch {
	case fenced && w.Op.Ops[0].Path == "/assign":
		return []string{"a stale master that was fenced"}
	case fenced:
		return []string{"a stale worker that was fenced"}
	case w.Op.Kind == zkapi.KindCreate && errors.Is(w.Err, zkapi.ErrNodeExists):
		return []string{"an ambiguous create that was resolved"}
	}
	return nil
}
