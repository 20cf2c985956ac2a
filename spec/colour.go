package spec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/tla"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// What can be seen of a state, in the terms of the specification. Both sides are
// brought to the same shape: the znodes but for their bookkeeping (cversion, czxid),
// what each process asks for and claims, what the ensemble holds of it, the system
// outside, and the faults that are left. What a program remembers cannot be seen;
// it shows in what it does next.

var none = tla.Model("None")

// explored is the colour of an explorer's state.
func explored(w *explore.World, p explore.Picture) tla.Value {
	asks, server, claims := map[string]tla.Value{}, map[string]tla.Value{}, map[string]tla.Value{}
	for i, process := range w.Processes {
		one := p.Processes[i]
		asks[process.Name], claims[process.Name] = requests(one), notes(one)
		server[process.Name] = held(one)
	}
	return tla.Record(map[string]tla.Value{
		"zk": znodes(p.Tree), "asks": tla.Record(asks), "server": tla.Record(server), "claims": tla.Record(claims),
		"outside": outside(p.Acts),
		"left": tla.Record(map[string]tla.Value{
			"expiries": tla.Int(p.Left.Expiries), "losses": tla.Int(p.Left.Losses), "crashes": tla.Int(p.Left.Crashes), "stops": tla.Int(p.Left.Stops),
			"lags": tla.Int(p.Left.Lags),
		}),
	})
}

func path(p string) tla.Value {
	var names []tla.Value
	for name := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if name != "" {
			names = append(names, tla.Str(name))
		}
	}
	return tla.Seq(names...)
}

// session is a session by the process that opened it and its number.
func session(process string, number int) tla.Value { return tla.Seq(tla.Str(process), tla.Int(number)) }

func znodes(tree zk.Tree) tla.Value {
	all := map[string]tla.Value{}
	for p, entry := range tree.All() {
		if p == "/candidates" {
			continue
		}
		owner := none
		if id := entry.Stat.EphemeralOwner; id != 0 {
			owner = tla.Seq(tla.Int(int(id>>8)-1), tla.Int(int(id&0xff)))
		}
		all[path(p).String()] = tla.Record(map[string]tla.Value{
			"data": content(p, entry.Data), "version": tla.Int(int(entry.Stat.Version)), "owner": owner,
		})
	}
	return tla.Fun(all)
}

// record is the data of any znode that has data, as far as the specification has it.
type record struct {
	Epoch       int    `json:"epoch"`
	Attempt     int    `json:"attempt"`
	Incarnation int    `json:"incarnation"`
	State       string `json:"state"`
	Worker      string `json:"worker"`
	Nonce       string `json:"nonce"`
}

// content is the data of the znode at p in the specification's terms.
func content(p string, data []byte) tla.Value {
	var r record
	names := strings.Split(strings.Trim(p, "/"), "/")
	if json.Unmarshal(data, &r) != nil || len(names) == 2 && names[0] == "tasks" {
		return none
	}
	fields := map[string]tla.Value{}
	switch {
	case r.Nonce != "":
		parts := strings.Split(r.Nonce, ".")
		life, _ := strconv.Atoi(parts[1])
		n, _ := strconv.Atoi(parts[2])
		fields["process"], fields["life"], fields["n"] = tla.Str(parts[0]), tla.Int(life), tla.Int(n)
	case len(names) != 3:
		return none
	default:
		fields["epoch"], fields["attempt"] = tla.Int(r.Epoch), tla.Int(r.Attempt)
		switch {
		case names[0] == "assign":
			fields["incarnation"] = tla.Int(r.Incarnation)
		case names[2] == "status":
			fields["state"] = tla.Str(r.State)
		default:
			fields["worker"] = tla.Str(r.Worker)
		}
	}
	return tla.Record(fields)
}

// request is what is asked of the ensemble: a sequence of parts.
func request(op zkapi.Op) tla.Value {
	if op.Kind != zkapi.KindMulti {
		return tla.Seq(part(op))
	}
	var parts []tla.Value
	for _, sub := range op.Ops {
		parts = append(parts, part(sub))
	}
	return tla.Seq(parts...)
}

