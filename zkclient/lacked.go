package zkclient

import (
	"sync"
	"time"
)

// ability is what a server may lack: requests that came with ZooKeeper 3.6.
type ability uint8

const (
	everyServer ability = iota // has it
	multiRead
	addWatch
	abilities
)

// String is the name of the request.
func (a ability) String() string { return [abilities]string{"", "multiRead", "addWatch"}[a] }

// lacks is what a Driver remembers about each ability.
type lacks [abilities]lacked

// of is nil if nothing is remembered, as in the test of a part.
func (l *lacks) of(a ability) *lacked {
	if l == nil {
		return nil
	}
	return &l[a]
}

// lacked is what a Driver remembers about servers without an ability, for all of its sessions.
type lacked struct {
	mu sync.Mutex
	of map[target]lack
}

// lack is why an ability is not tried with a server.
type lack struct {
	sure  bool          // the server said so
	times int           // it ended the connection in a row, without an answer
	until time.Duration // by elapsed: after a connection that ended by chance, perhaps
}

const (
	lackPause = time.Minute
	lackTimes = 3 // then it is sure
)

// avoids reports whether the ability is not to be tried with a server now. A nil lacked, as in the
// test of a part, knows of no server.
func (l *lacked) avoids(t target, now time.Duration) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of[t]
	return one.sure || one.times >= lackTimes || now < one.until
}

// answered notes that a server has the ability.
func (l *lacked) answered(t target) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, t)
}

// lacks notes that a server has said that it lacks the ability. It reports whether that is news.
func (l *lacked) lacks(t target) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of[t]
	news := !one.sure
	one.sure = true
	l.put(t, one)
	return news
}

// unanswered notes that a connection ended before the first such request on it was answered.
func (l *lacked) unanswered(t target, now time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of[t]
	one.times++
	one.until = now + lackPause
	l.put(t, one)
}

func (l *lacked) put(t target, one lack) {
	if l.of == nil {
		l.of = map[target]lack{}
	}
	l.of[t] = one
}
