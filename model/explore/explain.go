package explore

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Party is a participant of a step, for a picture of it.
type Party string

// The parties that are no process.
const (
	ZooKeeper Party = "ZooKeeper"
	Outside   Party = "outside" // the system with fencing tokens
)

// Step is one step of a schedule, for people.
type Step struct {
	Process string
	From    Party  // sender of the step's message
	To      Party  // its receiver; the same as From if there is no message
	Text    string // the event
	Answer  string // the answer, if any
	Fault   bool
	Lost    bool // it, or its answer, is lost
}

// Explain describes a schedule in words.
func Explain(w *World, schedule Schedule) []Step {
	x := newSpace(w, false)
	s := x.initial()
	var steps []Step
	for _, c := range schedule {
		steps = append(steps, x.explain(s, c))
		x.advance(s, c)
	}
	return steps
}

// explain describes a choice in a state.
func (x *space) explain(s state, c Choice) Step {
	p := c.process()
	name := x.world.Processes[p].Name
	l := x.links.get(x.procs.get(s[atProcs+p]).link)
	step := Step{Process: name, From: Party(name), To: Party(name), Fault: c.fault()}
	if c.kind() == cutChoice && x.world.Strands {
		step.From, step.Text = ZooKeeper, "STRANDED: its server is cut off from the leader, and answers reads"
		return step
	}
	switch c.kind() {
	case serveChoice, loseBefore, loseAfter:
		return x.explainRequest(s, c, step)
	case deliverChoice:
		step.From = ZooKeeper
		step.Text = l.explainEvents(c.which())
	case lateChoice:
		z := l.late[c.which()]
		step.To = ZooKeeper
		step.Text = fmt.Sprintf("late, from its session %d: %s", z.session, DescribeOp(x.terms.ops.get(z.op)))
		step.Answer = x.verdictOf(s, z.op, sessionID(p, z.session))
	case turnChoice:
		step.Text = "its thread goes on before others: " + x.at(s, p).turns[c.which()]
	case endOrphanChoice:
		step.From = ZooKeeper
		step.Text = fmt.Sprintf("the server ends its session %d", l.orphans[c.which()])
	case forgetChoice:
		step.From = ZooKeeper
		step.Text = fmt.Sprintf("the leader ends its session %d; its server does not learn of it", l.current)
	case expireChoice:
		step.From = ZooKeeper
		step.Text = fmt.Sprintf("EXPIRED: the server ends its session %d", l.current)
	case stopChoice:
		step.From = ZooKeeper
		step.Text = fmt.Sprintf("STOPPED for longer than its lease: the server ends its session %d", l.current)
	default:
		step.Text = map[choiceKind]string{
			noticeChoice: "learns that its session is over", catchUpChoice: "its server catches up", restartChoice: "is started again",
			clockChoice: "its clock shows how long it was stopped", cutChoice: "CUT OFF: gives its session up", crashChoice: "CRASHES",
			breakChoice: "its connection BREAKS and is there again, without its watches", leaveChoice: "is asked to leave", lagChoice: "its server LAGS from this step on", sweepChoice: "reads everything again",
		}[c.kind()]
	}
	return step
}

// explainRequest is explain for a request of a process.
func (x *space) explainRequest(s state, c Choice, step Step) Step {
	r := x.at(s, c.process()).requests[c.request()]
	step.Text, step.To, step.Lost = x.terms.describe(r), ZooKeeper, c.kind() != serveChoice
	if r.kind == actRequest {
		step.To = Outside
		if _, answer := x.acts.get(s[atActs]).with(x.terms.acts.get(r.op), !x.world.Unfenced); answer == refused {
			step.Answer = "refused: " + errStale.Error()
		}
	}
	switch c.kind() {
	case loseBefore:
		step.Text = "LOST on its way: " + step.Text + x.explainMore(s, c)
		return step
	case loseAfter:
		step.Text = "ANSWER LOST: " + step.Text + x.explainMore(s, c)
	}
	if r.kind == opRequest {
		step.Answer = x.verdictOf(s, r.op, sessionID(c.process(), r.session))
	}
	return step
}

// verdictOf describes the outcome of a request: a refusal, or the data of a read.
func (x *space) verdictOf(s state, op uint32, session int64) string {
	request := x.terms.ops.get(op)
	process, _ := ownerOf(session)
	l := x.links.get(x.procs.get(s[atProcs+process]).link)
	o := x.terms.outcomes.get(x.serve(l.sees(s[atTree], request), op, session).outcome)
	switch {
	case o.err != nil:
		return "refused: " + o.err.(*zkapi.Error).Err.Error()
	case request.Kind == zkapi.KindExists && !o.result.Found:
		return "not there"
	case request.Kind == zkapi.KindChildren:
		return fmt.Sprint(o.result.Children)
	}
	return ""
}
