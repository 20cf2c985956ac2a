package explain

import (
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Harness is the lane of the final tree.
const Harness = "harness"

// Write adds the line of a write, by what it did to an object; an empty object is none.
func (t *Explainer) Write(w Write, object string) {
	deed := t.deed(w, object)
	for _, name := range deed.Whom {
		t.Participants[name] = true
	}
	t.Add(Line{
		At: w.At, Zxid: w.Zxid, Order: w.Zxid, Process: w.Invoke.Process, Text: sentence(w, deed),
		Events: []int{w.Invoke.Seq, w.Done.Seq}, Refused: w.Fate == record.Fail && w.Zxid != 0,
	})
}

// deed describes a write in the words of the recipe, or by its operations.
func (t *Explainer) deed(w Write, object string) Deed {
	if t.words.Deed != nil {
		return t.words.Deed(w, object)
	}
	d := Deed{By: w.Invoke.Process, What: "wrote " + Operations(w.Invoke.Ops())}
	if epoch, claims := Claim(w); claims {
		d.By = InTheNameOf(d.By, epoch)
	}
	return d
}

// Claim is the epoch that a write checks: it is applied only while the epoch lasts. false
// if it checks none.
func Claim(w Write) (epoch int32, claims bool) {
	for _, op := range w.Invoke.Ops() {
		if op.Kind == "check" && op.Path == record.AssignPath {
			return op.Version, true
		}
	}
	return 0, false
}

// InTheNameOf is the name of a process that writes in the name of an epoch, as the beginning
// of a sentence.
func InTheNameOf(process string, epoch int32) string {
	return fmt.Sprintf("%s, in the name of epoch %d,", process, epoch)
}

// sentence is the line of a write.
func sentence(w Write, deed Deed) string {
	said := deed.By + " " + deed.What
	if w.Fate == record.Fail && w.Outcome() == record.Fail {
		return "Refused, " + strings.TrimSuffix(w.Refusal, " (not applied)") + ": " + said + "."
	}
	return said + ending(w)
}

// ending says in words what became of a write that was not plainly refused.
func ending(w Write) string {
	heard := w.Outcome() != record.Info
	switch {
	case w.Fate == record.OK && heard:
		return "."
	case w.Fate == record.OK:
		return ". It got no answer, but ZooKeeper applied the write."
	case w.Fate == record.Fail:
		return ". It got no answer, and the write was not applied: " + w.Refusal + "."
	}
	return ". It got no answer, so it did not know whether the write was applied."
}

// Operations describes a write znode by znode.
func Operations(ops []record.Op) string {
	const most = 5
	var all []string
	for i, op := range ops {
		if i == most {
			all = append(all, Count(len(ops)-most, "more operation"))
			break
		}
		said := op.Kind + " " + op.Path
		if (op.Kind == "check" || op.Kind == "set") && op.Version >= 0 {
			said += fmt.Sprintf(" at version %d", op.Version)
		}
		all = append(all, said)
	}
	return Conjoin(all)
}

// Count is a number of things, in words that begin with it.
func Count(n int, thing string) string {
	if n == 1 {
		return "one " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Conjoin is a list of parts of a sentence.
func Conjoin(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// Call is the name of an object in a story: the story's own object needs no name.
func (t *Explainer) Call(object string) string {
	if object == t.Object {
		return "the " + t.stories.noun()
	}
	return object
}

// Election adds the line of an election.
func (t *Explainer) Election(e Write) {
	text := fmt.Sprintf("%s was elected with epoch %d, in session %s: /master and version %d of /assign in one write", e.Invoke.Process, e.Epoch, e.Invoke.Session(), e.Epoch)
	t.Add(Line{At: e.At, Zxid: e.Zxid, Order: e.Zxid, Process: e.Invoke.Process, Text: text + ending(e), Events: []int{e.Invoke.Seq, e.Done.Seq}})
}
