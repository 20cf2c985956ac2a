package nemesis

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// Options bound a plan.
type Options struct {
	Kinds          []Kind
	First          []Kind        // the kinds that come before the others
	Total          time.Duration // of the load
	Servers        int
	Masters        int
	Workers        int
	Clients        int
	Lacks          []Role // the roles that no participant can have; no fault aims at them
	SessionTimeout time.Duration
	ServerPatience time.Duration // how long servers wait for each other; faults between servers last longer
}

// stream separates the nemesis' random numbers from those of the workload.
const stream = 0xfa017

// longestGap bounds the time between two faults on average, however long the load.
const longestGap = 2 * time.Second

// Plan draws a schedule from a seed. Every kind of server fault, and every kind of
// participant fault, comes up once before any comes up twice, if the load is long
// enough. Faults may overlap. But a quorum of servers stays untouched, unless the
// fault's purpose is to break it, and not all masters or all workers suffer at the same
// time.
func Plan(seed uint64, o Options) []Fault {
	if len(o.Kinds) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, stream))
	decks := []*deck{{onServers: true}, {onServers: false}}
	for _, d := range decks {
		d.first = o.First
		d.kinds = slices.DeleteFunc(slices.Clone(o.Kinds), func(k Kind) bool {
			entry, _ := Lookup(k)
			return onServers(k) != d.onServers || len(entry.rolesBut(o.Lacks)) == 0
		})
	}
	var plan []Fault
	gap := min(max(o.Total/25, 400*time.Millisecond), longestGap)
	first, last := o.Total/20, o.Total-o.Total/8
	for at := first; at < last; at += gap/2 + time.Duration(rng.Int64N(int64(gap))) {
		if rng.IntN(2) == 0 {
			slices.Reverse(decks)
		}
		for _, d := range decks {
			if f, ok := d.deal(o, at, rng); ok {
				f.Number = len(plan) + 1
				plan = append(plan, f)
				break
			}
		}
	}
	return plan
}

func onServers(k Kind) bool {
	entry, _ := Lookup(k)
	return entry.Roles[0].OnServers()
}

// deck deals kinds in random order, some of them first, and each once before any twice.
type deck struct {
	onServers bool
	first     []Kind
	kinds     []Kind
	left      []Kind
	busy      []span
}

func (d *deck) rank(k Kind) int {
	if slices.Contains(d.first, k) {
		return 0
	}
	return 1
}

// deal draws the first kind that there is room for.
func (d *deck) deal(o Options, at time.Duration, rng *rand.Rand) (Fault, bool) {
	if len(d.left) == 0 {
		d.left = slices.Clone(d.kinds)
		rng.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
		slices.SortStableFunc(d.left, func(a, b Kind) int { return d.rank(a) - d.rank(b) })
	}
	for i, kind := range d.left {
		f := o.draw(kind, at, rng)
		s := span{f.Role, at, min(at+f.Duration, o.Total) + recovery(f.Role, o)}
		if o.room(d.busy, s) {
			d.busy = append(d.busy, s)
			d.left = slices.Delete(d.left, i, i+1)
			return f, true
		}
	}
	return Fault{}, false
}

// draw makes a fault of that kind. It always takes the same number of random numbers,
// so that a kind without duration does not shift the others.
func (o Options) draw(kind Kind, at time.Duration, rng *rand.Rand) Fault {
	entry, _ := Lookup(kind)
	roles := entry.rolesBut(o.Lacks)
	share, role, pick := rng.Float64(), rng.IntN(len(roles)), rng.IntN(1000)
	unit := o.SessionTimeout
	if entry.Roles[0].OnServers() && entry.Least >= 1 {
		unit = max(unit, o.ServerPatience)
	}
	lasts := time.Duration((entry.Least + (entry.Most-entry.Least)*share) * float64(unit))
	return Fault{Kind: kind, Role: roles[role], Start: at, Duration: lasts.Round(time.Millisecond), Pick: pick}
}

// span is the time for which a role suffers from a fault or recovers from it.
type span struct {
	role     Role
	from, to time.Duration
}

func (s span) overlaps(other span) bool { return other.from < s.to && s.from < other.to }

// budgets say which roles suffer together: a fault on a role takes one from each of its
// budgets.
var budgets = map[Role][]string{
	ActiveMaster: {"masters"}, Backup: {"masters"}, NextMaster: {"masters"},
	BusiestWorker: {"workers"}, SomeWorker: {"workers"}, WorkerAlone: {"workers"}, SomeClient: {"clients"},
	Several: {"masters", "workers", "clients"},
}

// room reports whether one more fault leaves enough untouched: at least one participant
// of each role, and a quorum of the servers. A fault whose purpose is to leave none is
// exempt, but must be alone.
func (o Options) room(busy []span, s span) bool {
	if s.role.OnServers() {
		return o.roomOnServers(busy, s)
	}
	most := map[string]int{"masters": o.Masters - 1, "workers": o.Workers - 1, "clients": o.Clients - 1}
	for _, budget := range budgets[s.role] {
		suffering := 1
		for _, other := range busy {
			if other.overlaps(s) && slices.Contains(budgets[other.role], budget) {
				suffering++
			}
		}
		if suffering > max(1, most[budget]) {
			return false
		}
	}
	return true
}

// roomOnServers is room for the ensemble. Some faults take the whole minority, so they
// follow each other. Faults of single servers may overlap if the minority is larger.
func (o Options) roomOnServers(busy []span, s span) bool {
	alone := func(r Role) bool { return r != SomeServer }
	suffering := 1
	for _, other := range busy {
		if !other.overlaps(s) {
			continue
		}
		if alone(s.role) || alone(other.role) {
			return false
		}
		suffering++
	}
	return suffering <= (o.Servers-1)/2
}

// recovery is how long after its end a fault still counts as going on.
func recovery(role Role, o Options) time.Duration {
	if role.OnServers() {
		return o.SessionTimeout
	}
	return 0
}

// Refused lists the kinds that cannot be used with that many servers, or on an external
// ensemble.
func Refused(kinds []Kind, servers int, external bool) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
		entry, _ := Lookup(k)
		return !entry.Roles[0].OnServers() && (k != Move || servers > 1) || (!external && servers >= 3)
	})
}

// RefusedInMemory are the faults that a run in one process cannot have.
func RefusedInMemory(kinds []Kind) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
		entry, known := Lookup(k)
		return known && entry.inMemory()
	})
}

// InMemory names the faults that such a run can have.
func InMemory() []string {
	var names []string
	for _, e := range Catalogue {
		if e.inMemory() {
			names = append(names, string(e.Kind))
		}
	}
	return names
}

// ByStart orders a schedule that was edited by hand.
func ByStart(plan []Fault) []Fault {
	sorted := slices.Clone(plan)
	slices.SortStableFunc(sorted, func(a, b Fault) int { return cmp.Compare(a.Start, b.Start) })
	return sorted
}
