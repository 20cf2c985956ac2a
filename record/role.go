package record

import (
	"slices"
	"strings"
)

// Role is the role of a process in a run.
type Role string

// The roles. A process of the first four has a number in its name; servers are zk1, zk2, ...
const (
	MasterRole  Role = "master"
	WorkerRole  Role = "worker"
	NodeRole    Role = "node" // a worker that is also a candidate for master
	ClientRole  Role = "client"
	ServerRole  Role = "zk"
	HarnessRole Role = "harness"
	NemesisRole Role = "nemesis"
	SinkRole    Role = "sink"
)

// numbered are the roles that have several processes, in the order in which they are
// shown.
var numbered = []Role{MasterRole, WorkerRole, NodeRole, ClientRole}

// RoleOf is the role of a process, by its name; empty if no process has such a name.
func RoleOf(process string) Role {
	for _, role := range []Role{HarnessRole, NemesisRole, SinkRole} {
		if process == string(role) {
			return role
		}
	}
	for _, role := range numbered {
		if strings.HasPrefix(process, string(role)+"-") {
			return role
		}
	}
	if strings.HasPrefix(process, string(ServerRole)) {
		return ServerRole
	}
	return ""
}

// Rank is the place of the role among those of participants, in the order in which they
// are shown: masters, workers, nodes, clients.
func (r Role) Rank() int { return slices.Index(numbered, r) }
