package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The faults of servers, by name.
const (
	KillServer      Kind = "kill-server"
	PauseServer     Kind = "pause-server"
	IsolateLeader   Kind = "isolate-leader"
	IsolateFollower Kind = "isolate-follower"
	IsolateServer   Kind = "isolate-server"
	ChangeLeader    Kind = "change-leader"
	SplitServers    Kind = "split-servers"
	Bridge          Kind = "bridge"
	AsymmetricCut   Kind = "asymmetric-cut"
	LagFollower     Kind = "lag-follower"
	RollingRestart  Kind = "rolling-restart"
	RestartAll      Kind = "restart-all"
	FillDisk        Kind = "fill-disk"
	SlowDisk        Kind = "slow-disk"
	IsolateHolder   Kind = "isolate-holder"
	ExhaustQuota    Kind = "exhaust-quota"
)

var serverFaults = []Entry{
	{
		Kind: KillServer, Group: "server", Roles: anyServer, Least: 0.5, Most: 1.6, Needs: Servers,
		Explain: "a ZooKeeper server gets SIGKILL and restarts later",
		Probe:   "the process is gone, and the server does not answer",
		Did:     "killed %s",
		Does:    []record.Impact{record.Kills},
		Inject:  (*Injector).killServer,
	},
	{
		Kind: PauseServer, Group: "server", Roles: anyServer, Least: 0.5, Most: 1.6, Needs: Servers,
		Explain: "a ZooKeeper server is frozen, then continues",
		Probe:   "Docker reports that it is paused, and the server does not answer",
		Did:     "froze %s",
		Does:    []record.Impact{record.Pauses},
		Inject:  (*Injector).pauseServer,
	},
	{
		Kind: IsolateLeader, Group: "server", Also: []string{"partition"}, Roles: []Role{LeaderServer}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "the ZooKeeper leader is cut from all other servers",
		Probe:   "packets were dropped, and it no longer leads",
		Did:     "cut %s off from the other servers",
		Inject:  alone((*Injector).isolate),
	},
	{
		Kind: IsolateFollower, Group: "server", Also: []string{"partition"}, Roles: []Role{FollowerServer}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "a ZooKeeper follower is cut from all other servers",
		Probe:   "packets were dropped, and it no longer serves",
		Did:     "cut %s off from the other servers",
		Inject:  alone((*Injector).isolate),
	},
	{
		Kind: IsolateServer, Group: "server", Also: []string{"partition"}, Roles: []Role{MastersServer}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "the ZooKeeper server that the active master talks to is cut from all other servers",
		Probe:   "packets were dropped, and it no longer serves",
		Did:     "cut %s off from the other servers",
		Inject:  alone((*Injector).isolate),
	},
	{
		Kind: ChangeLeader, Group: "server", Roles: []Role{LeaderServer}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "the ZooKeeper leader is cut off until another server leads, and returns as a follower",
		Probe:   "another server leads, and the old leader follows",
		Did:     "cut %s off until another server led",
		Inject:  alone((*Injector).changeLeader),
	},
	{
		Kind: SplitServers, Group: "server", Also: []string{"partition"}, Roles: []Role{Minority}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "the servers are split into a majority and a minority",
		Probe:   "packets were dropped, and the minority does not serve",
		Did:     "split the servers, with %s on one side",
		Inject:  alone((*Injector).splitServers),
	},
	{
		Kind: Bridge, Group: "server", Also: []string{"partition"}, Roles: []Role{LeaderServer}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "two halves of the servers are cut from each other, and one server reaches both",
		Probe:   "packets were dropped between the halves, and the bridge reaches both",
		Did:     "cut two halves of the servers apart, around %s",
		Inject:  alone((*Injector).bridge),
	},
	{
		Kind: AsymmetricCut, Group: "server", Also: []string{"partition"}, Roles: []Role{FollowerServer, LeaderServer}, Least: 1, Most: 1.8, Needs: Servers,
		Explain: "packets from the other servers to one server are dropped, and packets from it arrive",
		Probe:   "packets to it were dropped, and those from it passed",
		Did:     "let %s hear nothing of the other servers",
		Inject:  alone((*Injector).deafenServer),
	},
	{
		Kind: LagFollower, Group: "server", Roles: []Role{FollowerServer}, Least: 0.2, Most: 0.4, Needs: Servers, Asks: Changes,
		Explain: "packets from the leader to a follower are dropped; the time is so short that the follower still serves, and answers reads with an old state",
		Probe:   "the follower answered a read while it was behind the leader",
		Did:     "let %s fall behind",
		Inject:  alone((*Injector).lag),
	},
	{
		Kind: RollingRestart, Group: "server", Roles: []Role{AllServers}, Least: 3, Most: 4, Needs: Servers,
		Explain: "the servers get SIGTERM and restart, one after the other, each when all servers serve",
		Probe:   "each server has a new process, and no two were down at the same time",
		Did:     "restarted %s, one after the other",
		Inject:  alone((*Injector).roll),
	},
	{
		Kind: RestartAll, Group: "server", Roles: []Role{AllServers}, Least: 0.3, Most: 0.8, Needs: Servers,
		Explain: "all servers get SIGKILL at the same time and restart",
		Probe:   "no server answered, and each has a new process after the restart",
		Did:     "killed %s at once",
		Inject:  alone((*Injector).restartAll),
	},
	{
		Kind: FillDisk, Group: "server", Roles: []Role{SomeServer}, Least: 0.5, Most: 1.6, Needs: Servers,
		Explain: "the small volume with the transaction log of one server (always the same server) is filled; the server is killed, gets its space back and restarts later",
		Probe:   "the volume has no space left, and the server logged that it could not write",
		Did:     "filled the disk of %s",
		Inject:  (*Injector).fillDisk,
	},
	{
		Kind: SlowDisk, Group: "server", Roles: []Role{SomeServer, LeaderServer}, Least: 0.8, Most: 2, Needs: Servers,
		Explain: "the disk of a server is slow: strace delays each fsync of the transaction log, if the machine allows it",
		Probe:   "fsyncs were delayed, and the server itself measured the delay",
		Did:     "slowed the disk of %s down",
		Inject:  (*Injector).slowDisk,
	},
	{
		Kind: IsolateHolder, Group: "server", ByName: true, Roles: []Role{HoldersServer}, Least: 1.3, Most: 1.8, Needs: Servers, Asks: LongLived,
		Explain: "a worker holds something long-lived, and its follower is cut from all other servers; the worker stays connected to the follower; a worker that is connected to the leader moves to a follower first",
		Probe:   "packets were dropped, the worker was connected to that server, and it no longer serves",
		Did:     "cut %s off from the other servers",
		Inject:  alone((*Injector).isolateHolder),
	},
	{
		Kind: ExhaustQuota, Group: "server", ByName: true, Roles: []Role{AllServers}, Least: 0.5, Most: 2, Needs: Servers,
		Explain: "the quota of the namespace is set below its size, so that every create is refused, and lifted later",
		Probe:   "ZooKeeper refused writes of the participants because of it",
		Did:     "had the quota of the namespace enforced by %s, below what is there,",
		Inject:  (*Injector).exhaustQuota,
	},
}

