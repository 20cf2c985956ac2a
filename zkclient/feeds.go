package zkclient

import (
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Types of watch events.
const (
	nodeCreated         = 1
	nodeDeleted         = 2
	nodeDataChanged     = 3
	nodeChildrenChanged = 4
)

// Bounds of what is kept of a feed.
const (
	// leastUnread changes may wait for the next read, or twice as many as there are names. More
	// of them end the feed: then the whole list costs less.
	leastUnread = 10000
	// feedIdle is how long a feed lasts after the last read of the list. The next event after that
	// ends the feed.
	feedIdle = 5 * time.Minute
)

// feeds are the lists that a session follows on its present connection (zkapi.Op.Followed).
//
// The wire calls it in the order of the frames. It hears of an event before any later answer is
// passed on. So what feeds knows is at least as new as every answer that a caller has.
//
// Its lock is the innermost of the package.
type feeds struct {
	mu    sync.Mutex
	over  bool             // the session is
	on    *wire            // the connection whose server watches
	of    map[string]*feed // by path
	spent int64            // the greatest cursor of lists that are not followed any more
}

// feed is what a session has heard of a znode and what is below it since it has listed the
// children.
type feed struct {
	watched bool          // the server watches
	live    bool          // the list has been answered, and everything since then is in the log
	reads   int           // how often it was asked for
	asked   time.Duration // by elapsed: the last time
	leaves  bool          // it was not wanted any more, and was not asked for since

	first int64    // the cursor of log[0]
	log   []change // of the children and below them
	stat  zkapi.Stat
	stale bool   // the znode itself was set since the Stat was read
	next  *latch // of the answers that have all of the log; nil if there are none
}

// change is an event of a znode below the one that is followed.
type change struct {
	kind int32
	name string // of a child, or name/rest
}

func (f *feed) end() int64 { return f.first + int64(len(f.log)) }

// wait is the watch of an answer that has all of the log.
func (f *feed) wait() *latch {
	if f.next == nil {
		f.next = newLatch()
	}
	return f.next
}

func (f *feed) fire() {
	if f.next != nil {
		f.next.fire()
		f.next = nil
	}
}

// need is what has to be asked of the server before a followed read can be answered.
type need uint8

const (
	needNothing need = iota
	needWatch
	needList
	needStat
)

// ask answers a followed read, or says what is to be asked of the server first.
func (fs *feeds) ask(path string, since int64, now time.Duration) (zkapi.Result, need) {
	fs.mu.Lock()
	f := fs.of[path]
	if f == nil || !f.watched {
		fs.mu.Unlock()
		return zkapi.Result{}, needWatch
	}
	f.reads++
	f.asked, f.leaves = now, false
	switch {
	case !f.live || since < f.first || since > f.end():
		fs.mu.Unlock()
		return zkapi.Result{}, needList
	case f.stale:
		fs.mu.Unlock()
		return zkapi.Result{}, needStat
	}
	f.log = f.log[since-f.first:]
	f.first = since
	log, result := f.log, zkapi.Result{Stat: f.stat, Cursor: f.end(), Watch: f.wait()}
	fs.mu.Unlock()
	result.Partial = sumUp(log)
	return result, needNothing
}

// begins notes that the server is about to be asked to watch, and returns the feed.
func (fs *feeds) begins(w *wire, path string) *feed {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.on != w {
		fs.dropAll()
		fs.on = w
	}
	if fs.of[path] == nil {
		if fs.of == nil {
			fs.of = map[string]*feed{}
		}
		fs.of[path] = &feed{asked: w.session.now()}
	}
	return fs.of[path]
}

// watches notes that the server watches for a feed.
func (fs *feeds) watches(path string, f *feed) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !fs.over && fs.of[path] == f {
		f.watched = true
	}
}

// watched returns the feed of a path that the server of the connection watches, or nil.
func (fs *feeds) watched(w *wire, path string) *feed {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.of[path]; f != nil && f.watched && fs.on == w {
		return f
	}
	return nil
}

// listed notes that the children were listed now. It returns the cursor of the list and its
// watch, or 0 if the list cannot be followed.
func (fs *feeds) listed(path string, f *feed, stat zkapi.Stat) (cursor int64, watch *latch) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.of[path] != f || !f.watched {
		return 0, nil
	}
	if !f.live {
		f.live, f.first, f.log = true, fs.spent+1, nil
	}
	f.stat, f.stale = stat, false
	return f.end(), f.wait()
}

// stated notes the Stat of the znode, as it is now.
func (fs *feeds) stated(path string, f *feed, stat zkapi.Stat) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	switch {
	case fs.of[path] != f || !f.live:
	case stat.Czxid != f.stat.Czxid:
		fs.stop(f)
	default:
		f.stat, f.stale = stat, false
	}
}

// hear takes an event over. Those feeds that it returns are not wanted any more.
func (fs *feeds) hear(w *wire, kind int32, path string) (unwanted []leaving) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.of) == 0 || fs.on != w || kind < nodeCreated || kind > nodeDataChanged {
		return nil
	}
	now := w.session.now()
	for at := path; ; at = above(at) {
		if f := fs.of[at]; f != nil && f.watched && !fs.heard(f, at, kind, path, now) && !f.leaves {
			f.leaves = true
			unwanted = append(unwanted, leaving{at, f, f.reads})
		}
		if at == "/" || at == "" {
			return unwanted
		}
	}
}

// heard takes an event over into one feed, whose path is at. It returns false if the feed is
// not wanted any more.
func (fs *feeds) heard(f *feed, at string, kind int32, path string, now time.Duration) bool {
	wanted := now-f.asked <= feedIdle
	switch {
	case !f.live:
		return wanted
	case !wanted:
	case path == at && kind == nodeDataChanged:
		f.stale = true
		f.fire()
		return true
	case path == at:
		fs.stop(f) // another znode may be there next time
		return true
	default:
		name := strings.TrimPrefix(path[len(at):], "/")
		if kind == nodeDataChanged && strings.Contains(name, "/") {
			return true // no part of an answer, and it may be often
		}
		f.log = append(f.log, change{kind, name})
		if kind != nodeDataChanged && !strings.Contains(name, "/") {
			f.stat.Cversion++
			f.stat.NumChildren += map[int32]int32{nodeCreated: 1, nodeDeleted: -1}[kind]
		}
		f.fire()
		if len(f.log) <= max(leastUnread, 2*int(f.stat.NumChildren)) {
			return true
		}
	}
	fs.stop(f)
	return false
}

// stop makes the next read of a feed a whole list.
func (fs *feeds) stop(f *feed) {
	if f.live {
		fs.spent = max(fs.spent, f.end())
	}
	f.live, f.log = false, nil
	f.fire()
}

// above is the path of the znode above another one.
func above(path string) string {
	if at := strings.LastIndexByte(path, '/'); at > 0 {
		return path[:at]
	}
	return "/"
}
