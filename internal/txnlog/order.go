package txnlog

import (
	"fmt"
	"maps"
	"slices"
)

// Entry is a transaction with the names of the servers that have it in their logs.
type Entry struct {
	*Txn
	Servers []string
}

// Gap is a range of zxids, both ends included, for which the logs do not say what was
// committed.
type Gap struct{ From, To int64 }

// Order is the order of commits by all servers' logs together.
type Order struct {
	Committed []Entry // in the order of zxids
	// Uncommitted were logged by some server and never committed.
	Uncommitted []Entry
	Gaps        []Gap
	// Conflicts are the zxids under which two servers have different transactions. That is
	// a violation by ZooKeeper itself.
	Conflicts []string
}

// counterBits is the number of bits of a zxid that count within an epoch of
// ZooKeeper's.
const counterBits = 32

func epochOf(zxid int64) int64   { return zxid >> counterBits }
func counterOf(zxid int64) int64 { return zxid & (1<<counterBits - 1) }

// FromOne is the counter of the first transaction in each epoch, unless a server is
// configured to begin elsewhere.
const FromOne = 1

// Merge finds the transactions committed up to zxid, which all servers had applied when
// all writes had ended. first is the counter with which each epoch begins. The package
// comment has the rule and its proof.
func Merge(servers []*Server, zxid, first int64) *Order {
	o := &Order{}
	all := o.union(servers)
	seen := map[int64]bool{}
	for at := range all {
		seen[epochOf(at)] = seen[epochOf(at)] || at <= zxid
	}
	epochs := slices.Sorted(maps.Keys(seen))
	ends := map[int64]int64{}    // by epoch: the counter of the last that was committed
	proofs := map[int64]string{} // by epoch: the server whose log proves its end
	for _, s := range servers {
		s.closed(zxid, first, epochs, func(epoch, end int64) {
			if before, proven := ends[epoch]; proven && before != end {
				o.Conflicts = append(o.Conflicts, fmt.Sprintf("an epoch ended with zxid 0x%x in the log of %s, and with 0x%x in the log of %s",
					epoch<<counterBits|before, proofs[epoch], epoch<<counterBits|end, s.Name))
				end = max(before, end)
			}
			ends[epoch], proofs[epoch] = end, s.Name
		})
	}
	for i, e := range epochs {
		if !seen[e] {
			continue // it began after the end
		}
		end, proven := ends[e]
		if !proven {
			end = logged(all, e, len(servers)/2+1)
		}
		o.commit(all, e, first, end)
		if !proven {
			until := zxid
			if i+1 < len(epochs) {
				until = min(until, epochs[i+1]<<counterBits)
			}
			o.Gaps = append(o.Gaps, Gap{e<<counterBits | (end + 1), until})
		}
	}
	committed := map[int64]bool{}
	for _, entry := range o.Committed {
		committed[entry.Zxid] = true
	}
	for _, at := range slices.Sorted(maps.Keys(all)) {
		if at <= zxid && !committed[at] && !o.Open(at) {
			o.Uncommitted = append(o.Uncommitted, *all[at])
		}
	}
	return o
}

// logged is the counter of the last transaction of an epoch that at least so many
// servers have in their logs.
func logged(all map[int64]*Entry, epoch int64, servers int) int64 {
	var last int64
	for at, e := range all {
		if epochOf(at) == epoch && len(e.Servers) >= servers {
			last = max(last, counterOf(at))
		}
	}
	return last
}

// union merges all servers' transactions, by zxid.
func (o *Order) union(servers []*Server) map[int64]*Entry {
	all := map[int64]*Entry{}
	for _, s := range servers {
		for i := range s.Txns {
			t := &s.Txns[i]
			e := all[t.Zxid]
			switch {
			case e == nil:
				all[t.Zxid] = &Entry{Txn: t, Servers: []string{s.Name}}
			case e.Sum != t.Sum:
				o.Conflicts = append(o.Conflicts, fmt.Sprintf("zxid 0x%x is one transaction in the log of %s and another in the log of %s", t.Zxid, e.Servers[0], s.Name))
			case !slices.Contains(e.Servers, s.Name):
				e.Servers = append(e.Servers, s.Name)
			}
		}
	}
	return all
}

// closed finds the ends of epochs that this server's log proves. There an entry is
// followed by the first entry of a later epoch, or by the end of the run, and the
// server did not get the state from elsewhere between the two. It considers only epochs
// that have an entry in some log.
func (s *Server) closed(zxid, first int64, epochs []int64, prove func(epoch, end int64)) {
	order := s.sorted()
	for i, at := range order {
		a := s.Txns[at].Zxid
		if a > zxid {
			return
		}
		next, own := zxid, false
		for _, later := range order[i+1:] {
			if b := s.Txns[later].Zxid; b > a {
				if b <= zxid {
					next, own = b, true
				}
				break
			}
		}
		proves := a == zxid
		switch {
		case epochOf(next) == epochOf(a):
		case own:
			proves = counterOf(next) == first && !s.snapshotWithin(a+1, next-1)
		default: // the end, of an epoch in which nothing was written
			proves = counterOf(next) == 0 && !s.snapshotWithin(a+1, next)
		}
		if proves {
			prove(epochOf(a), counterOf(a))
			for _, between := range epochs {
				if own && epochOf(a) < between && between < epochOf(next) {
					prove(between, 0) // none of it was committed
				}
			}
		}
	}
}

// snapshotWithin reports whether the server took a snapshot after a zxid of the range,
// both ends included. Then it had applied transactions that are not in its own log.
func (s *Server) snapshotWithin(from, to int64) bool {
	i, _ := slices.BinarySearch(s.Snapshots, from)
	return i < len(s.Snapshots) && s.Snapshots[i] <= to
}

// commit takes the entries of an epoch up to its end, and notes the missing ones. It
// relies on the entries it has, because the counter of a zxid can begin or jump
// anywhere.
func (o *Order) commit(all map[int64]*Entry, epoch, first, end int64) {
	last := epoch<<counterBits | end
	var there []int64
	for at := range all {
		if epoch<<counterBits < at && at <= last {
			there = append(there, at)
		}
	}
	slices.Sort(there)
	next := epoch<<counterBits | first
	if len(there) > 0 && there[0] < next { // the epoch did not begin there
		next = epoch<<counterBits | FromOne
	}
	for _, at := range there {
		if next < at {
			o.Gaps = append(o.Gaps, Gap{next, at - 1})
		}
		o.Committed = append(o.Committed, *all[at])
		next = at + 1
	}
	if next <= last {
		o.Gaps = append(o.Gaps, Gap{next, last})
	}
}

// Open reports whether the logs do not say what was committed at a zxid.
func (o *Order) Open(zxid int64) bool {
	return slices.ContainsFunc(o.Gaps, func(g Gap) bool { return g.From <= zxid && zxid <= g.To })
}
