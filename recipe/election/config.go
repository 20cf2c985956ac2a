package election

import (
	"fmt"
	"log/slog"
	"path"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// MaxData is the size in bytes of the longest data of a leader.
const MaxData = elect.MaxData

// Config describes an election and one candidate of it, or one observer. All of them must agree
// on the paths and on ACL.
type Config struct {
	// Path of the election, such as /elections/scheduler. The znode at the path is persistent
	// and belongs to the election: its version is the epoch, and its data names the last
	// leader. The leader has <Path>/leader, and the queue is below <Path>/candidates.
	Path string
	// Leader, Epoch and Candidates are other paths in place of those that follow from Path. With
	// /master, /assign and /candidates a Candidate takes part in the election of the masters of
	// package recipe. All three are necessary if Path is empty.
	Leader, Epoch, Candidates string
	// Name of the process, for people. It is in the data of the epoch's znode, and observers see
	// it. It need not be unique.
	Name string
	// Data of the leader's znode, such as host:port, until Proclaim changes it. At most MaxData.
	Data []byte
	// Queue makes the candidates queue, so that they lead in the order in which they came, and
	// the end of a leader wakes one of them and not all. It costs each candidate one znode. Use it
	// for more than a few candidates. Mixing both kinds is safe, but then the order is not kept.
	Queue bool
	// EpochAtLeast is a lower bound of the epochs of this candidate. Set it after the tree was
	// wiped or restored while all processes were down, so that epochs keep growing: to the
	// highest epoch that any external system has seen, plus 1. Default: 0, for none.
	EpochAtLeast int32
	// ACL of the znodes that are made: those of the election, and the znodes above them that are
	// missing. Nil lets every client do everything. Every candidate needs all permissions except
	// admin on them, and observers need read.
	ACL []zkapi.ACL
	// Logger receives waits, elections and losses. Nil: nothing is logged.
	Logger *slog.Logger
}

// role is the name of a leader in the log and in measurements.
const role = "leader"

// filled has the paths that follow from Path.
func (c Config) filled() Config {
	for _, p := range []struct {
		path *string
		name string
	}{{&c.Epoch, ""}, {&c.Leader, "/leader"}, {&c.Candidates, "/candidates"}} {
		if *p.path == "" && c.Path != "" {
			*p.path = c.Path + p.name
		}
	}
	return c
}

// check returns the first error in a Config that is filled.
func (c Config) check() error {
	for _, p := range []struct{ name, path string }{{"Path", c.Path}, {"Leader", c.Leader}, {"Epoch", c.Epoch}, {"Candidates", c.Candidates}} {
		switch {
		case p.path == "" && p.name == "Path":
		case p.path == "":
			return invalid("%s is empty: set Path, or Leader, Epoch and Candidates", p.name)
		case zkapi.CheckPath(p.path) != nil:
			return invalid("%s %q: %v", p.name, p.path, zkapi.CheckPath(p.path))
		case p.path == "/" || p.path == "/zookeeper" || strings.HasPrefix(p.path, "/zookeeper/"):
			return invalid("%s %q: that znode belongs to ZooKeeper itself: use another path", p.name, p.path)
		}
	}
	own := []struct{ name, path string }{{"Leader", c.Leader}, {"Epoch", c.Epoch}, {"Candidates", c.Candidates}}
	for i, a := range own {
		for _, b := range own[:i] {
			if a.path == b.path {
				return invalid("%s and %s are both %q: use different znodes", b.name, a.name, a.path)
			}
		}
		if a.name != "Leader" && strings.HasPrefix(a.path, c.Leader+"/") || a.name != "Candidates" && strings.HasPrefix(a.path, c.Candidates+"/") {
			return invalid("%s %q is below the leader's znode or in the queue: use another path", a.name, a.path)
		}
	}
	if c.EpochAtLeast < 0 || c.EpochAtLeast >= epoch.Max {
		return invalid("EpochAtLeast %d: use 0 to %d", c.EpochAtLeast, epoch.Max-1)
	}
	return checkData(c.Data)
}

// checkEnv refuses an Env that is missing.
func checkEnv(env zkapi.Env) error {
	if sessions.NoEnv(env) {
		return invalid("env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	return nil
}

// observer tells what happens to the log.
func (c Config) observer(what string) observe.Observer {
	obs := observe.To(c.Logger)
	if c.Name != "" {
		obs.Logger = obs.Logger.With(what, c.Name)
	}
	return obs
}

// election is the election that a Config describes.
func (c Config) election() elect.Election {
	return elect.Election{
		LeaderPath: c.Leader, EpochPath: c.Epoch, QueuePath: c.Candidates, ACL: c.ACL, Role: role,
		Blocked: func(stat zkapi.Stat) obstacle.Problem {
			return obstacle.NotAlive(c.Leader, stat, "there is no leader, and none can be elected")
		},
		Claimable: c.claimable,
	}
}

// claimable returns why the version of the epoch's znode cannot be an epoch.
func (c Config) claimable(stat zkapi.Stat) error {
	if stat.Owner() != zkapi.OwnerNone {
		return &obstacle.Error{Problem: obstacle.NotPersistent(c.Epoch, stat, "its version is the epoch, and that is lost when the server deletes the znode. Stop the candidates first")}
	}
	if why, bad := obstacle.NoVersion(stat.Version, 0); bad {
		return &obstacle.Error{Problem: obstacle.Problem{
			Path: c.Epoch, What: why + "no leader is elected",
			Remedy: fmt.Sprintf("deleteall %s, when all candidates have been stopped and their sessions are over; epochs begin at 1 again, so reset the tokens that external systems remember", c.Epoch),
		}}
	}
	return nil
}

// record is the data of the epoch's znode when this candidate is elected.
func (c Config) record(env zkapi.Env, session fence.Session) (data []byte, nonce string) {
	record := claims.NewRecord(env, session, c.Name)
	return claims.Encode(record), record.Nonce
}

// parents are the persistent znodes of the election, with those above.
func (c Config) parents() []string {
	parents := []string{c.Epoch, path.Dir(c.Leader)}
	if c.Queue {
		parents = append(parents, c.Candidates)
	}
	return parents
}

// own are the znodes that only the election itself may change, with all below them.
func (c Config) own() []string { return []string{c.Leader, c.Epoch, c.Candidates} }

func checkData(data []byte) error {
	if len(data) > MaxData {
		return fmt.Errorf("%w: %w", invalid("the data of the leader has %d bytes: at most %d are allowed", len(data), MaxData), zkapi.ErrTooLarge)
	}
	return nil
}
