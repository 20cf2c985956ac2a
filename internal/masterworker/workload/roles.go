package workload

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// The names of the roles.
const (
	Master = "master"
	Worker = "worker"
	Client = "client"
	Node   = "node" // one of many equal nodes: it is a candidate, and it works
)

// The policy of masters and workers in a run. config.json has it for the judges.
const (
	MaxAttempts  = 5
	MaxHandovers = 5 * MaxAttempts // the recipe's default
	Concurrency  = 16
	MaxBacklog   = 500 // reached when no worker works for a while
)

// New is the workload of the master-worker recipe.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: Master, Explain: "candidates for the one active master", Count: 2, Most: 50, Leads: true},
			{Name: Worker, Explain: "workers", Count: 3, Most: 100, Works: true, Holds: true},
			{Name: Node, Explain: "equal nodes: each is a candidate for master and a worker", Count: 2, Most: 50, Leads: true, Works: true},
			{Name: Client, Explain: "clients", Count: 3, Least: 1, Most: 50, Submits: true},
		},
		Check:   check,
		Options: func(r subject.Run) any { return settingsOf(r) },
		Policy:  policy,
		Play:    play,
		Open:    Open,
		Tree:    tree(),
		Roots:   []string{"/assign", "/master", "/tasks", "/workers"},
	}
}

// check refuses a run without a candidate for master, or without a worker.
func check(r subject.Run) error {
	masters, workers, nodes := r.Counts[Master], r.Counts[Worker], r.Counts[Node]
	if nodes < 2 && (masters == 0 || workers == 0) {
		return fmt.Errorf("--masters %d --workers %d --nodes %d: the run needs a master and a worker: give --masters 1 and --workers 1 or more, or --nodes 2 or more", masters, workers, nodes)
	}
	return nil
}

// settings are what all participants of a run get to know, beside what the harness
// tells them.
type settings struct {
	Rate      float64       `json:"rate"`                // of a client: tasks per second
	Retention time.Duration `json:"retention"`           // of a master
	Holders   []string      `json:"holders,omitempty"`   // for a master: workers that get resident tasks only
	Residents int           `json:"residents,omitempty"` // of a client: its resident tasks; 0 is one
	Large     bool          `json:"large,omitempty"`     // some results and payloads are about as large as the servers take
}

func settingsOf(r subject.Run) settings {
	return settings{
		Rate: r.Rate / float64(max(r.Counts[Client], 1)), Retention: retention(r.Seed), Holders: r.Holders, Residents: residentsEach(r), Large: r.MaxRequest > 0,
	}
}

// residentsEach is how many resident tasks each client submits. If some workers do
// nothing else, every worker gets one.
func residentsEach(r subject.Run) int {
	if len(r.Holders) == 0 {
		return 1
	}
	return (r.Counts[Worker]+r.Counts[Node])/max(r.Counts[Client], 1) + 1
}

// retention is how long masters keep finished tasks. With an odd seed it is so short
// that masters live to see its end. With an even seed it is so long that the final tree
// has all finished tasks.
func retention(seed uint64) time.Duration {
	if seed%2 == 1 {
		return 6 * time.Second
	}
	return time.Hour
}

// policy has the limits that the participants are given.
func policy(r subject.Run) record.Policy {
	return record.Policy{
		Version: record.PolicyVersion, MaxAttempts: MaxAttempts, MaxHandovers: MaxHandovers,
		Concurrency: Concurrency, Retention: retention(r.Seed),
	}
}

// participant is one participant, with the settings that all of them share.
type participant struct {
	subject.Participant
	settings
}

// play runs a participant.
func play(ctx context.Context, p subject.Participant) error {
	one := participant{Participant: p}
	if err := p.ReadOptions(&one.settings); err != nil {
		return err
	}
	switch p.Role {
	case Master:
		return one.runMaster(ctx)
	case Worker, Node:
		return one.runWorker(ctx)
	case Client:
		return one.runClient(ctx)
	}
	return fmt.Errorf("workload: unknown role %q", p.Role)
}

// strategy gives no ordinary tasks to workers that only hold resident ones.
func (p participant) strategy() recipe.Strategy {
	return func(job recipe.Job, workers []recipe.Load) string {
		return recipe.StickyByKey(job, slices.DeleteFunc(slices.Clone(workers), func(w recipe.Load) bool { return slices.Contains(p.Holders, w.Worker) }))
	}
}

func (p participant) observers() recipe.Observers { return recipe.Observers{Logger: p.Log} }

func (p participant) masterConfig() recipe.MasterConfig {
	return recipe.MasterConfig{
		Namespace: p.Namespace, Access: candidate.Access(p.Participant), Name: p.Name, Address: p.Name + ":0", Observers: p.observers(),
		MaxAttempts: MaxAttempts, MaxHandovers: MaxHandovers, Retention: p.Retention, MaxBacklog: MaxBacklog, Strategy: p.strategy(),
		OnLead: func(ctx context.Context, lead recipe.Lead) {
			epoch := lead.Epoch()
			term := p.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Lead, Of: record.Term{Epoch: epoch}})
			<-ctx.Done()
			p.cleanUp(ctx, record.Token{Epoch: epoch})
			p.Journal.Complete(term, record.OK, record.Term{Epoch: epoch, Cause: context.Cause(ctx).Error()})
		},
	}
}

func (p participant) runMaster(ctx context.Context) error {
	master, err := recipe.NewMaster(p.Env, p.masterConfig())
	if err != nil {
		return err
	}
	return candidate.Serve(ctx, p.Participant, followed{master, master, p.Journal})
}

// followed records the changes that a role's master reports.
type followed struct {
	recipe.Role
	master  *recipe.Master
	journal *record.Journal
}

// Run runs the role and notes the reports of its master.
func (f followed) Run(ctx context.Context) error {
	told := make(chan struct{})
	following, stop := context.WithCancel(ctx)
	go func() {
		defer close(told)
		for change := range f.master.Changes(following) {
			if change.Task.Name != "" {
				f.journal.Add(record.Event{Type: record.Note, Kind: record.Change, Of: record.TaskChange{Task: change.Task.Name, Fate: record.TaskFate(change.Kind), Worker: change.Task.Worker}})
			}
		}
	}()
	err := f.Role.Run(ctx)
	stop()
	<-told
	return err
}

// runWorker runs a worker, or a node, which is a worker that is also a candidate.
func (p participant) runWorker(ctx context.Context) error {
	worker := recipe.WorkerConfig{
		Namespace: p.Namespace, Access: candidate.Access(p.Participant), Name: p.Name, Address: p.Name + ":0", Concurrency: Concurrency, Observers: p.observers(),
		Handler: p.handler(),
	}
	if p.Role == Node {
		n, err := recipe.NewNode(p.Env, recipe.NodeConfig{Master: p.masterConfig(), Worker: worker, Drain: subject.LeavePatience})
		if err != nil {
			return err
		}
		return candidate.Serve(ctx, p.Participant, followed{n, n.Master(), p.Journal})
	}
	w, err := recipe.NewWorker(p.Env, worker)
	if err != nil {
		return err
	}
	return candidate.Serve(ctx, p.Participant, w)
}
