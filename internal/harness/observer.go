package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// observer is the harness' own client of the ensemble. It only reads, except for
// quotas, and for the removal of its own namespace from an external ensemble.
type observer struct {
	driver interface {
		Open(ctx context.Context) (zkapi.Session, error)
	}
	root string // namespace of the run
	work subject.Workload

	mu      sync.Mutex
	session zkapi.Session
}

func (r *run) newObserver(servers []string) (*observer, error) {
	config := zkclient.Config{Servers: servers, SessionTimeout: 6 * time.Second}
	if user, password, secret := strings.Cut(r.config.profile().Secret, ":"); secret {
		config.Credentials = []zkclient.Credential{zkclient.Digest(user, password)}
	}
	driver, err := zkclient.New(config)
	if err != nil {
		return nil, err
	}
	return &observer{driver: driver, root: r.namespace, work: r.config.Subject.Workload}, nil
}

// opened is the observer's session, or a new one if that has ended.
func (o *observer) opened(ctx context.Context) (zkapi.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.session == nil || o.session.Done().Fired() {
		session, err := o.driver.Open(ctx)
		if err != nil {
			return nil, err
		}
		o.session = session
	}
	return o.session, nil
}

// Do sends a request on the observer's session.
func (o *observer) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	session, err := o.opened(ctx)
	if err != nil {
		return zkapi.Result{}, err
	}
	return session.Do(ctx, op)
}

// Must repeats a read until it is answered.
func (o *observer) Must(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	for {
		result, err := o.Do(ctx, op)
		if err == nil || errors.Is(err, zkapi.ErrNoNode) {
			return result, err
		}
		if !wait(ctx, 100*time.Millisecond) {
			return result, err
		}
	}
}

// inquiry asks the znodes of a recipe who leads and who holds what.
type inquiry struct {
	*observer
	recipe nemesis.Recipe
}

// For implements nemesis.Observer.
func (q inquiry) For(r nemesis.Recipe) nemesis.Observer { return inquiry{q.observer, r} }

// ActiveMaster is the participant that leads, and the session that holds the znode of
// the leader. It waits a little while if there is none, as between two terms.
func (q inquiry) ActiveMaster(ctx context.Context) (name string, session int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		_, err := q.Must(ctx, zkapi.Sync(cmp.Or(q.root, "/"))) // a lagging server may have an old state
		if err == nil {
			name, session, err = q.recipe.Leader(ctx, below{q.observer})
		}
		if err == nil {
			return name, session, nil
		}
		if !wait(ctx, 100*time.Millisecond) {
			return "", 0, fmt.Errorf("the active master is not known: %w", err)
		}
	}
}

// Holder is the session that holds an ephemeral.
func (o *observer) Holder(ctx context.Context, path string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := o.Must(ctx, zkapi.Sync(o.root+path)); err != nil {
		return 0, err
	}
	seen, err := o.Must(ctx, zkapi.Exists(o.root+path))
	if err == nil && !seen.Found {
		err = fmt.Errorf("no participant holds %s", path)
	}
	return seen.Stat.EphemeralOwner, err
}

// below reads the znodes below the namespace of the run.
type below struct{ *observer }

// Do implements nemesis.Znodes.
func (b below) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	op.Path = path.Join("/", b.root, op.Path)
	return b.Must(ctx, op)
}

// DoAll implements nemesis.Znodes.
func (b below) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	session, err := b.opened(ctx)
	if err != nil {
		return slices.Repeat([]zkapi.Reply{{Err: err}}, len(ops))
	}
	whole := slices.Clone(ops)
	for i := range whole {
		whole[i].Path = path.Join("/", b.root, whole[i].Path)
	}
	return session.DoAll(ctx, whole)
}

// open is the work that participants have yet to do.
func (o *observer) open(ctx context.Context) (subject.Open, error) {
	if o.work.Open == nil {
		return subject.Open{}, nil
	}
	return o.work.Open(ctx, below{o})
}

// Held counts what each participant holds.
func (q inquiry) Held(ctx context.Context) (map[string]int, error) {
	if q.recipe.Held == nil {
		return nil, nil
	}
	return q.recipe.Held(ctx, below{q.observer})
}

// Residents counts what each participant holds for as long as it can.
func (q inquiry) Residents(ctx context.Context) (map[string]int, error) {
	return q.recipe.Residents(ctx, below{q.observer})
}

// tree reads everything below the namespace. It syncs first, so that it reads the
// committed state. No participant writes any more.
func (o *observer) tree(ctx context.Context) ([]record.Node, error) {
	if _, err := o.Must(ctx, zkapi.Sync("/")); err != nil {
		return nil, err
	}
	from := []string{cmp.Or(o.root, "/")}
	if o.root == "" && len(o.work.Roots) > 0 {
		from = o.work.Roots
	}
	var nodes []record.Node
	err := o.walk(ctx, from, func(p string, got zkapi.Result) {
		if p == "/" {
			return // ZooKeeper has made it
		}
		node := record.Node{
			Path: strings.TrimPrefix(p, o.root), Data: string(got.Data),
			Czxid: got.Stat.Czxid, Mzxid: got.Stat.Mzxid, Version: got.Stat.Version,
		}
		if got.Stat.EphemeralOwner != 0 {
			node.Owner = fmt.Sprintf("0x%x", got.Stat.EphemeralOwner)
		}
		nodes = append(nodes, node)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(nodes, func(a, b record.Node) int { return strings.Compare(a.Path, b.Path) })
	return nodes, nil
}

// walk reads the existing znodes of the paths, and everything below them, except the
// znodes that each server keeps to itself.
func (o *observer) walk(ctx context.Context, level []string, visit func(p string, got zkapi.Result)) error {
	for len(level) > 0 {
		ops := make([]zkapi.Op, 0, 2*len(level))
		for _, p := range level {
			ops = append(ops, zkapi.Get(p), zkapi.Children(p))
		}
		o.mu.Lock()
		session := o.session
		o.mu.Unlock()
		replies := session.DoAll(ctx, ops)
		var next []string
		for i, p := range level {
			got, listed := replies[2*i], replies[2*i+1]
			if errors.Is(got.Err, zkapi.ErrNoNode) || errors.Is(listed.Err, zkapi.ErrNoNode) {
				continue // an ephemeral that has gone in between
			}
			if err := errors.Join(got.Err, listed.Err); err != nil {
				return err
			}
			visit(p, got.Result)
			for _, child := range listed.Children {
				if below := path.Join(p, child); below != "/zookeeper" {
					next = append(next, below)
				}
			}
		}
		level = next
	}
	return nil
}

// removeTree deletes everything below the namespace of an external ensemble.
func (o *observer) removeTree(ctx context.Context) error {
	if o.root == "" {
		return nil
	}
	nodes, err := o.tree(ctx)
	if err != nil {
		return err
	}
	for _, node := range slices.Backward(nodes) {
		if _, err := o.Must(ctx, zkapi.Delete(o.root+node.Path, zkapi.AnyVersion)); err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			return err
		}
	}
	return nil
}

// Close ends its session.
func (o *observer) Close(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.session != nil {
		_ = o.session.Close(ctx)
	}
}
