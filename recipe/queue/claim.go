package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// candidate is a free item that is about to be taken.
type candidate struct {
	place
	data     []byte
	payloads [][]byte
	version  int32
}

// perClaim is how many ops the claim of one item has.
const perClaim = 3

// claimed is the version of a claim that this package has made. A claim that another program makes
// has version 0, so a write that checks this version is none of that program's time.
const claimed = 1

// claim takes the first free items. changed says that the queue is not as the lists say, and is to
// be looked at again. Without either there is no free item.
func (s *search) claim() (got []*Taken, changed bool, err error) {
	places, next := s.view.free(s.n, s.q.env.Now(), s.q.isOdd)
	if !next.IsZero() && (s.next.IsZero() || next.Before(s.next)) {
		s.next = next
	}
	if len(places) == 0 {
		return nil, false, nil
	}
	changed, err = s.readAll(places)
	if err != nil || len(s.chosen) == 0 {
		return nil, changed, err
	}
	ops := s.ops()
	chosen, lanes := s.chosen, s.lanes
	t := s.q.present(lanes)
	write := once.Write{Ops: ops, Later: func(err error) {
		if err == nil {
			for _, c := range chosen {
				_ = s.q.dropClaim(lanes, c.name, c.version+1)
			}
		}
	}}
	if t != nil {
		write.Term = t.term
	}
	sent, err := lanes.Send(s.wanted, write)
	switch at := zkapi.FailedIndex(err); {
	case err == nil:
		s.told.Over(s.wanted)
		return s.q.hold(lanes, chosen, sent.From), false, nil
	case s.wanted.Err() != nil:
		return nil, false, context.Cause(s.wanted)
	case errors.Is(err, once.ErrInDoubt) && lanes.Session.Done().Fired():
		return nil, false, lanes.Session.Cause()
	case zkapi.TooLarge(err) && len(chosen) == 1:
		s.q.skip(chosen[0].name, tooLarge)
		return nil, true, nil
	case at >= 0 && at%perClaim == 0 && errors.Is(err, zkapi.ErrNoAuth):
		s.q.skipForNow(chosen[at/perClaim].name, denied)
		return nil, true, nil
	case zkapi.TooLarge(err):
		s.n = 1
		return nil, true, nil
	case at >= 0 && errors.Is(err, zkapi.ErrNoNode) && at%perClaim == 1:
		return nil, true, s.q.prepare(s.wanted, lanes.Session)
	case at >= 0 && (errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrNodeExists) || errors.Is(err, zkapi.ErrBadVersion)):
		return nil, true, nil // another consumer was faster
	}
	return nil, false, err
}

// ops are the claims of the chosen ones. Each raises the version of its entry, and so the token.
func (s *search) ops() []zkapi.Op {
	name := []byte(s.q.config.Name)
	var ops []zkapi.Op
	for _, c := range s.chosen {
		claim := s.q.taken + "/" + c.name
		ops = append(ops, zkapi.Set(s.q.entries+"/"+c.name, c.data, c.version),
			zkapi.Create(claim, nil, zkapi.Ephemeral).WithACL(s.q.config.ACL), zkapi.Set(claim, name, 0))
	}
	return ops
}

