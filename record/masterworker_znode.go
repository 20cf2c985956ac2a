package record

import (
	"encoding/json"
	"strconv"
	"strings"
)

// This file has the znodes of the master-worker recipe as judges read them. It shares
// no code with the recipe, because a recipe that stores something else must not be
// judged by its own code. Other recipes that elect a leader use the same znodes for it:
// /master and /assign.

// NodeKind is the meaning of a znode in the protocol.
type NodeKind uint8

// The parts. Elsewhere is any znode that has no other name here.
const (
	Elsewhere    NodeKind = iota
	Mastership            // /master: the ephemeral of the active master
	Workers               // /workers
	Registration          // /workers/<w>: the ephemeral of a worker
	Tasks                 // /tasks
	Task                  // /tasks/<t>
	TaskStatus            // /tasks/<t>/status
	TaskProgress          // /tasks/<t>/progress
	Attempt               // /tasks/<t>/attempt-<n>: attempt n ended without a result
	Left                  // /tasks/<t>/left-<n>: attempt n does not count
	Assign                // /assign: its data version is the epoch
	Inbox                 // /assign/<w>: its data version is the incarnation of w
	Assignment            // /assign/<w>/<t>
	Collection            // /collect/<t>: a client asks for a finished task to be removed
)

// Paths that have no name in them.
const (
	MasterPath = "/master"
	AssignPath = "/assign"
	TasksPath  = "/tasks"
)

// TaskPath is the znode of a task.
func TaskPath(task string) string { return TasksPath + "/" + task }

// StatusPath is the znode of a task's status.
func StatusPath(task string) string { return TaskPath(task) + "/status" }

// InboxPath is the znode of the assignments of a worker, and of its claim.
func InboxPath(worker string) string { return AssignPath + "/" + worker }

// AssignmentPath is the znode of a task that a worker has.
func AssignmentPath(worker, task string) string { return InboxPath(worker) + "/" + task }

// Znode is the meaning of a znode's path.
type Znode struct {
	Kind   NodeKind
	Worker string // of a registration, an inbox and an assignment
	Task   string // of a task and all below it, of an assignment, and of a collection
	Number int32  // of an attempt, and of the mark that it does not count
}

// ParsePath finds the meaning of a path. A path below a named znode is [Elsewhere], but
// it still names the task or the worker that it belongs to.
func ParsePath(path string) Znode {
	room, below, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	first, rest, deeper := strings.Cut(below, "/")
	switch room {
	case "master":
		return Znode{Kind: pick(below == "", Mastership)}
	case "workers":
		return named(below, deeper, Workers, Registration, Znode{Worker: first})
	case "tasks":
		if !deeper {
			return named(below, deeper, Tasks, Task, Znode{Task: first})
		}
		return ofTask(first, rest)
	case "assign":
		if !deeper {
			return named(below, deeper, Assign, Inbox, Znode{Worker: first})
		}
		task, _, deeper := strings.Cut(rest, "/")
		return Znode{Kind: pick(!deeper && task != "", Assignment), Worker: first, Task: task}
	case "collect":
		if !deeper && first != "" {
			return Znode{Kind: Collection, Task: first}
		}
	}
	return Znode{}
}

func pick(is bool, kind NodeKind) NodeKind {
	if is {
		return kind
	}
	return Elsewhere
}

// named is the parent znode of a kind, or a named child of it.
func named(below string, deeper bool, room, kind NodeKind, z Znode) Znode {
	switch {
	case below == "":
		z.Kind = room
	case !deeper:
		z.Kind = kind
	}
	return z
}

// ofTask is the meaning of a znode below a task.
func ofTask(task, name string) Znode {
	z := Znode{Task: task}
	switch name {
	case "status":
		z.Kind = TaskStatus
		return z
	case "progress":
		z.Kind = TaskProgress
		return z
	}
	for prefix, kind := range map[string]NodeKind{"attempt-": Attempt, "left-": Left} {
		number, has := strings.CutPrefix(name, prefix)
		if !has {
			continue
		}
		if n, err := strconv.ParseInt(number, 10, 32); err == nil && n > 0 {
			z.Kind, z.Number = kind, int32(n)
		}
	}
	return z
}

