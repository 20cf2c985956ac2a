package barrier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readyName is the znode that says that a round has begun.
const readyName = "ready"

// ErrFenced means that a write was refused because its participant is in the barrier no longer.
var ErrFenced = term.ErrFenced

// round is the data of the ready znode.
type round struct {
	Number  int32    `json:"round"`   // the version of the path when it began
	Members []string `json:"members"` // names of the participants' znodes
}

// Inside is a participant that has entered a double barrier. Its methods may be called concurrently,
// except for Leave.
type Inside struct {
	b      *Barriers
	path   string
	n      int
	prefix string // of the own znode; unique
	mine   string // the own znode; empty for none
	base   int32  // version of the path that the own znode was made in; AnyVersion for any
	number int32  // of the round
	claim  term.Claim
	ctx    context.Context
	end    context.CancelCauseFunc
	gone   bool // the own znode was deleted by this participant, or that was tried
}

// Enter joins a double barrier for n participants, and waits until n of them have joined. Then these
// n are in, as one round, and each can leave when all of them want to. All participants of a path must
// give the same n: if a round begins with one that has given another n, that one gets ErrInvalid, and
// the others are in without it.
//
// If a round is in already, Enter waits until it has left. If more than n have joined, the first n
// are the round. A participant whose session ends before the round begins is not counted; Enter then
// joins again, behind the others.
//
// If ctx ends, Enter returns its cause at once, and the znode is deleted in the background. ErrLost means
// that the znode was deleted by hand.
func (b *Barriers) Enter(ctx context.Context, path string, n int) (*Inside, error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return nil, process.NotApplied(path, err)
	}
	if n < 1 || n > mostParticipants {
		return nil, process.NotApplied(path, input.Invalid(recipe, "%d participants: use 1 to %d", n, mostParticipants))
	}
	in := &Inside{b: b, path: path, n: n}
	var last *process.Session
	err := b.process().Each(ctx, "enter a barrier", in, func(s *process.Session) error {
		if s != last {
			last, in.mine, in.prefix = s, "", b.p.Env.Unique()+"-"
		}
		if err := in.join(s); err != nil {
			return err
		}
		return s.Await(in, in.arrive)
	})
	if err != nil {
		if last != nil {
			b.p.Env.Spawn("leave a barrier", func() { last.Repeat(b.p.Life(), in.withdraw) })
		}
		return nil, err
	}
	in.claim = term.Claim{Session: last.Session, Path: path + "/" + in.mine, Unique: true}
	in.ctx, in.end = context.WithCancelCause(b.p.Life())
	b.p.Env.Spawn("inside a barrier", func() {
		zkapi.Checkpoint(b.p.Env, "inside a barrier", in)
		if _, err := b.p.Env.Wait(in.ctx, last.Done()); err == nil {
			in.end(fmt.Errorf("%w: %w", ErrLost, last.Cause()))
		}
	})
	return in, nil
}

// mostParticipants bounds the multi with which a round begins.
const mostParticipants = 1000

// write applies ops once. Its lane is beside the barrier. In a barrier a write may stay in doubt: the
// next look tells, or the session has ended and the own znode is gone with it.
func (in *Inside) write(s *process.Session, ops ...zkapi.Op) ([]zkapi.Result, error) {
	results, err := s.Write(path.Dir(in.path), in, ops...)
	if errors.Is(err, once.ErrInDoubt) {
		return nil, s.Over()
	}
	return results, err
}

// join makes the own znode. Its name has a number that the answer tells. If that was lost, the znode
// is found by its prefix, which is unique.
func (in *Inside) join(s *process.Session) error {
	for in.mine == "" {
		if err := s.Await(in, in.rise); err != nil {
			return err
		}
		var ops []zkapi.Op
		if in.base != zkapi.AnyVersion {
			ops = append(ops, zkapi.Check(in.path, in.base))
		}
		made, err := in.write(s, append(ops, zkapi.Create(in.path+"/"+in.prefix, []byte(in.b.name), zkapi.EphemeralSequential).WithACL(in.b.p.ACL()))...)
		switch {
		case err == nil && len(made) > 0:
			in.mine = path.Base(made[len(made)-1].Path)
		case err == nil:
			if err := in.find(s); err != nil {
				return err
			}
		case errors.Is(err, zkapi.ErrNoNode):
			if err := s.Ensure(in.path); err != nil {
				return err
			}
		case errors.Is(err, zkapi.ErrBadVersion): // a round has begun meanwhile
		default:
			return err
		}
	}
	return nil
}

// find looks for the own znode.
func (in *Inside) find(s *process.Session) error {
	listed, err := s.Now("find the own znode", fence.Children(in.path), in)
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil
	}
	if at := slices.IndexFunc(listed.Children, func(name string) bool { return strings.HasPrefix(name, in.prefix) }); err == nil && at >= 0 {
		in.mine = listed.Children[at]
	}
	return err
}

