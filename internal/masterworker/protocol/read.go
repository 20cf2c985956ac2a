package protocol

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/record"
)

// reading is a write, or the part of a write that is about one task. Session, Worker
// and From are the reader's numbers.
type reading struct {
	task  string // empty: the claims
	write Write
}

// reader reads exchanges in the terms of the machine.
type reader struct {
	sessions, workers names
	budget            int32 // of tasks that do not ask for one
}

// names gives each name a number, from 1.
type names struct {
	list   []string
	number map[string]int
}

func (n *names) of(name string) int {
	if at, known := n.number[name]; known {
		return at
	}
	if n.number == nil {
		n.number = map[string]int{}
	}
	n.list = append(n.list, name)
	n.number[name] = len(n.list)
	return len(n.list)
}

// anyVersion is the demand of a writer that accepts any version.
const anyVersion = -1

// part is some operations of a write, by their places in it. Its shape has a letter
// for each: see letter.
type part struct {
	x     *record.Exchange
	ops   []int
	shape string
}

func (p *part) add(at int, letter string) {
	p.ops = append(p.ops, at)
	p.shape += letter
}

func (p *part) op(letter string) *record.Op { return &p.x.Ops[p.ops[strings.Index(p.shape, letter)]] }

func (p *part) has(letter string) bool { return strings.Contains(p.shape, letter) }

// every is the part of a write that is all of it.
func every(x *record.Exchange) []int {
	all := make([]int, len(x.Ops))
	for i := range all {
		all[i] = i
	}
	return all
}

// read finds the machine's writes in one exchange, with their tasks.
func (r *reader) read(x *record.Exchange, number int) []reading {
	base := Write{Session: r.sessions.of(x.Session), Index: -1, Exchange: number}
	switch {
	case x.Close && x.Error == "":
		base.Kind = Close
	case x.Close && x.Error == record.SessionExpired:
		base.Kind, base.Error = SessionOver, record.SessionExpired
	case x.Close:
		base.Kind, base.Error, base.Index = Other, Elsewhere, 0
	case len(x.Ops) == 0:
		base.Kind = Stranger
	case x.Ops[0].Kind == "check" && x.Ops[0].Path == "/assign":
		base.Epoch = x.Ops[0].Version
		return r.master(x, base)
	case x.Ops[0].Kind == "check" && strings.HasPrefix(x.Ops[0].Path, "/assign/"):
		base.Worker, base.Incarnation = r.workers.of(strings.TrimPrefix(x.Ops[0].Path, "/assign/")), x.Ops[0].Version
		return r.worker(x, base)
	default:
		return r.unclaimed(x, base)
	}
	return []reading{{write: base}}
}

// answered adds the answer to a write; ops are the operations that carry its demands.
func answered(w Write, x *record.Exchange, ops []int) Write {
	at := slices.Index(ops, x.Index)
	switch x.Error {
	case "":
		return w
	case record.SessionExpired:
		w.Error = x.Error
		return w
	case record.BadVersion, record.NoNode, record.NodeExists, record.NotEmpty:
		if at >= 0 {
			w.Error, w.Index = x.Error, at
			return w
		}
	}
	w.Error, w.Index = Elsewhere, 0
	for _, op := range ops {
		if op < x.Index {
			w.Index++
		}
	}
	return w
}

// stranger is a write that the protocol does not have.
func stranger(w Write, x *record.Exchange) []reading {
	w.Kind = Stranger
	return []reading{{write: answered(w, x, every(x))}}
}