// BelowTask reports whether a znode is a child of a task, or below one.
func (z Znode) BelowTask() bool {
	return z.Task != "" && z.Worker == "" && z.Kind != Task && z.Kind != Collection
}

// TaskOf is the task that a znode belongs to: one of /tasks/t and below, or /assign/w/t. It
// is empty if the znode belongs to none.
func TaskOf(path string) string {
	if z := ParsePath(path); z.Kind != Collection {
		return z.Task
	}
	return ""
}

// TasksOf are the tasks that the parts of a write touch, in their order.
func TasksOf(ops []Op) []string { return TaskObjects().Touched(ops) }

// TaskObjects are the objects of the master-worker recipe: its tasks.
func TaskObjects() Objects {
	return Objects{
		Of: TaskOf,
		ID: func(path, data string) string {
			if ParsePath(path).Kind != Task {
				return ""
			}
			id, _ := ParseTask(data)
			return id
		},
		Notice: func(op Op) bool { return op.Path == TasksPath },
	}
}

// The reasons of attempts that a worker left behind: its master missed the worker, or
// the next life of the worker found the attempt.
const (
	WorkerLost      = "worker lost"
	WorkerRestarted = "worker was restarted"
)

// States of a status.
const (
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// TaskOptions are the options of a task that judges need.
type TaskOptions struct {
	Attempts int32 `json:"attempts"` // that it is allowed; 0 leaves it to the policy
	Resident bool  `json:"resident"`
}

// optionsMark begins the data of a task that has options.
const optionsMark = "#ringmaster "

// ParseOptions splits the data of a task into its options, if it has any, and its
// payload. Unreadable options are payload, because a task made by hand may look like
// one with options.
func ParseOptions(data string) (o TaskOptions, payload string) {
	rest, marked := strings.CutPrefix(data, optionsMark)
	if !marked {
		return o, data
	}
	decoder := json.NewDecoder(strings.NewReader(rest))
	if decoder.Decode(&o) != nil {
		return o, data
	}
	return o, strings.TrimSpace(rest[decoder.InputOffset():])
}

// ParseTask reads the data of a task: its options, and the id of the submission that it came
// from, as the payload has it.
func ParseTask(data string) (id string, o TaskOptions) {
	o, payload := ParseOptions(data)
	var fields struct{ ID string }
	_ = json.Unmarshal([]byte(strings.TrimSpace(payload)), &fields) // a payload by hand has no id
	return fields.ID, o
}

// Entry is the data that the recipe stores for an assignment, an ended attempt or a
// status.
type Entry struct {
	Token
	State       string `json:"state"`  // of a status
	Result      string `json:"result"` // of a status
	Worker      string `json:"worker"`
	Reason      string `json:"reason"`      // of an attempt: why it ended
	Incarnation int32  `json:"incarnation"` // of an assignment
	Revoked     bool   `json:"revoked"`     // of an assignment
	Taken       bool   `json:"taken"`       // of an assignment that its worker is to give back
}

// ParseEntry reads an entry. Other data, which a person or another program may have
// written, gives an empty one.
func ParseEntry(data string) Entry {
	e, _ := entryOf(data)
	return e
}

func entryOf(data string) (e Entry, understood bool) {
	understood = json.Unmarshal([]byte(data), &e) == nil
	return e, understood
}

// ParseStatus reads a status. Data that is no entry is the result of a task that a
// person has finished by hand.
func ParseStatus(data string) Entry {
	e, understood := entryOf(data)
	if !understood || e.State == "" {
		return Entry{State: Done, Result: data}
	}
	return e
}

// ClaimEntry is the data that the holder of a claim stores in /assign and /assign/<w>.
type ClaimEntry struct {
	Holder   string `json:"holder"`
	Retiring bool   `json:"retiring"` // the worker finishes the tasks that it has, and takes no more
	Fenced   bool   `json:"fenced"`   // the master took the claim from the worker
	Acks     bool   `json:"acks"`     // the holder knows that a worker itself returns an assignment that is revoked
}

// ParseClaim reads the data of a claim's holder; other data gives an empty entry.
func ParseClaim(data string) ClaimEntry {
	var c ClaimEntry
	_ = json.Unmarshal([]byte(data), &c) // of a claim made by hand nothing is known
	return c
}
