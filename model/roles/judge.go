package roles

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

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
	due      time.Time // before which it must not begin; zero for none
}

// record is what the data of an assignment, an attempt or a status says.
type record struct {
	Epoch   int32  `json:"epoch"`
	Attempt int32  `json:"attempt"`
	State   string `json:"state"`

	Incarnation int32  `json:"incarnation"`
	Result      string `json:"result"`
	Worker      string `json:"worker"` // whose attempt it was
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
			of(parts[1]).exists = true
			of(parts[1]).due, of(parts[1]).payload = submitted(entry.Data)
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

// submitted is when a task may begin and its payload, as its data says.
func submitted(data []byte) (due time.Time, payload string) {
	line, payload, marked := strings.Cut(string(data), "\n")
	text, asks := strings.CutPrefix(line, "#ringmaster ")
	if !marked || !asks {
		return time.Time{}, string(data)
	}
	var options struct {
		NotBefore time.Time `json:"not_before"`
	}
	_ = json.Unmarshal([]byte(text), &options)
	return options.NotBefore, payload
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
	{"LeavesNothing", "a worker that has said that it leaves finishes what it holds first, where no process dies and no session is lost"},
	{"ResidentExclusive", "no two handlers of a resident task run on workers whose sessions live"},
	{"ConcurrencyKept", "no worker runs more handlers of ordinary tasks at a time than it may"},
	{"NoEarlyStart", "no task is assigned before its time by the clock of a master"},
	{"RetentionKept", "no finished task is gone before its retention is over by the clock of a master"},
	{"StaleEffectsFenced", "outside ZooKeeper no smaller token acts after a greater one"},
	{"ToldTruly", "the status that a client is told is the one that is recorded"},
	{"GoalStaysReachable", "from every state each task can still end and its client can hear of it, or come to where it stays, without another fault"},
	{"NoCrash", "no program panics"},
}

// Expected is what must happen somewhere in a world of this Config, or the
// exploration proves little.
func (c Config) Expected() []string {
	names := []string{"an election"}
	add := func(when bool, name string) {
		if when {
			names = append(names, name)
		}
	}
	add(c.Tasks > 0, "an assignment")
	add(c.Tasks > c.Residents, "a task that is done")
	b := c.Bounds
	ends := b.Expiries + b.Cuts + b.Stops
	add(ends > 0 || b.Crashes > 0 && c.crash(c.Masters) != explore.Spared, "a failover")
	add((ends > 0 || b.Crashes > 0 && c.crash(c.Workers) != explore.Spared) && c.Workers > 1 && c.Attempts > 1, "a reassignment")
	add(b.Losses > 0, "an ambiguous create that was resolved")
	add(b.Leaves > 0, "a hand-over")
	add(b.Leaves > 0 && c.Workers > 0, "a worker that retires")
	add(c.Residents > 1 && c.Workers > 1, "a resident task that is called back")
	add(c.Residents > 1 && c.Workers > 1, "a resident task that has moved")
	add(c.Retention > 0 && time.Duration(b.Sweeps)*explore.SweepTime >= c.Retention, "a task whose retention is over")
	add(c.Concurrency > 0 && c.Tasks-c.Residents > c.Concurrency, "a worker that holds more than it may run")
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
		if int(r.Attempt) > j.config.Attempts && !j.resident(name) {
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
	j.left(&f, now)
	j.running(&f, v)
	j.punctual(&f, v, now)
	for _, p := range v.Processes {
		for _, key := range slices.Sorted(maps.Keys(p.Notes)) {
			j.claim(&f, v, p, key, now)
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

// left judges what a worker has left behind that has said in its claim that it takes
// no more. Where a process can die or lose its session it may have left otherwise.
func (j judge) left(f *findings, now picture) {
	b := j.config.Bounds
	if b.Expiries+b.Cuts+b.Stops+b.Crashes > 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(now.tasks)) {
		for _, worker := range slices.Sorted(maps.Keys(now.tasks[name].assigned)) {
			if _, there := now.worker[worker]; !there && now.inbox[worker].Retiring {
				f.violate("LeavesNothing", "%s has left, and %s is still assigned to it", worker, name)
			}
		}
	}
}

// handler is one that a process says it runs.
type handler struct {
	process string
	task    string
	token   int64
	lives   bool // its process goes on with the session under which it was begun, and the server knows that
}

// handlers lists what a process runs, in order.
func handlers(p explore.ProcessView) []handler {
	var all []handler
	for _, key := range slices.Sorted(maps.Keys(p.Notes)) {
		if text, runs := strings.CutPrefix(key, runsNote); runs {
			name, number, _ := strings.Cut(text, "@")
			token, _ := strconv.ParseInt(number, 10, 64)
			all = append(all, handler{p.Name, name, token, p.Known && p.Notes[key] == fmt.Sprint(p.Session)})
		}
	}
	return all
}

// running judges which handlers run at the same time.
func (j judge) running(f *findings, v explore.View) {
	owner := map[string]string{} // of a resident task
	for _, p := range v.Processes {
		ordinary := 0
		for _, h := range handlers(p) {
			switch before, owned := owner[h.task]; {
			case !j.resident(h.task):
				ordinary++
			case owned && h.lives:
				f.violate("ResidentExclusive", "%s is executed by %s and by %s, and neither's session has ended", h.task, before, h.process)
			case h.lives:
				owner[h.task] = h.process
			}
		}
		if most := j.config.Concurrency; most > 0 && ordinary > most {
			f.violate("ConcurrencyKept", "%s runs %d handlers, %d are allowed", p.Name, ordinary, most)
		}
	}
}

// resident reports whether a task is one.
func (j judge) resident(name string) bool {
	for n := 1; n <= j.config.Residents; n++ {
		if name == taskName(n) {
			return true
		}
	}
	return false
}

// punctual judges when tasks are assigned.
func (j judge) punctual(f *findings, v explore.View, now picture) {
	for _, name := range slices.Sorted(maps.Keys(now.tasks)) {
		if t := now.tasks[name]; len(t.assigned) > 0 && !come(v, t.due) {
			f.violate("NoEarlyStart", "%s is assigned, and it is not %v yet for any master", name, t.due)
		}
	}
}

// masters are those whose clocks count.
func masters(v explore.View) []explore.ProcessView {
	return slices.DeleteFunc(slices.Clone(v.Processes), func(p explore.ProcessView) bool { return !strings.HasPrefix(p.Name, "master") })
}

// come reports whether it is that late for some master. The zero time has always come.
func come(v explore.View, at time.Time) bool {
	return at.IsZero() || slices.ContainsFunc(masters(v), func(p explore.ProcessView) bool { return !p.Clock.Before(at) })
}

// passed reports whether that much time has passed for some master.
func passed(v explore.View, d time.Duration) bool {
	return slices.ContainsFunc(masters(v), func(p explore.ProcessView) bool { return p.Passed() >= d })
}

// claim judges what a client believes.
func (j judge) claim(f *findings, v explore.View, p explore.ProcessView, key string, now picture) {
	if name, ok := strings.CutPrefix(key, "accepted-"); ok && p.Notes["collecting-"+name] == "" {
		if again := now.tasks[name+secondTry]; again != nil && again.exists {
			return
		}
		gone := now.tasks[name] == nil || !now.tasks[name].exists
		switch {
		case gone && j.config.Retention == 0:
			f.violate("NoLostTask", "%s was accepted and is gone", name)
		case gone && !passed(v, j.config.Retention):
			f.violate("RetentionKept", "%s is gone, and %v have not passed for any master", name, j.config.Retention)
		}
	}
	if name, ok := strings.CutPrefix(key, "told-"); ok && p.Notes["collecting-"+name] == "" {
		t := now.tasks[name]
		if t == nil && j.config.Retention > 0 {
			return
		}
		if told := p.Notes[key]; t == nil || t.status == nil || told != t.status.State+" "+t.status.Result {
			f.violate("ToldTruly", "%s was told that %s is %q", p.Name, name, told)
		}
	}
	if key == "refused" {
		f.violate("NoLostTask", "a submission was refused for good: %s", p.Notes[key])
	}
}

// Goal implements explore.Judge: the client has heard of all its tasks that have an
// end, no assignment of those is left, and all others are where they belong. The first
// task may wait for its time, and one that was submitted again for a sweep: a master
// that takes it for the one before looks closer then. Where there are no tasks,
// somebody leads.
func (j judge) Goal(v explore.View) bool {
	now := look(v.Tree)
	if first := now.tasks[taskName(1)]; first != nil && len(first.assigned) == 0 && !come(v, first.due) {
		return true
	}
	staying := map[string]bool{}
	for n := 1; n <= j.config.Tasks; n++ {
		staying[taskName(n)] = j.config.stays(n)
	}
	waits, led := false, false
	for name, t := range now.tasks {
		if len(t.assigned) > 0 && !staying[name] {
			return false
		}
		waits = waits || strings.HasSuffix(t.payload, again) && t.status == nil
	}
	for _, p := range v.Processes {
		if strings.HasPrefix(p.Name, "client") && p.Notes["satisfied"] == "" && !waits {
			return false
		}
		led = led || p.Notes["leads"] != "" && p.Known
	}
	return (j.config.Tasks > 0 || led) && j.spread(v, now, staying)
}

// spread reports whether each task that stays is executed under its one assignment,
// and no worker that is there has two such tasks more than another. One that nobody
// has called back waits for longer than time passes here before it is assigned again;
// it may do so where something goes wrong.
func (j judge) spread(v explore.View, now picture, staying map[string]bool) bool {
	held := map[string]int{}
	for worker := range now.worker {
		held[worker] = 0
	}
	runs := map[handler]bool{}
	for _, p := range v.Processes {
		for _, h := range handlers(p) {
			h.process = workerName(h.process)
			runs[h] = true
		}
	}
	for name, stays := range staying {
		if !stays {
			continue
		}
		t := now.tasks[name]
		if t != nil && len(t.assigned) == 0 && len(t.attempts) > 0 && j.config.Bounds != (explore.Bounds{}) {
			continue
		}
		if t == nil || len(t.assigned) != 1 {
			return false
		}
		for worker, r := range t.assigned {
			if !runs[handler{worker, name, r.token(), true}] {
				return false
			}
			held[worker]++
		}
	}
	if len(held) == 0 {
		return true
	}
	counts := slices.Sorted(maps.Values(held))
	return counts[len(counts)-1]-counts[0] <= 1
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
	for worker, is := range after.inbox {
		note(is.Retiring && !before.inbox[worker].Retiring, "a worker that retires")
		note(j.config.Concurrency > 0 && j.held(after, worker) > j.config.Concurrency, "a worker that holds more than it may run")
	}
	for name, is := range after.tasks {
		was := before.tasks[name]
		if was == nil {
			was = &task{}
		}
		note(len(is.assigned) > 0 && len(was.assigned) == 0, "an assignment")
		note(j.resident(name) && len(is.assigned) > 0 && len(was.assigned) == 0 && is.moved(), "a resident task that has moved")
		note(len(is.assigned) > 0 && len(was.assigned) > 0 && !maps.Equal(is.assigned, was.assigned), "a reassignment")
		note(len(is.attempts) > len(was.attempts) && len(is.assigned) == 0 && is.status == nil, "an attempt that ended without a result")
		note(is.status != nil && was.status == nil, "a task that is "+statusOf(is))
		note(is.status != nil && was.status == nil && strings.HasSuffix(is.payload, again), "a task that is submitted again and "+statusOf(is))
	}
	for name, was := range before.tasks {
		gone := after.tasks[name] == nil || !after.tasks[name].exists
		note(was.exists && gone && strings.HasPrefix(w.Process, "master"), "a task whose retention is over")
	}
	note(slices.ContainsFunc(w.Op.Ops, revokes), "a resident task that is called back")
	return names
}

// revokes reports whether a part of a write changes an assignment.
func revokes(op zkapi.Op) bool {
	return op.Kind == zkapi.KindSet && strings.HasPrefix(op.Path, "/assign/") && strings.Count(op.Path, "/") == 3
}

// held counts the ordinary tasks that a worker holds.
func (j judge) held(p picture, worker string) int {
	n := 0
	for name, t := range p.tasks {
		if _, held := t.assigned[worker]; held && !j.resident(name) {
			n++
		}
	}
	return n
}

// moved reports whether a task is assigned to a worker after another has had it.
func (t *task) moved() bool {
	for worker := range t.assigned {
		for _, r := range t.attempts {
			if r.Worker != worker {
				return true
			}
		}
	}
	return false
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