// letter encodes an operation, and names its task: the assignment (-+=?), the record of
// an attempt (aA), the mark that it does not count (lL), the status (sS), the progress
// (pPq), the task itself (nN); capitals delete. For the checks of a part: the task is
// there (t) and finished (f). Any other operation has no letter.
func letter(op *record.Op) (letter, task, worker string) {
	pick := func(kinds map[string]string) string { return kinds[op.Kind] }
	z := record.ParsePath(op.Path)
	loose := op.Kind == "create" || op.Version == anyVersion
	switch {
	case z.Kind == record.Assignment && loose && !op.Ephemeral:
		return pick(map[string]string{"delete": "-", "create": "+", "set": "=", "check": "?"}), z.Task, z.Worker
	case z.Kind == record.Task && op.Version == 0 && !op.Ephemeral && !op.Sequential:
		return pick(map[string]string{"create": "n", "delete": "N", "check": "t"}), z.Task, ""
	case z.Kind == record.TaskStatus && op.Version == 0 && !op.Ephemeral:
		letter = pick(map[string]string{"create": "s", "delete": "S", "check": "f"})
	case z.Kind == record.TaskProgress && loose && (op.Ephemeral || op.Kind != "create"):
		letter = pick(map[string]string{"create": "p", "delete": "P", "set": "q"})
	case z.Kind == record.Attempt && loose && !op.Ephemeral:
		letter = pick(map[string]string{"create": "a", "delete": "A"})
	case z.Kind == record.Left && loose && !op.Ephemeral:
		letter = pick(map[string]string{"create": "l", "delete": "L"})
	case !z.BelowTask():
		return "", "", ""
	}
	return letter, z.Task, ""
}

// number is the number of an attempt, or of the mark that it does not count.
func number(op *record.Op) int32 { return record.ParsePath(op.Path).Number }

var (
	collection = regexp.MustCompile(`^[ASPL]*N$`)
	portion    = regexp.MustCompile(`^tf[APL]+$`) // of a collection
	pruning    = regexp.MustCompile(`^A+$`)
)

// master reads a write that begins with the check of /assign.
func (r *reader) master(x *record.Exchange, base Write) []reading {
	rest := x.Ops[1:]
	whole := func(kind Kind, ops []int) []reading {
		base.Kind = kind
		return []reading{{write: answered(base, x, ops)}}
	}
	switch {
	case len(rest) == 0:
		return whole(Heartbeat, every(x))
	case len(rest) == 1 && rest[0].Kind == "delete" && rest[0].Path == "/master" && rest[0].Version == anyVersion:
		return whole(Resign, every(x))
	case isNotice(rest):
		return whole(SignBacklog, []int{0})
	}
	var all []reading
	tasks := map[string]*part{}
	var order []string
	checks := map[string][]int{} // of each worker
	settled := false
	for i := 1; i < len(x.Ops); i++ {
		op := &x.Ops[i]
		name, inWorkers := strings.CutPrefix(op.Path, "/workers/")
		inbox, inAssign := strings.CutPrefix(op.Path, "/assign/")
		l, task, _ := letter(op)
		switch {
		case inWorkers && op.Kind == "check" && op.Version == anyVersion:
			checks[name] = append(checks[name], i)
		case l == "" && inAssign && op.Kind == "check":
			checks[inbox] = append(checks[inbox], i)
		case l == "" && inAssign && op.Kind == "create" && !op.Ephemeral && !strings.Contains(inbox, "/"):
			there := checks[inbox] // that the worker is there
			if len(there) != 1 || x.Ops[there[0]].Path != "/workers/"+inbox {
				return stranger(base, x)
			}
			w := base
			w.Kind, w.Worker = OpenInbox, r.workers.of(inbox)
			all = append(all, reading{write: answered(w, x, []int{0, there[0], i})})
		case l == "" && inAssign && fences(op, inbox):
			w := base
			w.Kind, w.Worker, w.Incarnation = FenceWorker, r.workers.of(inbox), op.Version
			all = append(all, reading{write: answered(w, x, []int{0, i})})
		case inWorkers && op.Kind == "set" && op.Version == anyVersion: // heard by a worker from which something is taken
		case op.Kind == "delete" && strings.HasPrefix(op.Path, "/collect/"): // the request of a client is settled
			settled = true
		case l == "" || l == "?":
			return stranger(base, x)
		default:
			if tasks[task] == nil {
				tasks[task] = &part{x: x}
				order = append(order, task)
			}
			tasks[task].add(i, l)
		}
	}
	if len(order) == 0 && len(all) == 0 && settled {
		return whole(Heartbeat, []int{0})
	}
	for _, task := range order {
		for _, p := range tasks[task].decisions() {
			w, demands, ok := r.decision(base, p, checks)
			if !ok {
				return stranger(base, x)
			}
			all = append(all, reading{task, answered(w, x, demands)})
		}
	}
	return all
}

