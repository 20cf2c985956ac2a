package recipe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// layout names the znodes of one namespace.
type layout struct{ root string }

// newLayout checks a namespace: empty, or an absolute path such as /billing.
func newLayout(namespace string) (layout, error) {
	if namespace == "" || namespace == "/" {
		return layout{}, nil
	}
	if !strings.HasPrefix(namespace, "/") || path.Clean(namespace) != namespace {
		return layout{}, fmt.Errorf("recipe: namespace %q: write an absolute path without a trailing slash, such as /billing", namespace)
	}
	return layout{root: namespace}, nil
}

func (l layout) master() string                   { return l.root + "/master" }
func (l layout) workers() string                  { return l.root + "/workers" }
func (l layout) worker(w string) string           { return l.root + "/workers/" + w }
func (l layout) tasks() string                    { return l.root + "/tasks" }
func (l layout) task(t string) string             { return l.root + "/tasks/" + t }
func (l layout) status(t string) string           { return l.root + "/tasks/" + t + "/status" }
func (l layout) assign() string                   { return l.root + "/assign" }
func (l layout) inbox(w string) string            { return l.root + "/assign/" + w }
func (l layout) assignment(w, t string) string    { return l.root + "/assign/" + w + "/" + t }
func (l layout) attempt(t string, n int32) string { return l.task(t) + "/" + attemptName(n) }

// parents are the persistent znodes that everything else hangs below, outermost
// first.
func (l layout) parents() []string {
	var all []string
	for at := l.root; at != "" && at != "/"; at = path.Dir(at) {
		all = append(all, at)
	}
	slices.Reverse(all)
	return append(all, l.workers(), l.tasks(), l.assign())
}

const attemptPrefix = "attempt-"

func attemptName(n int32) string { return attemptPrefix + strconv.Itoa(int(n)) }

// taskChildren is what the names below a task tell: whether it has its result,
// and how many attempts have ended without one.
func taskChildren(names []string) (finished bool, attempts int32) {
	for _, name := range names {
		if name == "status" {
			finished = true
		}
		if number, ok := strings.CutPrefix(name, attemptPrefix); ok {
			if n, err := strconv.ParseInt(number, 10, 32); err == nil {
				attempts = max(attempts, int32(n))
			}
		}
	}
	return finished, attempts
}

// validName is what workers may be called and ids may be made of: it must stand
// alone as one element of a path.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]*$`)

func checkName(what, name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("recipe: %s %q: use letters, digits and _ . : - only", what, name)
	}
	return nil
}

// taskPrefix starts the name of the task with that id; ZooKeeper appends ten
// digits.
func taskPrefix(id string) string { return "task-" + id + "-" }

// byAge orders task names as they were submitted: by ZooKeeper's sequence number
// at the end. Names without one come first.
func byAge(a, b string) int {
	return cmp.Or(cmp.Compare(sequence(a), sequence(b)), cmp.Compare(a, b))
}

func sequence(name string) int64 {
	const digits = 10
	if len(name) < digits {
		return -1
	}
	n, err := strconv.ParseInt(name[len(name)-digits:], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// Token orders the executions of one task for systems outside ZooKeeper: a later
// execution has a greater token. A sink that remembers the greatest token seen
// for a task and refuses smaller ones is safe from workers that were replaced.
type Token struct {
	Epoch   int32 `json:"epoch"`   // of the master that assigned it
	Attempt int32 `json:"attempt"` // 1 for the first execution
}

// Compare orders tokens: by epoch, then by attempt.
func (t Token) Compare(other Token) int {
	return cmp.Or(cmp.Compare(t.Epoch, other.Epoch), cmp.Compare(t.Attempt, other.Attempt))
}

// claimRecord is the data of /assign and of /assign/<w>: whose claim the data
// version is. The nonce tells one's own ambiguous write from a stranger's.
type claimRecord struct {
	Holder  string `json:"holder"`
	Session string `json:"session"`
	Nonce   string `json:"nonce"`
}

// assignmentRecord is the data of /assign/<w>/<t>.
type assignmentRecord struct {
	Token
	Incarnation int32 `json:"incarnation"` // of the worker that is to execute it
}

// attemptRecord is the data of /tasks/<t>/attempt-<n>.
type attemptRecord struct {
	Token
	Worker string `json:"worker"`
	Reason string `json:"reason"`
}

// State is how a task ended.
type State string

// The terminal states.
const (
	Done      State = "done"
	Failed    State = "failed"    // the retry budget is spent
	Cancelled State = "cancelled" // by Client.Cancel
)

// Status is the one terminal result of a task, as /tasks/<t>/status has it.
type Status struct {
	State  State
	Result Result
	Reason string // why it failed
	Worker string // who executed it
	Token  Token  // of the execution that counts
}

// statusRecord is Status as stored, readable in zkCli.
type statusRecord struct {
	State  State  `json:"state"`
	Text   string `json:"result,omitempty"`   // when it is UTF-8
	Binary []byte `json:"result64,omitempty"` // when it is not
	Reason string `json:"reason,omitempty"`
	Worker string `json:"worker,omitempty"`
	Token
}

func (s Status) encode() []byte {
	record := statusRecord{State: s.State, Reason: s.Reason, Worker: s.Worker, Token: s.Token}
	if readable(s.Result) {
		record.Text = string(s.Result)
	} else {
		record.Binary = s.Result
	}
	return encode(record)
}

// readable reports whether a result is text that JSON holds as it is. JSON writes
// six bytes for a control character, so anything with those is stored as bytes: a
// result must not grow past what one write may hold.
func readable(result []byte) bool {
	return utf8.Valid(result) && !bytes.ContainsFunc(result, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == '\u2028' || r == '\u2029'
	})
}

// decodeStatus reads a status; what was not written by this package, such as a
// plain "done" from zkCli, is the result of a task that is done.
func decodeStatus(data []byte) Status {
	var record statusRecord
	if err := json.Unmarshal(data, &record); err != nil || record.State == "" {
		return Status{State: Done, Result: data}
	}
	result := Result(record.Binary)
	if result == nil {
		result = Result(record.Text)
	}
	return Status{State: record.State, Result: result, Reason: record.Reason, Worker: record.Worker, Token: record.Token}
}

func encode(record any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(record); err != nil {
		panic(fmt.Sprintf("recipe: a record that cannot be encoded: %v", err)) // records hold only plain fields
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
