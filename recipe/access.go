package recipe

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Access lists the identities that play each role. Masters, workers and clients of one
// namespace must be configured with the same Access, because each creates znodes that the
// others use. With the zero value every client of the servers may do everything.
//
// An identity is the result of zkapi.DigestID for a user and a password, or of
// zkapi.DigestIDWith if the servers have another digestAlg than SHA1. With Scheme set, it
// is an identity of that scheme (x509: the subject of a certificate). One identity may play
// several roles. A process that cannot read a znode which it has made stops with an error
// that names both (zkapi.ErrNoAuth): it has other credentials than Access says, or the
// identities were made with another algorithm.
//
// ZooKeeper then enforces these permissions of each role:
//
//	            master  worker  client  everybody named here
//	namespace   all                      read
//	/master     create, delete           read
//	/workers            create, delete   read
//	/workers/<w> write  all              read
//	/tasks      delete          create, delete, write   read
//	/tasks/<t>  create, delete  create, delete  all     read
//	/assign     all     create           read
//	/assign/<w> all     write, delete    read
//	/backlog    all                      read
//	/quarantine all                      read
//	/pruned     all                      read
//	/candidates all                      read
//	/collect    create, delete           create     read
//
// ZooKeeper cannot enforce everything. A worker can write as another worker, because all
// workers share one identity. A client may create below a task, so it can make a status or a
// progress there, with any ACL. Claims, not permissions, separate honest processes. If one
// process makes a znode unusable, that ends no other process (Quarantined).
//
// Only a master may create in the namespace. It makes all parents at once when it first runs;
// workers and clients that come earlier wait for it. So no other client can make a /master
// while no master leads. This holds only if a master, or the first process of this build, has
// made the namespace. Without a namespace the parent of /master is ZooKeeper's root, where
// every client may create by default. In a namespace of an earlier build, all roles may
// create. See "Who may make /master" in docs/operators.md.
type Access struct {
	Scheme                 string // default: digest
	Master, Worker, Client []string
}

// check returns the first error in the identities.
func (a Access) check() error {
	if a.open() {
		return nil
	}
	for role, ids := range map[string][]string{"Master": a.Master, "Worker": a.Worker, "Client": a.Client} {
		if len(ids) == 0 {
			return invalid("Access names no %s: name an identity for each role; one may play several", role)
		}
		for _, id := range ids {
			if a.scheme() == digest && !isDigestID(id) {
				return invalid("Access: %q is not a digest identity: use the output of zkapi.DigestID or of ringmaster identity", id)
			}
		}
	}
	return nil
}

// digest is the default scheme.
const digest = "digest"

func (a Access) scheme() string {
	if a.Scheme == "" {
		return digest
	}
	return a.Scheme
}

// leastSum is the length in bytes of the shortest hash that Java has (MD5). A password that
// happens to be in base64 is usually shorter.
const leastSum = 16

// isDigestID reports whether a text has the form user:hash. The servers may use any hash that
// their Java has, so it may have any length.
func isDigestID(id string) bool {
	user, hash, _ := strings.Cut(id, ":")
	sum, err := base64.StdEncoding.DecodeString(hash)
	return user != "" && err == nil && len(sum) >= leastSum
}

// open reports whether everybody may do everything.
func (a Access) open() bool {
	return len(a.Master) == 0 && len(a.Worker) == 0 && len(a.Client) == 0
}

// acl gives each role its permissions; everybody named may read.
func (a Access) acl(master, worker, client zkapi.Perm) []zkapi.ACL {
	if a.open() {
		return nil
	}
	perms := map[string]zkapi.Perm{}
	var ids []string
	grant := func(to []string, p zkapi.Perm) {
		for _, id := range to {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			perms[id] |= p | zkapi.PermRead
		}
	}
	grant(a.Master, master)
	grant(a.Worker, worker)
	grant(a.Client, client)
	list := make([]zkapi.ACL, 0, len(ids))
	for _, id := range ids {
		list = append(list, zkapi.ACL{Perms: perms[id], Scheme: a.scheme(), ID: id})
	}
	return list
}

const (
	createDelete = zkapi.PermCreate | zkapi.PermDelete
	none         = zkapi.Perm(0)
)

// root is the ACL of the namespace itself: only a master makes the znodes below it, so that
// no other client can make a /master while no master leads.
func (a Access) root() []zkapi.ACL    { return a.acl(zkapi.PermAll, none, none) }
func (a Access) workers() []zkapi.ACL { return a.acl(createDelete, createDelete, none) }
func (a Access) tasks() []zkapi.ACL   { return a.acl(createDelete, none, createDelete|zkapi.PermWrite) }
func (a Access) assign() []zkapi.ACL  { return a.acl(zkapi.PermAll, zkapi.PermCreate, none) }

// master is the ACL of the znodes that only masters write: /master, /backlog, /candidates
// with its children, and /assign/<w>/<t>, which a master may revoke.
func (a Access) master() []zkapi.ACL { return a.acl(zkapi.PermAll, none, none) }

// worker is the ACL of /workers/<w>, which a master sets to notify the worker.
func (a Access) worker() []zkapi.ACL { return a.acl(zkapi.PermWrite, zkapi.PermAll, none) }

// inbox is the ACL of /assign/<w>: the master creates assignments, the worker deletes them
// and sets its claim.
func (a Access) inbox() []zkapi.ACL {
	return a.acl(zkapi.PermAll, zkapi.PermWrite|zkapi.PermDelete, none)
}

// requests is the ACL of /collect: clients create requests there, and masters delete them
// when they are settled.
func (a Access) requests() []zkapi.ACL { return a.acl(createDelete, none, zkapi.PermCreate) }

// task is of /tasks/<t>.
func (a Access) task() []zkapi.ACL { return a.acl(createDelete, createDelete, zkapi.PermAll) }

// record is the ACL of a status or of an attempt, which never changes.
func (a Access) record() []zkapi.ACL { return a.acl(none, none, none) }

// progress is of /tasks/<t>/progress.
func (a Access) progress() []zkapi.ACL { return a.acl(none, zkapi.PermWrite, none) }
