package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/txnlog"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// match is programs that contend for one lock, and what the judge must find.
type match struct {
	name     string
	recruits []recruit
	play     func(*interop, *troop)
	bad      string // the programs do not exclude each other: whose work the judge must find
}

// TestInterop_LockOfThreeLibraries has programs of recipe/lock, Curator and kazoo contend for one
// lock while sessions, connections, processes and servers end. The judge has ZooKeeper's own
// transaction logs: each write of a holder must fall into the time in which its znode was the
// first of the line.
//
// Three matches are planted: one program has settings with which it does not see the others, or
// they do not see it. Then the judge must find that two held the lock.
func TestInterop_LockOfThreeLibraries(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name())
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	i := &interop{classes: needInterop(ctx, t)}
	i.e = ensembletest.StartWith(t, ensemble.Config{Servers: 3, Profile: ensemble.Profile{Java: []string{fmt.Sprintf("-Dznode.container.checkIntervalMs=%d", containerLooks.Milliseconds())}}})
	matches := []match{
		{name: "mixed", play: everyHarm, recruits: []recruit{
			{ringmaster, mixedNames, "curator"}, {ringmaster, mixedNames, "kazoo"}, {curator, mixedNames, ""}, {curator, mixedNames, ""}, {kazooLock, mixedNames, ""}, {kazooLock, mixedNames, ""},
		}},
		{name: "curator", play: endSessions, recruits: []recruit{{ringmaster, curatorNames, "curator"}, {curator, curatorNames, ""}, {kazooLock, curatorNames, ""}}},
		{name: "read-write", play: endSessions, recruits: []recruit{{ringmaster, readWrite, "curator-read-write"}, {ringmaster, readWrite, "curator-read-write"}, {curator, readWrite, ""}, {kazooLock, readWrite, ""}}},
		{name: "blind-kazoo", play: untilAllHaveHeld, bad: "kazoo-3", recruits: []recruit{{ringmaster, mixedNames, "curator"}, {curator, mixedNames, ""}, {kazooLock, blindNames, ""}}},
		{name: "plain-ringmaster", play: untilAllHaveHeld, bad: "kazoo-2", recruits: []recruit{{ringmaster, mixedNames, "plain"}, {kazooLock, mixedNames, ""}}},
		{name: "standard-curator", play: untilAllHaveHeld, bad: "Curator-2", recruits: []recruit{{kazooLock, mixedNames, ""}, {curator, curatorNames, ""}}},
	}
	troops := make([]*troop, len(matches))
	for n, m := range matches {
		t.Run(m.name, func(t *testing.T) { troops[n] = i.contest(ctx, t, m) })
	}
	t.Run("Curator makes the path", func(t *testing.T) { i.curatorFirst(ctx, t) })
	committed := i.committed(t, ctx)
	for n, m := range matches {
		if w := troops[n]; w != nil {
			t.Run(m.name+" is judged", func(t *testing.T) { m.judge(t, w, committed) })
		}
	}
}

// contest plays one match to its end, and looks whether a znode is left.
func (i *interop) contest(ctx context.Context, t *testing.T, m match) *troop {
	path := "/" + m.name
	i.makes(ctx, t, path, path+"/lock", path+"/work") // without that, Curator would make the path, as a container
	t.Cleanup(func() {
		if t.Failed() {
			i.showLine(t, path+"/lock")
		}
	})
	w := i.muster(t, path, m.recruits...)
	m.play(i, w)
	w.t = t
	for _, p := range w.programs {
		p.tell("rest")
	}
	for _, p := range w.programs {
		w.until(p.name+" rests", []*program{p}, func(said) bool { return lastOf(w, p).What == "rests" })
	}
	s := open(t, ctx, i.e.Addresses()...) // one of before may have ended when a server died
	defer s.Close(ctx)
	var children []string
	for limit := time.Now().Add(15 * time.Second); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		if _, err := s.Do(ctx, zkapi.Sync(path+"/lock")); err != nil {
			t.Fatal(err)
		}
		listed, err := s.Do(ctx, zkapi.Children(path+"/lock"))
		if children = listed.Children; err != nil {
			t.Fatal(err)
		}
		if len(children) == 0 {
			break
		}
	}
	if len(children) > 0 {
		t.Errorf("while all programs rest, these znodes are left: %q", children)
	}
	for _, p := range w.programs {
		p.quit()
	}
	return w
}

