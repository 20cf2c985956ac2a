package cli

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Overview is the output of status, with the names of its JSON.
type Overview struct {
	namespace string

	Master   *leader      `json:"master"`     // null when no master leads
	InLine   []string     `json:"candidates"` // with the leader, if it is a candidate
	InLine64 []string     `json:"candidates_base64,omitempty"`
	Workers  []workerLine `json:"workers"`
	Tasks    taskLine     `json:"tasks"`
	Backlog  int          `json:"backlog"`
	Limit    int          `json:"max_backlog,omitempty"`
	Timeout  timing       `json:"session_timeout"`
	// Problems are znodes that are in the way of the recipe; the key is missing if there
	// are none.
	Problems []problem `json:"problems,omitempty"`
	// Quarantined lists the znodes that the master ignores for now; the key is missing if
	// there are none.
	Quarantined []quarantined `json:"quarantined,omitempty"`
	More        int           `json:"quarantined_more,omitempty"` // that are not listed
	// Unreadable are the znodes that the server does not show to this identity; the key is
	// missing when there are none.
	Unreadable []unreadable `json:"unreadable,omitempty"`
	// Hanging are handlers that were told to end and may still run; the key is missing
	// when there are none.
	Hanging []hanging `json:"hanging,omitempty"`
	// Waits say who waits for whom; the key is missing when nobody does.
	Waits []waitLine `json:"waiting,omitempty"`
}

// waitLine says who waits for whom, as far as the tree shows it.
type waitLine struct {
	Who    string `json:"who"`
	For    string `json:"for"` // master, worker or backlog; the metric has more
	Number int    `json:"number,omitempty"`
	Remedy string `json:"remedy"`
}

// waits finds out who waits for whom.
func (v Overview) waits() (all []waitLine) {
	works := v.hides("/workers")
	for _, w := range v.Workers {
		works = works || w.State == "alive" || w.State == unknownState
	}
	n := v.Tasks.Pending
	if n > 0 && v.Master == nil && !v.hides("/master") {
		all = append(all, waitLine{"tasks", "master", n, "start a master"})
	}
	if n += v.Tasks.Assigned; n > 0 && !works {
		all = append(all, waitLine{"tasks", "worker", n, "start a worker"})
	}
	if v.Limit > 0 && v.Backlog >= v.Limit {
		all = append(all, waitLine{"submissions", "backlog", 0, "start more workers, or raise --max-backlog"})
	}
	return all
}

type unreadable struct {
	Znode  string `json:"znode"`
	Reason string `json:"reason"` // the server's
}

func unreadableOf(all []recipe.Unreadable) (lines []unreadable) {
	for _, u := range all {
		lines = append(lines, unreadable{u.Path, u.Reason})
	}
	return lines
}

type quarantined struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Reason  string    `json:"reason"` // the server's
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"` // missing: until its znode is gone
	Refused int       `json:"refused"`        // times, one after the other
}

type hanging struct {
	Task   string `json:"task"`
	Worker string `json:"worker"`
	recipe.Token
	Abandoned time.Time `json:"abandoned,omitzero"` // missing while the worker holds the task
}

type problem struct {
	Znode   string `json:"znode"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"` // the commands to type in zkCli
}

type leader struct {
	Name      string `json:"name,omitempty"`
	Address   string `json:"address"`
	Address64 string `json:"address_base64,omitempty"` // only if the address is not UTF-8; the same for the others
	Epoch     int32  `json:"epoch,omitempty"`
	Session   string `json:"session"`
	ByHand    bool   `json:"by_hand,omitempty"` // no master of Ringmaster holds it, as far as the server shows
}

type workerLine struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	Address64   string `json:"address_base64,omitempty"`
	State       string `json:"state"`
	Incarnation int32  `json:"incarnation"`
	Assigned    int    `json:"assigned"`
	Capacity    int    `json:"capacity,omitempty"`
}

type taskLine struct {
	Total     int `json:"total"`
	Pending   int `json:"pending"`
	Assigned  int `json:"assigned"`
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Unknown   int `json:"unknown,omitempty"` // whose status is not shown
}

func overviewOf(o recipe.Overview, namespace string) Overview {
	v := Overview{namespace: namespace, InLine: append([]string{}, o.Candidates...), Backlog: o.Backlog(), Limit: o.MaxBacklog, Workers: []workerLine{}, Unreadable: unreadableOf(o.Unreadable)}
	if slices.ContainsFunc(o.Candidates, func(name string) bool { return binary(name) != "" }) {
		for _, name := range o.Candidates {
			v.InLine64 = append(v.InLine64, base64.StdEncoding.EncodeToString([]byte(name)))
		}
	}
	if o.Leader.Exists() {
		v.Master = &leader{
			Name: o.Leader.Name, Address: o.Leader.Address, Address64: binary(o.Leader.Address), Epoch: o.Leader.Epoch,
			Session: fmt.Sprintf("0x%x", o.Leader.Session), ByHand: o.Leader.Epoch == 0,
		}
	}
	for _, w := range o.Workers {
		state := "alive"
		switch {
		case !w.Alive && (v.hides("/workers") || v.hides("/workers/"+w.Name)):
			state = unknownState
		case !w.Alive:
			state = "lost"
		case w.Retiring:
			state = "retiring"
		}
		v.Workers = append(v.Workers, workerLine{w.Name, w.Address, binary(w.Address), state, w.Incarnation, len(w.Assigned), w.Capacity})
	}
	for _, p := range o.Problems {
		v.Problems = append(v.Problems, problem{p.Path, p.What, p.Remedy})
	}
	for _, q := range o.Quarantined {
		v.Quarantined = append(v.Quarantined, quarantined{q.Kind, q.Name, q.Reason, q.Since, q.Retry, q.Refused})
	}
	v.More = o.MoreQuarantined
	for _, h := range o.Hanging {
		v.Hanging = append(v.Hanging, hanging{h.Task, h.Worker, h.Token, h.Abandoned})
	}
	v.Tasks.Total = len(o.Tasks)
	counts := map[string]*int{
		"pending": &v.Tasks.Pending, "assigned": &v.Tasks.Assigned, "done": &v.Tasks.Done, "failed": &v.Tasks.Failed, "cancelled": &v.Tasks.Cancelled,
		unknownState: &v.Tasks.Unknown,
	}
	for _, t := range o.Tasks {
		if n := counts[stateOf(t)]; n != nil {
			*n++
		}
	}
	v.Waits = v.waits()
	return v
}

// hides reports whether a znode of the namespace is not shown.
func (v Overview) hides(znode string) bool {
	return slices.ContainsFunc(v.Unreadable, func(u unreadable) bool { return strings.TrimPrefix(u.Znode, v.namespace) == znode })
}
