package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
)

// standbyRoot is where groups are whose name is no path.
const standbyRoot = "/standby"

// Layouts are the values of --layout.
var Layouts = []string{"path", "yarn", "hdfs"}

// layoutOf has the znodes of a group, below the namespace.
func (o *Options) layoutOf(layout, name string) (standby.Layout, error) {
	path, err := o.pathOf("group", standbyRoot, name)
	if err != nil {
		return standby.Layout{}, err
	}
	switch {
	case layout == "path":
		return standby.Under(path), nil
	case layout != "yarn" && layout != "hdfs":
		return standby.Layout{}, misuse("--layout %q: use one of %s", layout, strings.Join(Layouts, ", "))
	case strings.HasPrefix(name, "/"):
		return standby.Layout{}, misuse("--layout %s: NAME is that of the cluster, such as c1, and not the path %s", layout, name)
	case layout == "yarn":
		return standby.YARN(name).Below(o.Namespace), nil
	}
	return standby.HDFS(name).Below(o.Namespace), nil
}

// Standby is the command standby: it runs commands for the transitions of an active-standby switch.
type Standby struct {
	Layout string
	Name   string // of this process
	Data   string // for those who fence it
	Own    bool   // Data was given

	OnActive, OnStandby, OnNeutral, Fence, Health string // commands

	FenceAttempts                                                      int
	FenceTimeout, StandbyTimeout, HealthInterval, HealthTimeout, Grace time.Duration
	EpochAtLeast                                                       int32
}

// NewStandby has the defaults of the recipe.
func NewStandby() Standby {
	return Standby{
		FenceAttempts: standby.DefaultFenceAttempts, FenceTimeout: standby.DefaultFenceTimeout, StandbyTimeout: standby.DefaultStandbyTimeout,
		HealthInterval: standby.DefaultHealthInterval, HealthTimeout: standby.DefaultHealthTimeout, Grace: standby.DefaultGrace,
	}
}

// Run takes part until ctx ends, and then becomes standby.
func (s *Standby) Run(ctx context.Context, o *Options, streams Streams, name string) error {
	for flag, command := range map[string]string{"--on-active": s.OnActive, "--on-standby": s.OnStandby, "--fence": s.Fence} {
		if strings.TrimSpace(command) == "" {
			return misuse("standby: %s is missing: give a command; true is one that does nothing", flag)
		}
	}
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	layout, err := o.layoutOf(s.Layout, name)
	if err != nil {
		return err
	}
	if !s.Own {
		s.Data = s.Name
	}
	h := hooks{streams: streams, log: log, env: append(os.Environ(), "RINGMASTER_STANDBY="+layout.Epoch)}
	config := standby.Config{
		Layout: layout, Name: s.Name, Data: []byte(s.Data), ACL: aclOf(access), Logger: log,
		BecomeActive: func(ctx context.Context, a *standby.Active) error {
			return h.run(ctx, a.Context(), s.OnActive, nil, fmt.Sprintf("RINGMASTER_EPOCH=%d", a.Epoch()))
		},
		BecomeStandby: func(ctx context.Context) error { return h.run(ctx, context.Background(), s.OnStandby, nil) },
		Fence: func(ctx context.Context, old standby.Breadcrumb) error {
			return h.run(ctx, context.Background(), s.Fence, old.Data, "RINGMASTER_OLD="+strings.ReplaceAll(string(old.Data), "\x00", ""),
				fmt.Sprintf("RINGMASTER_SAME=%v", old.Same), fmt.Sprintf("RINGMASTER_EPOCH=%d", old.Epoch))
		},
		FenceAttempts: s.FenceAttempts, FenceTimeout: s.FenceTimeout, StandbyTimeout: s.StandbyTimeout,
		HealthInterval: s.HealthInterval, HealthTimeout: s.HealthTimeout, Grace: s.Grace, EpochAtLeast: s.EpochAtLeast,
	}
	if s.OnNeutral != "" {
		config.EnterNeutral = func(ctx context.Context) { _ = h.run(ctx, ctx, s.OnNeutral, nil) } // it is in the log
	}
	if s.Health != "" {
		config.Health = func(ctx context.Context) error { return h.run(ctx, context.Background(), s.Health, nil) }
	}
	c, err := standby.New(env, config)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer env.warnBeside(ctx, log)()
	err = c.Run(ctx)
	switch {
	case errors.Is(err, standby.ErrNotStandby): // whatever has ended it
		return fmt.Errorf("standby: %s: %w", name, standby.ErrNotStandby)
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return nil
	}
	return err
}

