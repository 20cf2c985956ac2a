package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// timing compares the session timeout with the servers' own times, with the names of
// its JSON.
type timing struct {
	Asked   string `json:"asked"`
	Granted string `json:"granted"`

	// The servers' answer to conf, or the assumed values.
	Tick      string `json:"tick_time,omitempty"`
	InitLimit int    `json:"init_limit,omitempty"`
	SyncLimit int    `json:"sync_limit,omitempty"`

	Assumed  string `json:"assumed,omitempty"`   // why those are assumed; missing when the servers report them
	Unknown  string `json:"unknown,omitempty"`   // why those are missing
	TooShort string `json:"too_short,omitempty"` // the problem and the remedy; missing when there is no problem
}

const (
	notKnown = "not known: the servers do not report their tickTime and syncLimit; see docs/operators.md"
	assumed  = "assumed, because the servers do not answer conf; see docs/operators.md"
)

// grantedEnv is an Env that remembers the last granted session timeout.
type grantedEnv struct {
	*zkclient.Driver
	asked time.Duration
	first chan struct{} // closed when one was granted

	mu      sync.Mutex
	granted time.Duration
}

func newGrantedEnv(driver *zkclient.Driver, asked time.Duration) *grantedEnv {
	return &grantedEnv{Driver: driver, asked: asked, first: make(chan struct{})}
}

// Open implements zkapi.Env.
func (g *grantedEnv) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := g.Driver.Open(ctx)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.granted == 0 {
		close(g.first)
	}
	g.granted = session.Timeout()
	return session, nil
}

// compare compares the granted timeout with the servers' timing, or takes note of the
// error that kept it unknown.
func (g *grantedEnv) compare(servers zkclient.Timing, err error) timing {
	g.mu.Lock()
	granted := g.granted
	g.mu.Unlock()
	t := timing{Asked: g.asked.String(), Granted: granted.String()}
	if err != nil {
		t.Unknown = notKnown
		return t
	}
	t.Tick, t.InitLimit, t.SyncLimit = servers.Tick.String(), servers.InitLimit, servers.SyncLimit
	of := ""
	if servers.Assumed {
		t.Assumed, of = assumed, " (assumed: "+strconv.Itoa(servers.SyncLimit)+" x "+t.Tick+")"
	}
	if need := servers.Patience(); granted < need {
		t.TooShort = fmt.Sprintf("%v is shorter than syncLimit x tickTime, %v%s: a server that is cut off from its leader keeps its clients for that long, and their sessions end meanwhile; %s", granted, need, of, remedy(servers))
	}
	return t
}

// remedy says what to do about a session timeout that is too short.
func remedy(servers zkclient.Timing) string {
	need := servers.Patience()
	if most := servers.Most; most > 0 && most < need {
		return fmt.Sprintf("set maxSessionTimeout of the servers, now %v, to %d ms at least, and give --session-timeout %v", most, need.Milliseconds(), need)
	}
	return fmt.Sprintf("give --session-timeout %v, or more", need)
}

// askBeside asks the servers for their timing in the background. The returned function waits
// for the answer, and compares it with the timeout that is granted then.
func (g *grantedEnv) askBeside(ctx context.Context) func() timing {
	var (
		servers zkclient.Timing
		err     error
		asking  sync.WaitGroup
	)
	asking.Go(func() { servers, err = g.Timing(ctx) })
	return func() timing {
		asking.Wait()
		return g.compare(servers, err)
	}
}

// warnBeside runs warn beside a role, and returns a function that ends it.
func (g *grantedEnv) warnBeside(ctx context.Context, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var warning sync.WaitGroup
	warning.Go(func() { g.warn(ctx, log) })
	return func() { cancel(); warning.Wait() }
}

// warn logs once, when a session was granted, whether its timeout is too short. It ends
// with ctx, and no role waits for it.
func (g *grantedEnv) warn(ctx context.Context, log *slog.Logger) {
	select {
	case <-g.first:
	case <-ctx.Done():
		return
	}
	servers, err := g.Timing(ctx)
	t := g.compare(servers, err)
	switch {
	case ctx.Err() != nil:
	case t.Unknown != "":
		log.InfoContext(ctx, "whether the session timeout is long enough is "+t.Unknown, "granted", t.Granted, "asked", t.Asked)
		log.DebugContext(ctx, "the servers' times are not known", "error", err)
	case t.TooShort != "":
		log.WarnContext(ctx, "the session timeout is too short", "granted", t.Granted, "asked", t.Asked, "tickTime", t.Tick, "syncLimit", t.SyncLimit, "problem", t.TooShort)
	}
}

// String is the line in status.
func (t timing) String() string {
	text := t.Granted
	if t.Asked != t.Granted {
		text += fmt.Sprintf(" (%s was asked for)", t.Asked)
	}
	switch {
	case t.Unknown != "":
		return text + "; whether that is long enough is " + t.Unknown
	case t.SyncLimit == 0:
		text += fmt.Sprintf("; the only server has tickTime %s", t.Tick)
	default:
		text += fmt.Sprintf("; the servers have tickTime %s, syncLimit %d", t.Tick, t.SyncLimit)
	}
	if t.Assumed != "" {
		text += " (" + t.Assumed + ")"
	}
	return text
}
