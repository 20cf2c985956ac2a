package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a process, for the judge.
const (
	epochNote  = "epoch"  // the epoch with which it was told it has opened the store
	loadedNote = "loaded" // the sum that it has loaded, until it writes
	ownNote    = "own"    // the same, counted by the records that it has loaded beside that
	okNote     = "ok"     // how many writes it was told are applied
	doubtNote  = "doubt"  // how many writes it was told are in doubt
	busyNote   = "busy"   // a write is under way
	wrongNote  = "wrong"  // an answer that it must not get
	tidyNote   = "tidy"   // it has collected, and wrote nothing since
	fencedNote = "fenced" // it was told that another process has become the active one
	doneNote   = "done"   // it wants nothing any more
)

// active is one process. All that its thread depends on is in its fields.
type active struct {
	Config
	name   string
	number int
	guard  worlds.Guard
	host   explore.Host
	env    zkapi.Env

	session   zkapi.Session
	store     *store.ZooKeeper
	count     int // what it has loaded, and written since
	at        store.Version
	ok, doubt int
	round     int
}

// program is the code of the process.
func (a active) program() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		one := a
		one.host, one.env = host, a.guard.Env(host)
		one.run(ctx)
	}
}

// run becomes the active one until its writes are done or another process has become the active one. When a
// session ends, it goes on with the next one.
func (a *active) run(ctx context.Context) {
	zkapi.DependsOn(a.host, a)
	for {
		err := a.term(ctx)
		if errors.Is(err, store.ErrFenced) {
			a.host.Note(fencedNote, "1")
		}
		a.host.Note(epochNote, "")
		a.host.Note(tidyNote, "")
		if err == nil || errors.Is(err, store.ErrFenced) {
			break
		}
		if !errors.Is(err, zkapi.ErrSessionEnded) {
			a.host.Note(wrongNote, fmt.Sprint(err))
			break
		}
	}
	a.host.Note(doneNote, "1")
	zkapi.Checkpoint(a.host, "done")
	_, _ = a.host.Wait(ctx)
}

// term is one session.
func (a *active) term(ctx context.Context) (err error) {
	a.session, a.store = nil, nil
	zkapi.Checkpoint(a.host, "open a session")
	if a.session, err = a.env.Open(ctx); err != nil {
		return err
	}
	layout := store.Layout{Root: root, Types: []store.Type{{Name: "apps"}}}
	one := oneSession{worlds.Inside{Host: a.host}, a.session}
	if a.store, err = store.Open(ctx, one, writer{a.session}, store.Config{Name: a.name, Layout: layout, PartSize: partSize}); err != nil {
		return err
	}
	a.host.Note(epochNote, fmt.Sprint(a.store.Epoch()))
	if err := a.load(ctx); err != nil {
		return err
	}
	for a.round < a.Rounds {
		if err := a.write(ctx); err != nil {
			return err
		}
		a.round++
	}
	if a.Large {
		if _, err := a.store.Collect(ctx); err != nil {
			return err
		}
		a.host.Note(tidyNote, "1")
		zkapi.Checkpoint(a.host, "tidy")
		_ = a.host.Act(ctx, "rest", int64(a.store.Epoch())) // a moment at which the judge sees it
	}
	return nil
}

// load notes what a new active finds.
func (a *active) load(ctx context.Context) error {
	records, err := a.store.Load(ctx)
	if err != nil {
		return err
	}
	counted := 0
	for _, r := range records {
		var of int
		if r.Key == "apps/sum" {
			a.count, a.at = number(string(r.Data)), r.Version
		} else if _, err := fmt.Sscanf(r.Key, "apps/active-%d.", &of); err == nil {
			counted += unit(of - 1)
		}
	}
	a.host.Note(loadedNote, fmt.Sprint(a.count))
	a.host.Note(ownNote, fmt.Sprint(counted))
	zkapi.Checkpoint(a.host, "loaded")
	_ = a.host.Act(ctx, "load", int64(a.store.Epoch())) // the same
	return nil
}

// write adds to the sum, and makes a record of its own in the same batch.
func (a *active) write(ctx context.Context) error {
	if a.Gets {
		got, err := a.store.Get(ctx, "apps/sum")
		if err != nil {
			return err
		}
		if n := number(string(got.Data)); n != a.count || got.Version != a.at {
			a.host.Note(wrongNote, fmt.Sprintf("it reads %d, and it has written or loaded %d", n, a.count))
		}
	}
	a.host.Note(loadedNote, "")
	a.host.Note(busyNote, "1")
	next := a.count + unit(a.number)
	versions, err := a.store.Apply(ctx,
		store.Put("apps/sum", a.value(next), a.at),
		store.Create(fmt.Sprintf("apps/%s.%d.%d", a.name, a.store.Epoch(), a.round), nil))
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		a.ok++
		a.count, a.at = next, versions[0]
	case zkapi.Unknown:
		a.doubt++
	}
	a.host.Note(okNote, strconv.Itoa(a.ok))
	a.host.Note(doubtNote, strconv.Itoa(a.doubt))
	a.host.Note(busyNote, "")
	if errors.Is(err, store.ErrChanged) {
		a.host.Note(wrongNote, "the record is not as it was loaded")
	}
	return err
}

// partSize makes a large value have two parts.
const partSize = 300

// value is the sum as the data of the record. A large one is that text again and again.
func (a *active) value(n int) []byte {
	text := strconv.Itoa(n) + "."
	if a.Large {
		return []byte(strings.Repeat(text, 2*partSize/len(text)))
	}
	return []byte(text)
}

// number reads that; -1 for any other text.
func number(text string) int {
	first, _, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(first)
	if err != nil || slices.ContainsFunc(strings.Split(strings.TrimSuffix(text, "."), "."), func(s string) bool { return s != first }) {
		return -1
	}
	return n
}

// unit is what a process adds: so each digit of the sum is of one process.
func unit(number int) int { return []int{1, 10, 100}[number] }

// writer is a Writer without a claim.
type writer struct{ session zkapi.Session }

// Write implements store.Writer. The store has declared what its thread depends on.
func (w writer) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	return w.session.Do(ctx, zkapi.Multi(ops...))
}

// oneSession is a host whose only session is there already. The explorer has one session of a process at a time, so
// the store reads by that by which it writes.
type oneSession struct {
	worlds.Inside
	session zkapi.Session
}

// Open implements zkapi.Env. When the session has ended, there is no other one.
func (o oneSession) Open(context.Context) (zkapi.Session, error) {
	if o.session.Done().Fired() {
		return nil, fmt.Errorf("%w: %w", zkapi.ErrAuthFailed, o.session.Cause())
	}
	return o.session, nil
}
