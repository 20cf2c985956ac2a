package recipe

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// layout has the paths and the ACLs of the znodes of one namespace.
type layout struct {
	root   string
	access Access
	newest int // the newest format of the znodes that this process knows
}

// newLayout checks a namespace: empty, or an absolute path such as /billing.
func newLayout(namespace string, access Access) (layout, error) {
	if err := access.check(); err != nil {
		return layout{}, err
	}
	if namespace == "" || namespace == "/" {
		return layout{access: access, newest: newestFormat()}, nil
	}
	if err := checkNamespace(namespace); err != nil {
		return layout{}, err
	}
	return layout{root: namespace, access: access, newest: newestFormat()}, nil
}

// checkNamespace checks a namespace that is not the root.
func checkNamespace(namespace string) error {
	if err := zkapi.CheckPath(namespace); err != nil {
		return invalid("namespace %q: %v: write an absolute path without a trailing slash, such as /billing", namespace, err)
	}
	const own = "/zookeeper"
	if namespace == own || strings.HasPrefix(namespace, own+"/") {
		return invalid("namespace %q: %s belongs to ZooKeeper itself: write another path, such as /billing", namespace, own)
	}
	for part := range strings.SplitSeq(namespace, "/") {
		if strings.TrimSpace(part) != part {
			return invalid("namespace %q: %q begins or ends with a blank: leave it out, because nobody sees it", namespace, part)
		}
	}
	return nil
}

func (l layout) master() string                   { return l.root + "/master" }
func (l layout) candidates() string               { return l.root + "/candidates" }
func (l layout) candidate(c string) string        { return l.root + "/candidates/" + c }
func (l layout) backlog() string                  { return l.root + "/backlog" }
func (l layout) quarantine() string               { return l.root + "/quarantine" }
func (l layout) format() string                   { return l.root + "/format" }
func (l layout) pruned() string                   { return l.root + "/pruned" }
func (l layout) workers() string                  { return l.root + "/workers" }
func (l layout) worker(w string) string           { return l.root + "/workers/" + w }
func (l layout) tasks() string                    { return l.root + "/tasks" }
func (l layout) task(t string) string             { return l.root + "/tasks/" + t }
func (l layout) status(t string) string           { return l.root + "/tasks/" + t + "/status" }
func (l layout) progress(t string) string         { return l.root + "/tasks/" + t + "/progress" }
func (l layout) assign() string                   { return l.root + "/assign" }
func (l layout) inbox(w string) string            { return l.root + "/assign/" + w }
func (l layout) assignment(w, t string) string    { return l.root + "/assign/" + w + "/" + t }
func (l layout) attempt(t string, n int32) string { return l.task(t) + "/" + attemptName(n) }
func (l layout) left(t string, n int32) string {
	return l.task(t) + "/" + leftPrefix + strconv.Itoa(int(n))
}
func (l layout) requests() string        { return l.root + "/collect" }
func (l layout) request(t string) string { return l.root + "/collect/" + t }

const (
	attemptPrefix = "attempt-"
	leftPrefix    = "left-" // beside attempt-<n>: its worker left, and it does not count
)

func attemptName(n int32) string { return attemptPrefix + strconv.Itoa(int(n)) }

// attemptNumber reads the name of a record of an attempt.
func attemptNumber(name string) (int32, bool) { return numbered(name, attemptPrefix) }

// leftNumber reads the name of a mark that the worker of an attempt has left.
func leftNumber(name string) (int32, bool) { return numbered(name, leftPrefix) }

func numbered(name, prefix string) (int32, bool) {
	number, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(number, 10, 32)
	// One with zeros in front is a sequential znode: no write of the recipe would find it.
	return int32(n), err == nil && canBeAttempt(int32(n)) && number == strconv.FormatInt(n, 10)
}

// maxAttempt is above every attempt number: a number made by hand must leave room for later
// attempts.
const maxAttempt = 1 << 30

func canBeAttempt(n int32) bool { return n > 0 && n < maxAttempt }

// below is the information in the names below a task.
type below struct {
	finished bool    // it has its status
	attempts int32   // that have ended without a result: the highest number
	records  []int32 // attempts that are on record, in order
	left     []int32 // those of them whose workers left
	odd      string  // the first of the names that look like records and are none
}

// isOdd reports whether a name looks like a record of an attempt, and is none.
func isOdd(name string) bool {
	_, attempt := attemptNumber(name)
	_, left := leftNumber(name)
	return !attempt && !left && (strings.HasPrefix(name, attemptPrefix) || strings.HasPrefix(name, leftPrefix))
}

func taskChildren(names []string) below {
	var b below
	for _, name := range names {
		if name == "status" {
			b.finished = true
		}
		if n, ok := attemptNumber(name); ok {
			b.records = append(b.records, n)
			b.attempts = max(b.attempts, n)
		}
		if n, ok := leftNumber(name); ok {
			b.left = append(b.left, n)
		}
		if isOdd(name) && (b.odd == "" || name < b.odd) {
			b.odd = name
		}
	}
	slices.Sort(b.records)
	b.left = slices.DeleteFunc(b.left, func(n int32) bool { return !slices.Contains(b.records, n) })
	return b
}

// validName matches the names of workers and the ids of tasks: each must be one element of a
// path.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]*$`)

func checkName(what, name string) error {
	if !validName.MatchString(name) {
		return invalid("%s %q: use letters, digits and _ . : - only, and begin with a letter or digit", what, name)
	}
	return nil
}

// checkTask checks the name of a task, which is one part of a path. A person may have made the
// task, so other names than those of Submit are possible.
func checkTask(task string) error {
	if task == "" || strings.Contains(task, "/") || zkapi.CheckPath("/"+task) != nil {
		return invalid("%q is not the name of a task: use Submitted.Task, such as task-invoice.17", task)
	}
	return nil
}

// ErrInvalid means that a configuration or an argument is wrong; nothing was sent. The error
// names it and the remedy.
var ErrInvalid = input.ErrInvalid

// invalid is an ErrInvalid with a reason.
func invalid(format string, args ...any) error { return input.Invalid("recipe", format, args...) }

// field is a number or a duration of a configuration.
type field struct {
	name  string
	value any
}

// notNegative refuses the first field that is negative.
func notNegative(fields ...field) error {
	for _, f := range fields {
		if text := fmt.Sprint(f.value); strings.HasPrefix(text, "-") {
			return invalid("%s %s must not be negative", f.name, text)
		}
	}
	return nil
}

// taskName is the name of the task that was submitted under an id.
func taskName(id string) string { return "task-" + id }

// taskOf is the name of the task that is at a path.
func taskOf(p string) string { return path.Base(p) }
