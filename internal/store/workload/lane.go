package workload

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	group "github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// lanes is how many threads of a manager keep applications. Each has applications of its own: the
// remainder of their numbers is that of the thread.
const lanes = 2

// The numbers of applications, and how many a thread has at most. Numbers come again, so keys do.
const (
	numbers  = 120
	mostApps = 12
)

// book is what a manager knows of the records, a page for each thread.
type book [lanes]page

// page is what a thread knows of its records.
type page struct {
	known    map[string]store.Version
	doubtful map[string]bool // records whose state is not known
	owed     map[string]bool // applications that are to be acknowledged when the store has confirmed them
}

// bookOf reads what was loaded. The error says what is wrong with it.
func bookOf(records []store.Record) (*book, error) {
	b := &book{}
	for i := range b {
		b[i] = page{known: map[string]store.Version{}, doubtful: map[string]bool{}, owed: map[string]bool{}}
	}
	for _, r := range records {
		lane, is := laneOf(r.Key)
		if !is {
			continue
		}
		if above, below := store.Above(r.Key); below {
			if _, there := b[lane].known[above]; !there {
				return nil, fmt.Errorf("record %s was loaded without %s", r.Key, above)
			}
		}
		b[lane].known[r.Key] = r.Version
	}
	return b, nil
}

// keyOf is the key of an application.
func keyOf(number int) string { return fmt.Sprintf("apps/application_%04d", number) }

// laneOf is the thread that keeps a record; false if none does.
func laneOf(key string) (lane int, is bool) {
	var n int
	if _, err := fmt.Sscanf(key, "apps/application_%04d", &n); err != nil {
		return 0, false
	}
	return n % lanes, true
}

// lane is one thread of a manager.
type lane struct {
	*manager
	page
	number int
	rng    *rand.Rand
	prefix string // of all values
	n      int    // of the last value
}

func (m *manager) lane(number int) *lane {
	epoch := m.store.Epoch()
	return &lane{
		manager: m, page: m.book[number], number: number, rng: rand.New(rand.NewPCG(m.Seed, uint64(epoch)<<8|uint64(number))),
		prefix: fmt.Sprintf("%s thread %d since %v", group.DataOf(m.alive()), number, m.Now()),
	}
}

// run keeps applications until ctx ends.
func (l *lane) run(ctx context.Context) {
	pause := time.Duration(lanes * float64(time.Second) / l.Rate)
	failures := 0
	for i := 0; ctx.Err() == nil; i++ {
		var err error
		switch {
		case len(l.doubtful) > 0:
			err = l.look(ctx, slices.Sorted(maps.Keys(l.doubtful))[0])
		case l.number == 0 && i%40 == 0:
			err = l.collect(ctx)
		default:
			err = l.step(ctx)
		}
		if err != nil {
			failures++
			l.Pause(ctx, failures)
			continue
		}
		failures = 0
		_, _ = l.Env.Wait(ctx, l.Env.Timer(pause)) // it ends early with ctx
	}
}

// apps are the applications of the thread.
func (l *lane) apps() (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(l.known)) {
		if _, below := store.Above(key); !below {
			keys = append(keys, key)
		}
	}
	return keys
}

// attempts are the records below an application.
func (l *lane) attempts(app string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(l.known)) {
		if strings.HasPrefix(key, app+"/") {
			keys = append(keys, key)
		}
	}
	return keys
}

// step makes one call.
func (l *lane) step(ctx context.Context) error {
	apps := l.apps()
	free := keyOf(l.number + lanes*l.rng.IntN(numbers/lanes))
	if _, taken := l.known[free]; !taken && len(apps) < mostApps && l.rng.IntN(100) < 35 || len(apps) == 0 {
		if taken {
			return nil
		}
		return l.accept(ctx, free)
	}
	app := apps[l.rng.IntN(len(apps))]
	switch draw := l.rng.IntN(100); {
	case draw < 30: // another state
		return l.do(ctx, store.Put(app, l.value(app), l.known[app]))
	case draw < 35: // whatever the state is
		return l.do(ctx, store.Put(app, l.value(app), store.Any))
	case draw < 50:
		attempt := fmt.Sprintf("%s/attempt_%d", app, 1+l.rng.IntN(3))
		if version, there := l.known[attempt]; there {
			return l.do(ctx, store.Put(attempt, l.value(attempt), version))
		}
		return l.do(ctx, store.Create(attempt, l.value(attempt)), store.Put(app, l.value(app), l.known[app]))
	case draw < 65:
		return l.finish(ctx, app)
	case draw < 75: // all applications
		var all []store.Change
		for _, key := range apps {
			all = append(all, store.Put(key, l.value(key), l.known[key]))
		}
		return l.do(ctx, all...)
	case draw < 90: // of whatever thread
		_, err := l.get(ctx, keyOf(l.rng.IntN(numbers)))
		return err
	case draw < 95: // by a version that it has not
		return l.do(ctx, store.Put(app, l.value(app), l.known[app]+1))
	case draw < 97: // that has attempts, perhaps
		return l.do(ctx, store.Delete(app, l.known[app]))
	default:
		return l.do(ctx, store.Create(free+"/attempt_1", l.value(free)))
	}
}

// accept makes an application, and acknowledges it.
func (l *lane) accept(ctx context.Context, key string) error {
	l.owed[key] = true
	err := l.do(ctx, store.Create(key, l.value(key)))
	l.acknowledge(key)
	return err
}

// acknowledge acts on the system outside, without any token, when the store has confirmed an application. Then it
// must not be lost.
func (l *lane) acknowledge(key string) {
	if l.doubtful[key] || !l.owed[key] {
		return
	}
	delete(l.owed, key)
	if version, there := l.known[key]; there {
		_ = l.Effect(subject.Effect{Object: key, ID: group.DataOf(l.alive()), Text: fmt.Sprintf("accepted, version %d, epoch %d", version, l.store.Epoch())}) // the journal of the sink has it
	}
}

// finish removes an application with its attempts.
func (l *lane) finish(ctx context.Context, app string) error {
	var all []store.Change
	for _, key := range append(l.attempts(app), app) {
		all = append(all, store.Delete(key, l.known[key]))
	}
	return l.do(ctx, all...)
}

// do applies changes, and keeps the book.
func (l *lane) do(ctx context.Context, changes ...store.Change) error {
	versions, err := l.apply(ctx, changes...)
	for i, c := range changes {
		switch {
		case err != nil:
			l.doubtful[c.Key] = true
		case c.Delete:
			delete(l.known, c.Key)
		default:
			l.known[c.Key] = versions[i]
		}
	}
	return err
}

// look reads a record whose state is not known.
func (l *lane) look(ctx context.Context, key string) error {
	r, err := l.get(ctx, key)
	if err != nil {
		return err
	}
	delete(l.doubtful, key)
	l.known[key] = r.Version
	if r.Version == store.Absent {
		delete(l.known, key)
	}
	l.acknowledge(key)
	return nil
}

// value is a value that no other call writes. Some are in parts, and some begin as a pointer to parts does.
func (l *lane) value(key string) []byte {
	l.n++
	text := fmt.Sprintf("%s: %s, value %d.", l.prefix, key, l.n)
	switch l.rng.IntN(12) {
	case 0, 1:
		return bytes.Repeat([]byte(text), 1+(partSize+l.rng.IntN(3*partSize))/len(text))
	case 2:
		return []byte("@parts " + text)
	}
	return []byte(text)
}
