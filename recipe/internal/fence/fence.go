// Package fence wraps the session of a role, such as a master or a worker. Do and DoAll read:
// they take only a Read. WriteAll and WriteAllWhile write under a claim. The session itself is
// not accessible, so an unfenced write does not compile.
//
// A few writes of a role need no claim: Take, Join, Attend, Make, MayWrite, Test and Lift. Each of them
// says why.
//
// The package decides nothing: the caller chooses paths and versions, and interprets the
// answers.
package fence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Session is one session that allows only reads and fenced writes.
type Session struct{ session zkapi.Session }

// Of puts a session behind the fence.
func Of(session zkapi.Session) Session { return Session{session} }

// Read is one request that changes nothing.
type Read struct{ op zkapi.Op }

// Get reads data and Stat.
func Get(path string) Read { return Read{zkapi.Get(path)} }

// Exists reads the Stat; a missing znode is a result, no error.
func Exists(path string) Read { return Read{zkapi.Exists(path)} }

// Children lists the names below a znode.
func Children(path string) Read { return Read{zkapi.Children(path)} }

// Sync brings the server that this session reads from up to the leader.
func Sync(path string) Read { return Read{zkapi.Sync(path)} }

// Watched is the same read with a watch.
func (r Read) Watched() Read { return Read{r.op.Watched()} }

// Followed is the same read of Children with a watch; its answer may have the differences alone.
func (r Read) Followed(since int64) Read { return Read{r.op.Followed(since)} }

// Gets is the same read as a Get.
func (r Read) Gets() Read {
	r.op.Kind = zkapi.KindGet
	return r
}

// Path is the znode that is read.
func (r Read) Path() string { return r.op.Path }

// Do sends one read and waits for its answer.
func (s Session) Do(ctx context.Context, read Read) (zkapi.Result, error) {
	return s.session.Do(ctx, read.op)
}

// DoAll pipelines reads and returns their replies in the same order.
func (s Session) DoAll(ctx context.Context, reads []Read) []zkapi.Reply {
	ops := make([]zkapi.Op, len(reads))
	for i, read := range reads {
		ops[i] = read.op
	}
	return s.session.DoAll(ctx, ops)
}

// WriteAll pipelines writes that do not depend on each other. Each is a multi that
// begins with the check of the claim: the znode at path has this version. A negative version
// is no claim, and nothing is sent then: AnyVersion fits every znode, and ZooKeeper's counter
// passes it after it has gone from 2^31-1 to -2^31.
func (s Session) WriteAll(ctx context.Context, path string, version int32, writes [][]zkapi.Op) []zkapi.Reply {
	if version < 0 {
		return refused(len(writes), path, version)
	}
	return s.session.DoAll(ctx, behind(zkapi.Check(path, version), writes))
}

// WriteAllWhile is WriteAll for a claim that is the existence of a znode. It is a claim only if
// the name has a part that no other znode ever has: an ephemeral sequential znode with a unique
// prefix. When it is gone, with its session or by its owner, the check fails for ever.
func (s Session) WriteAllWhile(ctx context.Context, path string, writes [][]zkapi.Op) []zkapi.Reply {
	return s.session.DoAll(ctx, behind(zkapi.Check(path, zkapi.AnyVersion), writes))
}

// behind has a multi for each write, which begins with a check.
func behind(check zkapi.Op, writes [][]zkapi.Op) []zkapi.Op {
	multis := make([]zkapi.Op, len(writes))
	for i, ops := range writes {
		multis[i] = zkapi.Multi(append([]zkapi.Op{check}, ops...)...)
	}
	return multis
}

// refused are the replies to writes that were not sent.
func refused(n int, path string, version int32) []zkapi.Reply {
	replies := make([]zkapi.Reply, n)
	for i := range replies {
		replies[i].Err = &zkapi.Error{
			Kind: zkapi.KindMulti, Path: path, Index: 0, Fate: zkapi.NotApplied,
			Err: fmt.Errorf("%w: version %d is no claim", zkapi.ErrBadVersion, version),
		}
	}
	return replies
}

// Take makes an ephemeral and sets the data of a claim in one multi, so that neither
// happens without the other. It makes a claim and so cannot have one: it is refused
// unless the claim's znode still has this version and the ephemeral is not there. Nothing
// is sent if this version, or the next one, is negative.
func (s Session) Take(ctx context.Context, ephemeral zkapi.Op, path string, record []byte, version int32) (zkapi.Result, error) {
	if !CanRise(version, 1) || ephemeral.Kind != zkapi.KindCreate || ephemeral.Mode != zkapi.Ephemeral {
		return zkapi.Result{}, refused(1, path, version)[0].Err
	}
	return s.session.Do(ctx, zkapi.Multi(ephemeral, zkapi.Set(path, record, version)))
}