func part(op zkapi.Op) tla.Value {
	version := int(op.Version)
	if op.Kind != zkapi.KindSet && op.Kind != zkapi.KindCheck && op.Kind != zkapi.KindDelete {
		version = int(zkapi.AnyVersion)
	}
	data := none
	if op.Mode == zkapi.Persistent {
		data = content(op.Path, op.Data)
	}
	return tla.Record(map[string]tla.Value{
		"op": tla.Str(op.Kind.String()), "path": path(op.Path), "version": tla.Int(version), "data": data,
		"ephemeral": tla.Bool(op.Mode == zkapi.Ephemeral), "watch": tla.Bool(op.Watch),
	})
}

var closing = tla.Seq(tla.Record(map[string]tla.Value{
	"op": tla.Str("close"), "path": tla.Seq(), "version": tla.Int(-1), "data": none, "ephemeral": tla.Bool(false), "watch": tla.Bool(false),
}))

// requests is what a process asks of the ensemble: one request at a time.
func requests(p explore.ProcessPicture) tla.Value {
	var all []tla.Value
	for _, r := range p.Requests {
		switch {
		case r.Act != nil:
		case r.Close:
			all = append(all, closing)
		default:
			all = append(all, request(r.Op))
		}
	}
	switch len(all) {
	case 0:
		return none
	case 1:
		return all[0]
	}
	return tla.Set(all...) // the specification has none like it
}

// notes is what a process claims, and what it asks of the system outside.
func notes(p explore.ProcessPicture) tla.Value {
	acts, told := []tla.Value{}, []tla.Value{}
	accepted := []tla.Value{}
	leads := 0
	for _, r := range p.Requests {
		if r.Act != nil {
			acts = append(acts, acting(r.Act.Resource, r.Act.Token))
		}
	}
	for key, value := range p.Notes {
		task, isTold := strings.CutPrefix(key, "told-")
		name, isAccepted := strings.CutPrefix(key, "accepted-")
		switch {
		case isTold:
			state, _, _ := strings.Cut(value, " ")
			told = append(told, tla.Seq(tla.Str(task), tla.Str(state)))
		case isAccepted:
			accepted = append(accepted, tla.Str(name))
		case key == "leads":
			leads, _ = strconv.Atoi(value)
		}
	}
	return tla.Record(map[string]tla.Value{
		"acts": tla.Set(acts...), "told": tla.Set(told...), "accepted": tla.Set(accepted...), "leads": tla.Int(leads),
	})
}

func token(t int64) tla.Value { return tla.Seq(tla.Int(int(t>>32)), tla.Int(int(t&0xffffffff))) }

func acting(resource string, t int64) tla.Value {
	return tla.Record(map[string]tla.Value{"resource": tla.Str(resource), "token": token(t)})
}

// held is what the ensemble holds of a process.
func held(p explore.ProcessPicture) tla.Value {
	var ghosts, late, events, watches []tla.Value
	for _, g := range p.Ghosts {
		ghosts = append(ghosts, tla.Int(g))
	}
	for _, z := range p.Zombies {
		late = append(late, tla.Record(map[string]tla.Value{"session": tla.Int(z.Session), "request": request(z.Op)}))
	}
	for _, e := range p.Events {
		events = append(events, watch(e))
	}
	for _, w := range p.Watches {
		watches = append(watches, watch(w))
	}
	return tla.Record(map[string]tla.Value{
		"opened": tla.Int(p.Opened), "life": tla.Int(p.Life), "session": tla.Int(p.Session), "known": tla.Bool(p.Known),
		"overslept": tla.Bool(p.Leaps), "lags": tla.Bool(p.Lagging), "watches": tla.Set(watches...), "events": tla.Seq(events...), "ghosts": tla.Set(ghosts...), "late": tla.Set(late...),
	})
}

func watch(w zk.Watch) tla.Value {
	table := "data"
	if w.Table == zk.ChildWatches {
		table = "children"
	}
	return tla.Seq(tla.Str(table), path(w.Path))
}

