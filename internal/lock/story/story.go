package story

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of locks.
func Stories() explain.Stories { return explain.Stories{Begin: begin} }

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	attempts, holds, releases, requests []record.Operation
}

func begin(t *explain.Explainer) explain.Words {
	own := &explainer{
		Explainer: t, attempts: record.Operations(t.Run.Events, history.Acquire),
		holds: record.Operations(t.Run.Events, history.Hold), releases: record.Operations(t.Run.Events, history.Release),
		requests: record.Operations(t.Run.Events, history.Revoke),
	}
	all := map[string]func(){}
	for property, why := range conclusions {
		all[property] = func() { own.tell(why) }
	}
	return explain.Words{Properties: all, Event: own.event, Deed: own.deed}
}

// conclusions say why a violation of each property should not have happened.
var conclusions = map[string]string{
	"MutualExclusion":    "A lock has one holder, or several that share it. The next holder is granted the lock only when the contenders in front of it are gone, and the old holder stops before its session can end. Only a fault that stops a holder, or ends its session early, excuses two beliefs, and there is none here.",
	"InTurn":             "A contender must wait for every contender in front of it, except for those that share the lock with it.",
	"TokensGrow":         "The version of the lock's znode after the grant is the token. ZooKeeper raises it with each grant, so a holder that is told the version of its own grant has a greater token than all before.",
	"WritesFenced":       "A holder's write demands that its contender is there. When the contender is gone, ZooKeeper must refuse the write.",
	"StaleEffectsFenced": "After an act with a token, the system outside must refuse every act with a smaller token for the same lock.",
	"DelayWaited":        "A holder that had asked for a delay may go on for so long after its lock is over. The next holder is granted the lock only later, unless the old one gave it back.",
	"AllOrNone":          "Several locks that are taken together are taken in the order of their paths, so that no two lockers wait for each other. When one of them cannot be had, those that were taken are given back.",
	"RevocationsHeard":   "A request to release is written into the contender of the holder, which watches it, and looks again after each reconnect. So a holder hears of it once, while it holds the lock.",
	"NothingLeft":        "A locker that gives a lock back, gives up or fails must delete its contender. One that stays keeps all others waiting until its session ends.",
	"FreeAfterHeal":      "All faults were healed, so every contender that no locker waits for is gone, and each lock can be taken in turn.",
	"LockLinearizable":   "Each operation takes effect at one moment between its begin and its end. No such order has a lock free when it is taken, and held by the one that writes in the name of its token.",
}

// tell adds what the verdict rests on, and what happened to the lock around it.
func (t *explainer) tell(conclusion string) {
	t.Evidence()
	if e, begun := t.Index.Began(record.Draining); begun && len(t.Marks) == 0 {
		t.Add(explain.Line{At: e.At, Process: explain.Harness, Events: []int{e.Seq}, Order: explain.AfterWrites, Text: "All faults are healed: from here on every locker must get every lock."})
	}
	if t.Object != "" {
		t.tree(t.Object)
	}
	t.Conclusion = conclusion
}

// event adds one event of the kinds of locks.
func (t *explainer) event(e record.Event) bool {
	l := explain.Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: explain.AfterWrites}
	switch {
	case history.Is(e, history.Acquire):
		t.attempt(e, &l)
	case history.Is(e, history.Hold):
		o := explain.Find(t.holds, e)
		l.At, l.Events, l.Until, l.Belief = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}, o.Return(t.End), true
		l.Text = fmt.Sprintf("%s believed to hold %s with token %d from here until %s%s.", e.Process, t.Call(e.Object()), e.Token().Epoch, wording.Seconds(l.Until), because(o.Done.Remark()))
	case history.Is(e, history.Release):
		o := explain.Find(t.releases, e)
		l.At, l.Events = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}
		l.Text = fmt.Sprintf("%s gave %s back (token %d)", e.Process, t.Call(e.Object()), e.Token().Epoch)
		switch o.Outcome() {
		case record.OK:
			l.Text += fmt.Sprintf(", which was confirmed at %s.", wording.Seconds(o.Done.At))
		default:
			l.Text += fmt.Sprintf(", which was not confirmed%s.", because(o.Done.Remark()))
		}
	case history.Is(e, history.Revoke):
		o := explain.Find(t.requests, e)
		l.At, l.Events = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}
		l.Text = fmt.Sprintf("%s asked the holders of %s to release it", e.Process, t.Call(e.Object()))
		if o.Outcome() != record.OK {
			l.Text += ", and does not know whether they were asked"
		}
		l.Text += because(o.Done.Remark()) + "."
	case history.Is(e, history.Heard):
		l.Text = fmt.Sprintf("%s heard that it is asked to release %s.", e.Process, t.Call(e.Object()))
	case history.Is(e, history.Settled):
		l.Text = e.Process + " had given back all, and asked for nothing any more."
	case e.Kind == record.Effect:
		l.Text = fmt.Sprintf("The system outside %s an act on %s with token %d (%s).", map[bool]string{true: "accepted", false: "refused"}[e.Act().Accepted], t.Call(e.Object()), e.Token().Epoch, e.Remark())
	default:
		return false
	}
	t.Add(l)
	return true
}

