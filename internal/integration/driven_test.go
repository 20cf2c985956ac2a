package integration

import (
	"context"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
)

// driven is an ensemble that a test drives. Tests of our own code have nothing else of their
// servers, so that they run on servers of model/zk/serve and on real ones. A server is known
// by its place in addresses, and a profile by what its servers do differently.
type driven interface {
	addresses() []string   // of all servers, as host:port
	secureAddress() string // of the first server, for clients with TLS

	leader(t *testing.T) int
	cutOff(t *testing.T, server int) // from the other servers
	stop(t *testing.T, server int)   // as a crash does
	healAll(t *testing.T)            // undoes every cut and stop, and waits until all servers serve

	// restarted stops all servers, does something to their disks, and starts them again.
	restarted(t *testing.T, with diskWork)
	zkCli(ctx context.Context, t *testing.T) zkShell
}

// diskWork is what is done to the disks of servers that do not run.
type diskWork int

const (
	copied   diskWork = iota // a copy is made
	replaced                 // they get what the copy has
	wiped
)

// zkShell is a zkCli.sh that runs.
type zkShell interface {
	Send(command string) error
	Output() string
	Quit(ctx context.Context) (string, error)
}

// onBoth runs a test on servers of model/zk/serve, and on real ones unless go test is to be
// short. Both have that configuration.
func onBoth(t *testing.T, config ensemble.Config, test func(*testing.T, driven)) {
	t.Helper()
	t.Parallel() // such a test waits most of its time
	t.Run("serve", func(t *testing.T) { test(t, startServe(t, config)) })
	t.Run("ZooKeeper", func(t *testing.T) { test(t, startReal(t, config)) })
}

// others are the numbers of all servers but that one.
func others(d driven, server int) (rest []int) {
	for i := range d.addresses() {
		if i != server {
			rest = append(rest, i)
		}
	}
	return rest
}