func outside(acts explore.Acts) tla.Value {
	all := map[string]tla.Value{}
	for resource, a := range acts {
		process, life, _ := strings.Cut(a.By, "/")
		n, _ := strconv.Atoi(life)
		all[resource] = tla.Record(map[string]tla.Value{
			"token": token(a.Token), "by": tla.Seq(tla.Str(process), tla.Int(n)), "stale": tla.Bool(a.Stale), "twice": tla.Bool(a.Twice),
		})
	}
	return tla.Record(all)
}

// specified is the colour of a state of the specification.
func specified(w *explore.World, vars map[string]tla.Value) (tla.Value, error) {
	for _, name := range []string{"zk", "asks", "server", "local", "outside", "left"} {
		if vars[name].String() == "" {
			return tla.Value{}, fmt.Errorf("the variable %s is missing", name)
		}
	}
	places := map[string]int{}
	for i, p := range w.Processes {
		places[strconv.Quote(p.Name)] = i
	}
	nodes := map[string]tla.Value{}
	for _, p := range vars["zk"].Fields() {
		node := vars["zk"].At(p)
		owner := node.Field("owner")
		if len(owner.Items()) == 2 {
			owner = tla.Seq(tla.Int(places[owner.Items()[0].String()]), owner.Items()[1])
		}
		nodes[p] = tla.Record(map[string]tla.Value{"data": node.Field("data"), "version": node.Field("version"), "owner": owner})
	}
	asks, server, claims := map[string]tla.Value{}, map[string]tla.Value{}, map[string]tla.Value{}
	for _, p := range w.Processes {
		local := vars["local"].Field(p.Name)
		asks[p.Name], server[p.Name], claims[p.Name] = asked(vars["asks"].Field(p.Name), local), holding(vars["server"].Field(p.Name)), claimed(local)
	}
	seen := map[string]tla.Value{}
	for _, resource := range vars["outside"].Fields() {
		if last := vars["outside"].At(resource); last.String() != none.String() {
			seen[resource] = last
		}
	}
	return tla.Record(map[string]tla.Value{
		"zk": tla.Fun(nodes), "asks": tla.Record(asks), "server": tla.Record(server), "claims": tla.Record(claims),
		"outside": tla.Fun(seen), "left": vars["left"],
	}), nil
}

// asked is what a process asks for, and what it has left behind.
func asked(request, local tla.Value) tla.Value {
	all := local.Field("abandoned").Items()
	if len(all) == 0 {
		return request
	}
	return tla.Set(append([]tla.Value{request}, all...)...)
}

// holding is what the ensemble holds of a process; of a server that lags only that it
// does.
func holding(server tla.Value) tla.Value {
	fields := map[string]tla.Value{"lags": tla.Bool(server.Field("lagging").String() != none.String())}
	for _, name := range []string{"opened", "life", "session", "known", "overslept", "watches", "events", "ghosts", "late"} {
		fields[name] = server.Field(name)
	}
	return tla.Record(fields)
}

// leadingPlaces are those of a master in its term.
var leadingPlaces = map[string]bool{
	"sync": true, "confirmMaster": true, "readBell": true, "readWorkers": true, "readKnown": true, "readInboxes": true, "readClaims": true, "readTasks": true,
	"readOptions": true, "readChildren": true, "readInboxesAgain": true, "commit": true, "lead": true,
}

// claimed is what the program of a process claims, by its local state.
func claimed(local tla.Value) tla.Value {
	var told, accepted []tla.Value
	leads := tla.Int(0)
	at := local.Field("at").Text()
	if leadingPlaces[at] {
		leads = local.Field("epoch")
	}
	if tasks := local.Field("told"); tasks.String() != "" {
		submitting, _ := strconv.Atoi(local.Field("n").String())
		for i, t := range tasks.Fields() {
			if state := tasks.At(t); state.String() != none.String() {
				told = append(told, tla.Seq(tla.Model(t), state))
			}
			if at != "submit" || i+1 < submitting {
				accepted = append(accepted, tla.Model(t))
			}
		}
	}
	return tla.Record(map[string]tla.Value{
		"acts": local.Field("acts"), "told": tla.Set(told...), "accepted": tla.Set(accepted...), "leads": leads,
	})
}
