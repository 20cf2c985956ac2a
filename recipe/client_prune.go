package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Prune says which workers PruneWorkers removes.
type Prune struct {
	// Names are the workers to be removed. Default: all that are not alive.
	Names []string
	// UnusedFor is how long PruneWorkers watches the names before it removes them: a name
	// under which a worker registers meanwhile is kept. Default: it removes them at once.
	UnusedFor time.Duration
}

// Pruned is what became of one name.
type Pruned struct {
	Worker string
	Kept   string // why it was kept; empty if it was removed
}

// PruneWorkers removes the assignment lists of workers that do not come back (/assign/<w>), and
// with them all that the namespace has of these names. A name is kept if its worker is alive,
// while an assignment is left in its list, and if the version of its list is above 199. Each
// registration and each prune of a name, or of one of the same group of names, raises that version.
//
// PruneWorkers returns all names that it has looked at, in order. It may be called again, at any
// time and by several clients at once. After an error some names may have been removed.
//
// A removed name can be used again. No incarnation comes twice, because later workers begin above
// those that were removed. There is one exception: a worker of an earlier build does not know
// about that. This is harmless unless /workers/<w> of that name was deleted by hand while its
// worker still ran.
//
// With an Access the client needs the identity of a master.
func (c *Client) PruneWorkers(ctx context.Context, p Prune) ([]Pruned, error) {
	if c.env == nil {
		return nil, errZero
	}
	for _, name := range p.Names {
		if err := checkTask(name); err != nil {
			return nil, invalid("%q is not the name of a worker", name)
		}
	}
	if err := notNegative(field{"UnusedFor", p.UnusedFor}); err != nil {
		return nil, err
	}
	run := &pruning{client: c, names: p.Names, versions: map[string]int32{}, kept: map[string]string{}, lost: map[string]bool{}}
	err := c.withSession(ctx, func(session zkapi.Session) error { return run.look(ctx, session) })
	if err == nil && p.UnusedFor > 0 && len(run.versions) > 0 {
		_, err = c.env.Wait(ctx, c.env.Timer(p.UnusedFor))
	}
	if err == nil {
		err = c.withSession(ctx, func(session zkapi.Session) error { return run.remove(ctx, session) })
	}
	return run.result(), err
}

// pruning is the state of one call of PruneWorkers.
type pruning struct {
	client   *Client
	names    []string
	versions map[string]int32  // of the inboxes that are to be removed
	kept     map[string]string // why names are kept; empty for those that are removed
	lost     map[string]bool   // may have been removed, because an answer was lost
}

func (p *pruning) result() []Pruned {
	var all []Pruned
	for _, name := range slices.Sorted(maps.Keys(p.kept)) {
		all = append(all, Pruned{name, p.kept[name]})
	}
	return all
}

// settle notes what became of a name.
func (p *pruning) settle(name, why string) {
	p.kept[name] = why
	delete(p.versions, name)
	delete(p.lost, name)
}

// look finds the names that can be removed.
func (p *pruning) look(ctx context.Context, session zkapi.Session) error {
	l := p.client.layout
	if _, err := session.Do(ctx, zkapi.Sync(l.assign())); err != nil {
		return err
	}
	alive, err := session.Do(ctx, zkapi.Children(l.workers()))
	if errors.Is(err, zkapi.ErrNoNode) { // there has been no worker yet
		alive, err = zkapi.Result{}, nil
	}
	if err != nil {
		return l.explained(ctx, fence.Of(session), l.workers(), err)
	}
	known, err := session.Do(ctx, zkapi.Children(l.assign()))
	if errors.Is(err, zkapi.ErrNoNode) {
		known, err = zkapi.Result{}, nil
	}
	if err != nil {
		return err
	}
	names := p.names
	if len(names) == 0 {
		names = known.Children
	}
	var dead []string
	for _, name := range names {
		switch lives := contains(alive.Children, name); {
		case !contains(known.Children, name):
			p.settle(name, "there is no such worker")
		case !lives:
			dead = append(dead, name)
		case len(p.names) > 0:
			p.settle(name, "it is alive")
		}
	}
	for some := range slices.Chunk(dead, maxReads) {
		if err := p.candidates(ctx, session, some); err != nil {
			return err
		}
	}
	return nil
}

// contains reports whether a sorted list has a name.
func contains(sorted []string, name string) bool {
	_, has := slices.BinarySearch(sorted, name)
	return has
}