// withdraw deletes the own znode, if there is one.
func (in *Inside) withdraw(s *process.Session) error {
	if in.mine == "" {
		if err := in.find(s); err != nil || in.mine == "" {
			return err
		}
	}
	for {
		_, err := s.Write(path.Dir(in.path), in, zkapi.Delete(in.path+"/"+in.mine, zkapi.AnyVersion))
		switch {
		case errors.Is(err, zkapi.ErrNoNode):
			return nil
		case !errors.Is(err, once.ErrInDoubt):
			return err
		}
	}
}

// picture is what a participant sees of the barrier.
type picture struct {
	path  zkapi.Result
	there []string // participants, in the order in which they came
	ready bool
	round
}

// look reads the barrier. The version of the path is the oldest of it all.
func (in *Inside) look(s *process.Session) (now picture, err error) {
	if now.path, err = s.Ask("look at a barrier", fence.Get(in.path), in); err != nil {
		return now, err
	}
	listed, err := s.Ask("look who is there", fence.Children(in.path), in, now)
	if err != nil {
		return now, err
	}
	if now.ready = slices.Contains(listed.Children, readyName); now.ready {
		got, err := s.Ask("look who is in", fence.Get(in.path+"/"+readyName), in, now, listed)
		if errors.Is(err, zkapi.ErrNoNode) {
			return in.look(s)
		}
		if err == nil {
			err = json.Unmarshal(got.Data, &now.round)
		}
		if err != nil {
			return now, err
		}
	}
	now.there = slices.DeleteFunc(slices.Clone(listed.Children), func(name string) bool { return name == readyName || process.IsLane(name) })
	slices.SortFunc(now.there, func(a, b string) int { return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b)) })
	return now, nil
}

// number is the end of a name: the sequence number, if it has one.
func number(name string) string { return name[max(0, len(name)-10):] }

// in are the members of the round that are there.
func (p picture) in() []string {
	return slices.DeleteFunc(slices.Clone(p.there), func(name string) bool { return !slices.Contains(p.Members, name) })
}

// arrive waits until a round has begun that this participant is in.
func (in *Inside) arrive(s *process.Session) ([]zkapi.Source, error) {
	for {
		now, err := in.look(s)
		if err != nil {
			return nil, err
		}
		before := now.in()
		var refused error
		switch {
		case !slices.Contains(now.there, in.mine):
			return nil, ErrLost
		case slices.Contains(now.Members, in.mine) && len(now.Members) != in.n:
			return nil, input.Invalid(recipe, "a round of %d has begun, and this participant waits for %d: let all give the same number", len(now.Members), in.n)
		case slices.Contains(now.Members, in.mine):
			in.number = now.Number
			in.b.p.Tokens.Saw(in.path, in.number)
			return nil, nil
		case now.ready && len(before) > 0:
			watches, err := in.watch(s, before[0], true)
			if err != nil || watches != nil {
				return watches, err
			}
		case now.ready: // all of them have died
			refused = in.over(s, now.path.Stat.Version)
		case len(now.there) < in.n:
			watches, err := in.watch(s, readyName, false)
			if err != nil || watches != nil {
				return watches, err
			}
		default:
			refused = in.begin(s, now)
		}
		if refused != nil && !process.Refused(refused) {
			return nil, refused
		}
	}
}

// watch watches a znode, as long as it is there, or is not there. Without a watch that has changed.
func (in *Inside) watch(s *process.Session, name string, there bool) ([]zkapi.Source, error) {
	seen, err := s.Ask("wait in a barrier", fence.Exists(in.path+"/"+name).Watched(), in, name)
	if err != nil || seen.Found != there {
		return nil, err
	}
	return []zkapi.Source{seen.Watch}, nil
}

// begin begins a round with the first participants, if all of them are still there.
func (in *Inside) begin(s *process.Session, now picture) error {
	version := now.path.Stat.Version
	data, err := json.Marshal(round{version + 1, now.there[:in.n]})
	if err != nil {
		return err
	}
	ops := []zkapi.Op{zkapi.Set(in.path, now.path.Data, version), in.b.p.Create(in.path+"/"+readyName, data)}
	for _, name := range now.there[:in.n] {
		ops = append(ops, zkapi.Check(in.path+"/"+name, zkapi.AnyVersion))
	}
	_, err = in.write(s, ops...)
	return err
}

// over ends a round that has no participant any more, with more deletes.
func (in *Inside) over(s *process.Session, number int32, more ...zkapi.Op) error {
	ops := append([]zkapi.Op{zkapi.Check(in.path, number), zkapi.Delete(in.path+"/"+readyName, zkapi.AnyVersion)}, more...)
	_, err := in.write(s, ops...)
	return err
}
