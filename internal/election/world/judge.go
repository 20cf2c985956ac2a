package world

import (
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
	{Name: "SingleMaster", Says: "no write of a leader is accepted after a later epoch has begun; no two masters lead whose sessions live"},
	{Name: "LedgerInOrder", Says: "the epochs in the ledger never go back"},
	{Name: "WritesInOne", Says: "what a leader writes in one call is there whole, or not at all"},
	{Name: "ProclaimedByHolder", Says: "the data of /master was written by the session that holds it"},
	{Name: "UniqueEpochs", Says: "no two masters lead in one epoch"},
	{Name: "ToldTruly", Says: "what a leader is told is written is there, and what it is told is not applied never is"},
	{Name: "StaleEffectsFenced", Says: "outside ZooKeeper no smaller epoch acts after a greater one"},
	{Name: "GoalStaysReachable", Says: "from every state a master can still lead, have written and be proclaimed, without another fault"},
	{Name: "NoCrash", Says: "no program panics"},
}

// picture is a tree as an outsider reads it.
type picture struct {
	epoch   int32
	holder  int64  // session that holds /master; 0 for none
	data    string // of /master
	last    string // entry of the ledger
	entries map[string]bool
}

func look(tree zk.Tree) picture {
	p := picture{entries: map[string]bool{}}
	for path, at := range tree.All() {
		switch name, below := strings.CutPrefix(path, ledger+"/"); {
		case below:
			p.entries[name] = true
		case path == ledger:
			p.last = string(at.Data)
		case path == "/assign":
			p.epoch = at.Stat.Version
		case path == "/master":
			p.holder, p.data = at.Stat.EphemeralOwner, string(at.Data)
		}
	}
	return p
}

// epochOf is the epoch of an entry; 0 of none.
func epochOf(entry string) int32 {
	text, _, _ := strings.Cut(entry, ".")
	epoch, _ := strconv.ParseInt(text, 10, 32)
	return int32(epoch)
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
	if after.last != before.last || len(after.entries) > len(before.entries) {
		j.entered(&f, w, before, after)
	}
	if after.holder != 0 && after.data != before.data && after.holder != w.Session {
		f.Violate("ProclaimedByHolder", "%s changes the data of /master to %q, and another session holds it", w.Process, after.data)
	}
	if _, text, proclaims := strings.Cut(after.data, "@"); proclaims && after.data != before.data && text != fmt.Sprint(before.epoch) {
		f.Violate("SingleMaster", "%s proclaims itself in epoch %s, but epoch %d has begun", w.Process, text, before.epoch)
	}
	if before.holder != 0 && after.holder == 0 && before.holder != w.Session {
		f.Violate("SingleMaster", "%s deletes /master, which another session holds", w.Process)
	}
	return f
}

// entered judges a write that changes the ledger.
func (j judge) entered(f *worlds.Findings, w explore.Write, before, after picture) {
	if epoch := epochOf(after.last); epoch != before.epoch {
		f.Violate("SingleMaster", "%s writes %s to the ledger, but epoch %d has begun", w.Process, after.last, before.epoch)
	}
	if epochOf(after.last) < epochOf(before.last) {
		f.Violate("LedgerInOrder", "%s writes %s to the ledger after %s", w.Process, after.last, before.last)
	}
	if before.entries[after.last] || !after.entries[after.last] || len(after.entries) != len(before.entries)+1 {
		f.Violate("WritesInOne", "%s writes a part of %s", w.Process, after.last)
	}
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	if w.Err != nil {
		return refused(w)
	}
	before, after := look(w.Before), look(w.After)
	var names []string
	for _, one := range []struct {
		when bool
		name string
	}{
		{after.epoch == 1 && before.epoch == 0, "an election"},
		{after.epoch > 1 && after.epoch > before.epoch, "a failover"},
		{before.holder != 0 && after.holder == 0 && w.Op.Kind == zkapi.KindMulti, "a hand-over"},
		{after.last != before.last, "a write of a leader"},
		{epochOf(after.last) > 1 && epochOf(before.last) > 0, "a write of a second leader"},
		{before.holder != 0 && after.data != before.data && after.holder != 0, "a proclamation"},
	} {
		if one.when {
			names = append(names, one.name)
		}
	}
	return names
}
