package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// elections is where elections are whose name is no path.
const elections = "/elections"

// Election is an election, as the commands lead and leader name it.
type Election struct {
	Name string // of this process
	Data string // of the leader
	Own  bool   // Data was given
}

// config is the election of that name: one part of a path, or a whole path. The namespace goes in
// front of both.
func (e Election) config(o *Options, name string, log *slog.Logger) (election.Config, error) {
	path := name
	if !strings.HasPrefix(name, "/") {
		if name == "" || strings.Contains(name, "/") {
			return election.Config{}, misuse("%q is not the name of an election: give one word such as scheduler, or a path such as /elections/scheduler", name)
		}
		path = elections + "/" + name
	}
	namespace := strings.TrimSuffix(o.Namespace, "/")
	if !e.Own {
		e.Data = e.Name
	}
	acl, err := o.electorate()
	return election.Config{Path: namespace + path, Name: e.Name, Data: []byte(e.Data), ACL: acl, Logger: log}, err
}

// electorate is the ACL of an election: masters stand for election, and the others may read.
func (o *Options) electorate() ([]zkapi.ACL, error) {
	access, err := o.roles()
	if err != nil {
		return nil, err
	}
	var acl []zkapi.ACL
	for _, id := range access.Master {
		acl = append(acl, zkapi.ACL{Perms: zkapi.PermAll, Scheme: "digest", ID: id})
	}
	for _, id := range append(access.Worker, access.Client...) {
		if len(access.Master) > 0 && id != access.Master[0] {
			acl = append(acl, zkapi.ACL{Perms: zkapi.PermRead, Scheme: "digest", ID: id})
		}
	}
	return acl, nil
}

// Lead is the command lead: it runs a command while this process leads.
type Lead struct {
	Election
	Queue, Again bool
	EpochAtLeast int32
}

// errLost means that the leadership was lost while the command ran.
var errLost = errors.New("the leadership was lost, so the command was ended")

// Run stands for election, runs the command while this process leads, and resigns when the
// command has ended, with its exit code. It waits for the first session for --connect-timeout at most. If the leadership is lost, the command has been ended;
// then Run stands for election again, or returns an error.
func (l *Lead) Run(ctx context.Context, o *Options, streams Streams, name string, command []string) error {
	env, _, log, err := o.connect()
	if err != nil {
		return err
	}
	config, err := l.config(o, name, log)
	if err != nil {
		return err
	}
	config.Queue, config.EpochAtLeast = l.Queue, l.EpochAtLeast
	c, err := election.New(env, config)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer env.warnBeside(ctx, log)()
	defer closeSoon(c.Close, log)
	for {
		campaign, stop := o.untilLate(ctx, env)
		led, err := c.Campaign(campaign)
		stop()
		if err != nil {
			return err
		}
		code, lost, err := runUnder(ctx, right{
			name: "leadership", left: led.Left, context: led.Context(),
			env: []string{"RINGMASTER_ELECTION=" + config.Path, fmt.Sprintf("RINGMASTER_EPOCH=%d", led.Epoch())},
		}, streams, command, log)
		closeSoon(led.Resign, log)
		switch {
		case err != nil:
			return misuse("lead: the command cannot be run: %w", err)
		case ctx.Err() == nil && lost && l.Again:
			log.Warn("the leadership was lost, so the command was ended: standing for election again")
		case lost:
			return exit.With(exit.Lost, errLost)
		case code != 0:
			return exit.With(exit.Code(code), errChild)
		default:
			return nil
		}
	}
}

// closeSoon calls a function that ends a session, and waits for that for a moment.
func closeSoon(end func(context.Context) error, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), masterPatience)
	defer cancel()
	if err := end(ctx); err != nil {
		log.Warn("a znode of this process may stay until the session timeout", "error", err)
	}
}

// Leader is the command leader: it prints who leads.
type Leader struct {
	Watch, JSON bool
}

// leaderLine is a line of leader --json.
type leaderLine struct {
	Leads   bool   `json:"leads"`
	Name    string `json:"name,omitempty"`
	Epoch   int32  `json:"epoch,omitempty"`
	Data    string `json:"data"`
	Data64  string `json:"data_base64,omitempty"` // if it is not UTF-8
	Session string `json:"session,omitempty"`
}

// errNoLeader means that there is no leader. The command has printed it.
var errNoLeader = fmt.Errorf("%w: there is no leader", errTask)

// Run prints who leads. If it watches, it goes on and prints each change, until ctx ends.
func (l *Leader) Run(ctx context.Context, o *Options, s Streams, name string) error {
	env, _, log, err := o.connect()
	if err != nil {
		return err
	}
	config, err := Election{}.config(o, name, log)
	if err != nil {
		return err
	}
	observer, err := election.NewObserver(env, config)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = observer.Close(closing) // if the session lasts longer, it owns no znodes
	}()
	limited, cancel := o.limited(ctx)
	now, err := observer.Leader(limited)
	cancel()
	if err != nil {
		return err
	}
	if !l.Watch {
		if err := l.print(s, now); err != nil || now.Exists() {
			return err
		}
		return exit.With(exit.NotFound, errNoLeader)
	}
	for now := range observer.Observe(ctx) {
		if err := l.print(s, now); err != nil {
			return err
		}
	}
	return nil
}

// print prints who leads in one line.
func (l *Leader) print(s Streams, now election.Leader) error {
	switch {
	case l.JSON:
		line := leaderLine{Leads: now.Exists(), Name: now.Name, Epoch: now.Epoch, Data: now.Data, Data64: binary(now.Data)}
		if now.Exists() {
			line.Session = fmt.Sprintf("0x%x", uint64(now.Session))
		}
		return printJSON(s.Out, line)
	case !now.Exists():
		return printf(s.Out, "-\t-\tno leader\n")
	}
	name := now.Name
	if name == "" {
		name = "-" // made by hand
	}
	return printf(s.Out, "%s\t%d\t%s\n", name, now.Epoch, now.Data)
}
