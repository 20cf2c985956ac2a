package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/recorder"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// littleAtOnce is the largest request of the servers in these runs: a part of a
// collection has two or three children in it.
const littleAtOnce = 4<<10 + 600

// partAttempts is how many attempts a task is allowed in these runs, and has.
const partAttempts = 9

// parting is a run of the real recipe in memory. It records what everybody writes.
type parting struct {
	t         *testing.T
	ctx       context.Context
	server    *zk.Server
	work      sync.WaitGroup
	mu        sync.Mutex
	exchanges []record.Exchange
	between   func() // what happens when the first part has been answered
}

// record notes a write as the harness does of a run in memory.
func (p *parting) record(w zk.Write) {
	e := record.Exchange{
		Process: "all", Session: fmt.Sprintf("0x%x", w.Session), Index: -1, Close: w.Op.Kind == 0,
		Zxid: w.Zxid, Sent: time.Duration(w.Zxid), Answered: time.Duration(w.Zxid),
	}
	if !e.Close {
		e.Ops = recorder.Describe(w.Op, "")
	}
	switch {
	case w.Err != nil:
		e.Error, e.Index = refusal(w.Err), max(zkapi.FailedIndex(w.Err), 0)
	case !e.Close:
		for i, gained := range recorder.Gained(w.Op, w.Result, "") {
			e.Ops[i].Got = gained.Got
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exchanges = append(p.exchanges, e)
}

func refusal(err error) record.Refusal {
	for known, name := range map[error]record.Refusal{
		zkapi.ErrBadVersion: record.BadVersion, zkapi.ErrNoNode: record.NoNode, zkapi.ErrNodeExists: record.NodeExists,
		zkapi.ErrNotEmpty: record.NotEmpty, zkapi.ErrSessionEnded: record.SessionExpired,
	} {
		if errors.Is(err, known) {
			return name
		}
	}
	return record.Refusal(err.Error())
}

// little is an environment whose servers take little at once. Its sessions follow no list: a
// master that follows /tasks hears of what happens between two parts before it writes the next.
type little struct {
	*zk.Env
	run *parting
}

func (p *parting) env() zkapi.Env { return little{&zk.Env{Server: p.server}, p} }

func (l little) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := l.Env.Open(ctx)
	return littleSession{session, l.run}, err
}

type littleSession struct {
	zkapi.Session
	run *parting
}

func (littleSession) MaxRequest() int { return littleAtOnce }

func (s littleSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	op.Follow = false
	result, err := s.Session.Do(ctx, op)
	s.run.answered(op)
	return result, err
}

func (s littleSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	plain := slices.Clone(ops)
	for i := range plain {
		plain[i].Follow = false
	}
	replies := s.Session.DoAll(ctx, plain)
	for _, op := range ops {
		s.run.answered(op)
	}
	return replies
}

// answered has happen what is to happen between the first part and the next.
func (p *parting) answered(op zkapi.Op) {
	if kind := kindOf(recorder.Describe(op, "")); kind != CollectPart && kind != CollectTaskPart {
		return
	}
	p.mu.Lock()
	between := p.between
	p.between = nil
	p.mu.Unlock()
	if between != nil {
		between()
	}
}

// kindOf is which write those operations are.
func kindOf(ops []record.Op) Kind {
	return (&reader{}).read(&record.Exchange{Index: -1, Ops: ops}, 1)[0].write.Kind
}

// master, worker and client begin to run.
func (p *parting) master(name string, retention time.Duration) {
	p.t.Helper()
	m, err := recipe.NewMaster(p.env(), recipe.MasterConfig{
		Name: name, MaxAttempts: partAttempts, Retention: retention, Backoff: func(int) time.Duration { return 10 * time.Millisecond },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.work.Go(func() { _ = m.Run(p.ctx) })
}

// worker executes every task until that attempt, which ends as last says.
func (p *parting) worker(name string, attempt int32, last recipe.Handler) {
	p.t.Helper()
	w, err := recipe.NewWorker(p.env(), recipe.WorkerConfig{
		Name: name, Address: name + ":1",
		Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			if task.Token.Attempt < attempt {
				return fails(ctx, task)
			}
			return last(ctx, task)
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.work.Go(func() { _ = w.Run(p.ctx) })
}

func succeeds(context.Context, recipe.Task) (recipe.Result, error) { return recipe.Result("done"), nil }

func fails(context.Context, recipe.Task) (recipe.Result, error) {
	return nil, errors.New("fails on purpose")
}

// waits until it is told to end.
func waits(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (p *parting) client() *recipe.Client {
	p.t.Helper()
	c, err := recipe.NewClient(p.env(), recipe.ClientConfig{})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// unlimited is a client that may write as much at once as it likes.
func (p *parting) unlimited() *recipe.Client {
	p.t.Helper()
	c, err := recipe.NewClient(&zk.Env{Server: p.server}, recipe.ClientConfig{})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// ended submits a task and waits for its end.
func (p *parting) ended(c *recipe.Client, want recipe.State) string {
	p.t.Helper()
	submitted, err := c.Submit(p.ctx, []byte("x"), recipe.ID("crowd"))
	task := submitted.Task
	if err != nil {
		p.t.Fatal(err)
	}
	if s, err := c.Await(p.ctx, task); err != nil || s.State != want {
		p.t.Fatalf("%+v, %v", s, err)
	}
	return task
}

func (p *parting) collect(c *recipe.Client, task string) {
	if err := c.Collect(p.ctx, task); err != nil {
		p.t.Error(err)
	}
}

// gone waits until a task is gone.
func (p *parting) gone(task string) {
	direct := p.server.Open()
	for range 1000 {
		if r, err := direct.Do(p.ctx, zkapi.Exists("/tasks/"+task)); err == nil && !r.Found {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Errorf("%s is not gone", task)
}

// partRuns are runs in which a task with attempts is collected in parts, in all ways
// that there are.
var partRuns = []struct {
	says    string
	by      int // so many sessions remove something
	parts   int // at least
	refused int // parts
	run     func(p *parting)
}{
	{"a client has collected what is done, and submits it again", 1, 3, 0, func(p *parting) {
		p.master("m1", 0)
		p.worker("w1", partAttempts, succeeds)
		c := p.client()
		for range 2 {
			p.collect(c, p.ended(c, recipe.Done))
		}
	}},
	{"a client has collected what has failed", 1, 3, 0, func(p *parting) {
		p.master("m1", 0)
		p.worker("w1", partAttempts, fails)
		c := p.client()
		p.collect(c, p.ended(c, recipe.Failed))
	}},
	{"a master collects what is done", 1, 3, 0, func(p *parting) {
		p.master("m1", time.Second)
		p.worker("w1", partAttempts, succeeds)
		p.gone(p.ended(p.client(), recipe.Done))
	}},
	{"a master is asked to collect what is cancelled", 1, 3, 0, func(p *parting) {
		p.master("m1", 0)
		p.worker("w1", partAttempts, waits)
		c := p.client()
		submitted, err := c.Submit(p.ctx, []byte("x"), recipe.ID("crowd"))
		task := submitted.Task
		if err != nil {
			p.t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // until the last attempt is under way
		if _, err := c.Cancel(p.ctx, task); err != nil {
			p.t.Error(err)
		}
		p.collect(c, task)
	}},
	{"a master is lost half-way, and another goes on", 2, 3, 0, func(p *parting) {
		p.master("m1", time.Second)
		p.worker("w1", partAttempts, succeeds)
		p.between = func() { p.expire("/master") }
		task := p.ended(p.client(), recipe.Done)
		p.master("m2", time.Second)
		p.gone(task)
	}},
	{"half-way another client collects the rest", 2, 1, 0, func(p *parting) {
		p.master("m1", 0)
		p.worker("w1", partAttempts, succeeds)
		c := p.client()
		task := p.ended(c, recipe.Done)
		p.between = func() { p.collect(p.unlimited(), task) }
		p.collect(c, task)
		time.Sleep(10 * time.Second) // the master has heard of it
	}},
	{"half-way another client collects the rest, and submits it again", 2, 1, 1, func(p *parting) {
		p.master("m1", 0)
		p.worker("w1", partAttempts, succeeds)
		c, other := p.client(), p.unlimited()
		task := p.ended(c, recipe.Done)
		p.between = func() {
			p.collect(other, task)
			later := recipe.With(recipe.Options{NotBefore: time.Now().Add(time.Hour)}) // it does not end meanwhile
			if _, err := other.Submit(p.ctx, []byte("x"), recipe.ID("crowd"), later); err != nil {
				p.t.Error(err)
			}
		}
		p.collect(c, task)
		time.Sleep(10 * time.Second) // it was submitted again, and the master has heard of it
		if r, err := p.server.Open().Do(p.ctx, zkapi.Exists("/tasks/"+task)); err != nil || !r.Found {
			p.t.Errorf("the one that is there now is gone: %v", err)
		}
	}},
}

// expire ends the session that holds an ephemeral.
func (p *parting) expire(path string) {
	r, err := p.server.Open().Do(p.ctx, zkapi.Exists(path))
	for _, s := range p.server.Sessions() {
		if err == nil && s.ID() == r.Stat.EphemeralOwner {
			s.Expire()
		}
	}
}

// recorded is what went over the wire in one of them.
func recorded(t *testing.T, run func(p *parting)) (exchanges []record.Exchange) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &parting{t: t, server: zk.NewServer(4 * time.Second)}
		ctx, stop := context.WithCancel(t.Context())
		p.ctx = ctx
		p.server.Record(p.record)
		run(p)
		stop()
		p.work.Wait()
		synctest.Wait()
		exchanges = p.exchanges
	})
	return exchanges
}

// byEarlierClient has a client of an earlier build write the collections that a master has
// written: such clients write parts themselves.
func byEarlierClient(exchanges []record.Exchange) []record.Exchange {
	exchanges = slices.Clone(exchanges)
	for i := range exchanges {
		x := &exchanges[i]
		if kind := kindOf(x.Ops); kind != CollectTaskPart && kind != CollectTask {
			continue
		}
		x.Session = "0x77"
		x.Ops = slices.DeleteFunc(slices.Clone(x.Ops[1:]), func(op record.Op) bool { return strings.HasPrefix(op.Path, "/collect/") })
	}
	return exchanges
}

// isPart reports whether a write is a part of a collection.
func (w *Write) isPart() bool { return w.Kind == CollectTaskPart || w.Kind == CollectPart }

// TestParts_FollowTheProtocol: what the real recipe writes when it collects a task in
// parts is a behaviour of the protocol, and without one of the parts it is none.
func TestParts_FollowTheProtocol(t *testing.T) {
	type partRun struct {
		says               string
		by, parts, refused int
		exchanges          func(t *testing.T) []record.Exchange
	}
	runs := []partRun{{"a client of an earlier build collects", 1, 3, 0, func(t *testing.T) []record.Exchange {
		return byEarlierClient(recorded(t, partRuns[0].run))
	}}}
	for _, c := range partRuns {
		runs = append(runs, partRun{c.says, c.by, c.parts, c.refused, func(t *testing.T) []record.Exchange { return recorded(t, c.run) }})
	}
	for _, c := range runs {
		t.Run(c.says, func(t *testing.T) {
			parts, refused := 0, 0
			by := map[string]bool{}
			for _, trace := range Split(c.exchanges(t), partAttempts) {
				if o := Follow(&trace); !o.Accepted {
					t.Errorf("%s: %s", trace.Name(), o.Why)
				}
				for at, w := range trace.Writes {
					if w.isPart() || w.Kind == CollectTask || w.Kind == Collect {
						by[trace.Sessions[w.Session-1]] = true
					}
					switch {
					case !w.isPart():
					case w.Error != "":
						refused++
					default:
						parts++
						without := trace.clone()
						without.Writes = slices.Delete(without.Writes, at, at+1)
						without.shift(at, -1)
						if Follow(&without).Accepted {
							t.Errorf("%s is accepted without write %d, %s", trace.Name(), at, w.Kind)
						}
					}
				}
			}
			if parts < c.parts || refused != c.refused || len(by) != c.by {
				t.Errorf("%d parts were written, %d should be at least; %d were refused, want %d; by %d sessions, want %d", parts, c.parts, refused, c.refused, len(by), c.by)
			}
		})
	}
}

// TestParts_WrongOnesAreRefused changes the first part that a master or a client has written.
func TestParts_WrongOnesAreRefused(t *testing.T) {
	const unknown = "the protocol has no such write"
	byClient, byMaster := byEarlierClient(recorded(t, partRuns[0].run)), recorded(t, partRuns[3].run)
	for _, c := range []struct {
		says, why string
		exchanges []record.Exchange
		change    func(x *record.Exchange, checks int)
	}{
		{"as it is", "", byClient, func(*record.Exchange, int) {}},
		{"as it is, by a master", "", byMaster, func(*record.Exchange, int) {}},
		{"nothing is deleted", unknown, byClient, func(x *record.Exchange, checks int) { x.Ops = x.Ops[:checks] }},
		{"the task is not checked", unknown, byClient, func(x *record.Exchange, checks int) { x.Ops = slices.Delete(x.Ops, checks-2, checks-1) }},
		{"the status is not checked", unknown, byClient, func(x *record.Exchange, checks int) { x.Ops = slices.Delete(x.Ops, checks-1, checks) }},
		{"the status is not checked by a master", unknown, byMaster, func(x *record.Exchange, checks int) { x.Ops = slices.Delete(x.Ops, checks-1, checks) }},
		{"any status will do", unknown, byMaster, func(x *record.Exchange, checks int) { x.Ops[checks-1].Version = anyVersion }},
		{"the status goes", unknown, byClient, func(x *record.Exchange, checks int) {
			x.Ops = append(x.Ops, record.Op{Kind: "delete", Path: x.Ops[checks-1].Path})
		}},
		{"of another task", unknown, byClient, func(x *record.Exchange, checks int) { x.Ops[checks].Path = "/tasks/task-other/attempt-1" }},
		{"of another task, by a master", "PruneAttempts of task-other", byMaster, func(x *record.Exchange, checks int) { x.Ops[checks].Path = "/tasks/task-other/attempt-1" }},
		{"what is not the recipe's", unknown, byMaster, func(x *record.Exchange, checks int) { x.Ops[checks].Path = "/tasks/task-crowd/note" }},
		{"a record that is not there", "no node at operation 3", byClient, func(x *record.Exchange, checks int) { x.Ops[checks].Path = "/tasks/task-crowd/attempt-77" }},
		{"the epoch is not checked", "its session leads an epoch", byMaster, func(x *record.Exchange, _ int) { x.Ops = x.Ops[1:] }},
		{"the epoch of another", "its session never began epoch 7", byMaster, func(x *record.Exchange, _ int) { x.Ops[0].Version = 7 }},
		{"by a client, of what is cancelled", "only a master may remove its parts", byMaster, func(x *record.Exchange, _ int) { x.Ops, x.Session = x.Ops[1:], "0x77" }},
	} {
		t.Run(c.says, func(t *testing.T) {
			exchanges := slices.Clone(c.exchanges)
			at := slices.IndexFunc(exchanges, func(x record.Exchange) bool { k := kindOf(x.Ops); return k == CollectPart || k == CollectTaskPart })
			x := &exchanges[at]
			x.Ops = slices.Clone(x.Ops)
			c.change(x, slices.IndexFunc(x.Ops, func(op record.Op) bool { return op.Kind == "delete" }))
			why := ""
			for _, trace := range Split(exchanges, partAttempts) {
				if o := Follow(&trace); !o.Accepted && trace.Writes[o.At].Exchange == at+1 {
					why += o.Why
				}
			}
			if !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
				t.Errorf("it says %q, want %q", why, c.why)
			}
		})
	}
}

// TestParts_TooEarlyOnesAreRefused: nothing of a task goes before it has ended, nor while somebody holds
// it, and nobody is given it from then on.
func TestParts_TooEarlyOnesAreRefused(t *testing.T) {
	traces := Split(recorded(t, partRuns[3].run), partAttempts) // it is cancelled while it is executed
	trace := traces[len(traces)-1]
	find := func(kind Kind) int {
		return slices.IndexFunc(trace.Writes, func(w Write) bool { return w.Kind == kind })
	}
	part, cancelled := trace.Writes[find(CollectTaskPart)], find(CancelTask)
	insert := func(w Write, at int) *Trace {
		changed := trace.clone()
		changed.Writes = slices.Insert(changed.Writes, at, w)
		return &changed
	}
	var again Write // what it was given last has left no record
	for _, w := range trace.Writes[:cancelled] {
		if w.Kind == AssignTask || w.Kind == ReassignTask {
			again = w
		}
	}
	again.Kind, again.From, again.Token = AssignTask, 0, Token{}
	for says, c := range map[string]struct {
		changed *Trace
		at      int
		why     string
	}{
		"before it has ended":     {insert(part, cancelled), cancelled, "no node at operation 3"},
		"while somebody holds it": {insert(part, cancelled+1), cancelled + 1, "w1 still holds the task"},
		"it is assigned after it": {insert(again, find(CollectTaskPart)+1), find(CollectTaskPart) + 1, "a part of the task was removed"},
	} {
		if o := Follow(c.changed); o.Accepted || o.At != c.at || !strings.Contains(o.Why, c.why) {
			t.Errorf("%s: %+v", says, o)
		}
	}
}
