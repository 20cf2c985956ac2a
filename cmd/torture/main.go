// Command torture runs recipes on a real ZooKeeper ensemble while a nemesis breaks
// things, judges what happened, and writes a report.
package main

import (
	"github.com/ringmaster-zk/ringmaster/internal/election"
	"github.com/ringmaster-zk/ringmaster/internal/lock"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/internal/primitives"
	"github.com/ringmaster-zk/ringmaster/internal/queue"
	"github.com/ringmaster-zk/ringmaster/internal/standby"
	"github.com/ringmaster-zk/ringmaster/internal/store"
	"github.com/ringmaster-zk/ringmaster/torture"
)

func main() {
	torture.Main(masterworker.Subject(), election.Subject(), lock.Subject(), queue.Subject(), primitives.Subject(), standby.Subject(), store.Subject())
}
