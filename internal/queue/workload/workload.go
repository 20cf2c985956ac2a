package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The names of the roles.
const (
	Producer = "producer"
	Consumer = "consumer"
)

// The queue of a run.
const (
	jobs     = history.QueuesRoot + "/jobs"
	maxTakes = 4
	bound    = 60 // reached when no consumer works for a while
	hands    = 4  // items that one consumer works on at a time
)

// New is the workload of a queue.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: Producer, Explain: "processes that put items into a queue", Count: 2, Least: 1, Most: 50, Submits: true},
			{Name: Consumer, Explain: "processes that take items from the queue", Count: 3, Least: 2, Most: 50, Works: true},
		},
		Rate:    "items that all producers together put in a second",
		Options: func(r subject.Run) any { return settings{Rate: r.Rate / float64(r.Counts[Producer])} },
		Play:    play,
		Open:    open,
		Tree: nemesis.Recipe{
			Held: held, Assigns: assigns, Changing: in(history.Claims),
			Idle: map[nemesis.Kind]string{nemesis.DropCreate: "no client that creates single znodes all the time"},
		},
		Roots: []string{history.QueuesRoot, history.LedgersRoot},
	}
}

// in is a folder of the queue.
func in(f history.Folder) string { return jobs + "/" + string(f) }

// settings are what all participants of a run get to know.
type settings struct {
	Rate float64 `json:"rate"` // at which one producer puts items, per second
}

// held counts the claims of each consumer, which have its name as their data.
func held(ctx context.Context, z nemesis.Znodes) (map[string]int, error) {
	counts := map[string]int{}
	listed, err := z.Do(ctx, zkapi.Children(in(history.Claims)))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return nil, err
	}
	for _, name := range listed.Children {
		claim, err := z.Do(ctx, zkapi.Get(in(history.Claims)+"/"+name))
		switch {
		case err == nil:
			counts[string(claim.Data)]++
		case !errors.Is(err, zkapi.ErrNoNode):
			return nil, err
		}
	}
	return counts, nil
}

// assigns reports whether a part of a write is the claim of a consumer.
func assigns(part zkapi.Op, to string) bool {
	return part.Kind == zkapi.KindSet && strings.HasPrefix(part.Path, in(history.Claims)+"/") && string(part.Data) == to
}

// open counts the items that consumers have yet to take.
func open(ctx context.Context, z nemesis.Znodes) (subject.Open, error) {
	var o subject.Open
	count := map[history.Folder]int{}
	for _, folder := range []history.Folder{history.Line, history.Delayed} {
		listed, err := z.Do(ctx, zkapi.Children(in(folder)))
		if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			return o, err
		}
		count[folder] = len(listed.Children)
		o.Items += len(listed.Children)
		o.Moves += int64(listed.Stat.Cversion)
	}
	if o.Items > 0 {
		o.Left = fmt.Sprintf("%d items in line, %d delayed", count[history.Line], count[history.Delayed])
	}
	return o, nil
}

// participant is one producer or consumer.
type participant struct {
	subject.Participant
	settings
	queue *queue.Queue
}

// play runs a participant.
func play(ctx context.Context, p subject.Participant) error {
	one := participant{Participant: p}
	if err := p.ReadOptions(&one.settings); err != nil {
		return err
	}
	var err error
	config := queue.Config{Name: p.Name, ACL: p.ACL(), Bound: bound, MaxTakes: maxTakes, Logger: p.Log}
	if one.queue, err = queue.New(p.Env, p.Namespace+jobs, config); err != nil {
		return err
	}
	switch p.Role {
	case Producer:
		producer{one}.run(ctx)
	case Consumer:
		consumer{one}.run(ctx)
	default:
		return fmt.Errorf("queue: unknown role %q", p.Role)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, subject.ErrLeave) {
		return cause // killed
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), subject.LeavePatience)
	defer cancel()
	one.settle(leaving)
	if err := p.Depart(leaving, one.queue.Close); err != nil {
		p.Log.Info("left", "error", err) // it is on record, and no crash
	}
	return context.Cause(ctx)
}

// settle waits at the end of a run for what the recipe does in the background when a caller waits no
// longer, and notes that nothing is held. There are no faults any more then.
func (p participant) settle(ctx context.Context) {
	select {
	case <-p.Draining:
	default:
		return
	}
	p.pause(ctx, settled)
	p.Journal.Add(record.Event{Type: record.Note, Kind: history.Settled, Of: record.Own{}})
}
