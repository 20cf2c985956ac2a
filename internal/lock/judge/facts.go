package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a run in the terms of locks.
type facts struct {
	*checker.Case
	attempts []attempt
	holds    []record.Operation // how long lockers believed to hold a lock
	releases []record.Operation
	effects  []record.Event

	// By the commits, in ZooKeeper's order; empty if that order is not known.
	holdings []*holding
	line     []*standing                 // all contenders that there were
	lines    map[record.Life][]*standing // those of each life
	byToken  map[granted]*holding

	permits map[string]int // of the locks that are semaphores

	asked map[string][]*checker.Write // requests to release, by the contender that they were written into
	heard map[string][]record.Event   // what holders heard of such requests, by the id of their attempt

	entries []entry // in the ledgers, that were applied; in ZooKeeper's order if it is known
	refused int     // entries that ZooKeeper refused, because their lock was over
}

// granted names a grant: no lock has a token twice.
type granted struct {
	lock  string
	token int32
}

// attempt is one attempt to take a lock.
type attempt struct {
	record.Operation
	asked history.Asked
}

func (a attempt) lock() string { return a.Invoke.Object() }

// told reports whether the locker was told that it has the lock.
func (a attempt) told() bool { return a.Outcome() == record.OK }

// within reports whether a write was asked for in the course of the attempt.
func (a attempt) within(w *checker.Write) bool {
	return w != nil && w.Invoke.Alive() == a.Invoke.Alive() && w.Invoke.Seq > a.Invoke.Seq && (a.Done.Seq == 0 || w.Invoke.Seq < a.Done.Seq)
}

// token is the token that the locker was told.
func (a attempt) token() int32 { return a.Done.Token().Epoch }

// standing is a contender, from its create to its end.
type standing struct {
	history.Contender
	session string
	made    *checker.Write // that made it; nil if no participant did
	until   int64          // the zxid of its end; 0 if it was there at the end of the record
	left    bool           // it was deleted; otherwise the end of its session has ended it
}

// there reports whether the contender is there at a place in ZooKeeper's order.
func (s *standing) there(zxid int64) bool { return s.until == 0 || zxid <= s.until }

// holding is a lock that ZooKeeper has granted, until its contender is gone.
type holding struct {
	*standing
	token   int32
	from    int64 // zxid of the grant
	write   *checker.Write
	ahead   *standing // a contender in front that it has overtaken
	against *holding  // a holding that excludes this one
}

// process is the participant that got the grant, or its session if no participant did.
func (h *holding) process() string {
	if h.write == nil {
		return "session " + h.session
	}
	return h.write.Invoke.Process
}

// entry is an entry in a ledger.
type entry struct {
	history.Written
	write *checker.Write
}

// gather reads a run.
func gather(c *checker.Case) *facts {
	f := &facts{Case: c, byToken: map[granted]*holding{}, permits: map[string]int{}, lines: map[record.Life][]*standing{}, asked: map[string][]*checker.Write{}, heard: map[string][]record.Event{},
		holds: record.Operations(c.Events, history.Hold), releases: record.Operations(c.Events, history.Release)}
	for _, op := range record.Operations(c.Events, history.Acquire) {
		asked, err := record.OwnData[history.Asked](op.Invoke)
		if err != nil {
			panic(err) // the verdict says then that these judges failed
		}
		f.attempts = append(f.attempts, attempt{op, asked})
		if asked.Permits > 0 {
			f.permits[op.Invoke.Object()] = asked.Permits
		}
	}
	for _, e := range c.Events {
		switch {
		case e.Kind == record.Effect:
			f.effects = append(f.effects, e)
		case history.Is(e, history.Heard):
			f.heard[e.ID()] = append(f.heard[e.ID()], e)
		}
	}
	written := map[int64]*checker.Write{}
	for i := range c.Writes {
		f.enter(i)
		if c.Writes[i].Zxid != 0 {
			written[c.Writes[i].Zxid] = &c.Writes[i]
		}
	}
	if c.Ordered() {
		f.follow(written)
		slices.SortStableFunc(f.entries, func(a, b entry) int { return int(a.write.Zxid - b.write.Zxid) })
	}
	return f
}

