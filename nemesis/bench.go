package nemesis

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Bench is the system under fault: the targets of a run, the means to break them, and
// the means to look at the results.
type Bench interface {
	Settings() Settings
	Now() time.Duration // since the run began
	Processes() []Process
	Observer() Observer
	Ensemble() Ensemble // if it offers Servers
}

// Settings are the options of a run that injections need.
type Settings struct {
	Offers         Need // the needs of faults that this bench meets
	Namespace      string
	SessionTimeout time.Duration
	Patience       time.Duration // how long a follower can be without the leader's messages and still serve
	Holders        []string      // the participants that hold long-lived things and do nothing else
	Recipe         Recipe
}

// Process is a participant: a name that may live several times.
type Process interface {
	Name() string
	CanLead() bool
	CanWork() bool
	IsClient() bool

	Alive() bool
	Start() error    // its next life
	Kill() error     // ends its life at once
	Killed() Finding // whether Kill has ended its present life
	Leave() (took time.Duration, clean bool)

	Session() (session int64, ok bool) // its latest one
	Has(session int64) bool            // a session that was granted to its present life
	Owns(session int64) bool           // a session that was granted to any of its lives
	// EndSession ends a session of the process as a timeout would. The zxid is 0 if the
	// server did not answer, or gives none.
	EndSession(ctx context.Context, session int64) (zxid int64, err error)
	// SessionGone reports whether no server knows the session any more.
	SessionGone(ctx context.Context, session int64) (bool, error)

	Line() Line
}

// Machine is a process of an operating system.
type Machine interface {
	Process
	Stop() error // as SIGSTOP does
	Continue() error
	Stopped() bool
	SetClock(skew time.Duration)              // of its wall clock, in lives to come
	ClockOff() (off time.Duration, err error) // of its wall clock, by its own report
	Sleep(d time.Duration) error              // its monotonic clock has stood still for so long
	Twin() (Twin, error)                      // starts a second process of the same name
}

// Twin is a second process with the name of another, on its own line. If it could not
// be started, Remove removes what is left of it.
type Twin interface {
	Alive() bool
	Session() (session int64, ok bool)
	Remove() error
}

// Direction is one of the two ways of a line.
type Direction int

// The directions.
const (
	ToServers Direction = iota
	ToParticipant
)

// Admission says how a proxy treats a new connection.
type Admission int

// The admissions.
const (
	Admit       Admission = iota
	Freeze                // it is accepted and then silent
	CutGreeting           // it is reset when the server has answered the handshake
)

// Impairment is the set of defects of a process's line. The zero value is a good line.
type Impairment struct {
	Swallow [2]bool // by Direction: bytes in that direction are lost
	Hold    [2]bool // by Direction: bytes in that direction wait until the line is healed

	DelayMin, DelayMax time.Duration // of each packet
	BytesPerSecond     int           // bytes each way; 0: no limit
	BytePause          time.Duration // before each single byte to the participant

	New    Admission
	Refuse string // the address of the server whose connections are refused

	Seed uint64 // of the delays
}

// Count is a number of something.
type Count struct {
	N  int64
	Of string
}

// Tally counts the events on a line since its last impairment.
type Tally struct {
	Passed, Swallowed [2]int64 // bytes, by Direction
	Lost              Count    // losses on a cut line

	Late                Count // traffic that the impairment delayed
	LateTotal, LateMost time.Duration
	Pieces              int // the most pieces in which one frame reached the participant

	Frozen  int     // new connections on which the participant spoke and heard nothing
	Unheard []int64 // sessions that a server granted or renewed and the participant did not hear of
}

// Line is the connection of a process to the servers.
type Line interface {
	Cut()                                             // nothing passes
	Delay(least, most time.Duration, seed uint64)     // delays the traffic
	LoseAnswer(fits func(Exchange) bool) Interception // to the next write that fits
	// Reset resets the connections, waits for a while, and returns how many were reset.
	// Turn is the number of resets of one fault before it.
	Reset(ctx context.Context, turn int, pause time.Duration) int
	Heal()
	Tally() Tally // since it was cut or impaired last
}

// Wire is a line that consists of connections and bytes.
type Wire interface {
	Line
	// Impair replaces the defects of the line. If new connections suffer, the old ones are
	// reset.
	Impair(Impairment)
	// Intercept reacts once, to the next answered write for which fits is true.
	Intercept(fits func(Exchange) bool, does Reaction) Hold
	ServerOf(session int64) (address string, connected bool)
}

