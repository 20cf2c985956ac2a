package explain

import (
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// pathTask is the task that one part of a write is about.
func pathTask(op record.Op) string { return record.TaskOf(op.Path) }

// singleMaster explains two masters: one wrote after the end of its epoch, both began
// the same epoch, or both believed to lead.
func (t *telling) singleMaster() {
	var elected []election
	var wrote []write
	for _, e := range t.marks {
		if w, found := t.writeOf(e.Seq); found {
			if w.elects {
				elected = append(elected, election{w})
				t.election(election{w})
			} else {
				wrote = append(wrote, w)
			}
			continue
		}
		t.event(e)
	}
	stale, since, found := t.stale(wrote)
	switch {
	case found:
		t.staleWrite(stale, since)
	case len(elected) > 1 && elected[0].epoch == elected[len(elected)-1].epoch:
		t.blame(elected[len(elected)-1].Invoke.Seq)
		t.moral = fmt.Sprintf("An epoch begins with a write of /assign that demands version %d, the one before. ZooKeeper applies only one such write: the second must be refused.", elected[0].epoch-1)
	default:
		t.belief()
	}
}

// stale finds an accepted write in the name of an epoch that was over.
func (t *telling) stale(wrote []write) (write, election, bool) {
	for _, w := range wrote {
		now, led := t.inForce(w.Invoke.At)
		epoch, claims := claim(w)
		if led && claims && epoch < now.epoch && w.outcome == record.OK {
			return w, now, true
		}
	}
	return write{}, election{}, false
}

// claim is the epoch in whose name a write was made.
func claim(w write) (epoch int32, claims bool) {
	for _, op := range w.Invoke.Ops() {
		if op.Kind == "check" && op.Path == record.AssignPath {
			return op.Version, true
		}
	}
	for _, op := range w.Invoke.Ops() {
		if op.Kind == "create" && record.TaskOf(op.Path) != "" {
			if r := record.ParseEntry(op.Data); r.Epoch > 0 {
				return r.Epoch, true
			}
		}
	}
	return 0, false
}

// staleWrite explains who led when, and which write came too late.
func (t *telling) staleWrite(w write, since election) {
	epoch, _ := claim(w)
	if e, known := t.began(epoch); known {
		t.election(e)
	}
	t.election(since)
	for _, o := range t.terms {
		if o.Invoke.Process == w.Invoke.Process && o.Invoke.Token().Epoch == epoch {
			t.term(o)
		}
	}
	t.write(w, t.subject(w))
	t.blame(w.Invoke.Seq)
	t.moral = fmt.Sprintf("The write of %s at %s should not have passed: it was made in the name of epoch %d, and epoch %d had begun at %s", w.Invoke.Process, wording.Seconds(w.at), epoch, since.epoch, wording.Seconds(since.at))
	if w.zxid != 0 && since.zxid != 0 {
		t.moral += fmt.Sprintf(", with zxid %s before zxid %s", zxid(since.zxid), zxid(w.zxid))
	}
	t.moral += ". "
	if changeOf(w, "").claimed {
		t.moral += fmt.Sprintf("It demanded version %d of /assign, which was %d by then: ZooKeeper itself should have refused it.", epoch, since.epoch)
	} else {
		t.moral += "It did not check the version of /assign, which would have had it refused."
	}
}

// belief explains two masters that believed to lead at once.
func (t *telling) belief() {
	var beliefs []record.Operation
	for _, e := range t.marks {
		for _, o := range t.terms {
			if o.Invoke.Seq == e.Seq {
				beliefs = append(beliefs, o)
				if won, known := t.began(o.Invoke.Token().Epoch); known {
					t.election(won)
				}
			}
		}
	}
	if len(beliefs) < 2 {
		t.blameLast()
		return
	}
	old, next := beliefs[0], beliefs[1]
	t.blame(old.Invoke.Seq)
	accepted := 0
	for _, w := range t.writes {
		if epoch, claims := claim(w); claims && epoch == old.Invoke.Token().Epoch && w.outcome == record.OK && w.Invoke.At > next.Invoke.At {
			accepted++
		}
	}
	t.moral = fmt.Sprintf("Nobody had stopped %s or robbed it of its session: its lease must end before another can be elected, and it must know. ", old.Invoke.Process)
	if accepted == 0 {
		t.moral += "Nothing that it wrote after that was accepted, so the fence held."
	} else {
		t.moral += fmt.Sprintf("%d writes that it made after that were accepted.", accepted)
	}
}

// electionLinearizable explains an election that cannot be placed between the writes of
// the two epochs that it separates.
func (t *telling) electionLinearizable() {
	t.singleMaster()
	t.moral = "There is no moment for this election that all writes of the epoch before come before, and all writes of its own come after. " + t.moral
	for _, e := range t.marks {
		w, found := t.writeOf(e.Seq)
		epoch, claims := claim(w)
		if !found || !claims || w.outcome != record.OK {
			continue
		}
		if won, known := t.began(epoch); known && w.at < won.Invoke.At {
			t.clear()
			t.write(w, t.subject(w))
			t.blame(w.Invoke.Seq)
			t.moral += fmt.Sprintf("%s wrote in the name of epoch %d at %s, and that epoch began only at %s.", w.Invoke.Process, epoch, wording.Seconds(w.at), wording.Seconds(won.at))
			break
		}
	}
	t.moral = strings.TrimSpace(t.moral)
}
