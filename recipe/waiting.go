package recipe

// What a process waits for; see Metrics.WaitBegan.
const (
	waitForName   = "name"
	waitForRoom   = "backlog"
	waitForMaster = "master"
)
