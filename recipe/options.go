package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// shortest is the smallest Timeout and HeartbeatTimeout: shorter values would measure network
// latency.
const shortest = 100 * time.Millisecond

// maxOwnAttempts bounds Options.MaxAttempts: all records of attempts are deleted in
// one write.
const maxOwnAttempts = 1000

// checkOptions returns an error if an option has a forbidden value.
func checkOptions(o Options) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, invalid(format, args...)) }
	if o.MaxAttempts < 0 || o.MaxAttempts > maxOwnAttempts {
		bad("MaxAttempts %d: use 0 (the bound of the master), or 1 to %d", o.MaxAttempts, maxOwnAttempts)
	}
	if year := o.NotBefore.Year(); year > 9999 || year < 0 {
		bad("NotBefore %v: give a year from 0 to 9999, because RFC 3339 has no other", o.NotBefore)
	}
	for name, d := range map[string]time.Duration{"Timeout": o.Timeout, "HeartbeatTimeout": o.HeartbeatTimeout} {
		if d != 0 && d < shortest {
			bad("%s %v: leave it out or give at least %v", name, d, shortest)
		}
	}
	if o.Resident && (o.MaxAttempts != 0 || o.Timeout != 0) {
		bad("Resident with MaxAttempts or Timeout: leave those out, because a resident task never ends by itself")
	}
	const longest = 1 << 10
	if len(o.Key) > longest {
		bad("Key has %d bytes: at most %d are allowed", len(o.Key), longest)
	}
	return errors.Join(errs...)
}

// optionsRecord is Options as stored in front of the payload.
type optionsRecord struct {
	Attempts  int       `json:"attempts,omitempty"`
	TimeoutMS int64     `json:"timeout_ms,omitempty"`
	SilenceMS int64     `json:"silence_ms,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Priority  int       `json:"priority,omitempty"`
	Key       string    `json:"key,omitempty"`
	Resident  bool      `json:"resident,omitempty"`
}

// optionsMark begins the data of a task that has options: the mark, the options
// as JSON, one blank or newline, and the payload byte for byte. So a person can
// write it in zkCli:
//
//	create -s /tasks/task- '#ringmaster {"priority":9} cmd'
const optionsMark = "#ringmaster "

// encodeTask is the data of a task's znode.
func encodeTask(o Options, payload []byte) []byte {
	if o.IsZero() && !bytes.HasPrefix(payload, []byte(optionsMark)) {
		return payload
	}
	record := encode(optionsRecord{
		Attempts: o.MaxAttempts, TimeoutMS: o.Timeout.Milliseconds(), SilenceMS: o.HeartbeatTimeout.Milliseconds(), NotBefore: o.NotBefore,
		Priority: o.Priority, Key: o.Key, Resident: o.Resident,
	})
	return append(append(append([]byte(optionsMark), record...), '\n'), payload...)
}

// decodeTask reads the data of a task's znode. Data without the mark is a plain payload. Data
// with the mark whose options cannot be read, or have forbidden values, is an error: nobody
// knows what the payload is.
func decodeTask(data []byte) (Options, []byte, error) {
	rest, marked := bytes.CutPrefix(data, []byte(optionsMark))
	if !marked {
		return Options{}, data, nil
	}
	var r optionsRecord
	decoder := json.NewDecoder(bytes.NewReader(rest))
	if err := decoder.Decode(&r); err != nil {
		return Options{}, data, err
	}
	payload := rest[decoder.InputOffset():]
	if len(payload) > 0 && (payload[0] == '\n' || payload[0] == ' ') {
		payload = payload[1:]
	}
	const longest = int64(math.MaxInt64 / time.Millisecond)
	if max(r.TimeoutMS, r.SilenceMS) > longest || min(r.TimeoutMS, r.SilenceMS) < 0 {
		return Options{}, data, fmt.Errorf("timeout_ms %d and silence_ms %d: use 0 to %d", r.TimeoutMS, r.SilenceMS, longest)
	}
	o := Options{
		MaxAttempts: r.Attempts, Timeout: time.Duration(r.TimeoutMS) * time.Millisecond, HeartbeatTimeout: time.Duration(r.SilenceMS) * time.Millisecond,
		NotBefore: r.NotBefore, Priority: r.Priority, Key: r.Key, Resident: r.Resident,
	}
	if err := checkOptions(o); err != nil {
		return Options{}, data, err
	}
	return o, payload, nil
}

// mistyped returns what in the data of a task is probably a mistake, although it can be read:
// a mark without its blank, or an option that this build does not know, such as one of a later
// build.
func mistyped(data []byte) string {
	if bytes.HasPrefix(data, []byte(strings.TrimSpace(optionsMark)+"{")) {
		return fmt.Sprintf("begins with %q without a blank behind it, so it has no options", strings.TrimSpace(optionsMark))
	}
	rest, marked := bytes.CutPrefix(data, []byte(optionsMark))
	if !marked {
		return ""
	}
	decoder := json.NewDecoder(bytes.NewReader(rest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(new(optionsRecord)); err != nil {
		return fmt.Sprintf("has an option that is ignored (%v)", err)
	}
	return ""
}

// SubmitOption changes one submission.
type SubmitOption func(*submission)

type submission struct {
	id      string
	ours    bool // Submit has made the id
	options Options
	noWait  bool
}

// ID sets the id of the submission, made of letters, digits and _ . : - only. A second
// submission of the same id, at the same time or later, from any process, finds the first
// task and makes no other, until the first task is collected.
func ID(id string) SubmitOption { return func(s *submission) { s.id, s.ours = id, false } }

// With sets all options.
func With(o Options) SubmitOption { return func(s *submission) { s.options = o } }

// MaxAttempts sets Options.MaxAttempts.
func MaxAttempts(n int) SubmitOption { return func(s *submission) { s.options.MaxAttempts = n } }

// Timeout sets Options.Timeout.
func Timeout(d time.Duration) SubmitOption { return func(s *submission) { s.options.Timeout = d } }

// HeartbeatTimeout sets Options.HeartbeatTimeout.
func HeartbeatTimeout(d time.Duration) SubmitOption {
	return func(s *submission) { s.options.HeartbeatTimeout = d }
}

// NotBefore sets Options.NotBefore.
func NotBefore(t time.Time) SubmitOption { return func(s *submission) { s.options.NotBefore = t } }

// Priority sets Options.Priority.
func Priority(n int) SubmitOption { return func(s *submission) { s.options.Priority = n } }

// Key sets Options.Key.
func Key(key string) SubmitOption { return func(s *submission) { s.options.Key = key } }

// Resident sets Options.Resident.
func Resident() SubmitOption { return func(s *submission) { s.options.Resident = true } }

// NoWait makes Submit return ErrBacklogFull at once instead of waiting.
func NoWait() SubmitOption { return func(s *submission) { s.noWait = true } }
