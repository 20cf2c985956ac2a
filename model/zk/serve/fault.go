package serve

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is a fault's name.
type Kind string

// The faults. Some happen in a moment; the others last until they are healed.
const (
	Expire   Kind = "expire"   // a session ends, as by its timeout
	Reset    Kind = "reset"    // connections are reset
	Refuse   Kind = "refuse"   // lasts: new connections are closed at once
	Cut      Kind = "cut"      // lasts: what clients and servers send to each other is swallowed
	Mute     Kind = "mute"     // lasts: what servers send is swallowed
	Deafen   Kind = "deafen"   // lasts: what clients send is swallowed
	Lose     Kind = "lose"     // lasts: messages are lost, each with its connection
	Delay    Kind = "delay"    // lasts: messages are late by Fault.By, and so are those behind them
	Throttle Kind = "throttle" // lasts: each connection carries Fault.Rate bytes a second each way
	Lag      Kind = "lag"      // lasts: a server learns of writes late by Fault.By, or, if it is 0, when it carries out a write or a sync itself
	Isolate  Kind = "isolate"  // lasts: a server is cut off from the other servers, and its clients reach it
	Stop     Kind = "stop"     // lasts: a server does not run; it closes each connection at once
)

// Fault says what goes wrong, for whom, and when. See also ParseFaults.
type Fault struct {
	Kind Kind
	On   Target        // the zero value is what Target says
	Of   Messages      // of Lose and Delay
	When When          // the zero value is at once
	For  time.Duration // how long a fault lasts; 0 is until it is healed by hand
	By   time.Duration // of Delay and Lag
	Rate int           // of Throttle, in bytes a second
}

// Messages are the messages that are lost or late.
type Messages struct {
	Direction Direction
	Request   Request // of which request, for Answers and Requests
	Share     float64 // of these messages, at random: 0.01 is one in a hundred; 0 is each
	Nth       int     // only that one of these messages, counted from 1; 0 is all
}

// Direction is a kind of message.
type Direction uint8

// The directions.
const (
	Answers  Direction = iota // of the servers to requests
	Requests                  // of the clients
	Events                    // of the servers, for watches
)

// Request describes requests of clients.
type Request struct {
	// Op is create, delete, set, get, exists, children, sync, multi, check, close, connect (the
	// handshake), ping, or one of the rarer names that RequestNames lists. A multi is also each of
	// its parts. Empty is any but ping.
	Op    string
	Path  string // empty is any
	Below bool   // the znodes below Path, and not the one at Path
}

// When is the moment at which a fault happens, or begins. At most one field, besides Request, is
// set; the zero value is at once.
type When struct {
	After   time.Duration // so long after Inject
	Every   time.Duration // again and again, for the first time so long after Inject
	Nth     int           // after the answer to the Nth such request that was carried out, from 1
	Request Request       // of Nth
}

// Target says whom a fault concerns. Where it chooses, it chooses at random, each time anew.
//
// The zero value is a session for Expire, a server for Stop and Isolate, a server that does not
// lead for Lag, and everybody for the others. If the fault begins with a request (When.Nth), it
// is the session that made the request, or the server that answered it.
type Target struct {
	Who Who
	ID  int64 // of TheSession and TheMember
}

// Who says how a target is chosen.
type Who uint8

// The targets.
const (
	Default     Who = iota
	Everybody       // all sessions, connections and servers
	SomeSession     // one that has a connection, or, for Expire, one that has not ended
	TheSession      // the one with the ID of the target
	SomeMember      // one that runs
	TheMember       // the one with the ID of the target
	TheLeader
	SomeFollower
	SomeObserver
)

// words are the targets in the language of ParseFaults; those with an ID are followed by it.
var words = map[Who]string{
	Everybody: "all", SomeSession: "a session", TheSession: "session", SomeMember: "a member", TheMember: "member",
	TheLeader: "the leader", SomeFollower: "a follower", SomeObserver: "an observer",
}

