package zk

import "time"

// Expiry says when the leader ends a session: when it has not heard of the session's client for
// the granted timeout, and not before. It is not safe for concurrent use: its owner has a lock,
// and takes it in the function that it gives to NewExpiry.
type Expiry struct {
	timeout time.Duration
	heard   time.Time
	look    func()
	timer   *time.Timer
}

// NewExpiry counts from now. look is called when the session may be over; it asks Over. It is
// called after Wind only.
func NewExpiry(timeout time.Duration, look func()) *Expiry {
	return &Expiry{timeout: timeout, heard: time.Now(), look: look}
}

// Timeout is what the server has granted last.
func (x *Expiry) Timeout() time.Duration { return x.timeout }

// Grant is a new connection of the session's client, which has negotiated a timeout. The
// session gets all of it.
func (x *Expiry) Grant(timeout time.Duration) {
	x.timeout = timeout
	x.Hear(time.Now())
}

// Hear notes that the client was heard at that time. An earlier time changes nothing.
func (x *Expiry) Hear(at time.Time) {
	if at.After(x.heard) {
		x.heard = at
	}
}

// Over reports whether the session is over. If it is not, look is called again when it may be.
func (x *Expiry) Over() bool {
	if time.Since(x.heard) >= x.timeout {
		return true
	}
	x.Wind()
	return false
}

// Wind lets look be called at the earliest moment at which the session can be over.
func (x *Expiry) Wind() {
	left := max(0, x.timeout-time.Since(x.heard))
	if x.timer == nil {
		x.timer = time.AfterFunc(left, x.look)
		return
	}
	x.timer.Reset(left)
}

// Stop ends what Wind has begun. A call of look that has begun goes on.
func (x *Expiry) Stop() {
	if x.timer != nil {
		x.timer.Stop()
	}
}
