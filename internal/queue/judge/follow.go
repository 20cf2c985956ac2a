package judge

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// ending is how the stay of an item in a znode ended.
type ending int

// The endings.
const (
	stays    ending = iota // it was there at the end of the record
	consumed               // its consumer deleted it, together with the claim
	moved                  // the same write made another znode for it
	removed                // it was deleted, and nothing else
)

// stay is an item in one znode, from its create to its end.
type stay struct {
	history.Znode
	id, data string
	from     int64 // zxid
	made     *checker.Write
	origin   *stay // from which it was moved here
	version  int32
	altered  *checker.Write // that changed the payload
	changed  bool
	claims   []*claim
	free     int64 // zxid since which no consumer has it
	until    int64 // zxid of its end
	ended    *checker.Write
	by       string // the session that ended it
	how      ending
	recorded bool   // the write that ended it made the entry about the consumption
	given    bool   // the write that ended it ended the claim, too
	next     *stay  // to which it was moved
	taken    *claim // its claim now
}

// claim is a take of an item, from the claim's create to its end.
type claim struct {
	history.Taken
	of      *stay
	session string
	from    int64
	write   *checker.Write
	until   int64 // zxid of its end; 0 if it was there at the end of the record
	ended   *checker.Write
	lapsed  bool  // the end of its session has ended it
	greater bool  // its token is greater than that of the claim before
	passed  *stay // an item in front of it that was free for longest
	since   int64 // since when that was free
}

// there reports whether the claim is there at a place in ZooKeeper's order. The write that ends it
// still has it.
func (c *claim) there(zxid int64) bool { return zxid >= c.from && (c.until == 0 || zxid <= c.until) }

// process is the participant that made the claim.
func (f *facts) process(c *claim) string {
	if c.write == nil {
		return f.holder(c.session)
	}
	return c.write.Invoke.Process
}

// events are those of a write.
func events(writes ...*checker.Write) (all []record.Event) {
	for _, w := range writes {
		if w != nil {
			all = append(all, w.Invoke, w.Done)
		}
	}
	return all
}

// when is the time of a write that may not be known.
func (f *facts) when(w *checker.Write) time.Duration {
	if w == nil {
		return 0
	}
	return f.At(w.Operation)
}

// follower goes through the commits.
type follower struct {
	*facts
	written map[int64]*checker.Write
	live    map[string]*stay   // by path
	current map[string]*claim  // by path: those that are there
	line    map[string][]*stay // by queue: the items in line
}

func (f *follower) follow() {
	for _, commit := range f.Index.Commits {
		switch commit.Kind {
		case record.CommitClose:
			for _, c := range f.current {
				if c.session == commit.Session {
					c.lapsed = true
					f.end(c, commit.Zxid, nil)
				}
			}
		case record.CommitWrite:
			f.apply(commit)
		}
	}
}

// apply follows one write: takes first, because a write that takes an item and deletes it has taken
// it.
func (f *follower) apply(commit record.Commit) {
	change, w := history.ChangeOf(commit.Ops), f.written[commit.Zxid]
	for _, op := range commit.Ops {
		if s := f.live[op.Path]; s != nil && op.Kind == "set" {
			s.version = cmp.Or(op.Got, s.version+1)
			if op.Data != s.data {
				s.altered, s.changed = w, true
			}
		}
	}
	for _, t := range change.Taken {
		if s := f.live[t.Item()]; s != nil {
			f.take(s, t, commit, w)
		}
	}
	var gone []*stay
	for _, z := range change.Gone {
		if s := f.live[z.Path]; s != nil {
			gone = append(gone, s)
			f.leave(s, change, commit, w)
		}
	}
	for _, z := range change.Ended {
		if c := f.current[z.Path]; c != nil {
			f.end(c, commit.Zxid, w)
		}
	}
	for _, m := range change.Made {
		s := &stay{Znode: m.Znode, id: m.Item.ID, data: m.Data, from: commit.Zxid, free: commit.Zxid, made: w}
		if i := slices.IndexFunc(gone, func(old *stay) bool { return old.next == nil && old.id == s.id }); i >= 0 {
			s.origin, gone[i].next, gone[i].how = gone[i], s, moved
		}
		f.stays = append(f.stays, s)
		f.live[s.Path] = s
		if s.Folder == history.Line {
			f.line[s.Queue] = append(f.line[s.Queue], s)
		}
	}
}

// take notes a claim, and which item it passed over.
func (f *follower) take(s *stay, t history.Taken, commit record.Commit, w *checker.Write) {
	c := &claim{Taken: t, of: s, session: commit.Session, from: commit.Zxid, write: w, greater: true}
	if n := len(s.claims); n > 0 {
		c.greater = t.Token > s.claims[n-1].Token
	}
	for _, other := range f.line[s.Queue] {
		if other.taken == nil && other.Before(s.Place) && (c.passed == nil || other.free < c.since) {
			c.passed, c.since = other, other.free
		}
	}
	s.taken, f.current[c.Path] = c, c
	s.claims = append(s.claims, c)
	f.claims = append(f.claims, c)
}

// end notes the end of a claim.
func (f *follower) end(c *claim, zxid int64, w *checker.Write) {
	c.until, c.ended = zxid, w
	delete(f.current, c.Path)
	if c.of.taken == c {
		c.of.taken, c.of.free = nil, zxid
	}
}

// leave notes the end of a stay. If the item comes back in another znode, it was moved.
func (f *follower) leave(s *stay, change history.Change, commit record.Commit, w *checker.Write) {
	s.until, s.ended, s.by, s.how = commit.Zxid, w, commit.Session, removed
	if s.given = slices.ContainsFunc(change.Ended, func(z history.Znode) bool { return z.Item() == s.Path }); s.given {
		s.how = consumed
	}
	s.recorded = slices.ContainsFunc(change.Entries, func(e history.Written) bool { return e.N == history.Consumed && e.Item == s.id })
	delete(f.live, s.Path)
	f.line[s.Queue] = slices.DeleteFunc(f.line[s.Queue], func(other *stay) bool { return other == s })
}

// last is the last claim of a stay, if that was there at its end.
func (s *stay) last() *claim {
	if n := len(s.claims); n > 0 && s.claims[n-1].there(s.until) {
		return s.claims[n-1]
	}
	return nil
}
