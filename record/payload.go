package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Payload is the content of an event. The event's kind decides its type: [Request] for
// a [Write], [Injection] for a [Fault], and so on.
type Payload interface {
	// subject names the things that the event is about, as far as all kinds share them.
	subject() subject
	// remark is the free text of the event: for people, and never compared.
	remark() string
	// put puts the payload in its place in an event as it is stored.
	put(*stored)
}

// subject has the things that events of all kinds may be about.
type subject struct {
	object, id, session string
	token               Token
}

// Life names one life of a process. A restarted process has a new life.
type Life struct {
	Process string
	Number  int
}

// Compare orders lives: by process, then by number.
func (l Life) Compare(other Life) int {
	return cmp.Or(cmp.Compare(l.Process, other.Process), cmp.Compare(l.Number, other.Number))
}

// String is the notation of a life in histories: worker-2/1.
func (l Life) String() string { return fmt.Sprintf("%s/%d", l.Process, l.Number) }

// MarshalText implements [encoding.TextMarshaler].
func (l Life) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *Life) UnmarshalText(text []byte) error {
	if *l = lifeOf(string(text)); l.String() != string(text) {
		return fmt.Errorf("%q is no life of a process", text)
	}
	return nil
}

// Term is the payload of [Lead].
type Term struct {
	Epoch int32  `json:"epoch"`
	Cause string `json:"cause,omitempty"` // why it ended
}

// Departure is the payload of [Leave].
type Departure struct {
	Problem string `json:"problem,omitempty"` // why the participant did not leave in good order
}

// Request is the payload of [Write].
type Request struct {
	Session string `json:"session,omitempty"`
	Ops     []Op   `json:"ops,omitempty"` // on completion: with names and versions that the server has added
	Problem string `json:"problem,omitempty"`
}

// SessionFate says what happened to a session.
type SessionFate string

// The fates of a session, and the sources that report them.
const (
	Granted SessionFate = "granted" // the wire shows that a server granted it
	Opened  SessionFate = "opened"  // its holder has it
	Closed  SessionFate = "closed"  // its holder has closed it
	Lost    SessionFate = "lost"    // its holder knows that it is over
)

// SessionChange is the payload of [Session].
type SessionChange struct {
	Session string        `json:"session,omitempty"`
	Fate    SessionFate   `json:"fate"`
	To      Life          `json:"to,omitzero"`       // of a session that was granted: the life that has it
	Timeout time.Duration `json:"timeout,omitempty"` // of a session that was opened
	Detail  string        `json:"detail,omitempty"`  // for a lost session: the reason
}

// Over reports whether the session has ended.
func (s SessionChange) Over() bool { return s.Fate == Closed || s.Fate == Lost }

// Cause is the reason why the session is over.
func (s SessionChange) Cause() string {
	if s.Fate == Closed {
		return string(Closed)
	}
	return s.Detail
}

// String is the change in words.
func (s SessionChange) String() string {
	switch {
	case s.Fate == Granted:
		return "granted on the wire"
	case s.Over():
		return "ended: " + s.Cause()
	case s.Timeout > 0:
		return fmt.Sprintf("%s, timeout %v", s.Fate, s.Timeout)
	}
	return string(s.Fate)
}

// ProcessFate says what happened to a process.
type ProcessFate string

// The fates of a process. Each but the first ends a life.
const (
	Started ProcessFate = "started"
	Exited  ProcessFate = "exited"  // it was asked to, and did
	Crashed ProcessFate = "crashed" // it ended without having been asked to
	Killed  ProcessFate = "killed"  // by the nemesis, by the power switch, or because it did not leave
)

// ProcessChange is the payload of [Process].
type ProcessChange struct {
	Of     Life        `json:"of"`
	Fate   ProcessFate `json:"fate"`
	Detail string      `json:"detail,omitempty"`
}

// String is the change in words.
func (p ProcessChange) String() string {
	switch {
	case p.Fate == Crashed:
		return string(Crashed) + ": " + p.Detail
	case p.Detail != "":
		return p.Detail
	}
	return string(p.Fate)
}

// PowerCut is the payload of [PowerOff].
type PowerCut struct {
	Of      Life   `json:"of"`                // the life that is to end
	By      Life   `json:"by"`                // the life that has asked for it
	Already bool   `json:"already,omitempty"` // on completion: the life was over before
	Problem string `json:"problem,omitempty"`
}

// String is the request in words.
func (p PowerCut) String() string {
	said := fmt.Sprintf("of %s, asked for by %s", p.Of, p.By)
	switch {
	case p.Problem != "":
		said += ": " + p.Problem
	case p.Already:
		said += ": it was over already"
	}
	return said
}

// Leader is the payload of [Heard]: the leader that a client was told. An empty name
// means that there is none.
type Leader struct {
	Name  string `json:"name,omitempty"`
	Epoch int32  `json:"epoch,omitempty"`
}

