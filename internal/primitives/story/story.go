package story

import (
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of the primitives.
func Stories() explain.Stories { return explain.Stories{Begin: begin} }

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	ops map[record.Kind][]record.Operation
}

func begin(t *explain.Explainer) explain.Words {
	own := &explainer{Explainer: t, ops: map[record.Kind][]record.Operation{}}
	for _, kind := range []record.Kind{history.Call, history.Stay, history.Tenure} {
		own.ops[kind] = record.Operations(t.Run.Events, kind)
	}
	all := map[string]func(){}
	for property, why := range Conclusions {
		all[property] = func() { own.tell(why) }
	}
	return explain.Words{Properties: all, Event: own.event, Deed: own.deed}
}

// Conclusions say why a violation of each property should not have happened.
var Conclusions = map[string]string{
	"AppliedOnce":              "A write is sent with the version that was read, and raises the version of a lane of its session. A process whose answer is lost sends the same write again: it is refused for the version of the lane if it was applied before. So a call is applied once at most, and its user knows whether it was.",
	"NumbersOnce":              "A block is taken by an addition that is applied only to the number that was read, so no other call takes the same numbers.",
	"SumKept":                  "Each addition is applied to the number that was read, or not at all. So the counter is the sum of all that was added.",
	"MoneyKept":                "A transaction takes a unit from one account and puts it into another one, in one write that checks all that was read. So the accounts always have the same sum, and no transaction sees another one.",
	"WaitsEndInTime":           "A wait reads after a sync whether the barrier is there, and is over only when it is not. Its read is old only while the leader of the ensemble is being replaced.",
	"RoundsWhole":              "A round begins in one write that checks that each of its participants is there. The ready znode of the round before stays until all of its participants are gone, so no other round begins beside it.",
	"LeaveTogether":            "A participant deletes its znode when it is asked to leave, or loses it with its session. The others are let go when it is gone, and not before.",
	"TenuresApart":             "A holder counts its time from before the grant is sent, and stops a tenth earlier. The next one counts the whole time from when it has seen the grant. Only a fault that stops a holder excuses two beliefs, and there is none here.",
	"LedgerFenced":             "A holder's write checks the version of the lease, which grows with each grant. When another has taken the lease, ZooKeeper must refuse the write.",
	"NothingLeft":              "Lanes and participants are ephemeral, and go with the session of their process at the latest. All sessions of the run are over.",
	"WorksAfterHeal":           "All faults were healed, so each user can use each object again.",
	"CountersLinearizable":     "Each call takes effect at one moment between its begin and its end. No such order has each sum, and each block, as its user was told.",
	"ValuesLinearizable":       "Each call takes effect at one moment between its begin and its end. No such order has each version as its user was told, and refuses only what was behind.",
	"TransactionsSerializable": "Each transaction takes effect at one moment between its begin and its end. In no such order each of them sees all accounts as those before it have left them.",
}

// tell adds what the verdict rests on, and where the final tree has the object.
func (t *explainer) tell(conclusion string) {
	t.Evidence()
	if e, begun := t.Index.Began(record.Draining); begun && len(t.Marks) == 0 {
		t.Add(explain.Line{At: e.At, Process: explain.Harness, Events: []int{e.Seq}, Order: explain.AfterWrites, Text: "All faults are healed: from here on each user must use each object once more."})
	}
	if e := t.Run.Evidence; t.Property.Name == "WorksAfterHeal" && !e.Drained {
		t.Add(explain.Line{At: t.End, Process: explain.Harness, Order: explain.AfterWrites, Wrong: true, Text: "The users did not finish" + because(e.Problem) + "."})
	}
	t.tree()
	t.Conclusion = conclusion
}

// event adds one event of the kinds of the primitives.
func (t *explainer) event(e record.Event) bool {
	all, own := t.ops[e.Kind]
	if !own {
		return false
	}
	o := explain.Find(all, e)
	l := explain.Line{At: o.Invoke.At, Process: e.Process, Events: []int{o.Invoke.Seq, o.Done.Seq}, Order: explain.AfterWrites}
	object, until := t.Call(o.Invoke.Object()), o.Return(t.End)
	switch e.Kind {
	case history.Stay:
		l.Until, l.Belief = until, true
		l.Text = fmt.Sprintf("%s believed to be in round %d of %s from here until %s%s.", e.Process, o.Invoke.Token().Epoch, object, wording.Seconds(until), because(o.Done.Remark()))
	case history.Tenure:
		l.Until, l.Belief = until, true
		l.Text = fmt.Sprintf("%s believed to hold %s with token %d from here until %s%s.", e.Process, object, o.Invoke.Token().Epoch, wording.Seconds(until), because(o.Done.Remark()))
	default:
		l.Text = t.call(o, object)
	}
	t.Add(l)
	return true
}

