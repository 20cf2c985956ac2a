package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// envelope has the fields that events of all kinds share, in all versions of the
// format.
type envelope struct {
	Seq     int           `json:"seq"`
	At      time.Duration `json:"at"`
	Process string        `json:"process"`
	Life    int           `json:"life,omitempty"`
	Type    Type          `json:"type"`
	Kind    Kind          `json:"kind"`
	Op      int64         `json:"op,omitempty"`
}

// stored is an event as version 2 of the format has it. At most one payload is set.
type stored struct {
	envelope
	Submission  *Submission    `json:"submission,omitempty"`
	Answer      *Answer        `json:"answer,omitempty"`
	Execution   *Execution     `json:"execution,omitempty"`
	Term        *Term          `json:"term,omitempty"`
	Departure   *Departure     `json:"departure,omitempty"`
	Request     *Request       `json:"request,omitempty"`
	StopRequest *StopRequest   `json:"warning,omitempty"`
	Act         *Act           `json:"act,omitempty"`
	Session     *SessionChange `json:"session,omitempty"`
	Change      *ProcessChange `json:"change,omitempty"`
	Leader      *Leader        `json:"leader,omitempty"`
	Task        *TaskChange    `json:"task,omitempty"`
	Injection   *Injection     `json:"injection,omitempty"`
	Reading     *Reading       `json:"reading,omitempty"`
	Phase       *PhaseChange   `json:"phase,omitempty"`
	Power       *PowerCut      `json:"power,omitempty"`
	Own         *Own           `json:"own,omitempty"`
}

func (p Term) put(s *stored)          { s.Term = &p }
func (p Departure) put(s *stored)     { s.Departure = &p }
func (p Request) put(s *stored)       { s.Request = &p }
func (p SessionChange) put(s *stored) { s.Session = &p }
func (p ProcessChange) put(s *stored) { s.Change = &p }
func (p Leader) put(s *stored)        { s.Leader = &p }
func (p Injection) put(s *stored)     { s.Injection = &p }
func (p Reading) put(s *stored)       { s.Reading = &p }
func (p PhaseChange) put(s *stored)   { s.Phase = &p }
func (p PowerCut) put(s *stored)      { s.Power = &p }

// payload is the only payload that is set; several are an error.
func (s *stored) payload() (Payload, error) {
	var of Payload
	several := false
	take(s.Submission, &of, &several)
	take(s.Answer, &of, &several)
	take(s.Execution, &of, &several)
	take(s.Term, &of, &several)
	take(s.Departure, &of, &several)
	take(s.Request, &of, &several)
	take(s.StopRequest, &of, &several)
	take(s.Act, &of, &several)
	take(s.Session, &of, &several)
	take(s.Change, &of, &several)
	take(s.Leader, &of, &several)
	take(s.Task, &of, &several)
	take(s.Injection, &of, &several)
	take(s.Reading, &of, &several)
	take(s.Phase, &of, &several)
	take(s.Power, &of, &several)
	take(s.Own, &of, &several)
	if several {
		return nil, errors.New("the event has several payloads")
	}
	return of, nil
}

// take takes a payload that is there.
func take[P Payload](from *P, of *Payload, several *bool) {
	if from != nil {
		*several = *several || *of != nil
		*of = *from
	}
}

// fits reports whether a payload is of the kind of its event. A kind that this program
// does not know is that of a subject, or of a later program.
func fits(kind Kind, of Payload) bool {
	ok := false
	switch kind {
	case Submit:
		_, ok = of.(Submission)
	case Await, Cancel:
		_, ok = of.(Answer)
	case Execute:
		_, ok = of.(Execution)
	case Lead:
		_, ok = of.(Term)
	case Leave:
		_, ok = of.(Departure)
	case Write:
		_, ok = of.(Request)
	case StopRequested:
		_, ok = of.(StopRequest)
	case Effect:
		_, ok = of.(Act)
	case Session:
		_, ok = of.(SessionChange)
	case Process:
		_, ok = of.(ProcessChange)
	case Heard:
		_, ok = of.(Leader)
	case Change:
		_, ok = of.(TaskChange)
	case Fault:
		_, ok = of.(Injection)
	case Clock:
		_, ok = of.(Reading)
	case Phase:
		_, ok = of.(PhaseChange)
	case PowerOff:
		_, ok = of.(PowerCut)
	default:
		_, own := of.(Own)
		ok = of == nil || own && kind != ""
	}
	return ok
}

// misfit is the error of an event whose payload does not fit its kind.
func misfit(kind Kind, of Payload) error {
	if _, own := of.(Own); own {
		return fmt.Errorf("an event of kind %q has the payload %T, which is for kinds that package record does not define: give the kind another name", kind, of)
	}
	if fits(kind, nil) {
		return fmt.Errorf("an event of kind %q has the payload %T: package record does not define the kind, so its payload is an Own or nothing", kind, of)
	}
	return fmt.Errorf("an event of kind %q has the payload %T", kind, of)
}

// MarshalJSON implements [json.Marshaler]: the newest version of the format.
func (e Event) MarshalJSON() ([]byte, error) {
	if !fits(e.Kind, e.Of) {
		return nil, misfit(e.Kind, e.Of)
	}
	s := stored{envelope: envelope{e.Seq, e.At, e.Process, e.Life, e.Type, e.Kind, e.Op}}
	if e.Of != nil {
		e.Of.put(&s)
	}
	return json.Marshal(&s)
}

// UnmarshalJSON implements [json.Unmarshaler]: the newest version of the format.
func (e *Event) UnmarshalJSON(data []byte) error { return e.decode(data, Version) }