// wire is the line of a process, if its bench offers Connections.
func wire(p Process) Wire { return p.Line().(Wire) }

// Reaction is the action of an interception.
type Reaction int

// The reactions.
const (
	Notice       Reaction = iota // nothing: it only tells
	LoseAnswer                   // the answer is lost
	HoldAnswer                   // the answer waits until the participant has sent another request
	HoldRequests                 // the answer passes, and later requests of the participant wait
)

// Interception waits for one exchange. It must be opened at the end.
type Interception interface {
	Caught() Caught
	Open()
}

// Hold is an interception that may hold a request or an answer.
type Hold interface {
	Interception
	Answered() <-chan struct{} // closed when it has caught something
	Opened() <-chan struct{}   // closed when it holds nothing any more
}

// Exchange is a write, or the end of a session, and its answer.
type Exchange struct {
	Op      zkapi.Op // of no kind when the session ends
	Session int64
	Zxid    int64
	Sent    time.Duration // since the run began
	Err     error         // nil: it was applied
}

// Ends reports whether the request ends the session.
func (x Exchange) Ends() bool { return x.Op.Kind == 0 }

// Caught describes the exchange that an interception has caught.
type Caught struct {
	Exchange
	Answered bool          // there is an exchange
	Lost     bool          // the answer was lost
	Followed bool          // another request was sent while the answer was held
	Held     time.Duration // until then, or so far
	Waiting  bool          // a request of the participant was held
	Passed   int           // requests that were sent while it held
}

// Reader reads znodes from the servers.
type Reader interface {
	Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error)
	Close(ctx context.Context)
}

// Observer reads the znodes of the run from the servers.
type Observer interface {
	Reader
	Must(ctx context.Context, op zkapi.Op) (zkapi.Result, error) // repeats the request until it is answered
	ActiveMaster(ctx context.Context) (name string, session int64, err error)
	Holder(ctx context.Context, path string) (session int64, err error) // of an ephemeral
	Held(ctx context.Context) (map[string]int, error)                   // see Recipe
	Residents(ctx context.Context) (map[string]int, error)
	For(Recipe) Observer // asks that recipe who leads and who holds what
}

// Ensemble are the servers.
type Ensemble interface {
	Servers() []Server
	Leader(ctx context.Context) (Server, bool)
	WaitServing(ctx context.Context, n int) error
	SmallLog() (Server, error)                              // the server whose transaction log has a small volume
	ReaderAt(ctx context.Context, s Server) (Reader, error) // reads at that server only
	OverQuota() int64                                       // writes of participants that were refused because of a quota
}

// The modes of a server that serves.
const (
	Leading   = "leader"
	Following = "follower"
)

// Server is one ZooKeeper server.
type Server interface {
	Name() string
	Address() string
	Mode(ctx context.Context) (string, error) // an error if the server does not serve
	Said(ctx context.Context, text string) (lines int, err error)
	ServerProcess
	ServerPeers
	ServerDisk
}

// ServerProcess is the process of a server.
type ServerProcess interface {
	Kill(ctx context.Context) error
	Quit(ctx context.Context) error // as SIGTERM does
	Restart(ctx context.Context) error
	Running(ctx context.Context) (bool, error)
	Pause(ctx context.Context) error
	Paused(ctx context.Context) (bool, error)
	Resume(ctx context.Context) error
	Process(ctx context.Context) (id string, err error) // empty if there is none
}

// ServerPeers is the network between the servers.
type ServerPeers interface {
	Cut(ctx context.Context, peers ...Server) error
	Deafen(ctx context.Context, peers ...Server) error // drops all packets from the peers
	Reconnect(ctx context.Context) error
	Packets(ctx context.Context) (Packets, error)
	Reaches(ctx context.Context, peer Server) (bool, error)
}

// Packets counts the packets to and from a server since it was cut off.
type Packets struct {
	DroppedIn  int // from peers that it is cut from
	DroppedOut int // to them
	PassedOut  int // to peers that it does not hear
}

// ServerDisk is the disk of a server.
type ServerDisk interface {
	FillDisk(ctx context.Context) error
	FreeDisk(ctx context.Context) error
	SpaceLeft(ctx context.Context) (int64, error)
	SlowDisk(ctx context.Context, each time.Duration) error
	FastDisk(ctx context.Context) error
	Fsyncs(ctx context.Context) (Fsyncs, error)
}

// Fsyncs counts a server's fsyncs so far.
type Fsyncs struct {
	Count   int
	Total   time.Duration
	Delayed int
}
