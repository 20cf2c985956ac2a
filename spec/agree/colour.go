package agree

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The visible part of a state, in the terms of the specification. Both sides are
// brought to the same shape: the znodes without their bookkeeping (cversion, czxid),
// the requests and claims of each process, the ensemble's state about it, the system
// outside, and the faults that are left. The memory of a program is not visible; it
// shows in the program's next steps.

var none = tlc.Model("None")

// visibleState is the visible part of a state, in the order of explore.Graph.Parts: the znodes,
// the system outside, the faults that are left, and each process.
type visibleState []tlc.Value

// of is the visible part of one process: its requests, its claims, and the ensemble's state
// about it.
func of(asks, claims, server tlc.Value) tlc.Value {
	return tlc.Record(map[string]tlc.Value{"asks": asks, "claims": claims, "server": server})
}

// String is the visible part in text, for people.
func (l visibleState) String() string { return tlc.Seq(l...).String() }

// digest is the fingerprint of a visible state: 128 bits of SHA-256 over the digests of its
// parts.
func (l visibleState) digest() string {
	var all []byte
	for _, part := range l {
		all = append(all, digest(part)...)
	}
	return shortened(all)
}

func digest(v tlc.Value) string { return shortened([]byte(v.String())) }

func shortened(b []byte) string {
	sum := sha256.Sum256(b)
	return string(sum[:16])
}

// lens reads the visible parts of one recipe's states, on both sides.
type lens struct {
	leaves  bool                                           // processes may be asked to leave
	hidden  []string                                       // znodes that the specification does not have
	content func(path string, data []byte) tlc.Value       // of a znode
	part    func(op zkapi.Op) tlc.Value                    // of a request
	notes   func(process explore.ProcessPicture) tlc.Value // what a program of the explorer claims
	claimed func(local tlc.Value) tlc.Value                // what a program of the specification claims
}

// explored is one visible part of a state of the explorer.
func (l lens) explored(p explore.Picture, part int) tlc.Value {
	switch part {
	case 0:
		return l.znodes(p.Tree)
	case 1:
		return outside(p.Acts)
	case 2:
		faults := map[string]tlc.Value{
			"expiries": tlc.Int(p.Left.Expiries), "losses": tlc.Int(p.Left.Losses), "crashes": tlc.Int(p.Left.Crashes), "stops": tlc.Int(p.Left.Stops),
			"lags": tlc.Int(p.Left.Lags),
		}
		if l.leaves {
			faults["leaves"] = tlc.Int(p.Left.Leaves)
		}
		return tlc.Record(faults)
	}
	one := p.Processes[part-3]
	return of(l.requests(one), l.notes(one), l.held(one))
}

func path(p string) tlc.Value {
	var names []tlc.Value
	for name := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if name != "" {
			names = append(names, tlc.Str(name))
		}
	}
	return tlc.Seq(names...)
}

func (l lens) znodes(tree zk.Tree) tlc.Value {
	all := map[string]tlc.Value{}
	for p, entry := range tree.All() {
		if slices.Contains(l.hidden, p) {
			continue
		}
		owner := none
		if id := entry.Stat.EphemeralOwner; id != 0 {
			owner = tlc.Seq(tlc.Int(int(id>>8)-1), tlc.Int(int(id&0xff)))
		}
		all[path(p).String()] = tlc.Record(map[string]tlc.Value{
			"data": l.content(p, entry.Data), "version": tlc.Int(int(entry.Stat.Version)), "owner": owner,
		})
	}
	return tlc.Fun(all)
}

// request encodes a request to the ensemble as a sequence of parts.
func (l lens) request(op zkapi.Op) tlc.Value {
	if op.Kind != zkapi.KindMulti {
		return tlc.Seq(l.part(op))
	}
	var parts []tlc.Value
	for _, sub := range op.Ops {
		parts = append(parts, l.part(sub))
	}
	return tlc.Seq(parts...)
}

// closing stands for the end of a session that its owner asks for. The specification has it
// among the requests.
var closing = zkapi.Op{Path: "/"}

// kind is the name of a request in the specification.
func kind(op zkapi.Op) tlc.Value {
	if op.Kind == closing.Kind {
		return tlc.Str("close")
	}
	return tlc.Str(op.Kind.String())
}

// version is the version that a request demands; AnyVersion if it does not say one.
func version(op zkapi.Op) tlc.Value {
	if op.Kind != zkapi.KindSet && op.Kind != zkapi.KindCheck && op.Kind != zkapi.KindDelete {
		return tlc.Int(int(zkapi.AnyVersion))
	}
	return tlc.Int(int(op.Version))
}

// requests encodes the requests of a process to the ensemble.
func (l lens) requests(p explore.ProcessPicture) tlc.Value {
	var all []tlc.Value
	for _, r := range p.Asks {
		switch {
		case r.Resource != "":
		case r.Closes:
			all = append(all, tlc.Seq(l.part(closing)))
		default:
			all = append(all, l.request(r.Op))
		}
	}
	return together(all)
}