// attempt completes the line of an attempt to take a lock.
func (t *explainer) attempt(e record.Event, l *explain.Line) {
	o := explain.Find(t.attempts, e)
	l.At, l.Events = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}
	l.Text = fmt.Sprintf("%s asked for %s", e.Process, t.Call(e.Object()))
	if asked, err := record.OwnData[history.Asked](o.Invoke); err == nil {
		l.Text += fmt.Sprintf(" (%s)", strings.Join(asked.Words(), ", "))
	}
	switch o.Done.Type {
	case record.OK:
		l.Text += fmt.Sprintf(", and at %s it was told that it has it with token %d.", wording.Seconds(o.Done.At), o.Done.Token().Epoch)
	case "":
		l.Text += "; the record does not show the answer."
	default:
		l.Text += fmt.Sprintf(", and did not get it%s.", because(o.Done.Remark()))
	}
}

// because is a remark in the middle of a sentence.
func because(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(remark, ".") + ")"
}

// deed describes a write by what it did to a lock.
func (t *explainer) deed(w explain.Write, lock string) explain.Deed {
	change, call := history.ChangeOf(completed(w)), t.Call(lock)
	var deeds []string
	for _, g := range change.Granted {
		deeds = append(deeds, fmt.Sprintf("took %s with token %d, by %s", call, g.Token, g.Path))
	}
	for _, c := range change.Joined {
		if len(change.Granted) == 0 {
			deeds = append(deeds, fmt.Sprintf("joined the line of %s (%s)", call, c.Mode))
		}
	}
	for _, path := range change.Left {
		deeds = append(deeds, fmt.Sprintf("left the line of %s: deleted %s", call, path))
	}
	for _, path := range change.Asked {
		deeds = append(deeds, fmt.Sprintf("asked the holder of %s to release it, in %s", call, path))
	}
	for _, e := range change.Entries {
		said := fmt.Sprintf("wrote entry %d in the name of token %d", e.N, e.Token)
		switch e.N {
		case history.Late:
			said = fmt.Sprintf("tried to write in the name of token %d once more", e.Token)
		case history.UnderWay:
			said = fmt.Sprintf("sent a write in the name of token %d that had been on its way until the lock was over", e.Token)
		}
		deeds = append(deeds, said)
	}
	if len(deeds) == 0 {
		deeds = []string{"wrote " + explain.Operations(w.Invoke.Ops())}
	}
	return explain.Deed{By: w.Invoke.Process, What: explain.Conjoin(deeds)}
}

// completed are the parts of a write with the names that the server has completed. Without an
// answer, a name ends with zeros.
func completed(w explain.Write) []record.Op {
	ops := slices.Clone(w.Invoke.Ops())
	for i, op := range ops {
		if !op.Sequential {
			continue
		}
		ops[i].Path += "0000000000"
		for _, got := range w.Done.Ops() {
			if got.Kind == op.Kind && strings.HasPrefix(got.Path, op.Path) {
				ops[i].Path = got.Path
			}
		}
	}
	return ops
}

// tree adds what the final tree has of a lock.
func (t *explainer) tree(lock string) {
	node, there := t.Node(lock)
	if !there {
		return
	}
	var left []string
	for _, n := range t.Run.Evidence.Nodes {
		if strings.HasPrefix(n.Path, lock+"/") {
			left = append(left, n.Path)
		}
	}
	l := explain.Line{At: t.End, Process: explain.Harness, Order: explain.AfterWrites, Zxid: node.Mzxid}
	l.Text = fmt.Sprintf("In the final tree, version %d of %s is the last, and ", node.Version, t.Call(lock))
	if len(left) == 0 {
		l.Text += "no contender is left."
	} else {
		l.Text, l.Wrong = l.Text+explain.Conjoin(left)+" is left.", true
	}
	t.Add(l)
}
