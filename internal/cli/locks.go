package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// LockList is the command locks.
type LockList struct{ JSON bool }

// lockLine is a line of locks --json.
type lockLine struct {
	Lock    string `json:"lock"`
	Name    string `json:"name,omitempty"`
	Wants   string `json:"wants"` // exclusive, shared or permit
	Holds   bool   `json:"holds"`
	Token   int32  `json:"token,omitempty"`
	Session string `json:"session"`
	Data    string `json:"data,omitempty"`
	Znode   string `json:"znode"`
}

// Run prints who holds and who waits: for one lock, or for all that have a name.
func (l LockList) Run(ctx context.Context, o *Options, s Streams, name string) error {
	locks, env, _, err := o.locks("")
	if err != nil {
		return err
	}
	defer endSession(locks.Close)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	var paths []string
	if name == "" {
		paths, err = lockPaths(ctx, env, o)
	} else {
		paths = make([]string, 1)
		paths[0], err = o.pathOf("lock", locksRoot, name)
	}
	if err != nil {
		return err
	}
	var found []lockLine
	for _, path := range paths {
		line, err := locks.Line(ctx, path)
		if err != nil {
			return fmt.Errorf("locks: %s: %w", path, err)
		}
		for _, c := range line {
			found = append(found, lineOf(path, c))
		}
	}
	if l.JSON {
		for _, one := range found {
			if err := printJSON(s.Out, one); err != nil {
				return err
			}
		}
		return nil
	}
	return showLocks(s, found, name)
}

// lockPaths are the locks that have a name.
func lockPaths(ctx context.Context, env zkapi.Env, o *Options) (paths []string, err error) {
	session, err := env.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close(ctx) }() // it owns no znodes
	listed, err := session.Do(ctx, zkapi.Children(o.Namespace+locksRoot))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil, nil
	}
	for _, name := range slices.Sorted(slices.Values(listed.Children)) {
		paths = append(paths, o.Namespace+locksRoot+"/"+name)
	}
	return paths, err
}

func lineOf(path string, c lock.Contender) lockLine {
	line := lockLine{Lock: path, Name: c.Name, Wants: "exclusive", Holds: c.Holds, Token: c.Token, Session: fmt.Sprintf("0x%x", uint64(c.Session)), Data: c.Data, Znode: c.Znode}
	switch {
	case c.Shared:
		line.Wants = "shared"
	case c.Permit:
		line.Wants = "permit"
	}
	return line
}

func showLocks(s Streams, found []lockLine, name string) error {
	if len(found) == 0 {
		if name == "" {
			return printf(s.Out, "no lock is held\n")
		}
		return printf(s.Out, "the lock is free\n")
	}
	var b strings.Builder
	var all table
	all.add("LOCK", "STATE", "WANTS", "TOKEN", "NAME", "SESSION", "DATA")
	for _, one := range found {
		state, token := "waits", ""
		if one.Holds {
			state = "holds"
		}
		if one.Token > 0 {
			token = fmt.Sprint(one.Token)
		}
		all.add(one.Lock, state, one.Wants, token, one.Name, one.Session, one.Data)
	}
	_ = all.print(&b, onTerminal(s.Out)) // into memory
	return send(s.Out, &b)
}

// CompleteLocks lists the names of locks that begin with what was typed.
func CompleteLocks(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, locksRoot), args, begun)
}
