package harness

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
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
	return &observer{driver: driver, root: r.namespace}, nil
}

// Do sends a request on the observer's session, and opens a new one if needed.
func (o *observer) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	o.mu.Lock()
	if o.session == nil || o.session.Done().Fired() {
		session, err := o.driver.Open(ctx)
		if err != nil {
			o.mu.Unlock()
			return zkapi.Result{}, err
		}
		o.session = session
	}
	session := o.session
	o.mu.Unlock()
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

// ActiveMaster is the participant that /master names, and the session that holds it. It
// waits a little while if there is none, as between two terms.
func (o *observer) ActiveMaster(ctx context.Context) (name string, session int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		_, err := o.Must(ctx, zkapi.Sync(o.root+"/master")) // a lagging server may have an old state
		var got zkapi.Result
		if err == nil {
			got, err = o.Must(ctx, zkapi.Get(o.root+"/master"))
		}
		if err == nil {
			name, _, _ := strings.Cut(string(got.Data), ":")
			return name, got.Stat.EphemeralOwner, nil
		}
		if !wait(ctx, 100*time.Millisecond) {
			return "", 0, fmt.Errorf("no master to be found: %w", err)
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
		err = fmt.Errorf("nobody holds %s", path)
	}
	return seen.Stat.EphemeralOwner, err
}

// openWork is the work that participants have yet to do.
type openWork struct {
	tasks       int   // without a status
	assignments int   // of those and of others
	handedIn    int32 // tasks that have come or gone so far; only workload and retention change it
}

// unfinished counts the open work.
func (o *observer) unfinished(ctx context.Context) (work openWork, err error) {
	listed, err := o.Must(ctx, zkapi.Children(o.root+"/tasks"))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return work, err
	}
	work.handedIn = listed.Stat.Cversion
	ops := make([]zkapi.Op, len(listed.Children))
	for i, t := range listed.Children {
		ops[i] = zkapi.Exists(o.root + "/tasks/" + t + "/status")
	}
	o.mu.Lock()
	session := o.session
	o.mu.Unlock()
	for _, reply := range session.DoAll(ctx, ops) {
		if reply.Err != nil {
			return work, reply.Err
		}
		if !reply.Found {
			work.tasks++
		}
	}
	held, err := o.Held(ctx)
	for _, n := range held {
		work.assignments += n
	}
	return work, err
}

// Held counts the assignments of each worker.
func (o *observer) Held(ctx context.Context) (map[string]int, error) {
	return o.counted(ctx, func(string) bool { return true })
}

// Residents counts the resident tasks of each worker.
func (o *observer) Residents(ctx context.Context) (map[string]int, error) {
	return o.counted(ctx, func(task string) bool {
		return strings.HasPrefix(task, "task-"+"resident.")
	})
}

// counted counts the assignments of each worker whose tasks fit; a worker without any
// is left out.
func (o *observer) counted(ctx context.Context, such func(task string) bool) (map[string]int, error) {
	inboxes, err := o.Must(ctx, zkapi.Children(o.root+"/assign"))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return nil, err
	}
	held := map[string]int{}
	for _, w := range inboxes.Children {
		inbox, err := o.Must(ctx, zkapi.Children(o.root+"/assign/"+w))
		if err != nil {
			return nil, err
		}
		for _, task := range inbox.Children {
			if such(task) {
				held[w]++
			}
		}
	}
	return held, nil
}

// tree reads everything below the namespace. It syncs first, so that it reads the
// committed state. No participant writes any more.
func (o *observer) tree(ctx context.Context) ([]record.Node, error) {
	if _, err := o.Must(ctx, zkapi.Sync("/")); err != nil {
		return nil, err
	}
	from := []string{o.root}
	if o.root == "" {
		from = []string{"/assign", "/master", "/tasks", "/workers"}
	}
	var nodes []record.Node
	err := o.walk(ctx, from, func(p string, got zkapi.Result) {
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
