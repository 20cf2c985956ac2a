package standby

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// MaxData is the size in bytes of the longest Config.Data.
const MaxData = elect.MaxData

// The defaults of Config.
const (
	DefaultFenceAttempts  = 5
	DefaultFenceTimeout   = 30 * time.Second
	DefaultFencePause     = time.Second
	DefaultRetryPause     = 10 * time.Second
	DefaultStandbyTimeout = 30 * time.Second
	DefaultHealthInterval = time.Second
	DefaultHealthTimeout  = 45 * time.Second
	DefaultGrace          = 10 * time.Second
)

// mostFencePause bounds the growing pauses between two attempts to fence.
const mostFencePause = 30 * time.Second

// Config describes one candidate of a group. All candidates must agree on Layout, ACL and Grace.
type Config struct {
	Layout Layout
	// Name of the process. A failover names its target by it. If several candidates have the same one, a
	// failover goes to any of them.
	Name string
	// Data is in the lock and in the breadcrumb while this process is active. The next active gets it to
	// fence this process, so it must say all that this takes, such as host and port. At most MaxData.
	Data []byte

	// BecomeActive makes the process active, and returns when it is. Its ctx is that of the Active:
	// work for as long as the process is active may be bound to it. After an error, or a panic of the
	// process, the work counts as begun. If EnterNeutral is set, it is called again with the same
	// Active when a neutral process is active again.
	BecomeActive func(ctx context.Context, active *Active) error
	// BecomeStandby ends all that BecomeActive has begun, and returns nil when nothing of it goes on. It
	// is also called once before the process stands for election, because something of an earlier life
	// may go on. After an error it is called again with growing pauses; this process does not stand
	// before it has returned nil. Its ctx ends after StandbyTimeout.
	BecomeStandby func(ctx context.Context) error
	// EnterNeutral is called while the process is active and the ensemble does not answer: another one
	// may be active soon. The process should begin nothing new until BecomeActive or BecomeStandby is
	// called. Nil: the process stays active until its lease ends.
	EnterNeutral func(ctx context.Context)
	// Fence makes sure that the process that old describes cannot act any more, and returns nil only
	// then. A hook that returns nil at once says that nothing needs to be fenced. Its ctx ends after
	// FenceTimeout, and when this process has lost the lock.
	Fence func(ctx context.Context, old Breadcrumb) error
	// Health returns nil if the process is healthy. Nil: it always is. A process that is not healthy
	// leaves the election. Its ctx ends after HealthTimeout; a hook that has not returned by then counts
	// as an error.
	Health func(ctx context.Context) error

	FenceAttempts  int           // after so many errors of Fence the lock is given up
	FenceTimeout   time.Duration // of one attempt
	FencePause     time.Duration // after the first failed attempt; pauses double, up to 30 s or this one if it is longer
	RetryPause     time.Duration // before this process stands again after it has failed to fence or to become active
	StandbyTimeout time.Duration // of one call of BecomeStandby
	HealthInterval time.Duration // between two calls of Health
	HealthTimeout  time.Duration // of one call
	// Grace is how long the others hold back after a failover, so that its target takes the lock.
	Grace time.Duration

	// EpochAtLeast is a lower bound of the epochs of this candidate. Set it after the tree was wiped or
	// restored while all processes were down: to the highest epoch that any external system has seen,
	// plus 1. Default: 0, for none.
	EpochAtLeast int32
	// ACL of the znodes that are made. Nil lets every client do everything. Candidates, and
	// processes that ask for a failover, need all permissions except admin on them.
	ACL []zkapi.ACL
	// Logger receives waits, transitions, attempts to fence, and losses. Nil: nothing is logged.
	Logger *slog.Logger
}

// role is the name of an active in the log and in measurements.
const role = "active"

