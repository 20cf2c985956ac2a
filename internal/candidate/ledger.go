package candidate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Ledger is the znode that only the leader writes. Its data is an [Entry].
const Ledger = "/ledger"

// Entry is the data of the ledger: the n-th write of a term.
type Entry struct {
	Epoch int32 `json:"epoch"`
	N     int   `json:"n"`
}

// LateEntry is the number of an entry that is made when the term is over, as an application that
// is slow to stop would. It is greater than those of all others.
const LateEntry = 1 << 30

// Write is a fenced write of a leader.
type Write func(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error)

// Enter makes an entry in the ledger. The recorder has the outcome; the leader goes on whatever it
// is.
func Enter(ctx context.Context, p subject.Participant, write Write, entry Entry) {
	data, err := json.Marshal(entry)
	if err != nil {
		panic(fmt.Sprintf("candidate: entry: %v", err)) // plain fields only
	}
	path := p.Namespace + Ledger
	if _, err = write(ctx, zkapi.Set(path, data, zkapi.AnyVersion)); errors.Is(err, zkapi.ErrNoNode) {
		_, err = write(ctx, zkapi.Create(path, data, zkapi.Persistent))
	}
	if err != nil {
		p.Log.Debug("entry", "epoch", entry.Epoch, "n", entry.N, "error", err)
	}
}
