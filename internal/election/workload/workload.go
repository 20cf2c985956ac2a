package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The names of the roles.
const (
	Master = "master"
	Queuer = "queuer" // a candidate that queues
	Client = "client"
)

// New is the workload of leader election.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: Master, Explain: "candidates that all wait for the leader's znode", Count: 2, Most: 50, Leads: true},
			{Name: Queuer, Explain: "candidates that wait in the queue", Count: 2, Most: 50, Leads: true},
			{Name: Client, Explain: "clients, which listen for the name of the leader", Count: 1, Least: 1, Most: 50, Submits: true},
		},
		Check:   check,
		Rate:    "entries per second that the leader writes to the ledger",
		Options: func(r subject.Run) any { return settings{Rate: r.Rate} },
		Play:    play,
		Open:    open,
		Tree: nemesis.Recipe{
			Leader: candidate.Leader, Elects: candidate.Elects,
			Idle: map[nemesis.Kind]string{nemesis.DropCreate: "no client that creates znodes", nemesis.DropDelete: "no master that deletes znodes while it leads"},
		},
		Roots: []string{record.AssignPath, record.MasterPath, candidate.Ledger},
	}
}

// check refuses a run in which no candidate can succeed another one.
func check(r subject.Run) error {
	if masters, queuers := r.Counts[Master], r.Counts[Queuer]; masters+queuers < 2 {
		return fmt.Errorf("--masters %d --queuers %d: the run needs two candidates, of either kind", masters, queuers)
	}
	return nil
}

// settings are what all participants of a run get to know.
type settings struct {
	Rate float64 `json:"rate"` // writes of the leader to the ledger, per second
}

// open is the election that a run waits for at its end: a candidate must lead.
func open(ctx context.Context, z nemesis.Znodes) (subject.Open, error) {
	_, _, err := candidate.Leader(ctx, z)
	if errors.Is(err, zkapi.ErrNoNode) {
		return subject.Open{Items: 1, Left: "no master leads"}, nil
	}
	return subject.Open{}, err
}

// participant is one participant, with the settings that all of them share.
type participant struct {
	subject.Participant
	settings
}

func play(ctx context.Context, p subject.Participant) error {
	one := participant{Participant: p}
	if err := p.ReadOptions(&one.settings); err != nil {
		return err
	}
	switch p.Role {
	case Master, Queuer:
		return one.stand(ctx)
	case Client:
		return one.listen(ctx)
	}
	return fmt.Errorf("election: unknown role %q", p.Role)
}

// config is the election, in which the process takes part under its name.
func (p participant) config() election.Config {
	return election.Config{
		Leader: p.Namespace + record.MasterPath, Epoch: p.Namespace + record.AssignPath, Candidates: p.Namespace + "/candidates",
		Name: p.Name, Data: []byte(p.Name + ":0"), Queue: p.Role == Queuer, ACL: p.ACL(), Logger: p.Log,
	}
}

// standing is a candidate as a role: it leads again and again.
type standing struct {
	*election.Candidate
	participant
}

// Run implements recipe.Role.
func (s standing) Run(ctx context.Context) error { return s.Candidate.Run(ctx, s.lead) }

// stand is a candidate until ctx ends.
func (p participant) stand(ctx context.Context) error {
	c, err := election.New(p.Env, p.config())
	if err != nil {
		return err
	}
	return candidate.Serve(ctx, p.Participant, standing{c, p})
}

// The leader proclaims other data, and acts on the system outside, once in so many writes
// to the ledger.
const (
	proclaimsEach = 20
	actsEach      = 5
)

// lead is one term. A leader that is told to end tries one write more, as an application
// that is slow to stop would: the fence must refuse it if another master leads by then.
func (p participant) lead(ctx context.Context, lead *election.Leadership) error {
	epoch := lead.Epoch()
	term := p.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Lead, Of: record.Term{Epoch: epoch}})
	rng := rand.New(rand.NewPCG(p.Seed, uint64(uint32(epoch))))
	ticker := time.NewTicker(time.Duration(float64(time.Second) / p.Rate))
	defer ticker.Stop()
	for n := 1; ctx.Err() == nil; n++ {
		p.enter(ctx, lead, candidate.Entry{Epoch: epoch, N: n})
		if n%actsEach == 1 {
			_ = p.Effect(subject.Effect{Object: candidate.Ledger, ID: candidate.Ledger, Token: record.Token{Epoch: epoch}, Text: fmt.Sprintf("entry %d", n)}) // the journal of the sink has the outcome
		}
		if rng.IntN(proclaimsEach) == 0 {
			_ = lead.Proclaim(ctx, fmt.Appendf(nil, "%s:%d", p.Name, n)) // the recorder has the outcome
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateWrite)
	p.enter(late, lead, candidate.Entry{Epoch: epoch, N: candidate.LateEntry})
	cancel()
	p.Journal.Complete(term, record.OK, record.Term{Epoch: epoch, Cause: context.Cause(ctx).Error()})
	return nil
}

// lateWrite is how long the last write of a term is tried.
const lateWrite = 100 * time.Millisecond

// enter makes an entry in the ledger.
func (p participant) enter(ctx context.Context, lead *election.Leadership, entry candidate.Entry) {
	candidate.Enter(ctx, p.Participant, lead.Write, entry)
}

// listen notes who leads until it is told to drain.
func (p participant) listen(ctx context.Context) error {
	observer, err := election.NewObserver(p.Env, p.config())
	if err != nil {
		return err
	}
	stop := candidate.Listen(ctx, p.Participant, observer.Observe, func(l election.Leader) record.Leader { return record.Leader{Name: l.Name, Epoch: l.Epoch} })
	select {
	case <-ctx.Done():
	case <-p.Draining:
	}
	stop()
	return candidate.End(ctx, p.Participant, observer.Close)
}
