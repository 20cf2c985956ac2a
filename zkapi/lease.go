package zkapi

import "time"

// SessionLease is how long the owner of a session takes it for alive, counted from when the
// owner sent the last request or ping that was answered. timeout is the smallest that a server
// has granted. A server ends the session when it has heard nothing for the timeout, and it
// hears a request after that was sent. So the owner gives the session up before the server
// does. This does not hold for a server that is cut off from its leader and still answers:
// package recipe has a stricter rule.
func SessionLease(timeout time.Duration) time.Duration {
	const margin = 10 // the part of the timeout by which the owner is earlier
	return timeout - timeout/margin
}
