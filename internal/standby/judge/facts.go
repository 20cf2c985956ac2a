package judge

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a run in the terms of the switch.
type facts struct {
	*checker.Case
	leaders *leadership.Leaders
	ledger  *leadership.Ledger

	actives   []record.Operation // how long processes were active, in the order of their beginnings
	fences    []record.Operation // calls of the hook that fences
	cuts      []record.Operation // what the power switch was asked for
	standbys  []record.Operation // calls of BecomeStandby
	failovers []record.Operation
	acts      []record.Event // on the system outside
	overs     []record.Event // ends of the contexts of actives
	healths   []record.Event
	neutral   int

	// By the commits, in ZooKeeper's order; empty if that order is not known.
	terms   []*term
	trails  []trail   // breadcrumbs that were written
	removed []removal // breadcrumbs that were removed
	gifts   []gift    // locks that were given up
	accepts []accept
	asked   map[string]*checker.Write // by the id of a request: the write that made it
}

// crumb is a breadcrumb at some moment.
type crumb struct {
	found bool
	data  string
}

// names reports whether it names a life.
func (c crumb) names(life record.Life) bool { return c.found && c.data == history.DataOf(life) }

// deed is a write of some life, at its place in ZooKeeper's order.
type deed struct {
	zxid  int64
	life  record.Life    // empty if no participant has the session
	write *checker.Write // nil if it is not known
	term  *term          // of that life; nil if it has not the lock at that moment
}

// term is a lock that ZooKeeper has granted.
type term struct {
	deed
	session string
	epoch   int32
	before  crumb // when it was granted
}

// trail is a breadcrumb that was written.
type trail struct {
	deed
	data   string
	before crumb
}

// removal is a breadcrumb that was removed.
type removal struct {
	deed
	before  crumb
	accepts bool // a failover, in the same write
}

// gift is a lock that was given up by a write.
type gift struct {
	deed
	removes bool  // the breadcrumb, in the same write
	before  crumb // the breadcrumb
}

// accept is a failover that was accepted.
type accept struct {
	deed
	asked  history.Asked
	clean  bool   // the lock and the breadcrumb are given up in the same write
	target string // the session of the target; empty if it was not there
	next   *term  // that came after it; nil if none did
	gone   bool   // the target was gone by then
}

// gather reads a run.
func gather(c *checker.Case) *facts {
	f := &facts{Case: c, leaders: leadership.Of(c, leadership.ClaimOfEntry), ledger: leadership.LedgerOf(c), asked: map[string]*checker.Write{}}
	for kind, all := range map[record.Kind]*[]record.Operation{
		record.Lead: &f.actives, history.Fence: &f.fences, record.PowerOff: &f.cuts, history.Standby: &f.standbys, history.Failover: &f.failovers,
	} {
		*all = record.Operations(c.Events, kind)
	}
	slices.SortStableFunc(f.actives, func(a, b record.Operation) int { return cmp.Compare(a.Invoke.Seq, b.Invoke.Seq) })
	for _, e := range c.Events {
		switch e.Kind {
		case record.Effect:
			f.acts = append(f.acts, e)
		case history.Over:
			f.overs = append(f.overs, e)
		case history.Health:
			f.healths = append(f.healths, e)
		case history.Neutral:
			f.neutral++
		}
	}
	written := map[int64]*checker.Write{}
	for i := range c.Writes {
		w := &c.Writes[i]
		if w.Zxid != 0 {
			written[w.Zxid] = w
		}
		if asked := history.ChangeOf(w.Invoke.Ops()).Asks; asked != nil {
			f.asked[asked.ID] = w
		}
	}
	if c.Ordered() {
		(&follower{facts: f, written: written, lives: f.lives(), candidates: map[string]string{}}).follow()
	}
	return f
}

// lives are the lives that have each session.
func (f *facts) lives() map[string]record.Life {
	all := map[string]record.Life{}
	for _, h := range f.Index.Sessions {
		if h.Opened.Of != nil {
			all[h.Session] = h.Opened.Alive()
		}
	}
	for _, e := range f.Sessions { // of lives that were killed before they noted it
		if change := e.SessionChange(); change.Fate == record.Granted {
			all[change.Session] = change.To
		}
	}
	return all
}

