package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The names of the roles.
const (
	Candidate = "candidate"
	Client    = "client"
)

// New is the workload of the active-standby switch.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: Candidate, Explain: "candidates, of which one is active", Count: 3, Least: 2, Most: 50, Leads: true},
			{Name: Client, Explain: "clients, which ask for failovers and look who is active", Count: 1, Least: 1, Most: 50, Submits: true},
		},
		Rate:    "entries per second that the active writes to the ledger",
		Options: func(r subject.Run) any { return settings{Rate: r.Rate, Candidates: r.Counts[Candidate]} },
		Play:    play,
		Open:    open,
		Tree: nemesis.Recipe{
			Leader: candidate.Leader, Elects: candidate.Elects,
			Idle: map[nemesis.Kind]string{nemesis.DropCreate: "no client that creates znodes often"},
		},
		Roots: []string{history.Lock, history.Epoch, history.Breadcrumb, history.Candidates, history.Request, candidate.Ledger},
	}
}

// settings are what all participants of a run get to know.
type settings struct {
	Rate       float64 `json:"rate"`       // writes of the active to the ledger, per second
	Candidates int     `json:"candidates"` // how many there are
}

// open is the activation that a run waits for at its end: a process must be active.
func open(ctx context.Context, z nemesis.Znodes) (subject.Open, error) {
	lock, err := z.Do(ctx, zkapi.Get(history.Lock))
	if errors.Is(err, zkapi.ErrNoNode) {
		return subject.Open{Items: 1, Left: "no process has the lock"}, nil
	}
	if err != nil {
		return subject.Open{}, err
	}
	crumb, err := z.Do(ctx, zkapi.Get(history.Breadcrumb))
	if errors.Is(err, zkapi.ErrNoNode) || err == nil && string(crumb.Data) != string(lock.Data) {
		return subject.Open{Items: 1, Left: fmt.Sprintf("%s has the lock, and is not active yet", lock.Data), Moves: lock.Stat.Czxid}, nil
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
	case Candidate:
		return one.stand(ctx)
	case Client:
		return one.direct(ctx)
	}
	return fmt.Errorf("standby: unknown role %q", p.Role)
}

// layout has the znodes of the group.
func (p participant) layout() standby.Layout {
	return standby.Layout{
		Lock: history.Lock, Epoch: history.Epoch, Breadcrumb: history.Breadcrumb, Candidates: history.Candidates, Failover: history.Request,
	}.Below(p.Namespace)
}

// alive is the life of the participant.
func (p participant) alive() record.Life { return record.Life{Process: p.Name, Number: p.Life} }

// note is the payload of an event about the group.
func note(epoch int32, data any) record.Own {
	own, err := record.NewOwn(history.Group, data)
	if err != nil {
		panic(fmt.Sprintf("standby: %v", err)) // plain fields only
	}
	own.Token = record.Token{Epoch: epoch}
	return own
}

// aside is the payload of an event that says nothing of what became of the group.
func aside(data any) record.Own {
	own := note(0, data)
	own.Object = ""
	return own
}

// failed is a payload with an error.
func failed(own record.Own, err error) record.Own {
	if err != nil {
		own.Remark = err.Error()
	}
	return own
}

// The limits of the recipe in a run. They are short, so that a run meets them.
const (
	fenceAttempts  = 4
	fenceTimeout   = 2 * time.Second
	fencePause     = 50 * time.Millisecond
	retryPause     = 300 * time.Millisecond
	standbyTimeout = time.Second
	healthInterval = 200 * time.Millisecond
	healthTimeout  = 600 * time.Millisecond
	grace          = 2 * time.Second
)
