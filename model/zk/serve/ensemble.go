package serve

import (
	"log/slog"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve/disk"
)

// Options say how an ensemble is set up. The zero value is one server with ZooKeeper's own
// defaults.
type Options struct {
	Members           int           // how many servers vote; 0 is 1
	Observers         int           // how many servers there are besides, which do not vote
	TickTime          time.Duration // ZooKeeper's tickTime; 0 is 2 s
	SyncLimit         int           // ZooKeeper's syncLimit: a server that is cut off notices after so many ticks; 0 is 5
	MinSessionTimeout time.Duration // a session gets at least that timeout; 0 is 2 ticks
	MaxSessionTimeout time.Duration // a session gets at most that timeout; 0 is 20 ticks
	MaxBuffer         int           // jute.maxbuffer, in bytes: a longer request closes its connection; 0 is 1 MiB - 1
	ReapEvery         time.Duration // ZooKeeper's znode.container.checkIntervalMs: how often empty containers and znodes whose TTL is over are looked for; 0 is 1 minute
	ReadOnlyMode      bool          // ZooKeeper's readonlymode.enabled: a server without a leader answers reads of clients that take that; of no use to a single server
	WithoutMultiRead  int           // the first so many servers know neither multiRead nor addWatch, like those before ZooKeeper 3.6
	Seed              uint64        // of what faults choose at random
	Log               *slog.Logger  // gets a line at each begin and end of a session, at each fault, and when a server comes or goes; nil: no lines
}

// defaults fills in what is 0.
func (o *Options) defaults() {
	const mostBytes = 0xfffff
	if o.Members == 0 {
		o.Members = 1
	}
	if o.TickTime == 0 {
		o.TickTime = 2 * time.Second
	}
	if o.SyncLimit == 0 {
		o.SyncLimit = 5
	}
	if o.MinSessionTimeout == 0 {
		o.MinSessionTimeout = 2 * o.TickTime
	}
	if o.MaxSessionTimeout == 0 {
		o.MaxSessionTimeout = 20 * o.TickTime
	}
	if o.MaxBuffer == 0 {
		o.MaxBuffer = mostBytes
	}
	if o.ReapEvery == 0 {
		o.ReapEvery = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Ensemble is the state that all members share: the znodes, and the sessions. It is safe for
// concurrent use. In a testing/synctest bubble its time is virtual.
type Ensemble struct {
	options Options
	members []*Member
	disk    *disk.Log // nil: nothing is kept
	fails   sync.Once // when it cannot be written
	ended   sync.Once // the work of Close that is done once

	mu         sync.Mutex // guards all below, and all that members and connections have
	tree       zk.Tree    // after the last write
	sessions   map[int64]*session
	granted    int64 // how many sessions there were
	leader     *Member
	epoch      int64       // of the leader; 0 of a single server
	election   *time.Timer // of the election that is being held
	moved      sync.Cond   // of mu: when the leader, a server or a connection has come or gone
	injections []*Injection
	injected   uint64 // how many injections there were
	closed     bool
}

// New makes an ensemble with an empty tree. All of its members run, and have a leader: the one
// with the highest id. They accept connections with Member.Serve or Member.ServeConn.
func New(options Options) *Ensemble {
	options.defaults()
	return build(options, newState(), nil)
}

// build makes an ensemble with that state. Changes are given to the disk, unless it is nil.
func build(options Options, s state, keeper *disk.Log) *Ensemble {
	e := &Ensemble{options: options, disk: keeper, tree: s.tree, granted: s.granted, epoch: s.epoch, sessions: map[int64]*session{}}
	e.moved.L = &e.mu
	for i := range options.Members + options.Observers {
		e.members = append(e.members, newMember(e, i+1, i >= options.Members))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resume(s.sessions)
	e.elect()
	time.AfterFunc(e.options.ReapEvery, e.reap)
	return e
}

// Members lists the servers, in the order of their ids. Observers are the last.
func (e *Ensemble) Members() []*Member { return e.members }

// Tree is the state after the last write.
func (e *Ensemble) Tree() zk.Tree {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tree
}

// Close closes all listeners and connections, and ends the work of the ensemble. It gives the
// directory of Open free. The state stays readable.
func (e *Ensemble) Close() {
	e.mu.Lock()
	e.closed = true
	for _, s := range e.allSessions() {
		s.expiry.Stop()
	}
	for _, i := range e.injections {
		i.end()
	}
	e.mu.Unlock()
	for _, m := range e.members {
		m.Stop()
	}
	if e.disk == nil {
		return
	}
	e.ended.Do(func() {
		if err := e.disk.Close(); err != nil {
			e.options.Log.Error("the state of the end may not be kept", "error", err)
		}
	})
}

// present is the tree for a write at this moment. The ensemble is locked.
func (e *Ensemble) present() zk.Tree { return e.tree.At(time.Now()) }

// commit makes the tree after an entry the state, keeps the entry, and lets every member see
// what has changed. The ensemble is locked.
func (e *Ensemble) commit(en entry, next zk.Tree, changes []zk.Change) {
	e.commitStep(en, zk.Step{Tree: next, Changes: changes})
}

func (e *Ensemble) commitStep(en entry, s zk.Step) {
	s.Tree = count(s.Tree, s.Changes)
	e.tree = s.Tree
	e.keep(en)
	for _, m := range e.members {
		m.see(s)
	}
}

// reap deletes containers that had children and have none, and childless znodes that have not
// changed for their TTL.
func (e *Ensemble) reap() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	var paths []string
	if e.commits() {
		paths = overdue(e.tree, time.Now())
	}
	for _, path := range paths {
		parts := deletion(path)
		next, _, changes, refused := e.present().Apply(parts, nil)
		if refused == nil {
			e.options.Log.Info("a container or a TTL znode is deleted", "path", path)
		}
		e.commit(written(parts, refused), next, changes)
	}
	time.AfterFunc(e.options.ReapEvery, e.reap)
}