// String is the target in the language of ParseFaults.
func (t Target) String() string {
	switch t.Who {
	case TheSession:
		return words[t.Who] + " " + hex(t.ID)
	case TheMember:
		return fmt.Sprintf("%s %d", words[t.Who], t.ID)
	}
	return words[t.Who]
}

// trait is what a kind of fault has.
type trait struct {
	lasts    bool
	messages bool
	members  bool // it concerns servers, not sessions
	sessions bool // it concerns sessions, whether or not they have a connection
}

var traits = map[Kind]trait{
	Expire: {sessions: true}, Reset: {},
	Refuse: {lasts: true, members: true}, Cut: {lasts: true}, Mute: {lasts: true}, Deafen: {lasts: true}, Throttle: {lasts: true},
	Lose: {lasts: true, messages: true}, Delay: {lasts: true, messages: true},
	Lag: {lasts: true, members: true}, Isolate: {lasts: true, members: true}, Stop: {lasts: true, members: true},
}

// Kinds lists the faults.
func Kinds() []Kind {
	return []Kind{Expire, Reset, Refuse, Cut, Mute, Deafen, Lose, Delay, Throttle, Lag, Isolate, Stop}
}

// RequestNames lists what Request.Op can be.
func RequestNames() []string {
	var names []string
	for _, k := range kindsOfRequest {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Validate says why a fault cannot be, and what to write instead.
func (f Fault) Validate() error {
	has, known := traits[f.Kind]
	if !known {
		return fmt.Errorf("serve: there is no fault %q; write one of %s", f.Kind, joined(Kinds()))
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("serve: %s: "+format, append([]any{f.Kind}, args...)...)
	}
	switch {
	case f.For < 0 || f.By < 0 || f.When.After < 0 || f.When.Every < 0 || f.When.Nth < 0 || f.Of.Nth < 0 || f.Rate < 0:
		return refuse("times, numbers and rates must not be negative")
	case f.For > 0 && !has.lasts:
		return refuse("it happens in a moment, so leave out how long it lasts")
	case f.When.Every > 0 && has.lasts && (f.For == 0 || f.For >= f.When.Every):
		return refuse("say how long it lasts each time, shorter than %v, such as %q", f.When.Every, "for "+span(f.When.Every/2))
	case f.By > 0 && f.Kind != Delay && f.Kind != Lag:
		return refuse("only delay and lag have a time by which something is late")
	case f.By == 0 && f.Kind == Delay:
		return refuse("say by how much, such as %q", "by 200ms")
	case (f.Rate > 0) != (f.Kind == Throttle):
		return refuse("a rate belongs to throttle, and throttle needs one, such as %q", "to 1000B/s")
	case f.Of != Messages{} && !has.messages:
		return refuse("only lose and delay concern single messages; for a moment write %q", "after the 3rd create below /x")
	}
	for _, err := range []error{f.Of.validate(), f.When.validate(), f.On.validate(has)} {
		if err != nil {
			return refuse("%w", err)
		}
	}
	return nil
}

func (m Messages) validate() error {
	switch {
	case m.Share < 0 || m.Share > 1:
		return fmt.Errorf("%s is no share; write one above 0%% and up to 100%%", percent(m.Share))
	case m.Nth > 0 && m.Share > 0:
		return fmt.Errorf("it has a share and a single message; leave one out")
	case m.Direction > Events:
		return fmt.Errorf("there is no such direction of messages; use Answers, Requests or Events")
	case m.Direction == Events && m.Request.Op != "":
		return fmt.Errorf("an event answers no request; leave out %q", m.Request.Op)
	}
	return m.Request.validate()
}

func (r Request) validate() error {
	if r.Op != "" && !slices.Contains(RequestNames(), r.Op) {
		return fmt.Errorf("there is no request %q; write one of %s", r.Op, strings.Join(RequestNames(), ", "))
	}
	if r.Path != "" && !strings.HasPrefix(r.Path, "/") || r.Path == "" && r.Below {
		return fmt.Errorf("%q is no path of a znode; write one such as /x", r.Path)
	}
	return nil
}

func (w When) validate() error {
	n := 0
	for _, set := range []bool{w.After > 0, w.Every > 0, w.Nth > 0} {
		if set {
			n++
		}
	}
	switch {
	case w.Every > 0 && w.Every < time.Millisecond:
		return fmt.Errorf("every %v is too often; write every 1ms or more", w.Every)
	case n > 1:
		return fmt.Errorf("it has several moments; leave all but one out")
	case w.Nth == 0 && w.Request != Request{}:
		return fmt.Errorf("it has a request, and not which of them; write %q", "after the 1st "+w.Request.String())
	}
	return w.Request.validate()
}

func (t Target) validate(has trait) error {
	_, known := words[t.Who]
	switch {
	case t.Who != Default && !known:
		return fmt.Errorf("there is no such target; use one of the constants of Who")
	case has.members && (t.Who == SomeSession || t.Who == TheSession):
		return fmt.Errorf("it concerns servers, not %s; write a member, such as %q", t, "member 1")
	case t.ID == 0 && (t.Who == TheSession || t.Who == TheMember):
		return fmt.Errorf("say which %s", words[t.Who])
	}
	return nil
}

// String is the fault in the language of ParseFaults.
func (f Fault) String() string {
	parts := []string{string(f.Kind)}
	add := func(when bool, part string) {
		if when {
			parts = append(parts, part)
		}
	}
	if traits[f.Kind].messages {
		add(true, f.Of.String())
		add(f.On.Who != Default, "on "+f.On.String())
	} else {
		add(f.On.Who != Default, f.On.String())
	}
	add(f.Rate > 0, fmt.Sprintf("to %dB/s", f.Rate))
	add(f.By > 0, "by "+span(f.By))
	add(f.For > 0, "for "+span(f.For))
	add(f.When.Every > 0, "every "+span(f.When.Every))
	add(f.When.After > 0, "after "+span(f.When.After))
	add(f.When.Nth > 0, "after the "+ordinal(f.When.Nth)+" "+f.When.Request.String())
	return strings.Join(parts, " ")
}

var directions = []string{Answers: "answer", Requests: "request", Events: "event"}

// String is the messages in the language of ParseFaults.
func (m Messages) String() string {
	text := directions[min(m.Direction, Events)]
	switch {
	case m.Nth > 0:
		text = "the " + ordinal(m.Nth) + " " + text
	case m.Share > 0:
		text = percent(m.Share) + " of " + text + "s"
	default:
		text += "s"
	}
	if m.Request != (Request{}) {
		op, where, _ := strings.Cut(m.Request.String(), " ")
		if op != anyRequest {
			text += " to " + op
		}
		if where != "" {
			text += " " + where
		}
	}
	return text
}

// anyRequest is a request of any kind in the language of ParseFaults.
const anyRequest = "request"

// String is the request in the language of ParseFaults.
func (r Request) String() string {
	text := r.Op
	if text == "" {
		text = anyRequest
	}
	switch {
	case r.Path == "":
		return text
	case r.Below:
		return text + " below " + quoted(r.Path)
	}
	return text + " of " + quoted(r.Path)
}

// fits reports whether a request of a client is one of those. A ping is one only if Op says
// ping.
func (r Request) fits(of Request) bool {
	switch {
	case r.Op == "" && of.Op == "ping", r.Op != "" && r.Op != of.Op:
		return false
	case r.Path == "":
		return true
	case r.Below:
		return of.Path != r.Path && strings.HasPrefix(of.Path, strings.TrimSuffix(r.Path, "/")+"/")
	}
	return of.Path == r.Path
}

func joined[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}
