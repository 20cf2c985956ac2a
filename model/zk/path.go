package zk

import (
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// aboveOf is the path of the parent for a request that makes or deletes a znode: what is in
// front of the last slash, whatever the rest looks like. It fails with
// zkapi.ErrBadArguments if there is no slash, or a NUL.
func aboveOf(path string) (string, error) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || strings.IndexByte(path, 0) >= 0 {
		return "", zkapi.ErrBadArguments
	}
	return path[:slash], nil
}

// special are the znodes that cannot be deleted.
var special = map[string]bool{"/": true, "/zookeeper": true, "/zookeeper/quota": true, "/zookeeper/config": true}

// find returns the znode at exactly that path, or nil. The root has two: "/" and "".
func (t Tree) find(path string) *znode {
	n := t.root
	if path == "/" || path == "" {
		return n
	}
	rest, rooted := strings.CutPrefix(path, "/")
	if !rooted {
		return nil
	}
	for name := range strings.SplitSeq(rest, "/") {
		if name == "" { // only the root has an empty name
			return nil
		}
		if n = n.children.find(name); n == nil {
			return nil
		}
	}
	return n
}
