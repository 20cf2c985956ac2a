package record

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Exchange is one write that a participant has sent to ZooKeeper, with the servers'
// answer. It was seen between the two, by the participant's proxy or by the server in
// memory. A file of exchanges (wire.ndjson of a run) has a header line like a history,
// then one Exchange a line, in the order in which they were known to be over.
// [ReadExchanges] reads it.
//
// A reader can rely on this:
//
//   - Every write of a participant that may have reached a server is there, once.
//     A request that was lost on its way to the proxy, or swallowed by it whole or in
//     part, reached no server and is not there.
//   - Zxid is the write's own place in ZooKeeper's order, whether it was applied or
//     refused: two writes took effect in the order of their zxids. It is 0 when no
//     answer arrived; then the write may have been applied or refused, after Sent, or
//     neither. An answer counts although the participant did not hear it.
//   - The writes of one session whose answers are missing took effect, if at all, in
//     the order of their xids and after all earlier ones of that session.
//   - A harness that is killed leaves those out that were not answered yet, and a last
//     line without an end, which is dropped.
//   - The end of a session by its timeout is no write, so it is not there. Nor are the
//     creations of sessions, although they take places in the order.
//   - The process "nemesis" ends sessions of others: Close is true, and Session is the
//     session of its victim. If such a close was not answered, it is not recorded. Runs
//     in memory never record one.
//
// In memory every exchange is answered at the moment at which it was sent.
type Exchange struct {
	Process  string        `json:"process"`            // as in the history: master-1, worker-2, ..., or nemesis
	Life     int           `json:"life,omitempty"`     // as in the history; 0 of nemesis
	Session  string        `json:"session"`            // 0x..., as in the history
	Xid      int32         `json:"xid,omitempty"`      // ascends on one connection; 0 in memory, where the order is Zxid's
	Sent     time.Duration `json:"sent"`               // since the run began, in ns
	Answered time.Duration `json:"answered,omitempty"` // since the run began, in ns; 0: no answer
	Zxid     int64         `json:"zxid,omitempty"`
	Error    Refusal       `json:"error,omitempty"` // empty: it was applied, if it was answered
	Index    int           `json:"index"`           // in Ops, of the op that was refused; -1 when there is none, or none can be named
	Close    bool          `json:"close,omitempty"` // it ends the session, and removes its ephemerals; Ops is empty
	// Ops are the parts of the write, in order; all of them took effect, or none. Path has
	// no namespace. For an applied create it is the path of the new znode; Sequential says
	// that the server has completed it.
	Ops []Op `json:"ops,omitempty"`
}

// Refusal is a server's reason for refusing a write: one of the names below, or the
// number of ZooKeeper's code ("-4").
type Refusal string

// The refusals that have a name.
const (
	BadVersion     Refusal = "bad version"
	NoNode         Refusal = "no node"
	NodeExists     Refusal = "node exists"
	NotEmpty       Refusal = "not empty"
	EphemeralNode  Refusal = "ephemeral" // ephemerals have no children
	SessionExpired Refusal = "session expired"
	NoAuth         Refusal = "no auth"
	InvalidPath    Refusal = "invalid path"
	BadArguments   Refusal = "refused"
)

// Wire appends exchanges to a file. Each reaches the operating system before Add
// returns.
type Wire struct {
	mu     sync.Mutex
	file   *os.File
	failed func(error)
	over   bool // an exchange could not be written
}

// CreateWire starts a file of exchanges.
func CreateWire(path string) (*Wire, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if err := line(file, header{signature, Version}); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Wire{file: file}, nil
}

// OnFailure is told of the first exchange that cannot be written. The file ends before it:
// Add drops that exchange and all later ones.
func (w *Wire) OnFailure(tell func(error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = tell
}

// Add appends an exchange. If the file cannot be written, the run is worthless: see
// [Wire.OnFailure], without which Add panics.
func (w *Wire) Add(e Exchange) {
	switch tell, err := w.add(e); {
	case err == nil:
	case tell == nil:
		panic(err)
	default:
		tell(err) // without the lock
	}
}

func (w *Wire) add(e Exchange) (func(error), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, nil
	}
	err := line(w.file, e)
	w.over = err != nil
	return w.failed, err
}

// Close closes the file.
func (w *Wire) Close() error { return w.file.Close() }

// ReadExchanges reads a file of exchanges; see [Exchange].
func ReadExchanges(path string) ([]Exchange, error) { return readFile[Exchange](path) }
