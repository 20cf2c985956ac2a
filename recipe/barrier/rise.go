package barrier

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// rise waits until the next round will have a greater number than every round that this process has been
// in, and raises the version of the path for that, if it must. The own znode is made in that version
// only, so all rounds that it can be in are later ones. A process that has been in no round asks nothing.
func (in *Inside) rise(s *process.Session) ([]zkapi.Source, error) {
	for {
		known, lost := in.b.p.Tokens.Known(in.path)
		if in.base = zkapi.AnyVersion; known == 0 {
			return nil, nil
		}
		seen, err := s.Ask("compare rounds", fence.Get(in.path), in, known, lost)
		switch {
		case errors.Is(err, zkapi.ErrNoNode):
			err = s.Ensure(in.path)
		case err == nil && !lost && seen.Stat.Version >= known:
			in.base = seen.Stat.Version
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		watches, err := in.riseFrom(s, known)
		if err != nil && !process.Refused(err) || watches != nil || in.base != zkapi.AnyVersion {
			return watches, err
		}
	}
}

// riseFrom does that after a read that showed too small a version: the server may lag, or the tree has gone
// back. A round is ended by its number, so the version is raised only while no round is in.
func (in *Inside) riseFrom(s *process.Session, known int32) ([]zkapi.Source, error) {
	if _, err := s.Ask("compare rounds: sync", fence.Sync(in.path), in, known); err != nil {
		return nil, err
	}
	now, err := in.look(s)
	if err != nil {
		return nil, err
	}
	version := now.path.Stat.Version
	floor, err := s.Floor(in.path, version, known)
	if err != nil {
		return nil, err
	}
	before := now.in()
	switch {
	case version >= floor:
		in.base = version
		return nil, nil
	case now.ready && len(before) > 0:
		return in.watch(s, before[0], true)
	case now.ready: // all of them have died
		return nil, in.over(s, version)
	}
	return nil, s.Raise(in.path, now.path.Data, version, floor, in, known)
}