// follower goes through the commits.
type follower struct {
	*facts
	written    map[int64]*checker.Write
	lives      map[string]record.Life
	now        crumb
	holder     *term
	candidates map[string]string // the session of each znode of a candidate
}

func (f *follower) follow() {
	for _, commit := range f.Index.Commits {
		switch commit.Kind {
		case record.CommitClose:
			f.close(commit.Session)
		case record.CommitWrite:
			f.apply(commit)
		}
	}
}

// close ends what a session holds.
func (f *follower) close(session string) {
	if f.holder != nil && f.holder.session == session {
		f.holder = nil
	}
	for name, owner := range f.candidates {
		if owner == session {
			f.leaves(name)
		}
	}
}

// leaves notes that a candidate is gone.
func (f *follower) leaves(name string) {
	delete(f.candidates, name)
	for i := range f.accepts {
		if a := &f.accepts[i]; a.next == nil && a.asked.Candidate == name {
			a.gone = true
		}
	}
}

// apply applies a write.
func (f *follower) apply(commit record.Commit) {
	c := history.ChangeOf(commit.Ops)
	d := deed{zxid: commit.Zxid, life: f.lives[commit.Session], write: f.written[commit.Zxid]}
	if f.holder != nil && f.holder.session == commit.Session {
		d.term = f.holder
	}
	if c.Joins != "" {
		f.candidates[c.Joins] = commit.Session
	}
	if c.Quits != "" {
		f.leaves(c.Quits)
	}
	if c.Accepts != nil {
		clean := c.Gives && (c.Removes || !f.now.names(d.life))
		f.accepts = append(f.accepts, accept{deed: d, asked: *c.Accepts, clean: clean, target: f.candidates[c.Accepts.Candidate]})
	}
	if c.Gives {
		f.gifts = append(f.gifts, gift{d, c.Removes, f.now})
		f.holder = nil
	}
	if c.Removes {
		f.removed = append(f.removed, removal{d, f.now, c.Accepts != nil})
		f.now = crumb{}
	}
	if c.Takes {
		f.take(commit, d)
	}
	if c.Leaves != nil {
		f.trails = append(f.trails, trail{d, *c.Leaves, f.now})
		f.now = crumb{true, *c.Leaves}
	}
}

// take notes a lock that was granted.
func (f *follower) take(commit record.Commit, d deed) {
	f.holder = &term{deed: d, session: commit.Session, before: f.now}
	f.holder.term = f.holder
	for _, op := range commit.Ops {
		if op.Kind == "set" && op.Path == history.Epoch {
			f.holder.epoch = op.Got
		}
	}
	f.terms = append(f.terms, f.holder)
	for i := range f.accepts {
		if a := &f.accepts[i]; a.next == nil {
			a.next = f.holder
		}
	}
}

// termOf is the term of a life with an epoch; nil if there was none.
func (f *facts) termOf(life record.Life, epoch int32) *term {
	i := slices.IndexFunc(f.terms, func(t *term) bool { return t.life == life && t.epoch == epoch })
	if i < 0 {
		return nil
	}
	return f.terms[i]
}

// over is the event that ends an active: that it is standby, or the end of its life. It has no
// number if there is none.
func (f *facts) over(active record.Operation) record.Event {
	end := active.Done
	if life := f.Index.LifeOf(active.Invoke.Alive()); life != nil {
		for _, e := range life.Ends {
			if end.Seq == 0 || e.Seq < end.Seq {
				end = e
			}
		}
	}
	return end
}

// why is why the term of a life with an epoch has ended, as the process was told; empty if that is
// not on record.
func (f *facts) why(life record.Life, epoch int32) history.Why {
	for _, e := range f.overs {
		if e.Alive() == life && e.Token().Epoch == epoch {
			return history.Of[history.Ended](e).Why
		}
	}
	return ""
}

// at is when a write was made, and its events.
func (f *facts) at(d deed) (events []record.Event, sent int) {
	if d.write == nil {
		return nil, 0
	}
	return []record.Event{d.write.Invoke, d.write.Done}, d.write.Invoke.Seq
}