// filled has the defaults.
func (c Config) filled() Config {
	if c.FenceAttempts == 0 {
		c.FenceAttempts = DefaultFenceAttempts
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.FenceTimeout, DefaultFenceTimeout}, {&c.FencePause, DefaultFencePause}, {&c.RetryPause, DefaultRetryPause},
		{&c.StandbyTimeout, DefaultStandbyTimeout}, {&c.HealthInterval, DefaultHealthInterval},
		{&c.HealthTimeout, DefaultHealthTimeout}, {&c.Grace, DefaultGrace},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// check returns the first error in a Config that is filled.
func (c Config) check() error {
	if err := c.Layout.check(); err != nil {
		return err
	}
	switch {
	case c.Name == "":
		return invalid("Name is empty: a failover names its target by it")
	case c.BecomeActive == nil || c.BecomeStandby == nil:
		return invalid("BecomeActive or BecomeStandby is nil: give both")
	case c.Fence == nil:
		return invalid("Fence is nil: give a hook; one that returns nil at once says that nothing needs to be fenced")
	case c.FenceAttempts < 0 || c.EpochAtLeast < 0 || c.EpochAtLeast >= epoch.Max:
		return invalid("FenceAttempts %d, EpochAtLeast %d: use at least 0, and less than %d for EpochAtLeast", c.FenceAttempts, c.EpochAtLeast, epoch.Max)
	case len(c.Data) > MaxData:
		return fmt.Errorf("%w: %w", invalid("Data has %d bytes: at most %d are allowed", len(c.Data), MaxData), zkapi.ErrTooLarge)
	}
	for name, d := range map[string]time.Duration{
		"FenceTimeout": c.FenceTimeout, "FencePause": c.FencePause, "RetryPause": c.RetryPause, "StandbyTimeout": c.StandbyTimeout,
		"HealthInterval": c.HealthInterval, "HealthTimeout": c.HealthTimeout, "Grace": c.Grace,
	} {
		if d < 0 {
			return invalid("%s %v: use a time that is not negative", name, d)
		}
	}
	return nil
}

// checkEnv refuses an Env that is missing.
func checkEnv(env zkapi.Env) error {
	if sessions.NoEnv(env) {
		return invalid("env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	return nil
}

// observer tells what happens to the log.
func (c Config) observer() observe.Observer {
	obs := observe.To(c.Logger)
	if c.Name != "" {
		obs.Logger = obs.Logger.With("candidate", c.Name)
	}
	return obs
}

// election is the election that a Config describes.
func (c Config) election() elect.Election {
	return elect.Election{
		LeaderPath: c.Layout.Lock, EpochPath: c.Layout.Epoch, QueuePath: c.Layout.Candidates, ACL: c.ACL, Role: role,
		Blocked: func(stat zkapi.Stat) obstacle.Problem {
			return obstacle.NotAlive(c.Layout.Lock, stat, "no process is active, and none can become active")
		},
		Claimable: c.claimable,
	}
}

// claimable returns why the version of the epoch's znode cannot be an epoch. A failover raises it once
// more than the election.
func (c Config) claimable(stat zkapi.Stat) error {
	if stat.Owner() != zkapi.OwnerNone {
		return &obstacle.Error{Problem: obstacle.NotPersistent(c.Layout.Epoch, stat, "its version is the epoch, and that is lost when the server deletes the znode. Stop the candidates first")}
	}
	if why, bad := obstacle.NoVersion(stat.Version, 1); bad {
		return &obstacle.Error{Problem: obstacle.Problem{
			Path: c.Layout.Epoch, What: why + "no process becomes active",
			Remedy: fmt.Sprintf("deleteall %s, when all candidates have been stopped and their sessions are over; epochs begin at 1 again, so reset the tokens that external systems remember", c.Layout.Epoch),
		}}
	}
	return nil
}

// record is the data of the epoch's znode when this candidate has won.
func (c Config) record(env zkapi.Env, session fence.Session) (data []byte, nonce string) {
	record := claims.NewRecord(env, session, c.Name)
	return claims.Encode(record), record.Nonce
}

// parents are the persistent znodes of the group, with those above.
func (l Layout) parents() []string {
	return []string{l.Epoch, path.Dir(l.Lock), path.Dir(l.Breadcrumb), path.Dir(l.Failover), l.Candidates}
}