// candidates reads the inboxes of workers that do not live.
func (p *pruning) candidates(ctx context.Context, session zkapi.Session, names []string) error {
	ops := make([]zkapi.Op, len(names))
	for i, name := range names {
		ops[i] = zkapi.Exists(p.client.layout.inbox(name))
	}
	for i, reply := range session.DoAll(ctx, ops) {
		name, stat := names[i], reply.Stat
		switch {
		case reply.Err != nil:
			return reply.Err
		case !reply.Found && p.lost[name]:
			p.settle(name, "")
		case !reply.Found:
			p.settle(name, "there is no such worker")
		case stat.NumChildren > 0:
			p.settle(name, fmt.Sprintf("%d assignments are left in its list", stat.NumChildren))
		case stat.Version < 0 || stat.Version > mostPruned:
			p.settle(name, fmt.Sprintf("its claim has version %d: only names up to %d are removed", stat.Version, mostPruned))
		case p.lost[name] && stat.Version != p.versions[name]:
			p.settle(name, "a worker has registered under it")
		default:
			p.versions[name] = stat.Version
		}
	}
	return nil
}

// Parts of the multi that removes inboxes: the floor comes first, then prunedOps for each name.
const (
	prunedOps     = 3
	prunedAtOnce  = 100
	whileItIsGone = 0 // create /workers/<w>, which is refused if it is there
)

// remove removes the inboxes, many in one multi.
func (p *pruning) remove(ctx context.Context, session zkapi.Session) error {
	if len(p.lost) > 0 {
		if _, err := session.Do(ctx, zkapi.Sync(p.client.layout.assign())); err != nil {
			return err
		}
		if err := p.candidates(ctx, session, slices.Sorted(maps.Keys(p.lost))); err != nil {
			return err
		}
		clear(p.lost)
	}
	left := slices.Sorted(maps.Keys(p.versions))
	for len(p.versions) > 0 {
		left = slices.DeleteFunc(left, func(name string) bool { _, open := p.versions[name]; return !open })
		names := left[:min(len(left), prunedAtOnce)]
		floor, err := p.raisedFloor(ctx, session, names)
		if err != nil {
			return err
		}
		ops := p.removal(floor, names)
		for most := newBounds(fence.Of(session)).bytes; sizeOf(ops) > most && len(names) > 1; ops = p.removal(floor, names) {
			names = names[:len(names)/2] // these are very long
		}
		_, err = session.Do(ctx, zkapi.Multi(ops...))
		if err = p.settleAll(names, err); err != nil {
			return p.client.layout.explained(ctx, fence.Of(session), p.client.layout.assign(), err)
		}
	}
	return nil
}

// removal is the multi for some names. A prune must not remove the inbox of a worker that is
// alive, and servers have no check that a znode is missing: it is created and deleted instead.
func (p *pruning) removal(floor zkapi.Op, names []string) []zkapi.Op {
	l := p.client.layout
	ops := []zkapi.Op{floor}
	for _, name := range names {
		ops = append(ops,
			zkapi.Create(l.worker(name), nil, zkapi.Persistent).WithACL(l.access.worker()),
			zkapi.Delete(l.worker(name), zkapi.AnyVersion),
			zkapi.Delete(l.inbox(name), p.versions[name]))
	}
	return ops
}

// raisedFloor is the operation that raises the floors to the versions of some names, if they are not
// above them. It is refused if another prune has changed the floors.
func (p *pruning) raisedFloor(ctx context.Context, session zkapi.Session, names []string) (zkapi.Op, error) {
	l := p.client.layout
	floors, version, found, err := l.readFloors(ctx, fence.Of(session))
	if err != nil {
		return zkapi.Op{}, err
	}
	raised := false
	for _, name := range names {
		if group := floorGroup(name); p.versions[name] > floors[group] {
			floors[group], raised = p.versions[name], true
		}
	}
	data := encode(prunedRecord{floors})
	switch {
	case !found:
		return zkapi.Create(l.pruned(), data, zkapi.Persistent).WithACL(l.access.master()), nil
	case !raised:
		return zkapi.Check(l.pruned(), version), nil
	}
	return zkapi.Set(l.pruned(), data, version), nil
}

// settleAll takes over the answer to a multi. It returns an error that ends the prune, or this
// attempt at it.
func (p *pruning) settleAll(names []string, err error) error {
	at := zkapi.FailedIndex(err)
	_, differ := differs(err, make([]zkapi.Op, 1+prunedOps*len(names)))
	switch {
	case err == nil:
		for _, name := range names {
			p.settle(name, "")
		}
		return nil
	case zkapi.FateOf(err) == zkapi.Unknown:
		for _, name := range names {
			p.lost[name] = true
		}
		return err
	case !differ:
		return err
	case at == 0:
		return nil // another prune has changed the floor
	}
	name := names[(at-1)/prunedOps]
	switch {
	case (at-1)%prunedOps == whileItIsGone && errors.Is(err, zkapi.ErrNodeExists):
		p.settle(name, "it is alive")
	case errors.Is(err, zkapi.ErrBadVersion):
		p.settle(name, "a worker has registered under it")
	case errors.Is(err, zkapi.ErrNotEmpty):
		p.settle(name, "assignments are left in its list")
	case errors.Is(err, zkapi.ErrNoNode):
		p.settle(name, "it is gone: another client has removed it")
	default:
		return err
	}
	return nil
}
