package explore

// choiceKind is the kind of a choice.
type choiceKind uint8

const (
	serveChoice     choiceKind = iota + 1 // a request takes effect and is answered
	loseBefore                            // a request is lost on its way
	loseAfter                             // a request takes effect, and its answer is lost
	deliverChoice                         // a watch event arrives
	noticeChoice                          // a process learns that its session is over
	catchUpChoice                         // a server that lags learns of everything
	endOrphanChoice                       // the server ends a session without an owner
	lateChoice                            // a request without a waiting process takes effect
	restartChoice                         // a process that died is started again
	clockChoice                           // a process that was stopped goes on
	expireChoice
	cutChoice
	stopChoice
	crashChoice
	leaveChoice
	lagChoice
	sweepChoice
	forgetChoice // the leader ends the session of a process whose server is cut off
	breakChoice  // a connection breaks with nothing under way
	turnChoice   // one of several threads of a process goes on first
)

// Choice is one transition: its kind, its process, the index of the request, session or
// late request, and its other dependencies.
type Choice uint32

func choose(kind choiceKind, process, which int) Choice {
	c := Choice(kind)<<24 | Choice(process)<<16 | Choice(which)
	switch kind {
	case endOrphanChoice, lateChoice, forgetChoice, expireChoice, cutChoice, stopChoice, lagChoice:
		return c | onTree
	}
	return c
}

// The dependencies of a choice.
const (
	onTree Choice = 1 << 23
	onActs Choice = 1 << 22
)

// maxProcesses is how many a choice can name.
const maxProcesses = 1 << 6

func (c Choice) kind() choiceKind { return choiceKind(c >> 24) }
func (c Choice) process() int     { return int(c >> 16 & (maxProcesses - 1)) }
func (c Choice) which() int       { return int(c & 0xffff) }

// noBudget is the budget of choices that are no fault.
const noBudget = -1

// budget is the kind of fault that the choice spends.
func (c Choice) budget() int {
	switch c.kind() {
	case loseBefore, loseAfter, breakChoice:
		return losses
	case expireChoice:
		return expiries
	case cutChoice:
		return cuts
	case stopChoice:
		return stops
	case crashChoice:
		return crashes
	case leaveChoice:
		return leaves
	case lagChoice:
		return lags
	case sweepChoice:
		return sweeps
	}
	return noBudget
}

// fault reports whether the bounds count the choice.
func (c Choice) fault() bool { return c.budget() != noBudget }
