package record

import (
	"encoding/json"
	"fmt"
)

// Own is the payload of the kinds that this package does not define: those that only
// the subject of the run knows. An event of such a kind has an Own or no payload; an
// event of any other kind never has one.
//
// Judges, stories and reports that do not know the kind use the named fields. Only the
// subject reads Data; see [OwnData].
type Own struct {
	Object string          `json:"object,omitempty"` // that the event is about: a lock, an election
	ID     string          `json:"id,omitempty"`     // of the request that the event belongs to
	Token                  // that the event carries
	Remark string          `json:"remark,omitempty"` // in words, for people
	Data   json.RawMessage `json:"data,omitempty"`   // anything else
}

// NewOwn makes the payload of an event about an object. The data is anything that
// [encoding/json] can write; nil is no data. The caller may set the other fields of the
// result.
func NewOwn(object string, data any) (Own, error) {
	o := Own{Object: object}
	if data == nil {
		return o, nil
	}
	var err error
	if o.Data, err = json.Marshal(data); err != nil {
		return Own{}, fmt.Errorf("record: the data of an event about %q: %w", object, err)
	}
	return o, nil
}

// OwnData reads the data of an event whose kind only a subject knows. It is an error if
// the event has no [Own], if it has no data, or if the data is not of the type.
func OwnData[T any](e Event) (data T, err error) {
	own, is := e.Of.(Own)
	switch {
	case !is:
		return data, fmt.Errorf("record: event %d, of kind %q, has the payload %T, and only record.Own has data", e.Seq, e.Kind, e.Of)
	case len(own.Data) == 0:
		return data, fmt.Errorf("record: event %d, of kind %q, has no data", e.Seq, e.Kind)
	}
	if err := json.Unmarshal(own.Data, &data); err != nil {
		return data, fmt.Errorf("record: the data of event %d, of kind %q: %w", e.Seq, e.Kind, err)
	}
	return data, nil
}

// Own is the payload of a kind that only a subject knows.
func (e Event) Own() Own { return of[Own](e) }

func (p Own) subject() subject { return subject{object: p.Object, id: p.ID, token: p.Token} }
func (p Own) remark() string   { return p.Remark }
func (p Own) put(s *stored)    { s.Own = &p }