// readAll reads the items that are to be taken. Those that cannot be are dealt with first.
func (s *search) readAll(places []place) (changed bool, err error) {
	s.chosen = nil
	var replies []zkapi.Reply
	err = s.again.OnDisconnect(s.wanted, s.lanes.Session, func() error {
		var reads []fence.Read
		for _, p := range places {
			reads = append(reads, fence.Get(s.q.entries+"/"+p.name))
		}
		zkapi.Checkpoint(s.q.env, "read the items", places)
		replies = s.lanes.Session.DoAll(s.wanted, reads)
		for _, reply := range replies {
			if reply.Err != nil && !errors.Is(reply.Err, zkapi.ErrNoNode) && !errors.Is(reply.Err, zkapi.ErrNoAuth) {
				return reply.Err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	room := s.lanes.Session.MaxRequest() / 2
	for i, reply := range replies {
		c := candidate{place: places[i], data: reply.Data, version: reply.Stat.Version}
		if errors.Is(reply.Err, zkapi.ErrNoAuth) {
			s.q.skipForNow(c.name, denied)
		}
		if reply.Err != nil {
			changed = true
			continue
		}
		fit, err := s.usable(&c)
		if err != nil {
			return false, err
		}
		if room -= len(c.data); room < 0 && len(s.chosen) > 0 {
			return false, nil
		}
		if !fit {
			changed = true
			continue
		}
		s.chosen = append(s.chosen, c)
	}
	return changed, nil
}

// usable reports whether an item can be taken as it is. One that was taken too often, or that cannot be
// read, goes to the dead letters; one whose version has gone back gets a greater one.
func (s *search) usable(c *candidate) (bool, error) {
	fit, err := s.aboveAllTokens(c)
	if !fit || err != nil {
		return false, err
	}
	why := ""
	if c.payloads, err = s.q.layout.decode(c.data); err != nil {
		why = err.Error()
	} else if s.q.config.MaxTakes > 0 && takesOf(c.version) >= s.q.config.MaxTakes {
		why = fmt.Sprintf("it was taken %d times", takesOf(c.version))
	}
	if why == "" {
		return true, nil
	}
	s.q.obs.Logger.WarnContext(s.wanted, "an item goes to the dead letters", "item", c.name, "because", why)
	return false, s.unlessRefused(c.name, s.bury(c))
}

// Why items are skipped.
const (
	tooLarge = "it is too large to be taken: put smaller ones, and delete it by hand"
	denied   = "its ACL does not let this process take it: give it the ACL of the others, or delete it by hand"
)

// unlessRefused skips an item if it was refused for a reason of its own: others can be taken.
func (s *search) unlessRefused(name string, err error) error {
	switch {
	case zkapi.TooLarge(err):
		s.q.skip(name, tooLarge)
	case errors.Is(err, zkapi.ErrNoAuth):
		s.q.skipForNow(name, denied)
	default:
		return err
	}
	return nil
}

// unheld are the ops that fail while an item is held.
func (s *search) unheld(name string) []zkapi.Op {
	claim := s.q.taken + "/" + name
	return []zkapi.Op{zkapi.Create(claim, nil, zkapi.Ephemeral).WithACL(s.q.config.ACL), zkapi.Delete(claim, 0)}
}

// bury moves a free item to the dead letters.
func (s *search) bury(c *candidate) error {
	for _, name := range s.q.graves(c.name, c.version) {
		ops := append(s.unheld(c.name), zkapi.Delete(s.q.entries+"/"+c.name, c.version),
			zkapi.Create(s.q.dead+"/"+name, c.data, zkapi.Persistent).WithACL(s.q.config.ACL))
		done, err := s.unlessChanged(ops)
		if done || err != nil {
			return err
		}
	}
	return nil
}

// unlessChanged sends a write that is refused if the queue has changed meanwhile. done is false if
// the last of the ops was refused because its znode is there.
func (s *search) unlessChanged(ops []zkapi.Op) (done bool, err error) {
	_, err = s.lanes.Send(s.wanted, once.Write{Ops: ops})
	at := zkapi.FailedIndex(err)
	switch {
	case err == nil:
		return true, nil
	case s.wanted.Err() != nil:
		return false, context.Cause(s.wanted)
	case errors.Is(err, once.ErrInDoubt) && s.lanes.Session.Done().Fired():
		return false, s.lanes.Session.Cause()
	case at == len(ops)-1 && errors.Is(err, zkapi.ErrNodeExists):
		return false, nil
	case at >= 0 && errors.Is(err, zkapi.ErrNoNode) && (at == 0 || at == len(ops)-1):
		return true, s.q.prepare(s.wanted, s.lanes.Session)
	case at >= 0 && (errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrNodeExists) || errors.Is(err, zkapi.ErrBadVersion)):
		return true, nil
	}
	return false, err
}

// hasten moves delayed items that are due behind the items of their priority, some of them at a
// time. changed says that there were such.
func (s *search) hasten() (changed bool, err error) {
	s.next = time.Time{}
	now := s.q.env.Now()
	var due []place
	for _, p := range s.view.delayed.places {
		if at := time.UnixMilli(p.due); at.After(now) {
			s.next = at
			break
		}
		if s.q.isOdd(p.name) {
			continue
		}
		if due = append(due, p); len(due) == MostAtOnce || s.single {
			break
		}
	}
	if len(due) == 0 {
		return false, nil
	}
	return true, s.hastenAll(due)
}

// hastenAll moves delayed items. Another consumer may be faster.
func (s *search) hastenAll(due []place) error {
	zkapi.Checkpoint(s.q.env, "read what is due", due)
	var reads []fence.Read
	for _, p := range due {
		reads = append(reads, fence.Get(s.q.delayed+"/"+p.name))
	}
	room, last := s.lanes.Session.MaxRequest()/2, ""
	var ops []zkapi.Op
	for i, reply := range s.lanes.Session.DoAll(s.wanted, reads) {
		switch {
		case errors.Is(reply.Err, zkapi.ErrNoNode):
			continue
		case errors.Is(reply.Err, zkapi.ErrNoAuth):
			s.q.skipForNow(due[i].name, denied)
			continue
		case retry.Passing(reply.Err):
			return nil // the caller looks again
		case reply.Err != nil:
			return reply.Err
		}
		if room -= len(reply.Data); room < 0 && len(ops) > 0 {
			break
		}
		create := zkapi.Create(s.q.prefix(int(due[i].priority)), reply.Data, zkapi.PersistentSequential).WithACL(s.q.config.ACL)
		ops, last = append(ops, create, zkapi.Delete(s.q.delayed+"/"+due[i].name, zkapi.AnyVersion)), due[i].name
	}
	if len(ops) == 0 {
		return nil
	}
	_, err := s.unlessChanged(ops)
	switch {
	case zkapi.TooLarge(err) && len(ops) == perMove:
		s.q.skip(last, tooLarge)
		return nil
	case zkapi.TooLarge(err): // one after the other
		s.single = true
		return nil
	}
	return err
}

// perMove is how many ops the move of one delayed item has.
const perMove = 2