func token(t int64) tlc.Value { return tlc.Seq(tlc.Int(int(t>>32)), tlc.Int(int(t&0xffffffff))) }

// acting encodes the requests of a process to the system outside.
func acting(p explore.ProcessPicture) tlc.Value {
	acts := []tlc.Value{}
	for _, r := range p.Asks {
		if r.Resource != "" {
			acts = append(acts, act(r.Resource, r.Token))
		}
	}
	return tlc.Set(acts...)
}

func act(resource string, t int64) tlc.Value {
	return tlc.Record(map[string]tlc.Value{"resource": tlc.Str(resource), "token": token(t)})
}

// held encodes the ensemble's state about a process.
func (l lens) held(p explore.ProcessPicture) tlc.Value {
	var orphans, late, events, watches []tlc.Value
	for _, g := range p.Orphans {
		orphans = append(orphans, tlc.Int(g))
	}
	for _, z := range p.Late {
		late = append(late, tlc.Record(map[string]tlc.Value{"session": tlc.Int(z.Session), "request": l.request(z.Op)}))
	}
	for _, e := range p.Events {
		events = append(events, watch(e))
	}
	for _, w := range p.Watches {
		watches = append(watches, watch(w))
	}
	return tlc.Record(map[string]tlc.Value{
		"opened": tlc.Int(p.Opened), "life": tlc.Int(p.Life), "session": tlc.Int(p.Session), "known": tlc.Bool(p.Known),
		"overslept": tlc.Bool(p.Overslept), "lags": tlc.Bool(p.Lagging), "watches": tlc.Set(watches...), "events": tlc.Seq(events...), "ghosts": tlc.Set(orphans...), "late": tlc.Set(late...),
	})
}

func watch(w zk.Watch) tlc.Value {
	table := "data"
	if w.Table == zk.ChildWatches {
		table = "children"
	}
	return tlc.Seq(tlc.Str(table), path(w.Path))
}

func outside(acts explore.Acts) tlc.Value {
	all := map[string]tlc.Value{}
	for resource, a := range acts {
		process, life, _ := strings.Cut(a.By, "/")
		n, _ := strconv.Atoi(life)
		all[resource] = tlc.Record(map[string]tlc.Value{
			"token": token(a.Token), "by": tlc.Seq(tlc.Str(process), tlc.Int(n)), "stale": tlc.Bool(a.Stale), "twice": tlc.Bool(a.Twice),
		})
	}
	return tlc.Record(all)
}

// specified is the visible part of a state of the specification.
func (l lens) specified(w *explore.World, vars map[string]tlc.Value) (visibleState, error) {
	for _, name := range []string{"zk", "asks", "server", "local", "outside", "left"} {
		if vars[name].String() == "" {
			return nil, fmt.Errorf("the variable %s is missing", name)
		}
	}
	places := map[string]int{}
	for i, p := range w.Processes {
		places[strconv.Quote(p.Name)] = i
	}
	nodes := map[string]tlc.Value{}
	for _, p := range vars["zk"].Fields() {
		node := vars["zk"].At(p)
		owner := node.Field("owner")
		if len(owner.Items()) == 2 {
			owner = tlc.Seq(tlc.Int(places[owner.Items()[0].String()]), owner.Items()[1])
		}
		nodes[p] = tlc.Record(map[string]tlc.Value{"data": node.Field("data"), "version": node.Field("version"), "owner": owner})
	}
	seen := map[string]tlc.Value{}
	for _, resource := range vars["outside"].Fields() {
		if last := vars["outside"].At(resource); last.String() != none.String() {
			seen[resource] = last
		}
	}
	all := visibleState{tlc.Fun(nodes), tlc.Fun(seen), vars["left"]}
	for _, p := range w.Processes {
		local := vars["local"].Field(p.Name)
		all = append(all, of(asked(vars["asks"].Field(p.Name), local), l.claimed(local), holding(vars["server"].Field(p.Name))))
	}
	return all, nil
}

// asked encodes the request of a process, and the requests that it has left behind.
func asked(request, local tlc.Value) tlc.Value {
	all := local.Field("abandoned").Items()
	if request.String() != none.String() {
		all = append([]tlc.Value{request}, all...)
	}
	return together(all)
}

// together encodes the requests of a process.
func together(requests []tlc.Value) tlc.Value {
	switch len(requests) {
	case 0:
		return none
	case 1:
		return requests[0]
	}
	return tlc.Set(requests...)
}

// holding encodes the ensemble's state about a process; of a server that lags it says
// only that it does.
func holding(server tlc.Value) tlc.Value {
	fields := map[string]tlc.Value{"lags": tlc.Bool(server.Field("lagging").String() != none.String())}
	for _, name := range []string{"opened", "life", "session", "known", "overslept", "watches", "events", "ghosts", "late"} {
		fields[name] = server.Field(name)
	}
	return tlc.Record(fields)
}
