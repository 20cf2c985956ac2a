package leadership

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// SingleMaster: no write of a master is accepted once a later epoch has begun, and no
// epoch begins twice. If two masters believe to lead at once, that is a violation,
// unless a fault stopped one of them or ended its session early: no lease can help
// against those faults.
func (l *Leaders) SingleMaster() checker.Property {
	overlap, explained := time.Duration(0), 0
	p := checker.NewFindings("SingleMaster")
	began := map[int32]*checker.Write{}
	var won []election
	for _, e := range l.elections {
		if e.won != record.OK {
			continue
		}
		if before, twice := began[e.epoch]; twice {
			p.Violate(wording.Finding{Code: EpochTwice, Zxid: e.op.Zxid, Args: wording.Args{
				"epoch": e.epoch, "first": before.Invoke.Process, "second": e.op.Invoke.Process,
			}}, before.Done, e.op.Done)
		}
		began[e.epoch] = e.op
		if e.op.Done.Type == record.OK {
			won = append(won, e)
		}
	}
	l.staleWrites(p, won)
	for _, pair := range l.overlaps() {
		overlap += pair.length
		if pair.excuse != "" {
			explained++
			continue
		}
		p.Violate(wording.Finding{Code: TwoBelieved, Args: wording.Args{
			"old": pair.old.Invoke.Process, "old_epoch": pair.old.Invoke.Token().Epoch, "next": pair.next.Invoke.Process, "next_epoch": pair.next.Invoke.Token().Epoch,
			"long": pair.length, "from": pair.next.Invoke.At,
		}}, pair.old.Invoke, pair.next.Invoke)
	}
	held := fmt.Sprintf("%d elections and %d writes in the name of an epoch. ZooKeeper accepted no write after a later epoch had begun.", len(began), len(l.acts))
	if explained > 0 {
		return p.Property("%s Two masters believed to lead at the same time %d times, for %s together. Each time a fault had stopped one of them or ended its session.",
			held, explained, wording.Seconds(overlap))
	}
	return p.Property("%s Two masters never believed to lead at the same time.", held)
}

// staleWrites compares every accepted write of a master with the elections before it:
// in ZooKeeper's order if that is known, otherwise with the elections that were over
// before the write was sent.
func (l *Leaders) staleWrites(p *checker.Findings, won []election) {
	began := func(e election) int64 { return int64(e.op.Done.At) }
	sent := func(a act) int64 { return int64(a.op.Invoke.At) }
	if l.of.Ordered() {
		began = func(e election) int64 { return e.op.Zxid }
		sent = func(a act) int64 { return a.op.Zxid }
	}
	slices.SortFunc(won, func(a, b election) int { return cmp.Compare(began(a), began(b)) })
	acts := slices.Clone(l.acts)
	slices.SortFunc(acts, func(a, b act) int { return cmp.Compare(sent(a), sent(b)) })
	latest, next := election{}, 0
	for _, a := range acts {
		for next < len(won) && began(won[next]) < sent(a) {
			if won[next].epoch > latest.epoch {
				latest = won[next]
			}
			next++
		}
		if a.op.Outcome() == record.OK && a.epoch < latest.epoch {
			p.Violate(wording.Finding{Code: StaleMaster, Zxid: a.op.Zxid, Args: wording.Args{
				"process": a.op.Invoke.Process, "epoch": a.epoch, "at": l.of.At(a.op.Operation),
				"elected": latest.op.Invoke.Process, "now": latest.epoch, "since": l.of.At(latest.op.Operation), "before": latest.op.Zxid,
			}}, latest.op.Done, a.op.Invoke, a.op.Done)
		}
	}
}

// believing is a time in which two masters believed to lead.
type believing struct {
	old, next record.Operation
	length    time.Duration
	excuse    string
}

// overlaps are the times in which two masters believed to lead.
func (l *Leaders) overlaps() []believing {
	var all []believing
	for _, a := range l.terms {
		for _, b := range l.terms {
			if a.Invoke.Token().Epoch >= b.Invoke.Token().Epoch {
				continue
			}
			from, to := max(a.Invoke.At, b.Invoke.At), min(l.of.Lasted(a), l.of.Lasted(b))
			if to > from {
				all = append(all, believing{a, b, to - from, l.of.Excuse(a, from, to)})
			}
		}
	}
	return all
}
