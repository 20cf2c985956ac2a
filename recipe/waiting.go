package recipe

import "github.com/ringmaster-zk/ringmaster/recipe/internal/observe"

// What a process waits for; see Metrics.WaitBegan.
const (
	waitForSession = observe.WaitForSession
	waitForName    = "name"
	waitForRoom    = "backlog"
	waitForMaster  = "master"
)
