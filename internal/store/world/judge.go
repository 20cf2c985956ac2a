package world

import (
	"encoding/json"
	"fmt"
	"slices"
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
	{Name: "OnlyTheActiveWrites", Says: "no write of a process takes effect after another one has raised the epoch"},
	{Name: "AppliedAsTold", Says: "each write that a process was told is applied is there, once, with all that was in its batch, and none that it was told is not"},
	{Name: "LoadIsWhole", Says: "what a new active loads was there at one moment; it is all that was written before, and stays so until it writes"},
	{Name: "FencedByAnother", Says: "a process is told that it is fenced only when another one has raised the epoch"},
	{Name: "ReadsAreRight", Says: "as long as no other has raised the epoch, a process never hears of a record that is not as it has written or loaded it"},
	{Name: "ValuesWhole", Says: "each value that is in parts has all of them, and they are of one value"},
	{Name: "NoPartsLeft", Says: "when the active has collected, there are no parts that belong to no record"},
	{Name: "GoalStaysReachable", Says: "from every state each process can still finish, without another fault"},
	{Name: "NoCrash", Says: "no program panics"},
}

// judge holds the properties.
type judge struct{ config Config }

// text is the data of a znode, and whether it exists.
func text(tree zk.Tree, path string) (string, bool) {
	node, err := tree.Node(path)
	return string(node.Data), err == nil
}

// present are the epoch and the name of the process that has raised it.
func present(tree zk.Tree) (epochNow int32, by string) {
	node, _ := tree.Node(epoch)
	var owner struct{ By string }
	_ = json.Unmarshal(node.Data, &owner) // empty at first
	return node.Stat.Version, owner.By
}

// value is the value of a record, and the znode of its parts. whole says that it is one.
func value(tree zk.Tree, path string) (value, group string, whole bool) {
	data, _ := text(tree, path)
	fields := strings.Fields(data)
	if len(fields) < 4 || fields[0] != "@parts" {
		return data, "", true
	}
	count, _ := strconv.Atoi(fields[2]) // 0 is no count
	for n := range count {
		part, there := text(tree, fmt.Sprintf("%s/%s/%04d", parts, fields[1], n))
		if !there {
			return "", fields[1], false
		}
		value += part
	}
	return value, fields[1], strconv.Itoa(len(value)) == fields[3]
}

// records are the names of the records of a process.
func records(tree zk.Tree, of string) (names []string) {
	node, err := tree.Node(folder)
	if err != nil {
		return nil
	}
	for _, name := range node.Children() {
		if strings.HasPrefix(name, of+".") {
			names = append(names, name)
		}
	}
	return names
}

// Write implements explore.Judge.
func (j judge) Write(w explore.Write) []explore.Violation {
	var f worlds.Findings
	was, by := present(w.Before)
	is, _ := present(w.After)
	if w.Err != nil || !w.Op.Kind.Writes() || is != was {
		return f
	}
	before, _ := text(w.Before, sum)
	after, _ := text(w.After, sum)
	if w.Process != by && (before != after || !slices.Equal(names(w.Before), names(w.After))) {
		f.Violate("OnlyTheActiveWrites", "%s writes, and epoch %d is that of %s", w.Process, was, by)
	}
	for _, name := range records(w.After, w.Process) {
		if _, there := text(w.Before, folder+"/"+name); !there && !strings.HasPrefix(name, fmt.Sprintf("%s.%d.", w.Process, is)) {
			f.Violate("OnlyTheActiveWrites", "%s makes %s, and the epoch is %d", w.Process, name, is)
		}
	}
	return f
}

// names are all znodes of records and parts.
func names(tree zk.Tree) (all []string) {
	for _, below := range []string{folder, parts} {
		for path := range tree.Below(below) {
			all = append(all, path)
		}
	}
	return all
}

// State implements explore.Judge.
func (j judge) State(v explore.View) []explore.Violation {
	var f worlds.Findings
	total, pointed, whole := value(v.Tree, sum)
	n := number(total)
	if !whole || n < 0 {
		f.Violate("ValuesWhole", "the value of %s is %.40q", sum, total)
	}
	now, by := present(v.Tree)
	for i, p := range v.Processes {
		note := func(name string) int { n, _ := strconv.Atoi(p.Notes[name]); return n }
		made := len(records(v.Tree, p.Name))
		if whole && made != n/unit(i)%10 {
			f.Violate("AppliedAsTold", "%s has %d records, and the sum is %d", p.Name, made, n)
		}
		if most := note(okNote) + note(doubtNote) + note(busyNote); made < note(okNote) || made > most && p.Running {
			f.Violate("AppliedAsTold", "%d writes of %s are applied; it was told that %d are, and of %d it does not know", made, p.Name, note(okNote), most-note(okNote))
		}
		current := p.Name == by && p.Notes[epochNote] == strconv.Itoa(int(now))
		if p.Notes[loadedNote] != "" && (note(loadedNote) != note(ownNote) || current && note(loadedNote) != n) {
			f.Violate("LoadIsWhole", "%s has loaded the sum %d, and records for %d; the sum is %d", p.Name, note(loadedNote), note(ownNote), n)
		}
		if p.Notes[fencedNote] != "" && p.Name == by {
			f.Violate("FencedByAnother", "%s was told that it is fenced, and has raised the epoch last", p.Name)
		}
		if wrong := p.Notes[wrongNote]; wrong != "" && (current || p.Notes[doneNote] != "") {
			f.Violate("ReadsAreRight", "%s: %s", p.Name, wrong)
		}
		if current && p.Notes[tidyNote] != "" {
			node, _ := v.Tree.Node(parts)
			for _, group := range node.Children() {
				if group != pointed {
					f.Violate("NoPartsLeft", "%s has collected, and parts %s are left", p.Name, group)
				}
			}
		}
	}
	return f
}

// Goal implements explore.Judge: each process has finished, or has died.
func (j judge) Goal(v explore.View) bool {
	return !slices.ContainsFunc(v.Processes, func(p explore.ProcessView) bool { return p.Running && p.Notes[doneNote] == "" })
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	var seen []string
	was, _ := present(w.Before)
	is, _ := present(w.After)
	before, _ := text(w.Before, sum)
	after, _ := text(w.After, sum)
	gone := slices.ContainsFunc(w.Op.Ops, func(op zkapi.Op) bool { return op.Kind == zkapi.KindDelete && strings.HasPrefix(op.Path, parts) })
	for _, one := range []struct {
		when bool
		name string
	}{
		{w.Err == nil && is != was, "an epoch that is raised"},
		{w.Err == nil && before != after, "a record that is written"},
		{w.Err == nil && gone, "parts that are deleted"},
		{w.Err != nil && zkapi.FailedIndex(w.Err) == 0 && is == was, "a write that is fenced"},
	} {
		if one.when {
			seen = append(seen, one.name)
		}
	}
	return seen
}
