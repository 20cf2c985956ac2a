package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// writesAccounted explains a commit that contradicts the participants: the commit
// itself, and the owner of its session.
func (t *Explainer) writesAccounted() {
	for _, e := range t.Marks {
		t.Event(e)
	}
	first, found := t.First()
	if !found || first.Zxid == 0 {
		return
	}
	at := first.Zxid
	i := slices.IndexFunc(t.Run.Commits, func(c record.Commit) bool { return c.Zxid == at })
	if i < 0 {
		t.Conclusion = fmt.Sprintf("No server has %s in its log.", Zxid(at))
		return
	}
	c := t.Run.Commits[i]
	holder := t.holder(c.Session)
	process := holder
	if holder == "" {
		holder, process = "no participant", Harness
	}
	t.Add(Line{
		At: t.reached(at), Zxid: at, Order: at, Process: process, Wrong: true,
		Text: fmt.Sprintf("The logs of the servers have a write in session %s of %s: %s.", c.Session, holder, Operations(c.Ops)),
	})
	t.Conclusion = "Every commit must come from a request of a participant, and every acknowledged write must be committed. Otherwise ZooKeeper has lost or invented a write, a program outside the run has written here, or the record of the run is wrong."
}

// holder is the participant that had a session; empty if the record does not say.
func (t *Explainer) holder(session string) string {
	for _, e := range t.Run.Events {
		if e.Session() == session && (e.Kind == record.Write || e.Kind == record.Session && e.SessionChange().Fate != record.Granted) {
			return e.Process
		}
	}
	return ""
}

// reached is when a place in ZooKeeper's order was reached: at the answer of the last
// write before it.
func (t *Explainer) reached(zxid int64) (at time.Duration) {
	before := int64(-1)
	for _, x := range t.Run.Exchanges {
		if x.Zxid <= zxid && x.Zxid > before && x.Answered > 0 {
			before, at = x.Zxid, x.Answered
		}
	}
	return at
}
