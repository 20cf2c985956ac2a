package world

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	for _, resource := range slices.Sorted(maps.Keys(v.Acts)) {
		if v.Acts[resource].Stale {
			f.Violate("StaleEffectsFenced", "%s was changed with a smaller token than it had seen", resource)
		}
		if v.Acts[resource].Twice {
			f.Violate("UniqueAttempts", "%s was changed by two processes with one token", resource)
		}
	}
	j.leaders(&f, v)
	now := look(v.Tree)
	j.left(&f, now)
	if j.config.showsRuns() {
		j.running(&f, v)
	}
	j.punctual(&f, v, now)
	for _, p := range v.Processes {
		for _, key := range slices.Sorted(maps.Keys(p.Notes)) {
			j.claim(&f, v, p, key, now)
		}
	}
	return f
}

// leaders judges the processes that believe to lead: at most one of them has a live session.
// If the server has ended its session, a process may not know it yet.
func (j judge) leaders(f *worlds.Findings, v explore.View) {
	var leaders []string
	for _, p := range v.Processes {
		if p.Notes["leads"] != "" && p.Known {
			leaders = append(leaders, p.Name)
		}
	}
	if len(leaders) > 1 && j.config.Library == explore.Honest {
		f.Violate("SingleMaster", "%v lead at the same time, and none of their sessions has ended", leaders)
	}
}

// left judges the assignments that a retired worker leaves behind. If processes can die or
// lose their sessions, the worker may have ended in another way.
func (j judge) left(f *worlds.Findings, now picture) {
	b := j.config.Bounds
	if b.Expiries+b.Cuts+b.Stops+b.Crashes > 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(now.tasks)) {
		for _, worker := range slices.Sorted(maps.Keys(now.tasks[name].assigned)) {
			if _, there := now.worker[worker]; !there && now.inbox[worker].Retiring {
				f.Violate("LeavesNothing", "%s has left, and %s is still assigned to it", worker, name)
			}
		}
	}
}

// handler is a handler that a process claims to run.
type handler struct {
	process string
	task    string
	token   int64
	lives   bool // its process goes on with the session under which it was begun, and the server knows that
}

// handlers lists the handlers that a process runs, in order.
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

// exclusive reports whether a handler of a resident task counts even if its session has
// ended. It does if sessions end only by their owner, by a stop of the process that its clock
// shows, or because the server was cut off from the leader. With slow handlers there must be
// no stops and no cuts at all, because such a handler may outlast the margin of a lease.
func (c Config) exclusive() bool {
	b := c.Bounds
	ends := b.Expiries + b.Crashes
	if !c.Strands || c.Slow {
		ends += b.Cuts
	}
	if c.Slow {
		ends += b.Stops
	}
	return ends == 0 && c.Library == explore.Honest
}

// running judges which handlers run at the same time.
func (j judge) running(f *worlds.Findings, v explore.View) {
	owner := map[string]string{} // of a resident task
	for _, p := range v.Processes {
		ordinary := 0
		for _, h := range handlers(p) {
			h.lives = h.lives || j.config.exclusive() && !p.Stopped
			switch before, owned := owner[h.task]; {
			case !j.resident(h.task):
				ordinary++
			case owned && h.lives:
				f.Violate("ResidentExclusive", "%s is executed by %s and by %s, and neither has had to let go", h.task, before, h.process)
			case h.lives:
				owner[h.task] = h.process
			}
		}
		if most := j.config.Concurrency; most > 0 && ordinary > most {
			f.Violate("ConcurrencyKept", "%s runs %d handlers, %d are allowed", p.Name, ordinary, most)
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
func (j judge) punctual(f *worlds.Findings, v explore.View, now picture) {
	for _, name := range slices.Sorted(maps.Keys(now.tasks)) {
		if t := now.tasks[name]; len(t.assigned) > 0 && !come(v, t.due) {
			f.Violate("NoEarlyStart", "%s is assigned, and it is not %v yet for any master", name, t.due)
		}
	}
}

// someMaster reports whether something is so for a master: their clocks count.
func someMaster(v explore.View, is func(explore.ProcessView) bool) bool {
	return slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool { return strings.HasPrefix(p.Name, "master") && is(p) })
}

// come reports whether it is that late for some master.
func come(v explore.View, at time.Time) bool {
	return at.IsZero() || someMaster(v, func(p explore.ProcessView) bool { return !p.Clock.Before(at) })
}

// passed reports whether that much time has passed for some master.
func passed(v explore.View, d time.Duration) bool {
	return someMaster(v, func(p explore.ProcessView) bool { return p.Passed() >= d })
}

// claim judges the claims of a client.
func (j judge) claim(f *worlds.Findings, v explore.View, p explore.ProcessView, key string, now picture) {
	if name, ok := strings.CutPrefix(key, "accepted-"); ok && p.Notes["collecting-"+name] == "" {
		if again := now.tasks[name+worlds.SecondTry]; again != nil && again.exists {
			return
		}
		gone := now.tasks[name] == nil || !now.tasks[name].exists
		switch {
		case gone && j.config.Retention == 0:
			f.Violate("NoLostTask", "%s was accepted and is gone", name)
		case gone && !passed(v, j.config.Retention):
			f.Violate("RetentionKept", "%s is gone, and %v have not passed for any master", name, j.config.Retention)
		}
	}
	if name, ok := strings.CutPrefix(key, "told-"); ok && p.Notes["collecting-"+name] == "" {
		t := now.tasks[name]
		if t == nil && j.config.Retention > 0 {
			return
		}
		if told := p.Notes[key]; t == nil || t.status == nil || told != t.status.State+" "+t.status.Result {
			f.Violate("ToldTruly", "%s was told that %s is %q", p.Name, name, told)
		}
	}
	if key == "refused" {
		f.Violate("NoLostTask", "a submission was refused for good: %s", p.Notes[key])
	}
	if key == "uncollected" {
		// The client has heard the status, so it cannot be that the task has none, and no
		// context of a client ends. So Collect has no reason to fail.
		f.Violate("ToldTruly", "%s was told that a task has ended and cannot collect it: %s", p.Name, p.Notes[key])
	}
}

// Goal implements explore.Judge. The client knows the status of every task that has an end,
// no assignment of these tasks is left, and all resident tasks are where they belong. The
// first task may wait for its time. A task that was submitted again may wait for a resync, in
// which a master that takes it for the former task reads it again. In a world without tasks,
// a master leads.
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

// spread reports whether each resident task is executed under its one assignment, and the
// live workers' numbers of such tasks differ by at most one. A task that came back without
// being revoked waits longer than time passes here before it is assigned again; it may do so
// in a world with faults.
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