// showLine logs who contends for a lock.
func (i *interop) showLine(t *testing.T, path string) {
	driver, err := zkclient.New(zkclient.Config{Servers: i.e.Addresses(), SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	locks, err := lock.New(driver, lock.Config{})
	if err != nil {
		t.Error(err)
		return
	}
	defer locks.Close(ctx)
	line, err := locks.Line(ctx, path)
	t.Logf("the line: %v %+v", err, line)
}

// makes makes persistent znodes.
func (i *interop) makes(ctx context.Context, t *testing.T, paths ...string) {
	t.Helper()
	s := open(t, ctx, i.e.Addresses()...)
	defer s.Close(ctx)
	for _, path := range paths {
		if _, err := s.Do(ctx, zkapi.Create(path, nil, zkapi.Persistent)); err != nil {
			t.Fatal(err)
		}
	}
}

// lastOf is the last line of a program. The caller has the troop's mutex.
func lastOf(w *troop, p *program) said {
	lines := w.lines[p.name]
	return lines[len(lines)-1]
}

// judge has the judge look at a match.
func (m match) judge(t *testing.T, w *troop, committed []txnlog.Entry) {
	holds := w.holdsOf()
	v := judgeLock(holds, changesBelow(committed, "/"+m.name+"/lock", "/"+m.name+"/work"), w.harmed)
	t.Logf("%d holds %v; not promised, and so no violation: late writes %v, beliefs after the session's end %v", len(holds), v.holds, v.late, v.overlap)
	if m.bad == "" {
		for _, violation := range v.violations {
			t.Error(violation)
		}
		return
	}
	if !slices.ContainsFunc(v.violations, func(text string) bool {
		return strings.Contains(text, m.bad+" worked with") && strings.Contains(text, "was before it")
	}) {
		t.Errorf("%s does not wait for others, and the judge has not noticed: %q", m.bad, v.violations)
	}
}

// untilAllHaveHeld lets programs contend that do not exclude each other.
func untilAllHaveHeld(_ *interop, w *troop) {
	const rounds = 5
	for range rounds {
		w.holdsAgain("nothing is done to it", w.programs...)
	}
}

// endSessions ends a session of each library's holder, and the session of a waiting contender.
func endSessions(i *interop, w *troop) {
	for _, p := range w.programs {
		w.harm(i, p, expired)
	}
	holder, waiter := w.programs[0], w.programs[len(w.programs)-1]
	w.stays(holder)
	over := w.harms(waiter, expired)
	i.expire(w.t, waiter)
	over()
	holder.tell("go")
	w.holdsAgain("the session of "+waiter.name+" has ended while it waited", w.programs...)
}

// everyHarm does everything to a holder of each library, and kills servers.
func everyHarm(i *interop, w *troop) {
	byLibrary := map[library][]*program{}
	for _, p := range w.programs {
		byLibrary[p.lib] = append(byLibrary[p.lib], p)
	}
	for n, kind := range []string{expired, severed, stopped, killed, broken} {
		for _, l := range []library{ringmaster, curator, kazooLock} {
			w.harm(i, byLibrary[l][n%2], kind) // both layouts of Ringmaster have their turn
		}
	}
	endSessions(i, w)
	for _, l := range []library{curator, kazooLock, ringmaster} {
		w.serverDies(i, byLibrary[l][0])
	}
}

// harm does something to a program that holds the lock. Then the others hold it, and later the
// program does again.
func (w *troop) harm(i *interop, p *program, kind string) {
	w.t.Helper()
	why := p.name + ": " + kind
	w.stays(p)
	over := w.harms(p, kind)
	switch kind {
	case expired:
		i.expire(w.t, p)
	case severed:
		p.proxy.Cut()
	case broken:
		if p.proxy.Break() == 0 {
			w.t.Errorf("%s had no connection", p.name)
		}
	case stopped:
		_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	case killed:
		p.kill()
	}
	if kind == broken { // the session lives, and so does the lock
		time.Sleep(time.Second)
		p.tell("go")
	} else {
		w.holdsAgain(why, w.others(p)...)
	}
	switch kind {
	case severed:
		p.proxy.Heal()
	case stopped:
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
	case killed:
		over()
		p.start()
	}
	p.tell("go")
	w.holdsAgain(why+", and that is over", p)
	over()
}

// serverDies kills the server of a program that holds the lock, until all have held it again.
func (w *troop) serverDies(i *interop, p *program) {
	w.t.Helper()
	w.stays(p)
	address, ok := p.proxy.ServerOf(i.sessionOf(w.t, p).ID)
	at := slices.IndexFunc(i.e.Servers, func(s *ensemble.Server) bool { return s.Address == address })
	if !ok || at < 0 {
		w.t.Fatalf("%s has no connection", p.name)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := i.e.Servers[at].Kill(ctx); err != nil {
		w.t.Fatal(err)
	}
	p.tell("go")
	w.holdsAgain("the server of "+p.name+" was killed", w.programs...)
	if err := errors.Join(i.e.Servers[at].Restart(ctx), i.e.WaitServing(ctx, len(i.e.Servers))); err != nil {
		w.t.Fatal(err)
	}
}

// expire ends the session of a program that contends. The program may take the session back before
// that, so it is tried again.
func (i *interop) expire(t *testing.T, p *program) {
	t.Helper()
	const tries = 20
	session := i.sessionOf(t, p)
	for range tries {
		zxid, err := ensemble.Expire(t.Context(), i.e.Servers[0].Address, session)
		if err == nil || errors.Is(err, ensemble.ErrSessionGone) {
			t.Logf("session 0x%x of %s has ended at 0x%x: %v", session.ID, p.name, zxid, err)
			return
		}
		t.Logf("once more: %v", err)
	}
	t.Fatalf("the session of %s could not be ended", p.name)
}

// sessionOf is the session of a program's znode in the line. It may not be the last that the proxy
// has seen: a server that is slow grants one that the program has given up by then.
func (i *interop) sessionOf(t *testing.T, p *program) ensemble.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := open(t, ctx, i.e.Addresses()...)
	defer s.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		listed, err := s.Do(ctx, zkapi.Children(p.lock))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range listed.Children {
			got, err := s.Do(ctx, zkapi.Get(p.lock+"/"+name))
			if err == nil && strings.Contains(string(got.Data), p.name) {
				if session, ok := p.proxy.SessionOf(got.Stat.EphemeralOwner); ok {
					return session
				}
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s has no znode in the line", p.name)
	return ensemble.Session{}
}

// committed is everything that the servers have committed, in order.
func (i *interop) committed(t *testing.T, ctx context.Context) []txnlog.Entry {
	t.Helper()
	_, order := logged(t, ctx, i.e, agreed(t, ctx, i.e))
	return order.Committed
}

// containerLooks is how often the servers look for containers to delete. ZooKeeper's own is a minute.
const containerLooks = 500 * time.Millisecond

// curatorFirst: if Curator makes the path, it is a container: the servers delete it when it has been
// empty, and no Stat tells. So the tokens begin again, except for a process that has seen one.
func (i *interop) curatorFirst(ctx context.Context, t *testing.T) {
	i.makes(ctx, t, "/contained", "/contained/work")
	w := i.muster(t, "/contained", recruit{curator, curatorNames, ""})
	w.stays(w.programs[0]) // so the path stays, and is no other process's
	s := open(t, ctx, i.e.Addresses()...)
	defer s.Close(ctx)
	const path = "/contained/lock"
	token := func(l *lock.Locks) int32 {
		held, err := l.Lock(ctx, path)
		if err != nil {
			t.Errorf("lock: %v", err)
			return 0
		}
		defer held.Release(ctx)
		return held.Token()
	}
	gone := func() {
		const patience = time.Minute
		for limit := time.Now().Add(patience); ; time.Sleep(containerLooks) {
			found, err := s.Do(ctx, zkapi.Exists(path))
			switch {
			case err != nil:
				t.Fatal(err)
			case !found.Found:
				return
			case time.Now().After(limit):
				t.Fatalf("after %v the servers have not deleted the path that Curator has made", patience)
			}
		}
	}
	driver, err := zkclient.New(zkclient.Config{Servers: i.e.Addresses(), SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var knows, fresh *lock.Locks
	for _, l := range []**lock.Locks{&knows, &fresh} {
		if *l, err = lock.New(driver, lock.Config{Layout: lock.Curator}); err != nil {
			t.Fatal(err)
		}
		defer (*l).Close(ctx)
	}
	joined := make(chan int32)
	go func() { joined <- token(knows) }()
	for n := 0; n < 2; time.Sleep(20 * time.Millisecond) {
		listed, err := s.Do(ctx, zkapi.Children(path))
		if n = len(listed.Children); err != nil {
			t.Fatal(err)
		}
	}
	w.programs[0].tell("rest")
	first := <-joined
	w.programs[0].quit()
	gone()
	if again := token(fresh); again != first {
		t.Errorf("a process that has seen no token has %d after %d: correct the documentation", again, first)
	}
	if next := token(knows); next <= first {
		t.Errorf("a process that has seen token %d has %d later", first, next)
	}
}