// fences reports whether an operation takes the claim from a worker.
func fences(op *record.Op, inbox string) bool {
	return op.Kind == "set" && op.Version != anyVersion && !strings.Contains(inbox, "/") && record.ParseClaim(op.Data).Fenced
}

// decisions are the decisions of a master on one task in one write: the transition of
// the task, then perhaps the pruning of its oldest attempts.
func (p *part) decisions() []*part {
	kept := len(strings.TrimRight(p.shape, "A"))
	if kept == 0 || kept == len(p.shape) || portion.MatchString(p.shape) {
		return []*part{p}
	}
	return []*part{{x: p.x, shape: p.shape[:kept], ops: p.ops[:kept]}, {x: p.x, shape: p.shape[kept:], ops: p.ops[kept:]}}
}

// decision reads a master's decision about one task.
func (r *reader) decision(w Write, p *part, checks map[string][]int) (_ Write, demands []int, ok bool) {
	kinds := map[string]Kind{"+": AssignTask, "-a+": ReassignTask, "-a": ReleaseTask, "=": RevokeTask, "-": DropTask, "-as": FailTask, "s": FailTask}
	w.Kind, ok = kinds[p.counting()]
	if !ok {
		switch {
		case collection.MatchString(p.shape):
			w.Kind = CollectTask
		case portion.MatchString(p.shape):
			w.Kind = CollectTaskPart
		case pruning.MatchString(p.shape):
			w.Kind = PruneAttempts
		default:
			return w, nil, false
		}
	}
	demands, ok = []int{0}, true
	for _, l := range []string{"+", "="} {
		if !p.has(l) {
			continue
		}
		_, _, to := letter(p.op(l))
		w.Worker = r.workers.of(to)
		if len(checks[to]) != 2 || p.x.Ops[checks[to][1]].Path != "/assign/"+to {
			return w, nil, false
		}
		w.Incarnation = p.x.Ops[checks[to][1]].Version
		ok = json.Unmarshal([]byte(p.op(l).Data), &w.Record) == nil && w.Record != Record{}
		if l == "=" && w.Record.Taken {
			w.Kind = TakeTask
		}
		demands = append(demands, checks[to]...)
	}
	demands = append(demands, p.ops...)
	if p.has("-") {
		_, _, from := letter(p.op("-"))
		w.From = r.workers.of(from)
	}
	if p.has("a") {
		var worker string
		w.Token, worker = attemptRecord(p.op("a"))
		ok = ok && worker == r.workers.list[w.From-1] && w.Token != Token{}
		w.Left = p.has("l")
	}
	if p.has("s") {
		s := statusRecord(p.op("s"))
		ok = ok && s.State == "failed" && (!p.has("a") || s.Token == w.Token)
		w.Token = s.Token
	}
	if w.Kind == CollectTask || w.Kind == CollectTaskPart || w.Kind == PruneAttempts {
		w.Children = children(p)
	}
	return w, demands, ok
}

// counting is the shape without the mark that an attempt does not count, which stands
// beside its record.
func (p *part) counting() string {
	if p.has("al") && number(p.op("l")) == number(p.op("a")) {
		return strings.Replace(p.shape, "l", "", 1)
	}
	return p.shape
}

// children are the znodes below its task that a part deletes.
func children(p *part) []int32 {
	all := []int32{}
	for i, l := range p.shape {
		switch l {
		case 'S':
			all = append(all, statusChild)
		case 'P':
			all = append(all, progressChild)
		case 'A':
			all = append(all, number(&p.x.Ops[p.ops[i]]))
		case 'L':
			all = append(all, -1-number(&p.x.Ops[p.ops[i]]))
		}
	}
	return all
}

// attemptRecord reads the record of an attempt. A record whose token contradicts its
// name is not one.
func attemptRecord(op *record.Op) (Token, string) {
	var r struct {
		Token
		Worker string `json:"worker"`
	}
	if json.Unmarshal([]byte(op.Data), &r) != nil || r.Attempt != number(op) {
		return Token{}, ""
	}
	return r.Token, r.Worker
}

