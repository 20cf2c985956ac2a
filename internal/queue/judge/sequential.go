package judge

import "fmt"

// Place is where an item is.
type Place string

// The places.
const (
	Absent   Place = ""         // its producer has not put it yet
	Free     Place = "free"     // in line, or delayed
	Taken    Place = "taken"    // a consumer has it
	Consumed Place = "consumed" // for ever
	Dead     Place = "dead"     // among the dead letters
)

// Item is the sequential specification of one item.
type Item struct {
	Place Place
	Token int32 // of the last take
}

// Put puts the item into its queue.
func (i Item) Put() (Item, bool) { return Item{Free, 0}, i.Place == Absent }

// Take gives the item to a consumer.
func (i Item) Take(token int32) (Item, bool) {
	return Item{Taken, token}, i.Place == Free && token > i.Token
}

// Has reports whether the consumer with that token has the item.
func (i Item) Has(token int32) bool { return i.Place == Taken && i.Token == token }

// End gives the item back to its place in line.
func (i Item) End(token int32) (Item, bool) { return Item{Free, i.Token}, i.Has(token) }

// Ack consumes the item.
func (i Item) Ack(token int32) (Item, bool) { return Item{Consumed, token}, i.Has(token) }

// Bury makes the item a dead letter: its consumer does that, with its token, or any other if the item is
// free.
func (i Item) Bury(token int32) (Item, bool) {
	return Item{Dead, 0}, i.Place == Free || token > 0 && i.Has(token)
}

// Revive brings a dead letter back into line.
func (i Item) Revive() (Item, bool) { return Item{Free, 0}, i.Place == Dead }

// String is the state in words.
func (i Item) String() string {
	switch i.Place {
	case Absent:
		return "not put"
	case Taken:
		return fmt.Sprintf("taken with token %d", i.Token)
	}
	return string(i.Place)
}
