package zkclient

import "github.com/ringmaster-zk/ringmaster/internal/jute"

// leaving is a feed that is not wanted any more, unless a caller has asked for the list since.
type leaving struct {
	path  string
	of    *feed
	reads int
}

// leave forgets such a feed, and reports whether the server has to be told.
func (fs *feeds) leave(w *wire, l leaving) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.on != w || fs.of[l.path] != l.of || l.of.reads != l.reads || l.of.live {
		return false
	}
	delete(fs.of, l.path)
	return true
}

// protect looks at a request of the library that is about to go out. In a server before 3.9 a watch
// on the data of a znode takes the place of a recursive one of the same connection. The recursive
// one tells of the same events, so protect takes the watch out of the request, and the library
// fires its own when it gets the event. If the server has not yet confirmed the recursive one, or
// the request is for all watches, the feeds are forgotten.
func (fs *feeds) protect(w *wire, packet []byte) {
	opcode, ok := opcodeOf(packet)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !ok || len(fs.of) == 0 || fs.on != w {
		return
	}
	switch opcode {
	case opcodeWatches:
		fs.dropAll()
	case opcodeGet, opcodeExists:
		d := jute.Decoder{Rest: packet[prefixBytes+8:]}
		path := string(d.Buffer())
		watch := d.Rest
		switch f := fs.of[path]; {
		case f == nil || !d.Bool():
		case f.watched:
			watch[0] = 0
		default:
			fs.stop(f)
			delete(fs.of, path)
		}
	}
}

// lose is the end of a connection.
func (fs *feeds) lose(w *wire) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.on == w {
		fs.dropAll()
	}
}

// finish is the end of the session.
func (fs *feeds) finish() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.over = true
	fs.dropAll()
}

func (fs *feeds) dropAll() {
	for _, f := range fs.of {
		fs.stop(f)
	}
	fs.of = nil
}
