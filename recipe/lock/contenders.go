package lock

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Contender is one contender of a lock, as another process sees it.
type Contender struct {
	Znode   string // name below the path
	Name    string // Config.Name of its process; empty for other programs
	Data    string // of the option Data
	Session int64
	Shared  bool  // it wants a shared lock
	Permit  bool  // it wants a permit of a semaphore
	Holds   bool  // it is its turn; it may not know yet
	Token   int32 // 0 if the lock is not granted yet, or is held by another program
}

// Line returns the contenders of a path, in the order in which they came. It is empty if there is
// none, or no such path. Contenders may come and go while Line reads: then it describes no single
// moment.
func (l *Locks) Line(ctx context.Context, path string) ([]Contender, error) {
	if l == nil || l.env == nil {
		return nil, errZero
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var found []Contender
	err := l.reading(ctx, "look who holds a lock", func(session fence.Session) (err error) {
		found, err = l.readLine(ctx, session, path)
		return err
	})
	return found, err
}

func (l *Locks) readLine(ctx context.Context, session fence.Session, path string) ([]Contender, error) {
	listed, err := session.Do(ctx, fence.Children(path))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	came := newLine(listed.Children)
	if came.simple {
		came.places = append([]place{{name: simpleName}}, came.places...)
	}
	reads := []fence.Read{fence.Get(path)}
	for _, p := range came.places {
		reads = append(reads, fence.Get(path+"/"+p.name))
	}
	replies := session.DoAll(ctx, reads)
	last := readGrant(replies[0].Data)
	var left line // those that are still there
	var found []Contender
	for i, p := range came.places {
		reply := replies[i+1]
		switch {
		case errors.Is(reply.Err, zkapi.ErrNoNode) || reply.Err == nil && !reply.Stat.Alive() && p.name != simpleName:
			continue
		case reply.Err != nil && !errors.Is(reply.Err, zkapi.ErrNoAuth):
			return nil, reply.Err
		}
		r := readRecord(reply.Data)
		if p.name == last.Znode && !last.Released && r.Token == 0 {
			r.Token = last.Token
		}
		left.places = append(left.places, p)
		found = append(found, Contender{
			Znode: p.name, Name: r.Name, Data: r.Data, Session: reply.Stat.EphemeralOwner,
			Shared: p.form == shared, Permit: p.form == permit, Token: r.Token,
		})
	}
	for at := range found {
		_, waits := left.before(at, max(1, last.Permits))
		found[at].Holds = !waits
	}
	return found, nil
}
