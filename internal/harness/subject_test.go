package harness

import (
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// defaults is a plain run of the first subject.
func defaults() Setup { return Defaults(masterworker.Subject()) }

// playing is a role of the first subject.
func playing(name string) subject.Role {
	role, _ := masterworker.Subject().Workload.Role(name)
	return role
}