type storedStatus struct {
	Token
	State  string `json:"state"`
	Worker string `json:"worker"`
}

func statusRecord(op *record.Op) storedStatus {
	var s storedStatus
	_ = json.Unmarshal([]byte(op.Data), &s) // unreadable data has no state, and is refused for that
	return s
}

// worker reads a write that begins with the check of /assign/<w>.
func (r *reader) worker(x *record.Exchange, base Write) []reading {
	name := r.workers.list[base.Worker-1]
	if len(x.Ops) == 2 && x.Ops[1].Kind == "set" && x.Ops[1].Path == "/assign/"+name && x.Ops[1].Version == base.Incarnation {
		if !record.ParseClaim(x.Ops[1].Data).Retiring {
			return stranger(base, x)
		}
		base.Kind, base.Got = Retire, x.Ops[1].Got
		return []reading{{write: answered(base, x, every(x))}}
	}
	if len(x.Ops) == 1 && !strings.Contains(name, "/") {
		base.Kind = Confirm
		return []reading{{write: answered(base, x, every(x))}}
	}
	var order []string
	parts := map[string][]*part{} // several where one multi ends several executions of a task
	for i := 1; i < len(x.Ops); i++ {
		l, task, at := letter(&x.Ops[i])
		if l == "" || at != "" && at != name {
			return stranger(base, x)
		}
		if parts[task] == nil {
			order = append(order, task)
		}
		if parts[task] == nil || l == "-" {
			parts[task] = append(parts[task], &part{x: x})
		}
		parts[task][len(parts[task])-1].add(i, l)
	}
	var all []reading
	for _, task := range order {
		for _, p := range parts[task] {
			w, ok := ending(base, p, name)
			if !ok {
				return stranger(base, x)
			}
			w = answered(w, x, append([]int{0}, p.ops...))
			if len(parts[task]) > 1 && w.Error != "" && w.Index > 0 {
				w.Error, w.Index = Elsewhere, 1 // it depends on the other one
			}
			all = append(all, reading{task, w})
		}
	}
	if len(all) == 0 {
		return stranger(base, x)
	}
	return all
}

// ending reads the write of a worker about one task.
func ending(w Write, p *part, name string) (Write, bool) {
	w.Shown = p.has("P")
	switch p.counting() {
	case "-s", "-Ps":
		s := statusRecord(p.op("s"))
		w.Kind, w.Token = CompleteTask, s.Token
		return w, s.State == "done" && s.Worker == name && s.Token != Token{}
	case "-a", "-Pa":
		var worker string
		w.Kind = GiveBack
		w.Token, worker = attemptRecord(p.op("a"))
		w.Left = p.has("l")
		return w, worker == name && w.Token != Token{}
	case "-", "-P":
		w.Kind = MootEnding
	case "?q", "?p", "?Pp":
		w.Kind, w.Shown = ShowProgress, false
		w.How = map[string]string{"?q": "set", "?p": "create", "?Pp": "replace"}[p.shape]
	default:
		return w, false
	}
	return w, true
}

// unclaimed reads a write that does not begin with the check of a claim.
func (r *reader) unclaimed(x *record.Exchange, w Write) []reading {
	first := &x.Ops[0]
	p := &part{x: x}
	subject := ""
	for i := range x.Ops {
		l, task, _ := letter(&x.Ops[i])
		if x.Ops[i].Kind == "set" && x.Ops[i].Path == "/tasks" {
			l, task = "b", subject
		}
		if l == "" || i > 0 && task != subject {
			return r.claiming(x, w)
		}
		subject = task
		p.add(i, l)
	}
	switch {
	case p.shape == "n":
		w.Kind = SubmitTask
		w.Budget, w.Resident = r.options(first.Data)
	case (p.shape == "sb" || p.shape == "s") && statusRecord(first).State == "cancelled" && statusRecord(first).Token == Token{}:
		w.Kind = CancelTask
	case collection.MatchString(p.shape):
		w.Kind, w.Children = Collect, children(p)
	case portion.MatchString(p.shape):
		w.Kind, w.Children = CollectPart, children(p)
	default:
		return stranger(w, x)
	}
	return []reading{{subject, answered(w, x, every(x))}}
}

