package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// properties lists the judged properties with their meanings.
var properties = []subject.Property{
	{Name: "OneActive", Says: "of two services that run, the earlier one is fenced"},
	{Name: "BreadcrumbNames", Says: "as long as a service runs that is not fenced, the breadcrumb names it"},
	{Name: "BreadcrumbByHolder", Says: "only the holder of the lock changes the breadcrumb, to its own, or deletes its own together with the lock; taking the lock leaves it"},
	{Name: "LockByHolder", Says: "only the holder deletes the lock, and each holder has a greater epoch than all before"},
	{Name: "WriteFenced", Says: "no write of an active is accepted after the lock was given up or a later epoch has begun"},
	{Name: "OneHolder", Says: "no two processes are active at the same time whose sessions live"},
	{Name: "TargetTakes", Says: "after a failover only the target takes the lock, while it is there"},
	{Name: "OwnNotFenced", Says: "a life of a process does not fence itself"},
	{Name: "ToldTruly", Says: "what an active is told is written is there, what it is told is not applied never is, and the active that a failover is told of has been active"},
	{Name: "StandbyInTheEnd", Says: "a process whose Run has returned runs no service"},
	{Name: "GoalStaysReachable", Says: "from every state a process can still become active and have written, and all that was asked for be answered, without another fault"},
	{Name: "NoCrash", Says: "no program panics"},
}

// picture is a tree as an outsider reads it.
type picture struct {
	epoch      int32
	holder     int64 // session that holds the lock; 0 for none
	left       bool  // there is a breadcrumb
	crumb      string
	asked      bool // there is a request
	request    request
	candidates map[string]int64 // the sessions, by znode
	last       string           // entry of the ledger
	entries    map[string]bool
}

// request is the data of a request.
type request struct {
	Candidate string `json:"candidate"`
	Epoch     int32  `json:"epoch"`
}

func look(tree zk.Tree) picture {
	p := picture{candidates: map[string]int64{}, entries: map[string]bool{}}
	for path, at := range tree.All() {
		name := path[strings.LastIndexByte(path, '/')+1:]
		switch {
		case path == ledger:
			p.last = string(at.Data)
		case path == layout.Epoch:
			p.epoch = at.Stat.Version
		case path == layout.Lock:
			p.holder = at.Stat.EphemeralOwner
		case path == layout.Breadcrumb:
			p.left, p.crumb = true, string(at.Data)
		case path == layout.Failover:
			p.asked = true
			_ = json.Unmarshal(at.Data, &p.request) // a person writes a name
		case strings.HasPrefix(path, layout.Candidates+"/c-"):
			p.candidates[name] = at.Stat.EphemeralOwner
		case strings.HasPrefix(path, ledger+"/"):
			p.entries[name] = true
		}
	}
	return p
}

// judge holds the properties.
type judge struct{ config Config }

// Write implements explore.Judge.
func (j judge) Write(w explore.Write) []explore.Violation {
	if w.Err != nil {
		return nil
	}
	var f worlds.Findings
	before, after := look(w.Before), look(w.After)
	j.lock(&f, w, before, after)
	j.crumb(&f, w, before, after)
	if after.last != before.last || len(after.entries) > len(before.entries) {
		if after.last != fmt.Sprint(before.epoch) || !j.holds(w, before) {
			f.Violate("WriteFenced", "%s writes %s, epoch %d has begun, and session %d holds the lock", w.Process, after.last, before.epoch, before.holder)
		}
	}
	return f
}

// lock judges a write that takes the lock or gives it up.
func (j judge) lock(f *worlds.Findings, w explore.Write, before, after picture) {
	if before.holder != 0 && after.holder != before.holder && before.holder != w.Session {
		f.Violate("LockByHolder", "%s deletes the lock, which another session holds", w.Process)
	}
	if after.holder == 0 || after.holder == before.holder {
		return
	}
	if after.epoch <= before.epoch {
		f.Violate("LockByHolder", "%s takes the lock in epoch %d, after epoch %d", w.Process, after.epoch, before.epoch)
	}
	if after.left != before.left || after.crumb != before.crumb {
		f.Violate("BreadcrumbByHolder", "%s takes the lock, and changes the breadcrumb", w.Process)
	}
	owner, there := before.candidates[before.request.Candidate]
	if before.asked && before.request.Epoch >= before.epoch && there && owner != w.Session && j.config.Bounds.Sweeps+j.config.Bounds.Stops == 0 {
		f.Violate("TargetTakes", "%s takes the lock, and the target %s is there", w.Process, before.request.Candidate)
	}
}

// crumb judges a write that changes the breadcrumb.
func (j judge) crumb(f *worlds.Findings, w explore.Write, before, after picture) {
	own := j.config.data(w.Process)
	switch {
	case before.left == after.left && before.crumb == after.crumb:
	case !j.holds(w, before):
		f.Violate("BreadcrumbByHolder", "%s changes the breadcrumb to %q, and does not hold the lock", w.Process, after.crumb)
	case after.left && after.crumb != own:
		f.Violate("BreadcrumbByHolder", "%s writes %q to the breadcrumb", w.Process, after.crumb)
	case !after.left && (before.crumb != own || after.holder != 0):
		f.Violate("BreadcrumbByHolder", "%s deletes the breadcrumb of %q, and the lock is held by %d", w.Process, before.crumb, after.holder)
	}
}

// holds reports whether the writer holds the lock. If libraries hide the end of a session, the epoch alone
// shows it, until another process takes the lock.
func (j judge) holds(w explore.Write, before picture) bool {
	return before.holder == w.Session || before.holder == 0 && j.config.Library == explore.Replacing
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	if w.Err != nil {
		if zkapi.FailedIndex(w.Err) > 0 && errors.Is(w.Err, zkapi.ErrNodeExists) && worlds.Has(w.Op, zkapi.KindCreate, ledger+"/") {
			return []string{"a write that is found to be there"}
		}
		if zkapi.FailedIndex(w.Err) == 0 && errors.Is(w.Err, zkapi.ErrBadVersion) && w.Op.Ops[0].Kind == zkapi.KindCheck {
			return []string{"a stale active that was fenced"}
		}
		return nil
	}
	before, after := look(w.Before), look(w.After)
	gaveUp := before.holder != 0 && after.holder == 0 && w.Op.Kind == zkapi.KindMulti
	var names []string
	for _, one := range []struct {
		when bool
		name string
	}{
		{after.left && !before.left, "an activation"},
		{after.left && before.left && after.crumb != before.crumb, "an activation after another one was fenced"},
		{after.epoch > 1 && after.holder != before.holder && after.holder != 0, "a second term"},
		{gaveUp && before.left && !after.left, "a clean end"},
		{gaveUp && before.left && after.left, "an unclean end"},
		{after.request.Epoch > before.request.Epoch, "a failover"},
		{before.asked && !after.asked, "a request that is answered"},
		{after.last != before.last, "a write of an active"},
	} {
		if one.when {
			names = append(names, one.name)
		}
	}
	return names
}

// running returns for which epoch the service of a process was begun, if it runs and is not fenced.
func (j judge) running(v explore.View, name string) (epoch int32, unfenced bool) {
	token := v.Acts[runs(name)].Token
	if token == 0 || token%2 != 0 {
		return 0, false
	}
	epoch = int32(token / 2)
	return epoch, v.Acts[fenced(j.config.data(name))].Token <= int64(epoch)
}

// epochOf reads a note that is an epoch.
func epochOf(note string) int32 {
	n, _ := strconv.ParseInt(note, 10, 32) // 0 for none
	return int32(n)
}
