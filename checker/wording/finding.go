package wording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Finding is one violation that a judge found, or one question that it could not
// answer.
type Finding struct {
	Property string    `json:"property"`
	Code     Code      `json:"code"`
	Object   string    `json:"task,omitempty"`     // that it is about: a task, a lock
	Events   []int     `json:"events,omitempty"`   // sequence numbers that it rests on, ascending
	Exchange *Exchange `json:"exchange,omitempty"` // that it rests on
	Zxid     int64     `json:"zxid,omitempty"`     // of the write that it is about
	Args     Args      `json:"args,omitempty"`

	// Says is the finding in English. It is not stored with it, because the reason of the
	// property has all of them.
	Says string `json:"-"`
}

// Exchange identifies a write on the wire, in a run and in its parts.
type Exchange struct {
	Process string        `json:"process"`
	Session string        `json:"session"`
	Sent    time.Duration `json:"sent"`
	Zxid    int64         `json:"zxid,omitempty"`
}

// Is reports whether it is this write.
func (e Exchange) Is(x record.Exchange) bool {
	return e.Process == x.Process && e.Session == x.Session && e.Sent == x.Sent && e.Zxid == x.Zxid
}

// Args are the other values of a sentence: strings, lists of strings, whole numbers,
// and times since the run began, in ns. A list of objects is called [Listed].
type Args map[string]any

// Listed is the argument that lists objects, by its name in verdict.json.
const Listed = "tasks"

// UnmarshalJSON keeps whole numbers whole.
func (a *Args) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var all map[string]any
	if err := decoder.Decode(&all); err != nil {
		return err
	}
	*a = all
	return nil
}

// Objects are the objects that a finding names; the first is its subject.
func (f Finding) Objects() []string {
	var all []string
	for _, object := range append([]string{f.Object}, list(f.Args[Listed])...) {
		if object != "" && !slices.Contains(all, object) {
			all = append(all, object)
		}
	}
	return all
}

// Repeats reports whether this finding in a part of a run is the same as one in the
// whole run. A part may lack details: the place on the wire and in ZooKeeper's order.
func (f Finding) Repeats(whole Finding) bool {
	if f.Property != whole.Property || f.Code != whole.Code || f.Object != whole.Object || f.Zxid != 0 && f.Zxid != whole.Zxid {
		return false
	}
	for name, value := range f.Args {
		if plain(value) != plain(whole.Args[name]) {
			return false
		}
	}
	return true
}

// plain is an argument as it can be compared, made by a judge or read from a file.
func plain(value any) string {
	switch value := value.(type) {
	case time.Duration:
		return strconv.FormatInt(int64(value), 10)
	case []string, []any:
		return strings.Join(list(value), "\n")
	case Args:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, name+"="+plain(value[name]))
		}
		return strings.Join(all, " ")
	}
	return fmt.Sprint(value)
}

// Seconds is a moment, or a duration, in the notation of verdicts, stories and
// pictures.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// ExchangeOf identifies a write on the wire.
func ExchangeOf(x *record.Exchange) *Exchange {
	return &Exchange{Process: x.Process, Session: x.Session, Sent: x.Sent, Zxid: x.Zxid}
}

// Parts describes the parts of a write, the first few of them.
func Parts(ops []record.Op) []string {
	const most = 8
	var all []string
	for i, op := range ops {
		if i == most {
			all = append(all, fmt.Sprintf("and %d more", len(ops)-most))
			break
		}
		all = append(all, op.Kind+" "+op.Path)
	}
	return all
}