// options are the options of a task: its number of attempts, and whether it is
// resident.
func (r *reader) options(data string) (budget int32, resident bool) {
	o, _ := record.ParseOptions(data)
	switch {
	case o.Resident:
		return 0, true
	case o.Attempts > 0:
		return o.Attempts, false
	}
	return r.budget, false
}

// claiming reads a write that takes a claim, or needs none.
func (r *reader) claiming(x *record.Exchange, w Write) []reading {
	first := &x.Ops[0]
	name, inWorkers := strings.CutPrefix(first.Path, "/workers/")
	inbox, inAssign := strings.CutPrefix(first.Path, "/assign/")
	takes := func(ephemeral, claim string) bool {
		second := &x.Ops[len(x.Ops)-1]
		return len(x.Ops) == 2 && first.Kind == "create" && first.Ephemeral && first.Path == ephemeral && second.Kind == "set" && second.Path == claim
	}
	switch {
	case takes("/master", "/assign"):
		w.Kind, w.Version, w.Got, w.Acks = Elect, x.Ops[1].Version, x.Ops[1].Got, acks(&x.Ops[1])
	case inWorkers && takes("/workers/"+name, "/assign/"+name):
		w.Kind, w.Worker, w.Version, w.Got, w.Acks = Register, r.workers.of(name), x.Ops[1].Version, x.Ops[1].Got, acks(&x.Ops[1])
	case len(x.Ops) == 1 && first.Kind == "create" && inAssign && !first.Ephemeral && !strings.Contains(inbox, "/"):
		w.Kind, w.Worker = EnsureInbox, r.workers.of(inbox)
	case len(x.Ops) <= 2 && asks(x):
		w.Kind = Other
		return []reading{{write: answered(w, x, nil)}}
	case len(x.Ops) == 1 && harmless(first):
		w.Kind = Other
		return []reading{{write: answered(w, x, nil)}}
	default:
		return stranger(w, x)
	}
	return []reading{{write: answered(w, x, every(x))}}
}

// acks reports whether the record of a claim says that its holder knows that a worker
// itself returns a revoked assignment. Builds from before that do not say it, nor does
// a claim made by hand.
func acks(op *record.Op) bool { return record.ParseClaim(op.Data).Acks }

// notices are the znodes in which a master publishes facts.
var notices = []string{"/backlog", "/quarantine", "/format"}

// isNotice reports whether a master writes a notice, or replaces another owner's
// notice.
func isNotice(ops []record.Op) bool {
	switch {
	case len(ops) == 0 || !slices.Contains(notices, ops[0].Path):
		return false
	case len(ops) == 1:
		return ops[0].Kind == "set" || ops[0].Kind == "create"
	case ops[0].Path == "/format": // with the checks of the workers that know it
		return !slices.ContainsFunc(ops[1:], func(op record.Op) bool { return op.Kind != "check" })
	}
	return len(ops) == 2 && ops[1].Path == ops[0].Path && ops[0].Kind == "delete" && ops[1].Kind == "create"
}

// asks reports whether a client asks for the removal of a task, or tells the master to
// look again at its requests.
func asks(x *record.Exchange) bool {
	last := &x.Ops[len(x.Ops)-1]
	rings := last.Kind == "set" && last.Path == "/tasks" && last.Data != ""
	first := &x.Ops[0]
	return rings && (len(x.Ops) == 1 || first.Kind == "create" && strings.HasPrefix(first.Path, "/collect/") && !first.Ephemeral)
}

// harmless reports whether a write touches nothing of the machine: the parents, the
// queue of candidates, and the write by which a master probes its permission (it
// demands a version that no znode has; earlier builds demanded the highest one).
func harmless(op *record.Op) bool {
	const noVersion = -2
	if op.Kind == "set" {
		return op.Path == "/assign" && (op.Version == noVersion || op.Version == math.MaxInt32)
	}
	for _, room := range []string{"/tasks/", "/assign/", "/workers/", "/master"} {
		if strings.HasPrefix(op.Path, room) {
			return false
		}
	}
	return op.Kind == "create" && (op.Data == "" || !slices.Contains(notices, op.Path))
}
