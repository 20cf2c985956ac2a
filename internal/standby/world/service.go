package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a process, for the judge.
const (
	activeNote  = "active"  // the epoch, from the call of BecomeActive until BecomeStandby has returned
	standbyNote = "standby" // BecomeStandby has returned nil, and BecomeActive was not called since
	neutralNote = "neutral" // EnterNeutral was called
	wroteNote   = "wrote"   // the entry that Active.Write has said is written, in this term
	refusedNote = "refused" // the last entry that Active.Write has said is not applied
	selfNote    = "self"    // a breadcrumb of this life was fenced, or of a life of which there is no other
	leftNote    = "left"    // Run has returned
	toldNote    = "told"    // of the asker: "name epoch" of the active that Failover has returned
	doneNote    = "done"    // of the asker: nothing will be asked for any more
)

// runs is the service of a process, outside ZooKeeper. It goes on when the process dies. The token says what
// was done last: it was begun for an epoch, or ended.
func runs(name string) string { return "service " + name }

func begun(epoch int32) int64 { return 2 * int64(epoch) }

func over(epoch int32) int64 { return begun(epoch) + 1 }

// fenced is the fence of the processes with that data: the token is the epoch of the process that has
// fenced them. What was begun for a smaller one does nothing any more.
func fenced(data string) string { return "fence " + data }

// service is one process. All that its thread depends on is in its fields.
type service struct {
	Config
	*standby.Candidate
	name   string
	sick   bool
	host   explore.Host
	failed int // attempts to fence
	asked  int // how often health was asked for
	active *standby.Active
	entry  string // that is being written; empty for none
	again  bool   // it may have been written before
}

// program is the code of the process.
func (s service) program() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		guard, _ := worlds.Find(Guards(), s.Without) // World has checked it
		one := s
		one.host = host
		config := standby.Config{
			Layout: layout, Name: s.name, Data: []byte(s.data(s.name)),
			BecomeActive: one.becomeActive, BecomeStandby: one.becomeStandby, Fence: one.fence,
			FenceAttempts: 2, FencePause: time.Millisecond, RetryPause: time.Millisecond,
		}
		if s.Neutral {
			config.EnterNeutral = func(context.Context) { one.host.Note(neutralNote, "1") }
		}
		if s.sick {
			config.Health = one.health
		}
		c, err := standby.New(guard.Env(host), config)
		if err != nil {
			panic(err)
		}
		one.Candidate = c
		worlds.Run(ctx, host, &one, false)
		host.Note(leftNote, "1")
	}
}

// becomeActive begins the service, and writes to the ledger.
func (s *service) becomeActive(ctx context.Context, a *standby.Active) error {
	s.active = a
	for _, note := range []string{standbyNote, neutralNote} {
		s.host.Note(note, "")
	}
	s.host.Note(activeNote, fmt.Sprint(a.Epoch()))
	zkapi.Checkpoint(s.host, "begin the service", ctx, s)
	if err := s.host.Act(ctx, runs(s.name), begun(a.Epoch())); err != nil {
		return err
	}
	s.write(ctx)
	return nil
}

// write makes the entry of the term. If the answer is lost, it writes the same again: the second write is
// refused if the first was applied.
func (s *service) write(ctx context.Context) {
	for s.entry, s.again = fmt.Sprint(s.active.Epoch()), false; s.entry != ""; s.again = true {
		_, err := s.active.Write(ctx, zkapi.Set(ledger, []byte(s.entry), zkapi.AnyVersion), zkapi.Create(ledger+"/"+s.entry, nil, zkapi.Persistent))
		unknown := zkapi.FateOf(err) == zkapi.Unknown
		switch {
		case err == nil || errors.Is(err, zkapi.ErrNodeExists):
			s.host.Note(wroteNote, s.entry)
		case !unknown && !s.again:
			s.host.Note(refusedNote, s.entry)
		case unknown && ctx.Err() == nil:
			continue
		}
		s.entry = ""
	}
}

// becomeStandby ends the service. A new life does not know for which epoch it was begun.
func (s *service) becomeStandby(ctx context.Context) error {
	epoch := s.active.Epoch()
	for {
		zkapi.Checkpoint(s.host, "end the service", ctx, s, epoch)
		if s.host.Act(ctx, runs(s.name), over(epoch)) == nil {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		epoch++
	}
	s.host.Note(standbyNote, "1")
	for _, note := range []string{activeNote, neutralNote, wroteNote} {
		s.host.Note(note, "")
	}
	s.active = nil
	return nil
}

// errFence is the error of an attempt to fence that is made to fail.
var errFence = errors.New("not reached")

// fence fences the processes with that data.
func (s *service) fence(ctx context.Context, old standby.Breadcrumb) error {
	if s.failed < s.Fails {
		s.failed++
		return errFence
	}
	if old.Same && !s.Twins && s.Bounds.Crashes == 0 {
		s.host.Note(selfNote, "1")
	}
	zkapi.Checkpoint(s.host, "fence", ctx, s, old)
	return s.host.Act(ctx, fenced(string(old.Data)), int64(old.Epoch))
}

// errSick is why a process is not healthy.
var errSick = errors.New("sick")

// health is asked for at the beginning, and again in each sweep.
func (s *service) health(context.Context) error {
	if s.asked++; s.asked == 2 {
		return errSick
	}
	return nil
}

// asks is the program of the process that asks for failovers to the last candidate.
func (c Config) asks() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		guard, _ := worlds.Find(Guards(), c.Without) // World has checked it
		to := candidate(c.Candidates)
		if c.Hand {
			byHand(ctx, host, to)
			return
		}
		g, err := standby.NewGroup(guard.Env(host), standby.GroupConfig{Layout: layout})
		if err != nil {
			panic(err)
		}
		a := &asking{Group: g, left: c.Failovers}
		zkapi.DependsOn(host, a)
		for ; a.left > 0; a.left-- {
			active, err := a.Failover(ctx, to)
			switch {
			case err == nil:
				host.Note(toldNote, fmt.Sprintf("%s %d", active.Name, active.Epoch))
			case !errors.Is(err, standby.ErrNoActive) && !errors.Is(err, standby.ErrNoCandidate) && !errors.Is(err, standby.ErrElsewhere) && !errors.Is(err, standby.ErrBusy):
				panic(err)
			}
		}
		host.Note(doneNote, "1")
		zkapi.Checkpoint(host, "done")
		_, _ = host.Wait(ctx)
	}
}

// asking is what the asker depends on.
type asking struct {
	*standby.Group
	left int
}

// byHand makes the znode of a request, as a person does.
func byHand(ctx context.Context, host explore.Host, to string) {
	zkapi.Checkpoint(host, "open")
	session, err := host.Open(ctx)
	if err != nil {
		panic(err)
	}
	zkapi.Checkpoint(host, "ask", session)
	_, _ = session.Do(ctx, zkapi.Create(layout.Failover, []byte(to), zkapi.Persistent)) // the judge sees whether it is there
	host.Note(doneNote, "1")
	zkapi.Checkpoint(host, "done", session)
	_, _ = host.Wait(ctx)
}
