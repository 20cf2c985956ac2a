package workload

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	group "github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The names of the roles.
const (
	Manager  = "manager"
	Operator = "operator"
)

// Sessions is how many sessions a participant may hold at a time: one of the candidate, and one of the
// store for reads.
const Sessions = 2

// New is the workload of the store.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: Manager, Explain: "managers, of which one is active and keeps the records", Count: 3, Least: 2, Most: 50, Leads: true},
			{Name: Operator, Explain: "operators, which ask for failovers", Count: 1, Least: 1, Most: 50, Submits: true},
		},
		Rate:    "calls per second that the active makes",
		Options: func(r subject.Run) any { return settings{Rate: r.Rate} },
		Play:    play,
		Open:    open,
		Tree: nemesis.Recipe{
			Leader: candidate.Leader, Elects: candidate.Elects,
			Idle: map[nemesis.Kind]string{nemesis.DropCreate: "no client that creates znodes often"},
		},
		Roots: []string{group.Lock, group.Epoch, group.Breadcrumb, group.Candidates, group.Request, "/rmstore"},
	}
}

// settings are what all participants of a run get to know.
type settings struct {
	Rate float64 `json:"rate"` // calls of the active, per second
}

// open is the start that a run waits for at its end: a manager must be active, and have loaded all
// records.
func open(ctx context.Context, z nemesis.Znodes) (subject.Open, error) {
	data := map[string]string{}
	var stats [4]zkapi.Stat
	for i, path := range []string{group.Lock, group.Breadcrumb, history.Epoch, history.ServingPath} {
		got, err := z.Do(ctx, zkapi.Get(path))
		if errors.Is(err, zkapi.ErrNoNode) {
			return subject.Open{Items: 1, Left: "there is no " + path, Moves: stats[0].Czxid}, nil
		}
		if err != nil {
			return subject.Open{}, err
		}
		data[path], stats[i] = string(got.Data), got.Stat
	}
	switch {
	case data[group.Lock] != data[group.Breadcrumb]:
		return subject.Open{Items: 1, Left: data[group.Lock] + " has the lock, and is not active yet", Moves: stats[0].Czxid}, nil
	case data[history.ServingPath] != strconv.Itoa(int(stats[2].Version)):
		return subject.Open{Items: 1, Left: "the active has not loaded the records yet", Moves: stats[2].Mzxid}, nil
	}
	return subject.Open{}, nil
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
	case Manager:
		return one.manage(ctx)
	case Operator:
		return one.operate(ctx)
	}
	return fmt.Errorf("store: unknown role %q", p.Role)
}

// group has the znodes of the group.
func (p participant) group() standby.Layout {
	return standby.Layout{
		Lock: group.Lock, Epoch: group.Epoch, Breadcrumb: group.Breadcrumb, Candidates: group.Candidates, Failover: group.Request,
	}.Below(p.Namespace)
}

// kept describes the store.
func (p participant) kept() store.Config {
	return store.Config{
		Layout: store.YARN(p.Namespace+history.Root, history.Split), Name: group.DataOf(p.alive()), ACL: p.ACL(), Logger: p.Log, PartSize: partSize,
	}
}

// alive is the life of the participant.
func (p participant) alive() record.Life { return record.Life{Process: p.Name, Number: p.Life} }

// note is the payload of an event about an object.
func note(object string, epoch int32, data any, err error) record.Own {
	own, bad := record.NewOwn(object, data)
	if bad != nil {
		panic(fmt.Sprintf("store: %v", bad)) // plain fields only
	}
	own.Token = record.Token{Epoch: epoch}
	if err != nil {
		own.Remark = err.Error()
	}
	return own
}

// The limits of the recipes in a run. They are short, so that a run meets them.
const (
	partSize       = 600 // bytes: so that many values are in parts, and the record of a run stays small
	fenceAttempts  = 4
	fenceTimeout   = 2 * time.Second
	fencePause     = 50 * time.Millisecond
	retryPause     = 300 * time.Millisecond
	standbyTimeout = 4 * time.Second
	healthInterval = time.Second
	healthTimeout  = time.Second
	grace          = 2 * time.Second
	callTime       = 4 * time.Second // of one call of the store
	closeTime      = time.Second     // for which a session is tried to be closed
)
