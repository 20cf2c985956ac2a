package agree

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// masterWorker is a world of masters, workers and a client.
type masterWorker struct{ world.Config }

func (m masterWorker) config() any    { return m.Config }
func (m masterWorker) module() string { return "MasterWorker" }

func (m masterWorker) unguarded(guard string) machine {
	m.Without = guard
	return m
}

func (m masterWorker) constants() []constant {
	b := m.Bounds
	return []constant{
		number("Masters", m.Masters), number("Workers", m.Workers), truth("Twins", m.Twins), number("Tasks", m.Tasks), number("Attempts", m.Attempts),
		number("Failures", m.Failures), number("Expiries", b.Expiries), number("Losses", b.Losses), number("Crashes", b.Crashes),
		number("Stops", b.Stops), number("Lags", b.Lags), library(m.Library), without(m.Without),
	}
}

func (m masterWorker) properties(k Kind) string {
	switch k {
	case Live:
		return "SPECIFICATION FairSpec\nPROPERTIES EveryTaskEnds ClientIsSatisfied\n"
	case Refines:
		return "SPECIFICATION RSpec\nCHECK_DEADLOCK FALSE\nPROPERTIES RefinesProtocol\n"
	}
	return judged("TypeOK NoLostTask NoPhantomTask AtomicTransitions BudgetKept StaleEffectsFenced ToldTruly NeverStuck",
		"SingleMaster NoDoubleResult NoOrphan ResultFromItsAttempt UniqueAttempts")
}

func (m masterWorker) lens() lens {
	return lens{hidden: []string{"/candidates", "/collect"}, content: masterWorkerContent, part: masterWorkerPart, notes: masterWorkerNotes, claimed: masterWorkerClaimed}
}

// record decodes the data of a znode, as far as the specification has it.
type record struct {
	Epoch       int    `json:"epoch"`
	Attempt     int    `json:"attempt"`
	Incarnation int    `json:"incarnation"`
	State       string `json:"state"`
	Worker      string `json:"worker"`
	Nonce       string `json:"nonce"`
}

// masterWorkerContent is the data of the znode at p in the specification's terms.
func masterWorkerContent(p string, data []byte) tlc.Value {
	var r record
	names := strings.Split(strings.Trim(p, "/"), "/")
	if json.Unmarshal(data, &r) != nil || len(names) == 2 && names[0] == "tasks" {
		return none
	}
	fields := map[string]tlc.Value{}
	switch {
	case r.Nonce != "":
		parts := strings.Split(r.Nonce, ".")
		life, _ := strconv.Atoi(parts[1])
		n, _ := strconv.Atoi(parts[2])
		fields["process"], fields["life"], fields["n"] = tlc.Str(parts[0]), tlc.Int(life), tlc.Int(n)
	case len(names) != 3:
		return none
	default:
		fields["epoch"], fields["attempt"] = tlc.Int(r.Epoch), tlc.Int(r.Attempt)
		switch {
		case names[0] == "assign":
			fields["incarnation"] = tlc.Int(r.Incarnation)
		case names[2] == "status":
			fields["state"] = tlc.Str(r.State)
		default:
			fields["worker"] = tlc.Str(r.Worker)
		}
	}
	return tlc.Record(fields)
}

// masterWorkerPart is one part of a request.
func masterWorkerPart(op zkapi.Op) tlc.Value {
	data := none
	if op.Mode == zkapi.Persistent {
		data = masterWorkerContent(op.Path, op.Data)
	}
	return tlc.Record(map[string]tlc.Value{
		"op": kind(op), "path": path(op.Path), "version": version(op), "data": data,
		"ephemeral": tlc.Bool(op.Mode == zkapi.Ephemeral), "watch": tlc.Bool(op.Watch),
	})
}

// masterWorkerNotes encodes the claims of a process, and its requests to the system outside.
func masterWorkerNotes(p explore.ProcessPicture) tlc.Value {
	told, accepted := []tlc.Value{}, []tlc.Value{}
	leads := 0
	for key, value := range p.Notes {
		task, isTold := strings.CutPrefix(key, "told-")
		name, isAccepted := strings.CutPrefix(key, "accepted-")
		switch {
		case isTold:
			state, _, _ := strings.Cut(value, " ")
			told = append(told, tlc.Seq(tlc.Str(task), tlc.Str(state)))
		case isAccepted:
			accepted = append(accepted, tlc.Str(name))
		case key == "leads":
			leads, _ = strconv.Atoi(value)
		}
	}
	return tlc.Record(map[string]tlc.Value{
		"acts": acting(p), "told": tlc.Set(told...), "accepted": tlc.Set(accepted...), "leads": tlc.Int(leads),
	})
}

// leadingPlaces are the local states of a master in its term.
var leadingPlaces = map[string]bool{
	"sync": true, "confirmMaster": true, "readBell": true, "readWorkers": true, "readKnown": true, "readInboxes": true, "readClaims": true, "readTasks": true,
	"readOptions": true, "readChildren": true, "readInboxesAgain": true, "prepare": true, "commit": true, "lead": true,
}

// masterWorkerClaimed encodes the claims of a process's program, by its local state.
func masterWorkerClaimed(local tlc.Value) tlc.Value {
	var told, accepted []tlc.Value
	leads := tlc.Int(0)
	at := local.Field("at").Text()
	if leadingPlaces[at] {
		leads = local.Field("epoch")
	}
	if tasks := local.Field("told"); tasks.String() != "" {
		submitting, _ := strconv.Atoi(local.Field("n").String())
		for i, t := range tasks.Fields() {
			if state := tasks.At(t); state.String() != none.String() {
				told = append(told, tlc.Seq(tlc.Model(t), state))
			}
			if at != "submit" && at != "stays" || i+1 < submitting {
				accepted = append(accepted, tlc.Model(t))
			}
		}
	}
	acts := []tlc.Value{}
	for _, a := range local.Field("acts").Items() {
		acts = append(acts, tlc.Record(map[string]tlc.Value{"resource": a.Field("resource"), "token": a.Field("token")}))
	}
	return tlc.Record(map[string]tlc.Value{
		"acts": tlc.Set(acts...), "told": tlc.Set(told...), "accepted": tlc.Set(accepted...), "leads": leads,
	})
}
