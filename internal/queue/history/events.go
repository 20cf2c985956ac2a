package history

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The kinds of the events that producers and consumers note. Their payload is [record.Own]; its
// token has the token of a take as its epoch.
const (
	Put     record.Kind = "put"     // a producer puts an item; ok means that it is in the queue, fail that it never will be
	Take    record.Kind = "take"    // a consumer asks for an item; ok means that it was told that it has one
	Hold    record.Kind = "hold"    // a consumer believes to have an item, from invoke to ok
	Ack     record.Kind = "ack"     // a consumer has an item recorded as consumed; ok means that this was confirmed, fail that it is not
	Release record.Kind = "release" // a consumer gives an item back; ok means that this was confirmed
	Settled record.Kind = "settled" // note: a participant has nothing, asks for nothing, and is about to close its session
)

// Is reports whether an event is of that kind.
func Is(e record.Event, kind record.Kind) bool { return e.Kind == kind }

// Intended is the data of a [Put]: where the item is to be.
type Intended struct {
	Queue    string        `json:"queue"` // the path of the queue
	Priority int           `json:"priority"`
	Delay    time.Duration `json:"delay,omitempty"` // in which no consumer may take it
	Together int           `json:"together,omitempty"`
}

// Asked is the data of a [Take]: where the consumer asks for an item, and how. A queue that has
// dead letters says after how many takes an item is one.
type Asked struct {
	Queue    string `json:"queue"`
	Try      bool   `json:"try,omitempty"` // not to wait for an item
	MaxTakes int32  `json:"max_takes,omitempty"`
}

// Told is the data of the end of a [Take].
type Told struct {
	Empty bool  `json:"empty,omitempty"` // the consumer was told that there is no item
	Takes int32 `json:"takes,omitempty"` // how often the item has been taken, this take included
}

// Item is the payload of an item.
type Item struct {
	ID     string `json:"id"`
	Poison bool   `json:"poison,omitempty"` // no consumer can work on it: it must end among the dead letters
}

// ParseItem reads a payload. ok is false for a payload that no producer of a run made.
func ParseItem(data string) (i Item, ok bool) {
	return i, json.Unmarshal([]byte(data), &i) == nil && i.ID != ""
}

// String is the payload of an item.
func (i Item) String() string {
	data, _ := json.Marshal(i) // plain fields only
	return string(data)
}

// Entry is the data of a ledger: the n-th write of a consumer about an item.
type Entry struct {
	Item  string `json:"item"`
	Token int32  `json:"token"`
	N     int    `json:"n"`
}

// The numbers of two entries that are not like the others.
const (
	Late     = 1 << 30  // a write when the take is over: the fence must refuse it
	Consumed = Late + 1 // the recorded consumption
)

// ParseEntry reads the data of a ledger. ok is false for other data.
func ParseEntry(data string) (e Entry, ok bool) {
	return e, json.Unmarshal([]byte(data), &e) == nil && e.N > 0
}

// String is the data of a ledger.
func (e Entry) String() string {
	data, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("queue: %v", err)) // plain fields only
	}
	return string(data)
}

// TokenOf is the token of a take as the record has it.
func TokenOf(token int32) record.Token { return record.Token{Epoch: token} }
