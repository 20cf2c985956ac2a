package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// step is one operation of a partition in the terms of [Lock].
type step struct {
	verb    string // take, write, give
	mode    history.Mode
	permits int
	token   int32
}

// taken is a lock as its holder knows it: from the attempt to the last that is known of it.
type taken struct {
	asked  history.Asked
	take   record.Operation // the attempt, until the holder was told
	until  time.Duration    // of take
	writes []*record.Operation
	give   record.Operation // its invocation is the earliest moment at which the lock can have ended
	ended  time.Duration    // by when it had ended
}

// linearizable is the search for an order of what lockers asked for and were told. Each part has
// the holders of one lock, so many at a time that a search is possible; the parts overlap.
func (f *facts) linearizable() checker.Search {
	byLock, open := f.taken()
	all := checker.Partitions{}
	for _, lock := range slices.Sorted(maps.Keys(byLock)) {
		tokens := slices.Sorted(maps.Keys(byLock[lock]))
		for from := 0; from < len(tokens); from += partLength {
			part := tokens[max(0, from-partOverlap):min(len(tokens), from+partLength)]
			p := all.At(fmt.Sprintf("%s, tokens %06d to %06d", lock, part[0], part[len(part)-1]))
			p.Object = lock
			for _, token := range part {
				byLock[lock][token].add(p, token)
			}
			if from == 0 {
				p.Open = open[lock]
			}
		}
	}
	return checker.Search{Property: "LockLinearizable", Of: "lock", Model: model(), Partitions: all.Sorted()}
}

// A part has so many holders, and so many of the part before.
const (
	partLength  = 200
	partOverlap = 8
)

// model is [Lock] for porcupine.
func model() porcupine.Model {
	return checker.Specification[Lock, step]{
		Do: func(l Lock, s step) (Lock, bool) {
			switch s.verb {
			case "take":
				return l.Take(s.mode, s.permits, s.token)
			case "write":
				return l, l.Holds(s.token)
			}
			return l.Give(s.token)
		},
		State:     Lock.String,
		Operation: func(s step) string { return fmt.Sprintf("%s %s, token %d", s.verb, s.mode, s.token) },
	}.Model()
}

// add puts the operations of a holder into a part.
func (t *taken) add(p *checker.Partition, token int32) {
	of := func(verb string) step { return step{verb, t.asked.Mode, t.asked.Permits, token} }
	p.Add(&t.take, of("take"), t.until)
	for _, w := range t.writes {
		p.Add(w, of("write"), w.Done.At)
	}
	p.Add(&t.give, of("give"), t.ended)
}

// taken are the locks that were taken, by lock and token, and by lock how many attempts have
// an unknown outcome.
func (f *facts) taken() (byLock map[string]map[int32]*taken, open map[string]int) {
	byLock, open = map[string]map[int32]*taken{}, map[string]int{}
	grants := f.grants()
	for _, a := range f.attempts {
		token, take, until, known := a.token(), a.Operation, a.Done.At, a.told()
		if !known {
			token, until, known = a.hidden(grants[a.Invoke.Alive()])
			if known && token == 0 { // it may have been granted
				open[a.lock()]++
				continue
			}
		}
		if !known {
			continue
		}
		if byLock[a.lock()] == nil {
			byLock[a.lock()] = map[int32]*taken{}
		}
		if byLock[a.lock()][token] == nil { // of two, the judge of tokens tells
			byLock[a.lock()][token] = &taken{asked: a.asked, take: take, until: until, give: take, ended: f.End}
		}
	}
	for _, e := range f.entries {
		if t := byLock[e.Lock][e.Token]; t != nil {
			t.writes = append(t.writes, e.write.Operation)
			t.give.Invoke.At = max(t.give.Invoke.At, e.write.Invoke.At)
		}
	}
	f.ends(byLock)
	return byLock, open
}

// grants are the writes of each life that grant a lock, and that were applied or may have been.
func (f *facts) grants() map[record.Life][]*checker.Write {
	all := map[record.Life][]*checker.Write{}
	for i := range f.Writes {
		w := &f.Writes[i]
		if w.Outcome() != record.Fail && len(history.ChangeOf(w.Invoke.Ops()).Granted) > 0 {
			all[w.Invoke.Alive()] = append(all[w.Invoke.Alive()], w)
		}
	}
	return all
}

// hidden finds the grant of an attempt that was told nothing, or only that it failed. some is
// false if there was none. The token is 0 if it is not known whether there was one.
func (a attempt) hidden(grants []*checker.Write) (token int32, until time.Duration, some bool) {
	for _, w := range grants {
		within := w.Invoke.Seq > a.Invoke.Seq && (a.Done.Seq == 0 || w.Invoke.Seq < a.Done.Seq)
		for _, g := range history.ChangeOf(w.Invoke.Ops()).Granted {
			switch {
			case !within || g.Lock != a.lock() || g.Mode != a.asked.Mode:
			case w.Outcome() == record.OK:
				return g.Token, w.Done.At, true
			default:
				some = true
			}
		}
	}
	return 0, 0, some
}

// ends finds when each lock has ended. A lock that was given back has ended between the begin and
// the end of its release, if no fault kept its holder from knowing in time that it was over
// before. Any other may have ended at any moment after its last write.
func (f *facts) ends(byLock map[string]map[int32]*taken) {
	held := map[string]record.Operation{}
	for _, h := range f.holds {
		held[h.Invoke.ID()] = h
	}
	for _, r := range f.releases {
		t := byLock[r.Invoke.Object()][r.Invoke.Token().Epoch]
		if t == nil || r.Outcome() != record.OK {
			continue
		}
		t.ended = r.Done.At
		h, known := held[r.Invoke.ID()]
		sound := known && h.Done.Type == record.OK && h.Done.Remark() == ""
		if sound && f.Excuse(h, h.Invoke.At, r.Done.At) == "" {
			at := max(t.give.Invoke.At, r.Invoke.At)
			t.give = r
			t.give.Invoke.At = at
		}
	}
	for _, all := range byLock {
		for _, t := range all {
			t.ended = max(t.ended, t.give.Invoke.At)
			slices.SortStableFunc(t.writes, func(a, b *record.Operation) int { return cmp.Compare(a.Invoke.At, b.Invoke.At) })
		}
	}
}
