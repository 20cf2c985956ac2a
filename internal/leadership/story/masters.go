package story

import (
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of a recipe that only elects a leader.
func Stories() explain.Stories {
	return explain.Stories{Begin: func(t *explain.Explainer) explain.Words {
		return explain.Words{Properties: Properties(t, explain.Claim)}
	}}
}

// Properties has a function for each property of elections. claim is the epoch in whose name
// a write was made; false if it was made in none. See [explain.Claim].
func Properties(t *explain.Explainer, claim func(explain.Write) (epoch int32, claims bool)) map[string]func() {
	own := &explainer{Explainer: t, claim: claim}
	return map[string]func(){"SingleMaster": own.singleMaster, "ElectionLinearizable": own.electionLinearizable}
}

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	claim func(explain.Write) (epoch int32, claims bool)
}

// singleMaster explains two masters: one wrote after the end of its epoch, both began
// the same epoch, or both believed to lead.
func (t *explainer) singleMaster() {
	var elected []explain.Write
	var wrote []explain.Write
	for _, e := range t.Marks {
		if w, found := t.WriteOf(e.Seq); found {
			if w.Elects {
				elected = append(elected, w)
				t.Election(w)
			} else {
				wrote = append(wrote, w)
			}
			continue
		}
		t.Event(e)
	}
	stale, since, found := t.stale(wrote)
	switch {
	case found:
		t.staleWrite(stale, since)
	case len(elected) > 1 && elected[0].Epoch == elected[len(elected)-1].Epoch:
		t.Blame(elected[len(elected)-1].Invoke.Seq)
		t.Conclusion = fmt.Sprintf("An election writes /assign and demands version %d, that of the epoch before. ZooKeeper applies only one such write: it must refuse the second.", elected[0].Epoch-1)
	default:
		t.belief()
	}
}

// stale finds an accepted write in the name of an epoch that was over.
func (t *explainer) stale(wrote []explain.Write) (explain.Write, explain.Write, bool) {
	for _, w := range wrote {
		now, led := t.InForce(w.Invoke.At)
		epoch, claims := t.claim(w)
		if led && claims && epoch < now.Epoch && w.Fate == record.OK {
			return w, now, true
		}
	}
	return explain.Write{}, explain.Write{}, false
}

// staleWrite explains who led when, and which write came too late.
func (t *explainer) staleWrite(w explain.Write, since explain.Write) {
	epoch, _ := t.claim(w)
	if e, known := t.Began(epoch); known {
		t.Election(e)
	}
	t.Election(since)
	for _, o := range t.Terms {
		if o.Invoke.Process == w.Invoke.Process && o.Invoke.Token().Epoch == epoch {
			t.Term(o)
		}
	}
	t.Write(w, t.Subject(w))
	t.Blame(w.Invoke.Seq)
	t.Conclusion = fmt.Sprintf("ZooKeeper should have refused the write of %s at %s: the write was made in the name of epoch %d, and epoch %d had begun at %s", w.Invoke.Process, wording.Seconds(w.At), epoch, since.Epoch, wording.Seconds(since.At))
	if w.Zxid != 0 && since.Zxid != 0 {
		t.Conclusion += fmt.Sprintf(", with zxid %s before zxid %s", explain.Zxid(since.Zxid), explain.Zxid(w.Zxid))
	}
	t.Conclusion += ". "
	if _, checks := explain.Claim(w); checks {
		t.Conclusion += fmt.Sprintf("The write demanded version %d of /assign, and the version was %d: the error is ZooKeeper's.", epoch, since.Epoch)
	} else {
		t.Conclusion += "The write did not check the version of /assign: with this check ZooKeeper would have refused it."
	}
}

// belief explains two masters that believed to lead at once.
func (t *explainer) belief() {
	var beliefs []record.Operation
	for _, e := range t.Marks {
		for _, o := range t.Terms {
			if o.Invoke.Seq == e.Seq {
				beliefs = append(beliefs, o)
				if won, known := t.Began(o.Invoke.Token().Epoch); known {
					t.Election(won)
				}
			}
		}
	}
	if len(beliefs) < 2 {
		t.BlameLast()
		return
	}
	old, next := beliefs[0], beliefs[1]
	t.Blame(old.Invoke.Seq)
	accepted := 0
	for _, w := range t.Writes {
		if epoch, claims := t.claim(w); claims && epoch == old.Invoke.Token().Epoch && w.Fate == record.OK && w.Invoke.At > next.Invoke.At {
			accepted++
		}
	}
	t.Conclusion = fmt.Sprintf("No fault had stopped %s or ended its session: its lease must end before another master can be elected, and it must notice that. ", old.Invoke.Process)
	if accepted == 0 {
		t.Conclusion += "ZooKeeper accepted none of its later writes, so the fence held."
	} else {
		t.Conclusion += fmt.Sprintf("ZooKeeper accepted %d of its later writes.", accepted)
	}
}

// electionLinearizable explains an election that cannot be placed between the writes of
// the two epochs that it separates.
func (t *explainer) electionLinearizable() {
	t.singleMaster()
	t.Conclusion = "This election fits nowhere in the order: it must come after all writes of the epoch before, and before all writes of its own epoch. " + t.Conclusion
	for _, e := range t.Marks {
		w, found := t.WriteOf(e.Seq)
		epoch, claims := t.claim(w)
		if !found || !claims || w.Fate != record.OK {
			continue
		}
		if won, known := t.Began(epoch); known && w.At < won.Invoke.At {
			t.Clear()
			t.Write(w, t.Subject(w))
			t.Blame(w.Invoke.Seq)
			t.Conclusion += fmt.Sprintf("%s wrote in the name of epoch %d at %s, and that epoch began only at %s.", w.Invoke.Process, epoch, wording.Seconds(w.At), wording.Seconds(won.At))
			break
		}
	}
	t.Conclusion = strings.TrimSpace(t.Conclusion)
}
