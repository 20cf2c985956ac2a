package nemesis

import (
	"slices"
	"strings"
)

// Entry is one line of the catalogue.
type Entry struct {
	Kind    Kind
	Group   string // session, process, network, server or clock
	Roles   []Role // whom it can be aimed at; a plan draws one
	Least   float64
	Most    float64 // how long it lasts, Least to Most, in session timeouts (see Options.ServerPatience); 0 for a single deed
	Explain string
	Probe   string // what must be seen for it to count as effective
}

// The roles that most faults of participants can be aimed at.
var (
	anyParticipant = []Role{ActiveMaster, BusiestWorker, SomeClient, Backup}
	busyWorkers    = []Role{BusiestWorker, SomeWorker}
	anyServer      = []Role{SomeServer, MastersServer, LeaderServer}
)

// The kinds, by group.
const (
	ExpireMaster   Kind = "expire-master"
	ExpireBackup   Kind = "expire-backup"
	ExpireWorker   Kind = "expire-worker"
	ExpireClient   Kind = "expire-client"
	ExpireElected  Kind = "expire-elected"
	ExpireUnheard  Kind = "expire-unheard"
	ExpireAssigned Kind = "expire-assigned"
	ExpireMany     Kind = "expire-many"

	KillMaster   Kind = "kill-master"
	KillBackup   Kind = "kill-backup"
	KillWorker   Kind = "kill-worker"
	KillClient   Kind = "kill-client"
	LeaveMaster  Kind = "leave-master"
	LeaveWorker  Kind = "leave-worker"
	StopMaster   Kind = "stop-master"
	StopWorker   Kind = "stop-worker"
	PauseMaster  Kind = "pause-master"
	PauseWorker  Kind = "pause-worker"
	RestartStorm Kind = "restart-storm"
	TwinWorker   Kind = "twin-worker"

	WrongClock  Kind = "wrong-clock"
	SleepWorker Kind = "sleep-worker"

	CutMaster    Kind = "cut-master"
	CutBackup    Kind = "cut-backup"
	CutWorker    Kind = "cut-worker"
	CutClient    Kind = "cut-client"
	Mute         Kind = "mute"
	Deafen       Kind = "deafen"
	Reset        Kind = "reset"
	Latency      Kind = "latency"
	Bandwidth    Kind = "bandwidth"
	Drip         Kind = "drip"
	DropCreate   Kind = "drop-create"
	DropMulti    Kind = "drop-multi"
	DropDelete   Kind = "drop-delete"
	DropClose    Kind = "drop-close"
	DelayReply   Kind = "delay-reply"
	FreezeAccept Kind = "freeze-accept"
	CutHandshake Kind = "cut-handshake"
	Move         Kind = "move"

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

// Catalogue lists every fault, in the order of the documentation.
var Catalogue = slices.Concat(sessionFaults, processFaults, clockFaults, networkFaults, serverFaults)

var sessionFaults = []Entry{
	{ExpireMaster, "session", []Role{ActiveMaster}, 0, 0, "the active master's session is ended by a second connection with its id and password", "a server ends it, and then none knows the session any more"},
	{ExpireBackup, "session", []Role{Backup}, 0, 0, "a backup's session is ended the same way", "a server ends it, and then none knows the session any more"},
	{ExpireWorker, "session", busyWorkers, 0, 0, "a worker's session is ended the same way", "a server ends it, and then none knows the session any more"},
	{ExpireClient, "session", []Role{SomeClient}, 0, 0, "a client's session is ended the same way", "a server ends it, and then none knows the session any more"},
	{ExpireElected, "session", []Role{NextMaster}, 0, 0, "the active master's session is ended, and that of the next one between its election and its first read, which waits in the proxy until then", "the session that won the election is gone, a request of it waited, and none passed in between"},
	{ExpireUnheard, "session", []Role{NextMaster}, 0.1, 0.5, "the active master's session is ended, and the answer to the election of the next one is lost with its connection: it leads, and nobody has told it", "ZooKeeper applied the election and the answer did not pass"},
	{ExpireAssigned, "session", []Role{BusiestWorker}, 0, 0, "a worker's session is ended after a task was assigned to it and before it could read that", "the end comes after the assignment in ZooKeeper's order, and nothing has passed to the worker in between"},
	{ExpireMany, "session", []Role{Several}, 0, 0, "the sessions of half of all participants are ended at once", "two of them at least were ended by that, and no server knows any of them"},
}

var processFaults = []Entry{
	{KillMaster, "process", []Role{ActiveMaster}, 0.1, 0.8, "the active master gets SIGKILL and is started again later", "the process ended by that signal"},
	{KillBackup, "process", []Role{Backup}, 0.1, 0.8, "a backup gets SIGKILL and is started again later", "the process ended by that signal"},
	{KillWorker, "process", busyWorkers, 0.1, 0.8, "a worker gets SIGKILL and is started again later", "the process ended by that signal"},
	{KillClient, "process", []Role{SomeClient}, 0.1, 0.8, "a client gets SIGKILL and is started again later", "the process ended by that signal"},
	{LeaveMaster, "process", []Role{ActiveMaster}, 0.1, 0.8, "the active master gets SIGTERM under load, hands over, and is started again later", "the process ended by itself, with code 0"},
	{LeaveWorker, "process", busyWorkers, 0.1, 0.8, "a worker gets SIGTERM under load, finishes what it holds or gives it back, and is started again later", "the process ended by itself, with code 0"},
	{StopMaster, "process", []Role{ActiveMaster}, 1.3, 2.2, "the active master is stopped (SIGSTOP) for longer than its session lasts, then goes on", "the process is stopped at both ends, and for longer than the session timeout"},
	{StopWorker, "process", busyWorkers, 1.3, 2.2, "a worker is stopped (SIGSTOP) for longer than its session lasts, then goes on", "the process is stopped at both ends, and for longer than the session timeout"},
	{PauseMaster, "process", []Role{ActiveMaster}, 0.2, 0.6, "the active master is stopped (SIGSTOP) for less than its session lasts, then goes on", "the process is stopped at both ends, and for less than the session timeout"},
	{PauseWorker, "process", busyWorkers, 0.2, 0.6, "a worker is stopped (SIGSTOP) for less than its session lasts, then goes on", "the process is stopped at both ends, and for less than the session timeout"},
	{RestartStorm, "process", []Role{Several}, 0.5, 1.2, "a master, a worker and a client get SIGKILL and are started again at once, over and over", "each of them died by the signal at least twice"},
	{TwinWorker, "process", []Role{WorkerAlone}, 0.8, 1.6, "a second process of the same name works beside a worker", "both processes are there at the end, and the second one has had a session"},
}

var clockFaults = []Entry{
	{SleepWorker, "clock", []Role{SomeWorker}, 1.6, 2.4, "the machine of a worker with resident tasks sleeps for longer than the session lasts: its line is dead, it is stopped (SIGSTOP), and its monotonic clock stands still; when it wakes up, its line stays dead for one more session timeout", "the process is stopped at both ends, for longer than the session timeout, and no server knows its session any more"},
	{WrongClock, "clock", anyParticipant, 0.8, 2, "a participant gets SIGTERM and is started again with a wall clock that is wrong by hours, ahead or behind; later again with a right one", "the participant itself read a time that differs from the harness' by that much"},
}

var networkFaults = []Entry{
	{CutMaster, "network", []Role{ActiveMaster}, 0.3, 1.8, "the active master's packets are swallowed, both ways", "bytes were swallowed"},
	{CutBackup, "network", []Role{Backup}, 0.3, 1.8, "a backup's packets are swallowed, both ways", "bytes were swallowed"},
	{CutWorker, "network", busyWorkers, 0.3, 1.8, "a worker's packets are swallowed, both ways", "bytes were swallowed"},
	{CutClient, "network", []Role{SomeClient}, 0.3, 1.8, "a client's packets are swallowed, both ways", "bytes were swallowed"},
	{Mute, "network", anyParticipant, 0.3, 1.5, "what a participant sends is swallowed, what it is sent arrives", "bytes of the participant were swallowed, none of the servers"},
	{Deafen, "network", anyParticipant, 0.3, 1.5, "what a participant sends arrives, what it is sent is swallowed", "bytes of the servers were swallowed, none of the participant"},
	{Reset, "network", anyParticipant, 0.2, 1, "a participant's connections are reset, again and again", "at least two connections were reset"},
	{Latency, "network", anyParticipant, 0.5, 2, "every packet of a participant is late, by a time that varies", "packets were delayed, and by how long"},
	{Bandwidth, "network", anyParticipant, 0.5, 2, "a participant has a thin line: a few kilobytes per second", "packets had to wait for the line"},
	{Drip, "network", anyParticipant, 0.3, 1.2, "a participant is sent its answers byte by byte, with pauses", "a frame arrived in many pieces"},
	{DropCreate, "network", []Role{SomeClient}, 0.5, 1.2, "the answer to a client's create is lost with its connection: the task was made, and nobody has told it", "ZooKeeper applied the create and the answer did not pass"},
	{DropMulti, "network", []Role{ActiveMaster, BusiestWorker}, 0.5, 1.2, "the answer to a multi is lost with its connection", "ZooKeeper applied the multi and the answer did not pass"},
	{DropDelete, "network", []Role{BusiestWorker, ActiveMaster}, 0.5, 1.2, "the answer to a write that deletes is lost with its connection", "ZooKeeper applied the delete and the answer did not pass"},
	{DropClose, "network", []Role{SomeWorker, Backup}, 0.1, 0.5, "a participant gets SIGTERM, and the answer to the close of its session is lost", "ZooKeeper ended the session and the answer did not pass"},
	{DelayReply, "network", []Role{ActiveMaster, SomeClient}, 0.4, 1, "the answer to a write is held until the participant has sent its next request; if none comes, that to the next write", "the next request was sent while the answer was held"},
	{FreezeAccept, "network", anyParticipant, 0.3, 1.5, "a participant's connections are reset, and new ones are accepted and then silent", "a new connection was accepted, the participant spoke, and it heard nothing"},
	{CutHandshake, "network", anyParticipant, 0.3, 1, "a participant's connections are reset, and new ones are cut when the server has answered the handshake", "a server granted or renewed a session and the participant did not hear of it"},
	{Move, "network", anyParticipant, 0.2, 1, "a participant is moved to another server: its connection is reset, and the server it had refuses it for a while", "the same session goes on at another server"},
}

var serverFaults = []Entry{
	{KillServer, "server", anyServer, 0.5, 1.6, "a ZooKeeper server gets SIGKILL and is started again later", "the process is gone and the server does not answer"},
	{PauseServer, "server", anyServer, 0.5, 1.6, "a ZooKeeper server is frozen, then goes on", "the engine holds it paused and the server does not answer"},
	{IsolateLeader, "server", []Role{LeaderServer}, 1, 1.8, "the ZooKeeper leader is cut from all other servers", "packets were dropped, and it no longer leads"},
	{IsolateFollower, "server", []Role{FollowerServer}, 1, 1.8, "a ZooKeeper follower is cut from all other servers", "packets were dropped, and it no longer serves"},
	{IsolateServer, "server", []Role{MastersServer}, 1, 1.8, "the ZooKeeper server that the active master talks to is cut from all other servers", "packets were dropped, and it no longer serves"},
	{ChangeLeader, "server", []Role{LeaderServer}, 1, 1.8, "the ZooKeeper leader is cut off until another one leads, and comes back as a follower", "another server leads, and the old leader follows"},
	{SplitServers, "server", []Role{Minority}, 1, 1.8, "the servers are split into a majority and a minority", "packets were dropped, and the minority does not serve"},
	{Bridge, "server", []Role{LeaderServer}, 1, 1.8, "two halves of the servers are cut from each other, and one server sees both", "packets were dropped between the halves, and the bridge reaches both"},
	{AsymmetricCut, "server", []Role{FollowerServer, LeaderServer}, 1, 1.8, "a server hears nothing of the others, and is heard by them", "packets to it were dropped, and those from it passed"},
	{LagFollower, "server", []Role{FollowerServer}, 0.2, 0.4, "what the leader sends to a follower is dropped, for too short a time for it to stop serving, so that it answers reads with yesterday's state", "it answered a read while it was behind the leader"},
	{RollingRestart, "server", []Role{AllServers}, 3, 4, "the servers get SIGTERM and are started again, one after the other, each when all serve; that takes as long as it takes", "each of them has a new process, and no two were down at once"},
	{RestartAll, "server", []Role{AllServers}, 0.3, 0.8, "all servers get SIGKILL at once and are started again", "no server answered, and each had a new process when it was started again"},
	{FillDisk, "server", []Role{SomeServer}, 0.5, 1.6, "the transaction log of one server, always the same, has a small volume of its own, which is filled up; the server is killed, gets its space back and is started again later", "there is no space left, and the server said that it could not write"},
	{SlowDisk, "server", []Role{SomeServer, LeaderServer}, 0.8, 2, "a server's disk takes long for each fsync: strace holds the thread that writes the transaction log, if the machine allows it", "fsyncs were held, how many, and the server itself measured that they took so long"},
	{IsolateHolder, "server", []Role{HoldersServer}, 1.3, 1.8, "the follower that a worker with resident tasks talks to is cut from all other servers, and the worker's own line stays; one that talks to the leader is moved to a follower first", "packets were dropped, the worker was connected to that server, and it no longer serves"},
	{ExhaustQuota, "server", []Role{AllServers}, 0.5, 2, "a quota on the namespace is set below what is there, so that every create is refused, and lifted again", "ZooKeeper refused writes of the participants because of it"},
}

// byName are the faults that no group and not "all" stand for: two are for one profile of
// the servers, and after a sleep a worker is not of use for a long while.
var byName = []Kind{IsolateHolder, ExhaustQuota, SleepWorker}

// groups are the names that stand for several faults, this one among them: its
// group, its verb where several faults of participants share it, and client or
// partition.
func (e Entry) groups() []string {
	if slices.Contains(byName, e.Kind) {
		return nil
	}
	all := []string{e.Group}
	if verb, _, _ := strings.Cut(string(e.Kind), "-"); slices.Contains([]string{"expire", "kill", "leave", "stop", "pause", "cut", "drop"}, verb) && !e.Roles[0].OnServers() {
		all = append(all, verb)
	}
	if slices.Equal(e.Roles, []Role{SomeClient}) {
		all = append(all, "client")
	}
	if slices.Contains([]Kind{CutMaster, CutBackup, CutWorker, CutClient, Mute, Deafen, IsolateLeader, IsolateFollower, IsolateServer, SplitServers, Bridge, AsymmetricCut}, e.Kind) {
		all = append(all, "partition")
	}
	return all
}

// inMemory are the faults that a run in one process can have: there are no servers
// to break, no bytes, and no process that a signal could stop. Latency is that of what
// a participant sends; a reset, like a cut, takes a request with it that is under way.
var inMemory = []Kind{
	ExpireMaster, ExpireBackup, ExpireWorker, ExpireClient, KillMaster, KillBackup, KillWorker, KillClient,
	LeaveMaster, LeaveWorker, CutMaster, CutBackup, CutWorker, CutClient,
	Reset, Latency, DropCreate, DropMulti, DropDelete,
}
