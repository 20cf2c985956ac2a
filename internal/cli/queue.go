package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// queuesRoot is the znode of the queues that have a name. A queue can also have a path of its own.
const queuesRoot = "/queues"

// QueuePriority is the priority of an item that was given none.
const QueuePriority = queue.DefaultPriority

// Queue is what the commands of queue share.
type Queue struct {
	LockPath string // of Curator's programs; empty for a queue in the form of kazoo
	Bound    int
	MaxTakes int
	Name     string // of this process, for people
}

// open connects. The znode of a queue is below /queues if it has a name alone.
func (q Queue) open(o *Options, name string) (*queue.Queue, *grantedEnv, *slog.Logger, error) {
	env, access, log, err := o.connect()
	if err != nil {
		return nil, nil, nil, err
	}
	path, err := o.pathOf("queue", queuesRoot, name)
	if err != nil {
		return nil, nil, nil, err
	}
	config := queue.Config{Name: q.Name, ACL: aclOf(access), Bound: q.Bound, MaxTakes: q.MaxTakes, Logger: slog.New(quieter{log.Handler()})}
	if q.LockPath != "" {
		config.Layout, config.LockPath = queue.Curator, o.Namespace+q.LockPath
	}
	opened, err := queue.New(env, path, config)
	return opened, env, log, err
}

// QueuePut is the command queue put.
type QueuePut struct {
	Queue
	Priority int
	Delay    time.Duration
	Wait     bool // for room
	Lines    bool
}

// Run puts the payload in args, or standard input, or each line of it.
func (p QueuePut) Run(ctx context.Context, o *Options, s Streams, name string, args []string) error {
	q, env, _, err := p.open(o, name)
	if err != nil {
		return err
	}
	defer endSession(q.Close)
	options := []queue.Option{queue.Priority(p.Priority)}
	if p.LockPath != "" && p.Priority == QueuePriority {
		options = nil
	}
	if p.Delay != 0 {
		options = append(options, queue.Delay(p.Delay))
	}
	if p.Wait {
		options = append(options, queue.WaitForRoom())
	}
	if p.Lines {
		return p.each(ctx, o, s, env, q, options)
	}
	payload, err := payloadOf(ctx, s.In, args, o.MaxRequest)
	if err != nil {
		return err
	}
	limited, cancel := p.limited(ctx, o, env)
	defer cancel()
	id, err := q.Put(limited, payload, options...)
	if err != nil {
		return fmt.Errorf("queue put: %w", err)
	}
	return printID(s, id)
}

// limited bounds a put by --connect-timeout. One that waits for room is bounded until the first session.
func (p QueuePut) limited(ctx context.Context, o *Options, env *grantedEnv) (context.Context, func()) {
	if p.Wait {
		return o.untilLate(ctx, env)
	}
	return o.limited(ctx)
}

// each puts each line of standard input. It prints an id, or an error, for each.
func (p QueuePut) each(ctx context.Context, o *Options, s Streams, env *grantedEnv, q *queue.Queue, options []queue.Option) error {
	in := readLines(ctx, s.In, o.MaxRequest)
	var worst error
	for group := in.together(); len(group) > 0; group = in.together() {
		limited, cancel := p.limited(ctx, o, env)
		at := 0
		for id, err := range q.PutAll(limited, itemsOf(group, options)) {
			if err == nil {
				err = printID(s, id)
			} else {
				err = group[at].wrong(err)
				printf(s.Err, "ringmaster: %s\n", sentence(err.Error()))
			}
			if at++; err != nil && (worst == nil || rank(err) < rank(worst)) {
				worst = err
			}
		}
		over := worst != nil && limited.Err() != nil
		if cancel(); over {
			printf(s.Err, "ringmaster: no line behind line %d was put\n", group[max(at, 1)-1].number)
			break
		}
	}
	switch {
	case worst != nil:
		return fmt.Errorf("queue put: not every line was put: %w", worst)
	case in.err != nil:
		return fmt.Errorf("standard input cannot be read: %w", in.err)
	}
	return context.Cause(ctx)
}

// itemsOf are lines as items. A line that is too long has more bytes than a request: PutAll refuses it.
func itemsOf(group []line, options []queue.Option) iter.Seq[queue.Item] {
	return func(yield func(queue.Item) bool) {
		for _, l := range group {
			if !yield(queue.Item{Payload: l.text, Options: options}) {
				return
			}
		}
	}
}

// printID prints the id of an item, or a - if the answer that had it was lost.
func printID(s Streams, id string) error {
	if id == "" {
		id = "-"
	}
	return printf(s.Out, "%s\n", id)
}

// QueueRequeue is the command queue requeue.
type QueueRequeue struct {
	Queue
	All bool
}

// Run puts dead letters back, and prints their new ids.
func (r QueueRequeue) Run(ctx context.Context, o *Options, s Streams, name string, ids []string) error {
	if r.All == (len(ids) > 0) {
		return misuse("queue requeue: give the ids of dead letters, or --all")
	}
	q, _, _, err := r.open(o, name)
	if err != nil {
		return err
	}
	defer endSession(q.Close)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	if r.All {
		l, err := q.List(ctx)
		if err != nil {
			return fmt.Errorf("queue requeue: %w", err)
		}
		for _, e := range l.Dead {
			ids = append(ids, e.ID)
		}
	}
	var missing error
	for _, id := range ids {
		back, err := q.Requeue(ctx, id)
		switch unknown := errors.Is(err, queue.ErrUnknownItem); {
		case r.All && unknown: // another person was faster
			continue
		case unknown: // the others have their turn
			missing = fmt.Errorf("queue requeue: not every item was put back: %w", err)
			printf(s.Err, "ringmaster: %s\n", plain(fmt.Sprintf("queue requeue: %s: %v", id, err)))
			continue
		case err != nil:
			return fmt.Errorf("queue requeue: %s: %w", id, err)
		}
		if err := printID(s, back); err != nil {
			return err
		}
	}
	return missing
}

// CompleteQueues lists the names of queues that begin with what was typed.
func CompleteQueues(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, queuesRoot), args, begun)
}