var (
	errSuffers  = errors.New("every such server has a fault already")
	errNoLeader = errors.New("no server leads")
)

// alone takes all servers for a fault that no other may accompany.
func alone(bind binding) binding {
	return func(j *Injector, ctx context.Context, fault Fault) (Injection, error) {
		all := j.Ensemble().Servers()
		if !take(j, all...) {
			return Injection{}, errSuffers
		}
		i, err := bind(j, ctx, fault)
		if err != nil {
			release(j, all...)
			return Injection{}, err
		}
		i.Done = func() { release(j, all...) }
		return i, nil
	}
}

// fitServers lists the servers that fit a role, in the order of preference; there is at
// least one.
func (j *Injector) fitServers(ctx context.Context, fault Fault) ([]Server, error) {
	servers := j.Ensemble().Servers()
	inOrder := rotated(servers, fault.Pick)
	switch fault.Role {
	case LeaderServer, FollowerServer:
		leader, leads := j.Ensemble().Leader(ctx)
		if !leads {
			return nil, errNoLeader
		}
		if fault.Role == LeaderServer {
			return []Server{leader}, nil
		}
		return others(inOrder, leader), nil
	case MastersServer:
		name, session, err := j.Observer().ActiveMaster(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range j.Processes() {
			if p.Name() != name {
				continue
			}
			address, ok := wire(p).ServerOf(session)
			i := slices.IndexFunc(servers, func(s Server) bool { return s.Address() == address })
			if ok && i >= 0 {
				return servers[i : i+1], nil
			}
		}
		return nil, fmt.Errorf("the active master, %s, is connected to no server", name)
	}
	return inOrder, nil
}

// others are all servers but one.
func others(all []Server, one Server) []Server {
	return slices.DeleteFunc(slices.Clone(all), func(s Server) bool { return s == one })
}

// killServer kills one server.
func (j *Injector) killServer(ctx context.Context, fault Fault) (Injection, error) {
	return j.down(ctx, fault, "process gone", func(s Server, i *Injection) func(context.Context) (bool, error) {
		i.Apply, i.Heal = s.Kill, s.Restart
		return func(ctx context.Context) (bool, error) { running, err := s.Running(ctx); return !running, err }
	})
}

// pauseServer freezes one server.
func (j *Injector) pauseServer(ctx context.Context, fault Fault) (Injection, error) {
	return j.down(ctx, fault, "paused", func(s Server, i *Injection) func(context.Context) (bool, error) {
		i.Apply, i.Heal = s.Pause, s.Resume
		return s.Paused
	})
}

// down takes one server away; how has the action and its probe.
func (j *Injector) down(ctx context.Context, fault Fault, what string, how func(Server, *Injection) func(context.Context) (bool, error)) (Injection, error) {
	fit, err := j.fitServers(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	s, i, err := j.takeOne(fit)
	if err != nil {
		return Injection{}, err
	}
	held := how(s, &i)
	i.Probe = func(ctx context.Context) Finding {
		down, err := held(ctx)
		_, answer := s.Mode(ctx)
		return Found(err == nil && down && answer != nil, "%s is %v, and it %s", what, down, whether(answer == nil, "answers", "does not answer")).With(what, down).With("answers", answer == nil)
	}
	return i, nil
}

// takeOne takes the first server that does not already suffer from a fault of its own.
// The injection gives the server back.
func (j *Injector) takeOne(servers []Server) (Server, Injection, error) {
	for _, s := range servers {
		if take(j, s) {
			return s, Injection{Target: s.Name(), Done: func() { release(j, s) }}, nil
		}
	}
	return nil, Injection{}, errSuffers
}