// enter notes the entries that a write made, and counts those that a server refused because the
// holder's contender was gone: the check is the first part of such a write.
func (f *facts) enter(at int) {
	w := &f.Writes[at]
	change := history.ChangeOf(w.Invoke.Ops())
	for _, path := range change.Asked {
		f.asked[path] = append(f.asked[path], w)
	}
	for _, e := range change.Entries {
		switch {
		case w.Outcome() == record.OK:
			f.entries = append(f.entries, entry{e, w})
		case w.Outcome() == record.Fail && f.Index.Exchange[at] >= 0 && f.Index.Run.Exchanges[f.Index.Exchange[at]].Index == 0:
			f.refused++
		}
	}
}

// follow goes through the commits, and finds who held what from when to when.
func (f *facts) follow(written map[int64]*checker.Write) {
	all := lines{by: map[string]*line{}, permits: f.permits}
	for _, commit := range f.Index.Commits {
		switch commit.Kind {
		case record.CommitClose:
			all.end(commit)
		case record.CommitWrite:
			change := history.ChangeOf(commit.Ops)
			for _, c := range change.Joined {
				s := all.join(c, commit.Session, written[commit.Zxid])
				f.line = append(f.line, s)
				if s.made != nil {
					f.lines[s.made.Invoke.Alive()] = append(f.lines[s.made.Invoke.Alive()], s)
				}
			}
			for _, g := range change.Granted {
				if h := all.grant(g, commit.Zxid, written[commit.Zxid]); h != nil {
					f.holdings = append(f.holdings, h)
					f.byToken[granted{h.Lock, h.token}] = h // of two, the judge of tokens tells
				}
			}
			for _, path := range change.Left {
				all.leave(path, commit.Zxid)
			}
		}
	}
}

// line is the line of one lock at some moment.
type line struct {
	standing []*standing
	holding  []*holding
}

// lines are those of all locks.
type lines struct {
	by      map[string]*line
	permits map[string]int
}

func (all lines) of(lock string) *line {
	if all.by[lock] == nil {
		all.by[lock] = &line{}
	}
	return all.by[lock]
}

func (all lines) join(c history.Contender, session string, made *checker.Write) *standing {
	l, s := all.of(c.Lock), &standing{Contender: c, session: session, made: made}
	l.standing = append(l.standing, s)
	return s
}

// grant notes a grant, and what it wrongs: a holding that excludes it, and a contender in front
// of it that it must wait for. A contender that has not heard of its grant may be granted its lock
// again; then the new token counts. nil: there is no such contender.
func (all lines) grant(g history.Grant, zxid int64, w *checker.Write) *holding {
	l := all.of(g.Lock)
	i := slices.IndexFunc(l.standing, func(s *standing) bool { return s.Path == g.Path })
	if i < 0 {
		return nil
	}
	l.holding = slices.DeleteFunc(l.holding, func(h *holding) bool { return h.Path == g.Path })
	h := &holding{standing: l.standing[i], token: g.Token, from: zxid, write: w}
	for _, other := range l.holding {
		if other.Mode.Conflicts(h.Mode) || h.Mode == history.Permit && len(l.holding) >= all.permits[h.Lock] {
			h.against = other
		}
	}
	before := 0
	for _, other := range l.standing {
		if other.Sequence < h.Sequence {
			before++
			if other.Mode.Conflicts(h.Mode) || h.Mode == history.Permit && before >= all.permits[h.Lock] {
				h.ahead = other
			}
		}
	}
	l.holding = append(l.holding, h)
	return h
}

// leave takes a contender out of its line.
func (all lines) leave(path string, zxid int64) {
	c, _ := history.ParseContender(path)
	all.of(c.Lock).drop(zxid, true, func(s *standing) bool { return s.Path == path })
}

// end takes the contenders of a session out of their lines.
func (all lines) end(closed record.Commit) {
	for _, l := range all.by {
		l.drop(closed.Zxid, false, func(s *standing) bool { return s.session == closed.Session })
	}
}

// drop ends the contenders that are such.
func (l *line) drop(zxid int64, left bool, such func(*standing) bool) {
	for _, s := range l.standing {
		if such(s) {
			s.until, s.left = zxid, left
		}
	}
	l.standing = slices.DeleteFunc(l.standing, such)
	l.holding = slices.DeleteFunc(l.holding, func(h *holding) bool { return such(h.standing) })
}
