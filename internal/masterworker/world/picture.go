package world

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// picture is a tree in the terms of the recipe's znodes, as an outsider reads
// them.
type picture struct {
	epoch  int32
	master int64 // session that holds /master
	worker map[string]int64
	inbox  map[string]inbox
	tasks  map[string]*task
}

// inbox is a worker's claim.
type inbox struct {
	version  int32
	Retiring bool `json:"retiring"`
}

// task is one task in a picture.
type task struct {
	payload  string
	status   *record
	raw      string
	attempts map[int32]record
	left     int               // attempts that do not count, because their workers left
	assigned map[string]record // by worker
	exists   bool
	due      time.Time // before which it must not begin; zero for none
}

// record is the data of an assignment, an attempt or a status.
type record struct {
	Epoch   int32  `json:"epoch"`
	Attempt int32  `json:"attempt"`
	State   string `json:"state"`

	Incarnation int32  `json:"incarnation"`
	Result      string `json:"result"`
	Worker      string `json:"worker"` // whose attempt it was
}

func (r record) token() int64 { return worlds.Token(r.Epoch, r.Attempt) }

func look(tree zk.Tree) picture {
	p := picture{worker: map[string]int64{}, inbox: map[string]inbox{}, tasks: map[string]*task{}}
	of := func(name string) *task {
		if p.tasks[name] == nil {
			p.tasks[name] = &task{attempts: map[int32]record{}, assigned: map[string]record{}}
		}
		return p.tasks[name]
	}
	for path, entry := range tree.All() {
		var r record
		_ = json.Unmarshal(entry.Data, &r)
		switch parts := strings.Split(strings.Trim(path, "/"), "/"); {
		case path == "/assign":
			p.epoch = entry.Stat.Version
		case path == "/master":
			p.master = entry.Stat.EphemeralOwner
		case len(parts) == 2 && parts[0] == "workers":
			p.worker[parts[1]] = entry.Stat.EphemeralOwner
		case len(parts) == 2 && parts[0] == "tasks":
			of(parts[1]).exists = true
			of(parts[1]).due, of(parts[1]).payload = submitted(entry.Data)
		case len(parts) == 2 && parts[0] == "assign":
			in := inbox{version: entry.Stat.Version}
			_ = json.Unmarshal(entry.Data, &in)
			p.inbox[parts[1]] = in
		case len(parts) == 3 && parts[0] == "assign":
			of(parts[2]).assigned[parts[1]] = r
		case len(parts) == 3 && parts[2] == "status":
			of(parts[1]).status, of(parts[1]).raw = &r, string(entry.Data)
		case len(parts) == 3 && strings.HasPrefix(parts[2], "left-"):
			of(parts[1]).left++
		case len(parts) == 3 && strings.HasPrefix(parts[2], "attempt-"):
			n, _ := strconv.Atoi(strings.TrimPrefix(parts[2], "attempt-"))
			of(parts[1]).attempts[int32(n)] = r
		}
	}
	return p
}

// submitted is when a task may begin and its payload, as its data says.
func submitted(data []byte) (due time.Time, payload string) {
	line, payload, marked := strings.Cut(string(data), "\n")
	text, asks := strings.CutPrefix(line, "#ringmaster ")
	if !marked || !asks {
		return time.Time{}, string(data)
	}
	var options struct {
		NotBefore time.Time `json:"not_before"`
	}
	_ = json.Unmarshal([]byte(text), &options)
	return options.NotBefore, payload
}

// spent is how many of so many attempts count.
func (t *task) spent(attempts, allowed int) int { return attempts - min(t.left, 5*allowed) }

// newest is the greatest token that a task has had.
func (t *task) newest() int64 {
	greatest := int64(-1)
	for _, r := range t.assigned {
		greatest = max(greatest, r.token())
	}
	for _, r := range t.attempts {
		greatest = max(greatest, r.token())
	}
	if t.status != nil {
		greatest = max(greatest, t.status.token())
	}
	return greatest
}
