package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a master, for the judge.
const (
	leadsNote      = "leads"      // the epoch
	wroteNote      = "wrote"      // the entry that Leadership.Write has said is written, in this term
	refusedNote    = "refused"    // the last entry that Leadership.Write has said is not applied
	proclaimedNote = "proclaimed" // the data that Leadership.Proclaim has said is proclaimed, in this term
)

// leadership is what a leader changes outside ZooKeeper.
const leadership = "leadership"

func (c Config) master(name string) explore.Program {
	return func(ctx context.Context, host explore.Host) {
		guard, _ := worlds.Find(Guards(), c.Without) // World has checked it
		candidate, err := election.New(guard.Env(host), election.Config{
			Leader: "/master", Epoch: "/assign", Candidates: "/candidates", Name: name, Data: []byte(name), Queue: c.Queue,
		})
		if err != nil {
			panic(err)
		}
		worlds.Run(ctx, host, &leader{Config: c, Candidate: candidate, name: name, host: host}, c.Abrupt)
	}
}

// leader is a candidate, and what it does while it leads. All that its thread depends on is in
// its fields.
type leader struct {
	Config
	*election.Candidate
	name  string
	host  explore.Host
	term  *election.Leadership // nil while it does not lead
	entry string               // that is being written; empty for none
	again bool                 // it may have been written before
}

// Run implements worlds.Role.
func (l *leader) Run(ctx context.Context) error { return l.Candidate.Run(ctx, l.lead) }

// lead is a whole term: the leader changes something outside, writes, proclaims itself, and
// waits until it is told to return.
func (l *leader) lead(ctx context.Context, term *election.Leadership) error {
	l.term = term
	epoch := l.term.Epoch()
	l.host.Note(leadsNote, fmt.Sprint(epoch))
	zkapi.Checkpoint(l.host, "begin to lead", ctx)
	_ = l.host.Act(ctx, leadership, worlds.Token(epoch, 0))
	for n := range l.Writes {
		l.write(ctx, n+1)
	}
	l.proclaim(ctx)
	zkapi.Checkpoint(l.host, "lead", ctx)
	_, _ = l.host.Wait(ctx)
	if l.Slow {
		l.write(context.WithoutCancel(ctx), l.Writes+1)
		zkapi.Checkpoint(l.host, "late", ctx)
		_ = l.host.Act(context.WithoutCancel(ctx), leadership, worlds.Token(epoch, 0))
	}
	for _, note := range []string{leadsNote, wroteNote, proclaimedNote} {
		l.host.Note(note, "")
	}
	l.term, l.entry, l.again = nil, "", false
	return nil
}

// entry is what the n-th write of a term writes.
func entry(epoch int32, n int) string { return fmt.Sprintf("%d.%d", epoch, n) }

// write makes the n-th entry of the term. If the answer is lost, it writes the same again:
// the second write is refused if the first was applied.
func (l *leader) write(ctx context.Context, n int) {
	for l.entry, l.again = entry(l.term.Epoch(), n), false; l.entry != ""; l.again = true {
		_, err := l.term.Write(ctx, zkapi.Set(ledger, []byte(l.entry), zkapi.AnyVersion), zkapi.Create(ledger+"/"+l.entry, nil, zkapi.Persistent))
		unknown := zkapi.FateOf(err) == zkapi.Unknown
		switch {
		case err == nil || l.again && errors.Is(err, zkapi.ErrNodeExists):
			l.host.Note(wroteNote, l.entry)
		case !unknown && !l.again:
			l.host.Note(refusedNote, l.entry)
		case unknown && ctx.Err() == nil:
			continue
		}
		l.entry = ""
	}
}

// proclamation is the data of /master that a leader proclaims.
func proclamation(name string, epoch int32) string { return fmt.Sprintf("%s@%d", name, epoch) }

// proclaim proclaims the leader. It does so again if the answer is lost, or the look at
// /master before.
func (l *leader) proclaim(ctx context.Context) {
	data := proclamation(l.name, l.term.Epoch())
	for {
		err := l.term.Proclaim(ctx, []byte(data))
		if err == nil {
			l.host.Note(proclaimedNote, data)
		}
		if err == nil || errors.Is(err, election.ErrLost) || errors.Is(err, election.ErrFenced) || ctx.Err() != nil {
			return
		}
	}
}