// Join makes an ephemeral sequential znode, and its place in the queue. It needs no claim
// because Take decides which candidate leads.
func (s Session) Join(ctx context.Context, prefix string, data []byte, acl []zkapi.ACL) (zkapi.Result, error) {
	return s.session.Do(ctx, zkapi.Create(prefix, data, zkapi.EphemeralSequential).WithACL(acl))
}

// Attend makes an ephemeral at a path that no other znode ever has: its name comes from Env.Unique.
// It needs no claim because it makes one. If the znode exists, it is that of an earlier Attend
// whose answer was lost.
func (s Session) Attend(ctx context.Context, path string, data []byte, acl []zkapi.ACL) error {
	_, err := s.session.Do(ctx, zkapi.Create(path, data, zkapi.Ephemeral).WithACL(acl))
	return err
}

// Make makes an empty persistent znode. It needs no claim because any process may make a
// parent, and no existing znode changes.
func (s Session) Make(ctx context.Context, path string, acl []zkapi.ACL) error {
	_, err := s.session.Do(ctx, zkapi.Create(path, nil, zkapi.Persistent).WithACL(acl))
	return err
}

// NoVersion is a version that no znode has: a counter would have to pass 2^31-1, and to come
// nearly back to 0. The highest version is not such a number, because a znode may have it.
const NoVersion = -2

// MayWrite checks the permission to set a znode. It needs no claim because it writes nothing:
// the server checks permissions before versions, and no znode has NoVersion. So ErrBadVersion
// means that the permission exists.
func (s Session) MayWrite(ctx context.Context, path string) error {
	_, err := s.session.Do(ctx, zkapi.Set(path, nil, NoVersion))
	return err
}

// Test asks whether a multi would be applied. It needs no claim because it changes nothing: ops are
// checks, and creates that are each followed by the delete of that znode.
func (s Session) Test(ctx context.Context, ops []zkapi.Op) error {
	for i, op := range ops {
		made := op.Kind == zkapi.KindCreate && i+1 < len(ops) && ops[i+1].Kind == zkapi.KindDelete && ops[i+1].Path == op.Path
		gone := op.Kind == zkapi.KindDelete && i > 0 && ops[i-1].Kind == zkapi.KindCreate && ops[i-1].Path == op.Path
		if op.Kind != zkapi.KindCheck && !made && !gone {
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: op.Path, Index: i, Fate: zkapi.NotApplied, Err: errChanges}
		}
	}
	_, err := s.session.Do(ctx, zkapi.Multi(ops...))
	return err
}

// errChanges is the error of a Test that would change something.
var errChanges = errors.New("a test must change nothing")

// CanRise reports whether a version is a claim, and stays one when the znode has been set n
// times more.
func CanRise(version, n int32) bool { return version >= 0 && n >= 0 && version <= math.MaxInt32-n }

// Lift raises the version of a znode by n in one multi. It needs no claim because it ends
// every claim below the new version, and each of its sets is fenced by the version before.
// Nothing is sent if one of the versions is negative.
func (s Session) Lift(ctx context.Context, path string, data []byte, from int32, n int) error {
	if n > math.MaxInt32 || !CanRise(from, int32(n)) {
		return refused(1, path, from)[0].Err
	}
	ops := make([]zkapi.Op, n)
	for i := range ops {
		ops[i] = zkapi.Set(path, data, from+int32(i))
	}
	_, err := s.session.Do(ctx, zkapi.Multi(ops...))
	return err
}

// ID is the method of zkapi.Session, and so are the methods below.
func (s Session) ID() int64 { return s.session.ID() }

// Timeout is the negotiated session timeout.
func (s Session) Timeout() time.Duration { return s.session.Timeout() }

// MaxRequest is the size of the largest request.
func (s Session) MaxRequest() int { return s.session.MaxRequest() }

// Connection counts the changes of the connection.
func (s Session) Connection() (change int, up bool, next zkapi.Source) { return s.session.Connection() }

// Done fires when the session has ended.
func (s Session) Done() zkapi.Source { return s.session.Done() }

// Cause is why the session has ended.
func (s Session) Cause() error { return s.session.Cause() }

// Close ends the session and so deletes its ephemerals.
func (s Session) Close(ctx context.Context) error { return s.session.Close(ctx) }
