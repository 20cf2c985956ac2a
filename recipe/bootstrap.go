package recipe

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// parent is a persistent znode that others hang below.
type parent struct {
	path  string
	acl   []zkapi.ACL
	needs []string // the roles that can do nothing without it
}

// parents are the persistent znodes of a namespace that have children, and the persistent
// znodes that only a master makes. All of them are made at the first opportunity, with the
// right ACL, so that no other client can make them with another ACL.
func (l layout) parents() []parent {
	return []parent{
		{l.workers(), l.access.workers(), []string{"master", "worker"}},
		{l.tasks(), l.access.tasks(), []string{"master", "client"}},
		{l.assign(), l.access.assign(), []string{"master", "worker"}},
		{l.candidates(), l.access.master(), nil},
		{l.backlog(), l.access.master(), nil},
		{l.quarantine(), l.access.master(), nil},
		{l.format(), l.access.master(), nil},
		{l.requests(), l.access.requests(), nil},
	}
}

// errNoNamespace means that the parents do not exist and this process may not make them: with an
// Access only masters may. It ends when the first master has run.
var errNoNamespace = fmt.Errorf("the namespace does not exist yet, and only a master may create it: start a master: %w", zkapi.ErrNotSent)

// bootstrap creates the persistent parents for a role. They may exist already. Any process
// may create them, so no claim is needed. A parent that the role does not need and may not
// make is left to other roles. Znodes in the way of that are reported.
func bootstrap(ctx context.Context, env zkapi.Env, session fence.Session, l layout, role string, report func(Problem)) error {
	for _, p := range l.parents() {
		zkapi.Checkpoint(env, "bootstrap", session, p.path)
		err := l.ensure(ctx, session, p)
		problem, obstructed := errors.AsType[*obstacle.Error](err)
		if own, ok := errors.AsType[*ownError](err); ok {
			return own // whoever needs that parent, this process cannot use what it makes
		}
		switch {
		case obstructed && !slices.Contains(p.needs, role):
			report(problem.Problem)
		case err == nil || !slices.Contains(p.needs, role) && zkapi.Refused(err):
		case errors.Is(err, zkapi.ErrNoAuth) && !l.access.open():
			err = l.explained(ctx, session, l.root, err)
			if _, shutOut := errors.AsType[*shutOutError](err); shutOut || role == "master" {
				return err
			}
			return fmt.Errorf("%w (%v)", errNoNamespace, err)
		default:
			return err
		}
	}
	return nil
}

// within reports whether a path is the namespace or above it.
func (l layout) within(p string) bool {
	return p != "/" && (p == l.root || strings.HasPrefix(l.root, p+"/"))
}

// ensure creates a persistent znode unless it exists. It creates the znodes above only if
// they are missing, because a process may have no permission to read above its namespace.
// Repeating it is harmless, so an unknown outcome is resolved by the next try.
func (l layout) ensure(ctx context.Context, session fence.Session, p parent) error {
	found, hidden := fence.Look(ctx, session, fence.Exists(p.path))
	if _, bad := parentProblem(p.path, found.Stat); hidden == nil && bad {
		return &obstacle.Error{Problem: l.ensureProblem(p.path, found.Stat)}
	}
	if hidden != nil && !errors.Is(hidden, zkapi.ErrNoAuth) || found.Found {
		return hidden
	}
	if hidden != nil && !l.access.open() && len(p.needs) > 0 { // whom Access names may read it
		return l.explained(ctx, session, p.path, hidden)
	}
	err := session.Make(ctx, p.path, p.acl)
	if hidden != nil && errors.Is(err, zkapi.ErrNoAuth) {
		return nil // it exists: a server asks no read permission for a missing znode
	}
	if above := path.Dir(p.path); errors.Is(err, zkapi.ErrNoNode) && l.within(above) {
		if err := l.ensure(ctx, session, parent{path: above, acl: l.access.root()}); err != nil {
			return err
		}
		err = session.Make(ctx, p.path, p.acl)
	}
	switch {
	case errors.Is(err, zkapi.ErrNodeExists):
		return nil
	case err == nil:
		return l.mine(ctx, session, p.path)
	}
	return err
}
