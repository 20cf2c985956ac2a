package zk

import (
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestTree_ImpossiblePaths has what real servers answer. No such path is that of /a, of its
// child or of the root.
func TestTree_ImpossiblePaths(t *testing.T) {
	tree := grow(t, NewTree(), zkapi.Create("/a", []byte("a"), zkapi.Persistent), zkapi.Create("/a/b", []byte("b"), zkapi.Persistent), zkapi.Create("/c", nil, zkapi.Persistent))
	var shape, missing, there, bad = zkapi.ErrBadArguments, zkapi.ErrNoNode, zkapi.ErrNodeExists, zkapi.ErrBadArguments
	for path, want := range map[string]struct{ create, sequential, remove, set error }{
		"":        {shape, shape, bad, shape},
		"a":       {shape, shape, bad, shape},
		"/":       {there, nil, bad, nil},
		"/a/":     {shape, nil, missing, shape},
		"/c/":     {shape, nil, missing, shape},
		"//x":     {shape, shape, missing, shape},
		"/a//x":   {missing, missing, missing, shape},
		"/c//x":   {missing, missing, missing, shape},
		"/a/.":    {shape, nil, missing, shape},
		"/a/../c": {missing, missing, missing, shape},
		"/a/\x00": {shape, shape, bad, shape},
		"/a/\x1e": {shape, shape, missing, shape},
		"/a/\xff": {shape, shape, missing, shape},
		"/a/😀":    {shape, shape, missing, shape},
	} {
		for what, c := range map[string]struct {
			op   zkapi.Op
			want error
		}{
			"create":     {zkapi.Create(path, nil, zkapi.Persistent), want.create},
			"sequential": {zkapi.Create(path, nil, zkapi.PersistentSequential), want.sequential},
			"delete":     {zkapi.Delete(path, zkapi.AnyVersion), want.remove},
			"set":        {zkapi.Set(path, nil, zkapi.AnyVersion), want.set},
			"check":      {zkapi.Multi(zkapi.Check(path, zkapi.AnyVersion)), want.set},
		} {
			_, _, _, err := tree.Write(c.op, 1)
			if !errors.Is(err, c.want) {
				t.Errorf("%s of %q: %v, want %v", what, path, err, c.want)
			}
		}
		root := path == "/" || path == ""
		if _, err := tree.Read(zkapi.Get(path)); errors.Is(err, zkapi.ErrNoNode) == root {
			t.Errorf("get of %q: %v", path, err)
		}
		if event, fires := tree.Rearm(Watch{path, ChildWatches}, false, tree.Zxid()); fires == root {
			t.Errorf("a watch on %q: %v %v", path, event, fires)
		}
	}
}

func TestDiffers_ZooKeepersOwnZnodesAreMissing(t *testing.T) {
	if _, err := NewTree().Read(zkapi.Get("/zookeeper")); !errors.Is(err, zkapi.ErrNoNode) {
		t.Errorf("%v, want %v", err, zkapi.ErrNoNode)
	}
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		node, err := NewServerTree().Node(path)
		if err != nil || node.Data == nil || len(node.Data) > 0 || node.Stat.Czxid != 0 {
			t.Errorf("%s of a server: %q, %+v, %v", path, node.Data, node.Stat, err)
		}
	}
}
