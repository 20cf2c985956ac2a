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
	Total          time.Duration // of the load
	Servers        int
	Masters        int
	Workers        int
	Clients        int
	SessionTimeout time.Duration
}

// stream separates the nemesis' random numbers from those of the workload.
const stream = 0xfa017

// Plan draws a schedule from a seed. Every kind comes up once before any comes
// up twice. Faults may overlap, but never so that too few servers are left for a
// quorum, nor so that all masters or all workers suffer at the same time.
func Plan(seed uint64, o Options) []Fault {
	if len(o.Kinds) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, stream))
	var plan []Fault
	var deck []Kind
	busy := map[bool][]span{} // by whether servers suffer
	gap := max(o.Total/25, 400*time.Millisecond)
	first, last := o.Total/20, o.Total-o.Total/8
	for at := first; at < last; at += gap/2 + time.Duration(rng.Int64N(int64(gap))) {
		if len(deck) == 0 {
			deck = slices.Clone(o.Kinds)
			rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		for i, kind := range deck {
			entry, _ := Lookup(kind)
			f := Fault{Number: len(plan) + 1, Kind: kind, Start: at, Duration: duration(kind, o, rng), Pick: rng.IntN(1000)}
			s := span{entry.Role, at, min(at+f.Duration, o.Total) + recovery(entry.Role, o)}
			if !o.room(busy[entry.Role.OnServers()], s) {
				continue
			}
			busy[entry.Role.OnServers()] = append(busy[entry.Role.OnServers()], s)
			plan = append(plan, f)
			deck = slices.Delete(deck, i, i+1)
			break
		}
	}
	return plan
}

// span is the time for which a role suffers from a fault or recovers from it.
type span struct {
	role     Role
	from, to time.Duration
}

// room reports whether one more fault leaves enough of everybody.
func (o Options) room(busy []span, s span) bool {
	suffering := 1
	for _, other := range busy {
		overlap := other.from < s.to && s.from < other.to
		if overlap && (s.role.OnServers() || other.role == s.role) {
			suffering++
		}
	}
	switch s.role {
	case ActiveMaster:
		return suffering <= max(1, o.Masters-1)
	case SomeWorker:
		return suffering <= max(1, o.Workers-1)
	case SomeClient:
		return suffering <= max(1, o.Clients-1)
	}
	// A fault on servers takes up to the whole minority (SplitServers), so with
	// a minority of one they follow each other, and with two only single ones
	// may overlap.
	minority := (o.Servers - 1) / 2
	if s.role == Servers || slices.ContainsFunc(busy, func(b span) bool { return b.role == Servers && b.from < s.to && s.from < b.to }) {
		return suffering == 1 && minority > 0
	}
	return suffering <= minority
}

// recovery is how long after its end a fault still counts as going on.
func recovery(role Role, o Options) time.Duration {
	if role.OnServers() {
		return o.SessionTimeout
	}
	return 0
}

// duration draws how long a fault lasts, in terms of the session timeout T.
func duration(kind Kind, o Options, rng *rand.Rand) time.Duration {
	between := func(low, high float64) time.Duration {
		d := time.Duration((low + (high-low)*rng.Float64()) * float64(o.SessionTimeout))
		return d.Round(time.Millisecond)
	}
	switch kind {
	case ExpireMaster, ExpireWorker:
		return 0
	case StopMaster, StopWorker:
		return between(1.3, 2.2)
	case CutMaster, CutWorker, CutClient:
		return between(0.3, 1.8)
	case KillMaster, KillWorker, KillClient, LeaveMaster, LeaveWorker:
		return between(0.1, 0.8)
	case IsolateLeader, SplitServers:
		return between(1, 1.8) // servers need a while to notice
	}
	return between(0.5, 1.6)
}

// Refused lists the kinds that cannot be used with that many servers, or on an
// ensemble that is not ours to break.
func Refused(kinds []Kind, servers int, external bool) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
		entry, _ := Lookup(k)
		return !entry.Role.OnServers() || (!external && servers >= 3)
	})
}

// RefusedInMemory are the faults that a run in one process cannot have: there are
// no servers to break, and no process that a signal could stop.
func RefusedInMemory(kinds []Kind) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
		entry, _ := Lookup(k)
		return !entry.Role.OnServers() && k != StopMaster && k != StopWorker
	})
}

// ByStart orders a schedule that was edited by hand.
func ByStart(plan []Fault) []Fault {
	sorted := slices.Clone(plan)
	slices.SortStableFunc(sorted, func(a, b Fault) int { return cmp.Compare(a.Start, b.Start) })
	return sorted
}
