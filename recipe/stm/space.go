package stm

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The errors of this package.
var (
	// ErrInvalid means that an argument is wrong.
	ErrInvalid = input.ErrInvalid
	// ErrClosed is the error of every method after Close.
	ErrClosed = process.ErrClosed
	// ErrOver is the error of a Tx that is used after its function has returned.
	ErrOver = errors.New("the transaction is over")
	// ErrOverflow means that the version of a znode has passed 2^31-1, so that it is no condition.
	ErrOverflow = errors.New("the version of the znode is used up")
)

const (
	recipe = "stm"
	// example is a right path, for errors.
	example = "/bank"
)

// Config describes one process.
type Config struct {
	// Path is above all znodes that the transactions read and write. All processes must agree on
	// it. The znode is made if it is missing. Its version counts the transactions that have
	// deleted a znode, and its data is left alone.
	Path string
	// ACL of the znodes that are made. Nil lets every client do everything.
	ACL []zkapi.ACL
	// Logger receives what goes wrong and is tried again. Nil: nothing is logged.
	Logger *slog.Logger
}

// Space is the znodes below a path, for the transactions of one process. The transactions share one
// session: it is opened when it is needed, and replaced when it ends. The methods may be called
// concurrently.
type Space struct {
	p    *process.Process
	path string

	mu        sync.Mutex
	deletions *version // of the path as it was seen last; nil if that is not known
}

// version is what the path was.
type version struct {
	number int32
	data   []byte
}

// New checks its arguments. It does not connect.
func New(env zkapi.Env, config Config) (*Space, error) {
	if err := input.CheckPath(recipe, config.Path, example); err != nil {
		return nil, err
	}
	p, err := process.New(env, recipe, config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	return &Space{p: p, path: config.Path}, nil
}

// Close ends the session. Transactions that wait return ErrClosed. A nil error means that the
// ensemble has confirmed the end.
func (s *Space) Close(ctx context.Context) error {
	if s == nil {
		return (*process.Process)(nil).Close(ctx)
	}
	return s.p.Close(ctx)
}

// Do runs f, and then applies all that it has written, in one multi, if everything that it has read
// is still so. If not, f runs again, until ctx ends. So f must have no effect but through tx. A
// function that only reads is checked in the same way.
//
// If f returns an error, nothing is written. Do returns that error itself if what f has read is
// still so; if not, f runs again. For other errors see the package.
func (s *Space) Do(ctx context.Context, f func(tx *Tx) error) error {
	if s == nil || s.p == nil {
		return (*process.Process)(nil).Close(ctx)
	}
	for refusals := 1; ; refusals++ {
		tx, err := s.begin(ctx)
		if err != nil {
			return process.NotApplied(s.path, err)
		}
		own := f(tx)
		tx.over = true
		if tx.failed != nil {
			return process.NotApplied(s.path, tx.failed)
		}
		switch err := tx.commit(own == nil); {
		case err == nil:
			return own
		case !process.Refused(err):
			return err
		}
		s.forget()
		if err := s.p.Pause(ctx, refusals, s); err != nil {
			return process.NotApplied(s.path, err)
		}
	}
}

// begin begins an attempt. The version of the path is older than everything that the attempt reads.
func (s *Space) begin(ctx context.Context) (*Tx, error) {
	tx := &Tx{space: s, ctx: ctx, read: map[string]znode{}, put: map[string][]byte{}, gone: map[string]bool{}}
	s.mu.Lock()
	known := s.deletions
	s.mu.Unlock()
	if known != nil {
		tx.deletions = *known
		return tx, nil
	}
	err := s.p.Read(ctx, "begin a transaction", s, func(session *process.Session) error {
		got, err := session.Now("begin a transaction", fence.Get(s.path), s)
		if errors.Is(err, zkapi.ErrNoNode) {
			if err := session.Ensure(s.path); err != nil {
				return err
			}
			got, err = session.Ask("begin a transaction", fence.Get(s.path), s)
		}
		if err == nil && got.Stat.Version < 0 {
			err = ErrOverflow
		}
		tx.deletions = version{got.Stat.Version, got.Data}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletions = &tx.deletions
	return tx, nil
}

// forget makes the next attempt read the version of the path.
func (s *Space) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletions = nil
}