// decode reads an event of some version of the format.
func (e *Event) decode(data []byte, version int) error {
	if version == 1 {
		var s flat
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*e = s.envelope.event(s.payload())
		return nil
	}
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	of, err := s.payload()
	if err == nil && !fits(s.Kind, of) {
		err = misfit(s.Kind, of)
	}
	*e = s.envelope.event(of)
	return err
}

func (v *envelope) event(of Payload) Event {
	return Event{Seq: v.Seq, At: v.At, Process: v.Process, Life: v.Life, Type: v.Type, Kind: v.Kind, Op: v.Op, Of: of}
}

// flat is an event of version 1 of the format: one list of fields for all kinds, with
// facts in words.
type flat struct {
	envelope
	Task string `json:"task"`
	ID   string `json:"id"`
	Token
	Session   string        `json:"session"`
	State     string        `json:"state"`
	Result    string        `json:"result"`
	Accepted  bool          `json:"accepted"`
	Text      string        `json:"text"`
	Due       time.Duration `json:"due"`
	Ops       []Op          `json:"ops"`
	Wall      time.Time     `json:"wall"`
	Fault     string        `json:"fault"`
	Target    string        `json:"target"`
	Effective bool          `json:"effective"`
}

// payload converts the fields into today's payload of the kind.
func (s *flat) payload() Payload {
	switch s.Kind {
	case Submit:
		return Submission{ID: s.ID, Task: s.Task, Due: s.Due, BacklogFull: strings.Contains(s.Text, "backlog is full"), Problem: s.Text}
	case Await, Cancel:
		return Answer{Task: s.Task, ID: s.ID, Token: s.Token, State: s.State, Result: s.Result, Problem: s.Text}
	case Execute:
		return Execution{
			Task: s.Task, ID: s.ID, Token: s.Token, Resident: strings.HasSuffix(s.ID, ".resident"),
			Result: s.Result, Lapsed: s.State == "lapsed", Problem: s.Text,
		}
	case Lead:
		return Term{Epoch: s.Epoch, Cause: s.Text}
	case Leave:
		return Departure{Problem: s.Text}
	case Write:
		return Request{Session: s.Session, Ops: s.Ops, Problem: s.Text}
	case StopRequested:
		return StopRequest{Task: s.Task, ID: s.ID, Token: s.Token, Cause: s.Text}
	case Effect:
		return s.act()
	case Session:
		return s.sessionChange()
	case Process:
		return s.processChange()
	case Heard:
		return Leader{Name: s.Text, Epoch: s.Epoch}
	case Change:
		return TaskChange{Task: s.Task, Fate: TaskFate(s.State), Worker: s.Target}
	case Fault:
		return Injection{Fault: s.Fault, Targets: listed(s.Target), Sessions: listed(s.Session), Effective: s.Effective, Evidence: s.Text}
	case Clock:
		return s.reading()
	case Phase:
		part, detail, _ := strings.Cut(s.Text, " ")
		return PhaseChange{Part: Part(part), Detail: detail}
	}
	return nil
}

// listed splits names that commas separate.
func listed(names string) []string {
	if names == "" {
		return nil
	}
	return strings.Split(names, ",")
}

// lifeOf reads the notation of a life. Any other text is a process without a number.
func lifeOf(text string) Life {
	process, number, _ := strings.Cut(text, "/")
	n, _ := strconv.Atoi(number)
	return Life{process, n}
}

func (s *flat) act() Act {
	a := Act{Task: s.Task, ID: s.ID, Token: s.Token, Accepted: s.Accepted, Deed: s.Text}
	if at := strings.LastIndex(" "+s.Text, " by "); at >= 0 {
		a.Deed, a.By = strings.TrimSpace(s.Text[:at]), lifeOf((" " + s.Text)[at+len(" by "):])
	}
	return a
}

func (s *flat) sessionChange() SessionChange {
	c := SessionChange{Session: s.Session}
	cause, ended := strings.CutPrefix(s.Text, "ended: ")
	detail, opened := strings.CutPrefix(s.Text, string(Opened))
	switch {
	case s.Target != "":
		c.Fate, c.To = Granted, lifeOf(s.Target)
	case opened:
		c.Fate = Opened
		c.Timeout, _ = time.ParseDuration(strings.TrimPrefix(detail, ", timeout "))
	case ended && cause == string(Closed):
		c.Fate = Closed
	default:
		c.Fate, c.Detail = Lost, cause
	}
	return c
}

func (s *flat) processChange() ProcessChange {
	c := ProcessChange{Of: lifeOf(s.Target)}
	problem, crashed := strings.CutPrefix(s.Text, string(Crashed))
	switch {
	case s.Text == string(Started), s.Text == string(Exited), s.Text == string(Killed):
		c.Fate = ProcessFate(s.Text)
	case crashed:
		c.Fate, c.Detail = Crashed, strings.TrimPrefix(problem, ": ")
	default:
		c.Fate, c.Detail = Killed, s.Text
	}
	return c
}

func (s *flat) reading() Reading {
	r := Reading{Wall: s.Wall}
	var leases, monotonic string
	if n, _ := fmt.Sscanf(s.Text, "woke up: the clock of leases has gone on by %s the monotonic clock by %s", &leases, &monotonic); n == 2 {
		l, _ := time.ParseDuration(strings.TrimSuffix(leases, ","))
		m, _ := time.ParseDuration(monotonic)
		r.Sleep = &Sleep{Leases: l, Monotonic: m}
	}
	return r
}
