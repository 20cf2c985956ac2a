package zkapi

import "fmt"

// Kind names a ZooKeeper request.
type Kind uint8

// The requests that a Session understands.
const (
	KindCreate Kind = iota + 1
	KindDelete
	KindSet
	KindCheck
	KindGet
	KindExists
	KindChildren
	KindSync
	KindMulti
)

var kindNames = [...]string{
	KindCreate: "create", KindDelete: "delete", KindSet: "set", KindCheck: "check", KindGet: "get",
	KindExists: "exists", KindChildren: "children", KindSync: "sync", KindMulti: "multi",
}

// String is the request's name in ZooKeeper's terms.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Writes reports whether the request can change the tree.
func (k Kind) Writes() bool {
	return k == KindCreate || k == KindDelete || k == KindSet || k == KindMulti
}

// Mode says how long a created znode lives and whether the server completes its name.
type Mode uint8

// The znode modes that a Session understands.
const (
	Persistent Mode = iota
	Ephemeral
	PersistentSequential
	EphemeralSequential
)

// AnyVersion makes Delete, Set and Check accept every version of a znode that
// exists.
const AnyVersion int32 = -1

// Op is one request as data. Build it with the functions below.
type Op struct {
	Kind    Kind
	Path    string
	Data    []byte
	Version int32
	Mode    Mode
	Watch   bool  // of Get, Exists, Children: set a one-shot watch with the read
	Follow  bool  // of a watched Children: see Followed
	Since   int64 // of the same: the Cursor of an earlier answer, or 0
	ACL     []ACL // of Create; nil lets everybody do everything
	Ops     []Op  // of Multi
}

// Create makes a znode; with a sequential mode the Path of the result has the number.
func Create(path string, data []byte, mode Mode) Op {
	return Op{Kind: KindCreate, Path: path, Data: data, Mode: mode}
}

// WithACL returns the same create with an ACL.
func (o Op) WithACL(acl []ACL) Op {
	o.ACL = acl
	return o
}

// Delete removes a znode of the given version.
func Delete(path string, version int32) Op {
	return Op{Kind: KindDelete, Path: path, Version: version}
}

// Set replaces the data of a znode of the given version; the result's Stat
// carries the new one.
func Set(path string, data []byte, version int32) Op {
	return Op{Kind: KindSet, Path: path, Data: data, Version: version}
}

// Check fails a Multi unless the znode has the given version. A znode that is
// deleted and created again starts at version 0, so a version is a claim only
// on a znode that is never deleted.
func Check(path string, version int32) Op {
	return Op{Kind: KindCheck, Path: path, Version: version}
}

// Get reads data and Stat.
func Get(path string) Op { return Op{Kind: KindGet, Path: path} }

// Exists reads the Stat; a missing znode is a result (Found false), no error.
func Exists(path string) Op { return Op{Kind: KindExists, Path: path} }

// Children lists the names below a znode, sorted.
func Children(path string) Op { return Op{Kind: KindChildren, Path: path} }

// Sync makes this session's later reads see every write that was committed
// before the sync reached the leader. It is not a quorum operation, hence not a
// fence: only a write is (ZOOKEEPER-1675).
func Sync(path string) Op { return Op{Kind: KindSync, Path: path} }

// Multi applies all of ops, or none.
func Multi(ops ...Op) Op { return Op{Kind: KindMulti, Ops: ops} }

// Watched returns the same read with a watch.
func (o Op) Watched() Op {
	o.Watch = true
	return o
}

// Followed returns the same read of Children with a watch, for a caller that reads a long list
// again after each change. since is the Cursor of the last answer that the caller has taken
// over, and 0 at first.
//
// A Session that can follow the znode answers later reads with the differences since then
// (Result.Partial), often without a request. Any answer may be a whole list instead: the first,
// those after a change of the connection, and every answer of a Session that cannot follow.
// A list with those differences is the list that a read without Followed could have given:
// it is at least as new as everything that the Session has answered before. There is one
// exception. A server since 3.8.4 and 3.9.2 does not tell a session about children that the
// session may not read. So the caller reads a whole list now and then, with since 0.
//
// The Watch of an answer with a Cursor also fires when the data of a child is set, and when
// something below a child comes or goes; not when that is set, which may be often.
func (o Op) Followed(since int64) Op {
	o.Watch, o.Follow, o.Since = true, true, since
	return o
}

// Size is an upper bound in bytes of the request on the wire, to be held
// against the server's jute.maxbuffer before anything is sent.
func (o Op) Size() int {
	const overhead = 96 // header, flags, lengths and the world ACL
	size := overhead + len(o.Path) + len(o.Data)
	for _, acl := range o.ACL {
		size += 12 + len(acl.Scheme) + len(acl.ID)
	}
	for _, sub := range o.Ops {
		size += sub.Size()
	}
	return size
}

// Stat is ZooKeeper's bookkeeping of a znode; the names are ZooKeeper's own.
type Stat struct {
	Czxid, Mzxid, Pzxid int64
	Version, Cversion   int32
	EphemeralOwner      int64
	NumChildren         int32
	DataLength          int32
}

// Result is the answer to one Op.
type Result struct {
	Path     string   // of Create
	Data     []byte   // of Get
	Found    bool     // of Exists
	Stat     Stat     // of Get, Exists, Set, Children
	Children []string // of Children, sorted
	Watch    Source   // of a watched read: fires once, on a change or on the session's end
	Cursor   int64    // of a followed Children: for the next one; 0 if the Session does not follow
	Partial  *Partial // of a followed Children: the differences, in place of Children; nil for a whole list
	Results  []Result // of Multi, one for each Op
}

// Partial is how a list of children has changed since an earlier answer. In the Stat beside it
// Czxid, Version, Cversion and EphemeralOwner are as in a whole list; the other fields may be
// older.
type Partial struct {
	Gone    []string // names whose znode was deleted since, sorted; such a name may be in Come, too
	Come    []string // names whose znode was made since and is there, sorted; if the name is in Gone, too, it is another znode than before
	Changed []string // names whose data was set since, sorted; none of them is in Come
	Below   []string // znodes below the children that came or went since, such as name/rest, sorted
	Made    []string // those of Below that were made since, and are there
}

// Reply is one Result or its error, as DoAll returns them.
type Reply struct {
	Result
	Err error
}