// Injection is the payload of [Fault].
type Injection struct {
	Fault     string   `json:"fault"`               // name of the kind of fault
	Targets   []string `json:"targets,omitempty"`   // participants or servers
	Sessions  []string `json:"sessions,omitempty"`  // all that it has ended
	Effective bool     `json:"effective,omitempty"` // its probe saw it take effect
	Evidence  string   `json:"evidence,omitempty"`  // what the probe saw, or why the fault was not applied

	// Does lists the effects of a fault of this kind; only its beginning has them.
	Does []Impact `json:"does,omitempty"`
	Did  string   `json:"did,omitempty"` // in words, for a story; %s stands for the target
}

// Impact is an effect of a fault on its target, as far as judges must know it.
type Impact string

// The impacts.
const (
	Stops        Impact = "stops"         // its process, for longer than a lease
	Pauses       Impact = "pauses"        // its process, for less than a lease
	Kills        Impact = "kills"         // its process, which is started again
	Dismisses    Impact = "dismisses"     // its process, which leaves, and is started again
	EndsSessions Impact = "ends sessions" // of its own
)

// byName are the impacts of faults in records that do not name them, by the first word
// of the fault's name.
var byName = map[string]Impact{"stop": Stops, "sleep": Stops, "pause": Pauses, "kill": Kills, "leave": Dismisses, "expire": EndsSessions}

// has reports whether the fault has one of these impacts.
func (i Injection) has(impacts ...Impact) bool {
	does := i.Does
	if i.Did == "" {
		verb, _, _ := strings.Cut(i.Fault, "-")
		does = []Impact{byName[verb]}
	}
	return slices.ContainsFunc(does, func(one Impact) bool { return slices.Contains(impacts, one) })
}

// Halts reports whether the fault keeps the process of its target from running, until it
// is over.
func (i Injection) Halts() bool { return i.has(Stops, Pauses) }

// Pauses reports whether the fault halts its target for less than a lease.
func (i Injection) Pauses() bool { return i.has(Pauses) }

// Restarts reports whether the fault ends the process of its target, which is started
// again when the fault is over.
func (i Injection) Restarts() bool { return i.has(Kills, Dismisses) }

// Kills reports whether the fault ends that process by force.
func (i Injection) Kills() bool { return i.has(Kills) }

// EndsSessions reports whether the fault ends a session of its target.
func (i Injection) EndsSessions() bool { return i.has(EndsSessions) }

// Robs reports whether the fault stops its target, or ends its session, so that the
// target cannot know in time that its claim is over. A pause counts only if it lasted
// too long.
func (i Injection) Robs() bool {
	if i.Pauses() {
		return !i.Effective
	}
	return i.Halts() || i.EndsSessions() // a node may be the target as a worker
}

// Reading is the payload of [Clock].
type Reading struct {
	Wall  time.Time `json:"wall,omitzero"`
	Sleep *Sleep    `json:"sleep,omitempty"` // the machine has just woken up
}

// Sleep is how far the clocks of a process went on while the machine slept.
type Sleep struct {
	Leases    time.Duration `json:"leases"` // the clock that leases are measured by
	Monotonic time.Duration `json:"monotonic"`
}

// Part is a part of a run.
type Part string

// The parts of a run, in their order.
const (
	SettingUp  Part = "set-up"
	Loading    Part = "load" // clients submit, and the nemesis acts
	Healing    Part = "heal"
	Draining   Part = "drain"   // every task must end
	Collecting Part = "collect" // all participants leave
	Ending     Part = "end"
)

// PhaseChange is the payload of [Phase].
type PhaseChange struct {
	Part   Part   `json:"part"` // that begins
	Detail string `json:"detail,omitempty"`
}

// String is the change in words.
func (p PhaseChange) String() string { return strings.TrimSpace(string(p.Part) + " " + p.Detail) }

func (p Term) subject() subject          { return subject{token: Token{Epoch: p.Epoch}} }
func (p Departure) subject() subject     { return subject{} }
func (p Request) subject() subject       { return subject{session: p.Session} }
func (p SessionChange) subject() subject { return subject{session: p.Session} }
func (p ProcessChange) subject() subject { return subject{} }
func (p Leader) subject() subject        { return subject{token: Token{Epoch: p.Epoch}} }
func (p Injection) subject() subject     { return subject{} }
func (p Reading) subject() subject       { return subject{} }
func (p PhaseChange) subject() subject   { return subject{} }
func (p PowerCut) subject() subject      { return subject{} }

func (p Term) remark() string          { return p.Cause }
func (p Departure) remark() string     { return p.Problem }
func (p Request) remark() string       { return p.Problem }
func (p SessionChange) remark() string { return p.String() }
func (p ProcessChange) remark() string { return p.String() }
func (p Leader) remark() string        { return p.Name }
func (p Injection) remark() string     { return p.Evidence }
func (p PhaseChange) remark() string   { return p.String() }
func (p PowerCut) remark() string      { return p.String() }

func (p Reading) remark() string {
	if p.Sleep == nil {
		return ""
	}
	return fmt.Sprintf("woke up: the clock of leases has gone on by %v, the monotonic clock by %v", p.Sleep.Leases, p.Sleep.Monotonic)
}
