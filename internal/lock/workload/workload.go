package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Locker is the name of the only role.
const Locker = "locker"

// New is the workload of locks.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: Locker, Explain: "processes that take the same locks", Count: 4, Least: 2, Most: 50, Works: true, Submits: true},
		},
		Rate:    "locks that all lockers together ask for in a second",
		Options: func(r subject.Run) any { return settings{Rate: r.Rate / float64(r.Counts[Locker]*len(uses))} },
		Play:    play,
		Tree:    nemesis.Recipe{Held: held, Changing: uses[0].lock},
		Roots:   []string{history.LocksRoot, history.LedgersRoot},
	}
}

// settings are what all participants of a run get to know.
type settings struct {
	Rate float64 `json:"rate"` // at which one locker asks for one lock, per second
}

// use is a lock, and how it is used.
type use struct {
	lock    string
	shared  bool // by some; others take it alone
	permits int  // of a semaphore
	simple  bool // in the simple form
	delays  bool // the next holder always waits for a delay, if a holder's end is unclean
	yields  bool // its holders release it when they are asked to, and those that wait ask

	together []string // several locks that are taken together, instead of one
}

// all are the locks of a use.
func (u use) all() []string {
	if len(u.together) > 0 {
		return u.together
	}
	return []string{u.lock}
}

// of are the locks that an intent is about, in its order.
func (u use) of(w intent) []string {
	if len(u.together) == 0 {
		return u.all()
	}
	var locks []string
	for _, at := range w.order {
		locks = append(locks, u.together[at])
	}
	return locks
}

// name is for the ids of attempts.
func (u use) name() string { return strings.TrimPrefix(u.all()[0], history.LocksRoot) }

// uses are the locks of a run.
var uses = []use{
	{lock: history.LocksRoot + "/orders", shared: true},
	{lock: history.LocksRoot + "/stock", shared: true},
	{lock: history.LocksRoot + "/seats", permits: 2},
	{lock: history.LocksRoot + "/gate", simple: true},
	{lock: history.LocksRoot + "/press", delays: true},
	{lock: history.LocksRoot + "/desk", shared: true, yields: true},
	{together: []string{history.LocksRoot + "/east", history.LocksRoot + "/north", history.LocksRoot + "/west"}},
}

// held counts the locks that each locker was granted last, and whose contender is still there.
func held(ctx context.Context, z nemesis.Znodes) (map[string]int, error) {
	counts := map[string]int{}
	for _, at := range slices.Concat(locksOf(uses)...) {
		got, err := z.Do(ctx, zkapi.Get(at))
		if errors.Is(err, zkapi.ErrNoNode) {
			continue
		}
		if err != nil {
			return nil, err
		}
		listed, err := z.Do(ctx, zkapi.Children(at))
		if err != nil {
			return nil, err
		}
		var last struct{ Name, Znode string }
		if json.Unmarshal(got.Data, &last) == nil && slices.Contains(listed.Children, last.Znode) {
			counts[last.Name]++
		}
	}
	return counts, nil
}

// locksOf are the locks of each use.
func locksOf(all []use) (locks [][]string) {
	for _, u := range all {
		locks = append(locks, u.all())
	}
	return locks
}

// locker is one participant.
type locker struct {
	subject.Participant
	settings
	slow  slow
	locks *lock.Locks
}

// play runs a participant.
func play(ctx context.Context, p subject.Participant) error {
	l := locker{Participant: p, slow: slowed(p.Env)}
	if err := p.ReadOptions(&l.settings); err != nil {
		return err
	}
	if p.Role != Locker {
		return fmt.Errorf("lock: unknown role %q", p.Role)
	}
	var err error
	names := layout(p.Name)
	if l.locks, err = lock.New(l.slow, lock.Config{Name: p.Name, ACL: p.ACL(), Logger: p.Log, Layout: names}); err != nil {
		return err
	}
	var going sync.WaitGroup
	for i, u := range uses {
		if u.permits > 0 && names != lock.Plain {
			continue // that layout has no names for them
		}
		going.Go(func() { l.contend(ctx, u, rand.New(rand.NewPCG(p.Seed, uint64(p.Life*len(uses)+i)))) })
	}
	going.Wait()
	switch cause := context.Cause(ctx); {
	case cause == nil:
		p.Journal.Add(record.Event{Type: record.Note, Kind: history.Settled, Of: record.Own{}})
	case !errors.Is(cause, subject.ErrLeave):
		return cause // killed
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), subject.LeavePatience)
	defer cancel()
	if err := p.Depart(leaving, l.locks.Close); err != nil {
		p.Log.Info("left", "error", err) // it is on record, and no crash
	}
	return context.Cause(ctx)
}

// layout is how a locker names its contenders: lockers of all layouts contend with each other.
// Every second locker has the plain one, which alone has semaphores.
func layout(name string) lock.Layout {
	return []lock.Layout{lock.CuratorReadWrite, lock.Plain, lock.Kazoo, lock.Plain}[number(name)%4]
}

// number is the number at the end of a name.
func number(name string) int {
	n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:]) // all names have one
	return n
}

// contend takes one lock again and again, at the rate of the run.
func (l locker) contend(ctx context.Context, u use, rng *rand.Rand) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / l.Rate))
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-l.Draining:
			for failures := 1; ctx.Err() == nil && !l.attempt(ctx, u, last(u, number(l.Name)%2 == 0), l.id(u, n)); failures, n = failures+1, n+1 {
				l.Pause(ctx, failures)
			}
			return
		case <-ticker.C:
		}
		l.attempt(ctx, u, draw(rng, u), l.id(u, n))
	}
}

// id names the n-th attempt of this life at a lock.
func (l locker) id(u use, n int) string {
	return fmt.Sprintf("%s.%d%s.%d", l.Name, l.Life, u.name(), n)
}
