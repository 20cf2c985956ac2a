package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// nearby is how long before its first line a story looks for faults, and how long after
// what is wrong for what came of it.
const nearby = time.Second

// around adds what was going on: who led, what the nemesis did to those who take part,
// and which of their sessions and processes ended.
func (t *telling) around() {
	from, to, any := t.span()
	if !any {
		return
	}
	if wrong, blamed := t.lastWrong(); blamed {
		to = min(to, wrong+nearby)
	}
	if e, led := t.inForce(from); led {
		t.election(e)
	}
	for _, e := range t.elections {
		if e.at >= from && e.at <= to && e.outcome == record.OK {
			t.election(e)
		}
	}
	for _, l := range t.lines {
		t.cast[l.Process] = true
	}
	for _, f := range t.faults {
		if f.Invoke.At <= to && f.Return(t.end) >= from-nearby {
			t.fault(f)
		}
	}
	for _, e := range t.run.Events {
		if e.At >= from && (e.At <= to || e.Kind == record.Session && e.At <= to+nearby) {
			t.ending(e)
		}
	}
}

// span is from the first to the last line, but for those of the final tree.
func (t *telling) span() (from, to time.Duration, any bool) {
	for _, l := range t.lines {
		if l.Process == Harness {
			continue
		}
		if !any || l.At < from {
			from = l.At
		}
		to, any = max(to, l.At), true
	}
	return from, to, any
}

// lastWrong is when the last happened that is wrong, but for what the final tree shows.
func (t *telling) lastWrong() (at time.Duration, any bool) {
	for _, l := range t.lines {
		if l.Wrong && l.Process != Harness {
			at, any = max(at, l.At), true
		}
	}
	return at, any
}

// ending adds the end of a session or of a process of somebody who takes part.
func (t *telling) ending(e record.Event) {
	session, process := e.SessionChange(), e.ProcessChange()
	switch {
	case session.Over() && t.cast[e.Process]:
		t.add(Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, order: last,
			Text: fmt.Sprintf("%s found that its session %s was over (%s).", e.Process, e.Session(), session.Cause())})
	case e.Kind == record.Process && process.Fate != record.Started:
		if name := process.Of.Process; t.cast[name] && !t.over(e) {
			t.add(Line{At: e.At, Process: name, Events: []int{e.Seq}, order: last,
				Text: fmt.Sprintf("The process of %s (its life %d) ended: %s.", name, process.Of.Number, process)})
		}
	}
}

// over reports whether an event belongs to the end of the run, when all leave.
func (t *telling) over(e record.Event) bool {
	collecting, begun := t.index.Began(record.Collecting)
	return begun && e.At >= collecting.At
}

// deeds say what a fault did to its target, by its kind or by the first word of it, where
// the record does not.
var deeds = map[string]string{
	"expire": "had a session of %s ended", "kill": "killed %s", "leave": "asked %s to leave", "stop": "stopped %s", "pause": "stopped %s for a while",
	"sleep":         "put the machine of %s to sleep, with its line dead,",
	"restart-storm": "killed and restarted %s over and over", "twin-worker": "started a second process under the name of %s",
	"wrong-clock": "started %s again with a wrong clock", "cut": "cut %s off from ZooKeeper", "mute": "swallowed what %s sends",
	"deafen": "swallowed what is sent to %s", "reset": "reset the connections of %s", "latency": "delayed the packets of %s",
	"bandwidth": "gave %s a thin line", "drip": "let answers drip to %s", "drop": "lost an answer to %s", "delay": "held an answer to %s",
	"freeze": "let %s connect to silence", "cut-handshake": "cut the handshakes of %s", "move": "moved %s to another server",
	"pause-server": "froze %s", "isolate": "cut %s off from the other servers", "change-leader": "cut %s off until another server led",
	"split": "split the servers, with %s on one side", "bridge": "cut two halves of the servers apart, around %s",
	"asymmetric": "let %s hear nothing of the other servers", "lag": "let %s fall behind", "rolling": "restarted %s, one after the other",
	"restart-all": "killed %s at once", "fill": "filled the disk of %s", "slow": "slowed the disk of %s down",
	"exhaust": "had the quota of the namespace enforced by %s, below what is there,",
}

// deedOf is what a fault did.
func deedOf(f record.Injection) string {
	if f.Did != "" {
		return f.Did
	}
	kind := f.Fault
	verb, _, _ := strings.Cut(kind, "-")
	for _, key := range []string{kind, verb} {
		if deed, known := deeds[key]; known {
			return deed
		}
	}
	return "did " + kind + " to %s"
}

// fault adds what the nemesis did to somebody who takes part, or to the servers.
func (t *telling) fault(f record.Operation) {
	targets := f.Targets() // a fault may find its victim only when it is done
	whom := strings.Join(targets, ",")
	servers := record.RoleOf(whom) == record.ServerRole
	hit := servers || slices.ContainsFunc(targets, func(name string) bool { return t.cast[name] })
	if !hit || f.Outcome() == record.Fail {
		return
	}
	l := Line{At: f.Invoke.At, Process: attacker, Target: whom, Events: []int{f.Invoke.Seq, f.Done.Seq}, Until: f.Return(t.end)}
	l.Text = "The nemesis " + fmt.Sprintf(deedOf(f.Fault()), whom)
	switch {
	case len(f.Fault().Sessions) > 0:
		l.Text += ", " + strings.Join(f.Fault().Sessions, ",")
	case f.Fault().Restarts():
		l.Text += ", which was started again at " + seconds(l.Until)
	case l.Until > l.At+time.Millisecond:
		l.Text += " until " + seconds(l.Until)
	}
	l.Text += " (" + f.Fault().Fault
	if !f.Fault().Effective {
		l.Text += ", which did not bite"
	}
	l.Text += ")."
	t.add(l)
}

// attacker is whose lane faults have that hit nobody in the picture.
const attacker = "nemesis"