// call says what a user asked for, and what it was told.
func (t *explainer) call(o *record.Operation, object string) string {
	asked, err := record.OwnData[history.Asked](o.Invoke)
	if err != nil {
		return fmt.Sprintf("%s called %s.", o.Invoke.Process, object)
	}
	said := fmt.Sprintf("%s called %s: %s", o.Invoke.Process, object, asked.Words())
	at := wording.Seconds(o.Done.At)
	switch {
	case o.Done.Type == "":
		return said + "; the record does not show the answer."
	case o.Done.Type == record.Fail:
		return fmt.Sprintf("%s; at %s it was told that this was not applied, and never will be%s.", said, at, because(o.Done.Remark()))
	case o.Done.Type != record.OK:
		return fmt.Sprintf("%s; at %s it was told that the outcome is unknown%s.", said, at, because(o.Done.Remark()))
	}
	told, _ := record.OwnData[history.Told](o.Done) // without data the answer says no more
	words := told.Words(asked)
	switch epoch := o.Done.Token().Epoch; {
	case asked.Verb == history.Enter:
		words = fmt.Sprintf("it is in round %d", epoch)
	case asked.Verb == history.Take || asked.Verb == history.Renew:
		words = fmt.Sprintf("its token is %d", epoch)
	}
	if words != "" {
		words = ": " + words
	}
	return fmt.Sprintf("%s; at %s it was told %s%s.", said, at, map[bool]string{true: "no", false: "that it is done"}[told.Refused], words)
}

// because is a remark in the middle of a sentence.
func because(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(remark, ".") + ")"
}

// deed describes a write by what it did to an object.
func (t *explainer) deed(w explain.Write, object string) explain.Deed {
	var deeds []string
	var rest []record.Op
	for _, op := range w.Invoke.Ops() {
		if said := t.part(op, object); said != "" {
			deeds = append(deeds, said)
		} else if op.Kind != "check" {
			rest = append(rest, op)
		}
	}
	if len(deeds) == 0 {
		deeds = []string{"wrote " + explain.Operations(w.Invoke.Ops())}
	} else if len(rest) > 0 {
		deeds = append(deeds, "wrote "+explain.Operations(rest)+" with it")
	}
	return explain.Deed{By: w.Invoke.Process, What: explain.Conjoin(deeds)}
}

// part says what one part of a write did to an object; empty if it is not known here.
func (t *explainer) part(op record.Op, object string) string {
	call, ready := t.Call(object), op.Path == history.Round+"/ready"
	token, id, isEntry := history.ParseEntry(op.Data)
	gone := op.Kind == "delete"
	switch {
	case op.Kind == "check":
		return ""
	case history.IsLane(op.Path):
		return map[bool]string{true: "raised its lane", false: "made a lane"}[op.Kind == "set"]
	case op.Path == history.Ledger && isEntry:
		return fmt.Sprintf("wrote to the ledger in the name of token %d (%s)", token, id)
	case history.ObjectOf(op.Path) != object:
		return ""
	case object == history.Sum || object == history.Numbers:
		return fmt.Sprintf("made %s of %s%s", op.Data, call, behind(op))
	case object == history.Mode:
		return fmt.Sprintf("set %s%s", call, behind(op))
	case object == history.Bank && op.Path != history.Bank && gone:
		return "emptied account " + strings.TrimPrefix(op.Path, history.Bank+"/")
	case object == history.Bank && op.Path != history.Bank:
		return fmt.Sprintf("made %s of account %s%s", op.Data, strings.TrimPrefix(op.Path, history.Bank+"/"), behind(op))
	case object == history.Gate:
		return map[bool]string{true: "lifted ", false: "set "}[gone] + call
	case ready && gone:
		return "ended the round of " + call
	case ready:
		return fmt.Sprintf("began a round of %s (%s)", call, op.Data)
	case object == history.Round && op.Path != object:
		return map[bool]string{true: "left " + call + ": deleted " + op.Path, false: "joined " + call + ": made " + op.Path}[gone]
	case object == history.Duty && op.Version >= 0 && strings.Contains(op.Data, `"id"`):
		return fmt.Sprintf("took or renewed %s, with token %d", call, op.Version+1)
	case object == history.Duty && op.Version >= 0:
		return fmt.Sprintf("gave %s back", call)
	}
	return ""
}

// behind says which version a write demands.
func behind(op record.Op) string {
	if op.Kind == "set" && op.Version >= 0 {
		return fmt.Sprintf(", which had version %d", op.Version)
	}
	return ""
}

// tree adds what the final tree has of the object, and which lanes are there that should not be.
func (t *explainer) tree() {
	left := t.Property.Name == "NothingLeft"
	var has []string
	for _, n := range t.Run.Evidence.Nodes {
		if own := t.Object != "" && history.ObjectOf(n.Path) == t.Object; !own && !(left && history.IsLane(n.Path)) {
			continue
		}
		said := n.Path
		if n.Data != "" {
			said += fmt.Sprintf(" (%s)", n.Data)
		}
		has = append(has, said)
	}
	if len(has) > 0 {
		t.Add(explain.Line{At: t.End, Process: explain.Harness, Order: explain.AfterWrites, Wrong: left, Text: "The final tree has " + explain.Conjoin(has) + "."})
	}
}