// hooks runs the commands of a switch.
type hooks struct {
	streams Streams
	log     *slog.Logger
	env     []string
}

// run runs a command to its end. It gets SIGTERM when ctx ends, and SIGKILL when must does. Its standard
// output is the log's place, standard error.
func (h hooks) run(ctx, must context.Context, command string, in []byte, env ...string) error {
	guarded := shell.Guarded{Command: []string{"sh", "-c", command}, Env: append(h.env[:len(h.env):len(h.env)], env...), Out: h.streams.Err, Err: h.streams.Err, Log: h.log}
	guarded.In = io.Reader(bytes.NewReader(in))
	code, err := guarded.Run(ctx, must)
	if err == nil && code != 0 {
		err = fmt.Errorf("the command has ended with exit code %d: %s", code, command)
	}
	return err
}

// Failover is the command failover: it asks the active of a group to hand over.
type Failover struct {
	Layout     string
	To         string
	Timeout    time.Duration // 0: it waits until there is an outcome
	List, JSON bool
}

// errNoHandOver means that a failover has not taken place in time. The request is withdrawn.
var errNoHandOver = errors.New("the active did not hand over in time: the request is withdrawn")

// Run asks for a failover, waits for it, and prints the new active; or it prints who is there.
func (f *Failover) Run(ctx context.Context, o *Options, s Streams, name string) error {
	if f.Timeout < 0 {
		return misuse("failover: --timeout %v: give a time that is not negative", f.Timeout)
	}
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	layout, err := o.layoutOf(f.Layout, name)
	if err != nil {
		return err
	}
	g, err := standby.NewGroup(env, standby.GroupConfig{Layout: layout, ACL: aclOf(access), Logger: slog.New(quieter{log.Handler()})})
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer endSession(g.Close)
	if f.List {
		limited, cancel := o.limited(ctx)
		defer cancel()
		return f.list(limited, g, s)
	}
	ctx, stop := o.untilLate(ctx, env)
	defer stop()
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.Timeout, errNoHandOver)
		defer cancel()
	}
	active, err := g.Failover(ctx, f.To)
	if err != nil {
		return fmt.Errorf("failover: %s: %w", name, err)
	}
	return f.print(s, "active", active)
}

// list prints the active and the candidates that stand by.
func (f *Failover) list(ctx context.Context, g *standby.Group, s Streams) error {
	now, err := g.Status(ctx)
	if err != nil {
		return err
	}
	state := "active"
	if !now.Ready {
		state = "fencing"
	}
	if now.Active.Exists() {
		err = f.print(s, state, now.Active)
	}
	for _, m := range now.Standbys {
		err = errors.Join(err, f.print(s, "standby", m))
	}
	if now.Breadcrumb != nil && !now.Ready {
		err = errors.Join(err, f.print(s, "unfenced", standby.Member{Data: string(now.Breadcrumb)}))
	}
	return err
}

// memberLine is a line of failover --json.
type memberLine struct {
	State  string `json:"state"`
	Name   string `json:"name,omitempty"`
	Epoch  int32  `json:"epoch,omitempty"`
	Data   string `json:"data,omitempty"`
	Data64 string `json:"data_base64,omitempty"` // if it is not UTF-8
}

// print prints a process of the group in one line.
func (f *Failover) print(s Streams, state string, m standby.Member) error {
	if f.JSON {
		return printJSON(s.Out, memberLine{state, m.Name, m.Epoch, m.Data, binary(m.Data)})
	}
	name := m.Name
	if name == "" {
		name = "-" // made by hand, or only its breadcrumb is known
	}
	return printf(s.Out, "%s\t%s\t%d\t%s\n", state, name, m.Epoch, m.Data)
}

// CompleteGroups lists the names of groups that begin with what was typed.
func CompleteGroups(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, standbyRoot), args, begun)
}
