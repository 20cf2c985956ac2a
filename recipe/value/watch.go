package value

import (
	"context"
	"errors"
	"iter"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// errLeft ends a stream whose loop was left.
var errLeft = errors.New("the loop was left")

// Watch streams a value: now, and after each change, until ctx ends, the loop is left, or the Values
// are closed. It streams states, not every step: a slow reader gets only the latest. The last pair
// has the error that ended the stream, unless the loop was left.
func (v *Values) Watch(ctx context.Context, path string) iter.Seq2[State, error] {
	return func(yield func(State, error) bool) {
		err := input.CheckPath(recipe, path, example)
		if err == nil {
			w := &watch{path: path}
			err = v.process().Await(ctx, "watch a value", w, func(s *process.Session) ([]zkapi.Source, error) { return w.look(s, yield) })
		}
		if !errors.Is(err, errLeft) {
			yield(State{}, err)
		}
	}
}

// watch is one stream.
type watch struct {
	path  string
	told  bool  // something was streamed
	mzxid int64 // of that, 0 if it was absent; another znode may have the same version
}

// look streams the value if it is news.
func (w *watch) look(s *process.Session, yield func(State, error) bool) ([]zkapi.Source, error) {
	got, err := s.Ask("watch a value", fence.Get(w.path).Watched(), w)
	now := State{got.Data, Version(got.Stat.Version)}
	if errors.Is(err, zkapi.ErrNoNode) {
		now = State{Version: Absent}
		got, err = s.Ask("watch for a value", fence.Exists(w.path).Watched(), w)
		if err == nil && got.Found { // it was made meanwhile
			return w.look(s, yield)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case w.told && got.Stat.Mzxid == w.mzxid:
		return []zkapi.Source{got.Watch}, nil
	case !yield(now, nil):
		return nil, errLeft
	}
	w.told, w.mzxid = true, got.Stat.Mzxid
	return []zkapi.Source{got.Watch}, nil
}
