package zk

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// following is what a session has heard of the children of a znode since it listed them
// (zkapi.Op.Followed): what a recursive watch tells it. It ends with the connection, and with
// the znode itself.
type following struct {
	first   int64    // cursor of the list
	changes []Change // of children and what is below them, since then
	waiting []*source
}

// followed answers a followed read of children.
func (s *Session) followed(op zkapi.Op) (zkapi.Result, error) {
	f := s.follows[op.Path]
	if f == nil || op.Since < f.first || op.Since > f.cursor() {
		result, err := s.at.Tree().Read(op)
		if err != nil {
			return result, err
		}
		s.unfollow(op.Path)
		s.cursors++ // beyond every cursor of an earlier list
		f = &following{first: s.cursors}
		s.follows[op.Path] = f
		result.Cursor, result.Watch = f.first, f.wait()
		return result, nil
	}
	return zkapi.Result{Stat: s.at.Tree().find(op.Path).stat.Stat, Cursor: f.cursor(), Partial: f.since(op.Path, op.Since), Watch: f.wait()}, nil
}

func (f *following) cursor() int64 { return f.first + int64(len(f.changes)) }

func (f *following) wait() *source {
	f.waiting = slices.DeleteFunc(f.waiting, (*source).Fired)
	one := newSource()
	f.waiting = append(f.waiting, one)
	return one
}

func (f *following) fire() {
	for _, one := range f.waiting {
		one.fire()
	}
	f.waiting = nil
}

// since sums up the changes since a cursor.
func (f *following) since(path string, cursor int64) *zkapi.Partial {
	var d zkapi.Differences
	for _, c := range f.changes[cursor-f.first:] {
		name, _ := c.Below(path)
		d.Add(c.Kind, name)
	}
	return d.Partial()
}

// Below is the name, below the znode at, of the znode that has changed. told is false if that is no
// part of an answer to a followed read of at: the change is elsewhere, or it sets the data of a
// znode that is not a child, which may be often.
func (c Change) Below(at string) (name string, told bool) {
	name, below := strings.CutPrefix(c.Path, strings.TrimSuffix(at, "/")+"/")
	if !below || name == "" {
		return "", false
	}
	return name, c.Kind != zkapi.KindSet || !strings.Contains(name, "/")
}

// hears takes changes over that the session's server has learned of.
func (s *Session) hears(changes []Change) {
	if len(s.follows) == 0 {
		return
	}
	for _, c := range changes {
		if f := s.follows[c.Path]; f != nil && c.Kind == zkapi.KindDelete {
			s.unfollow(c.Path)
		} else if f != nil {
			f.fire()
		}
		for at := c.Path; at != "/"; {
			at = parentOf(at)
			f := s.follows[at]
			if f == nil {
				continue
			}
			if _, told := c.Below(at); told {
				f.changes = append(f.changes, c)
				f.fire()
			}
		}
	}
}

// unfollow makes the next list of a znode a whole one.
func (s *Session) unfollow(path string) {
	if f := s.follows[path]; f != nil {
		f.fire()
		s.cursors = max(s.cursors, f.cursor())
		delete(s.follows, path)
	}
}

// unfollowAll is the end of a connection: servers do not repeat what a client has missed.
func (s *Session) unfollowAll() {
	for path := range s.follows {
		s.unfollow(path)
	}
}
