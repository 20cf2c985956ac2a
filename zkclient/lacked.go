package zkclient

import (
	"sync"
	"time"
)

// lacked is what a Driver remembers about servers without multiRead, for all of its sessions.
type lacked struct {
	mu sync.Mutex
	of map[target]lack
}

// lack is why multiRead is not tried with a server.
type lack struct {
	sure  bool          // the server said so
	times int           // it ended the connection in a row, without an answer
	until time.Duration // by elapsed: after a connection that ended by chance, perhaps
}

const (
	lackPause = time.Minute
	lackTimes = 3 // then it is sure
)

// avoids reports whether multiRead is not to be tried with a server now. A nil lacked, as in the
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

// answered notes that a server knows multiRead.
func (l *lacked) answered(t target) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, t)
}

// lacks notes that a server has said that it does not know multiRead. It reports whether that is
// news.
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

// unanswered notes that a connection ended before the first multiRead on it was answered.
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
