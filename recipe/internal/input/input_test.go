package input

import (
	"errors"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestCheckOps_NamesWhatAFencedWriteMayNotChange.
func TestCheckOps_NamesWhatAFencedWriteMayNotChange(t *testing.T) {
	right := zkapi.Set("/a", nil, 1)
	for _, one := range []struct {
		op   zkapi.Op
		says string
	}{
		{right, ""}, {zkapi.Create("/epochs", nil, zkapi.Persistent), ""}, {zkapi.Check("/epoch", 1), ""}, {zkapi.Delete("/a", 1), ""},
		{zkapi.Set("/epoch", nil, 1), "set /epoch: that znode belongs to the recipe: use another name"},
		{zkapi.Create("/queue/a", nil, zkapi.Persistent), "create /queue/a: that znode belongs to the recipe: use another name"},
		{zkapi.Get("/a"), "get: use zkapi.Create, Set, Delete and Check"},
	} {
		err := CheckOps("lock", "Held.Write", []zkapi.Op{right, one.op}, "/epoch", "/queue")
		if one.says == "" {
			if err != nil {
				t.Errorf("%v %s: %v", one.op.Kind, one.op.Path, err)
			}
			continue
		}
		if !errors.Is(err, ErrInvalid) || zkapi.FailedIndex(err) != 1 || zkapi.FateOf(err) != zkapi.NotApplied || !strings.Contains(err.Error(), "lock: Held.Write: "+one.says) {
			t.Errorf("%v %s: %v, want %q", one.op.Kind, one.op.Path, err, one.says)
		}
	}
}

// TestCheckPath_NamesTheRemedy.
func TestCheckPath_NamesTheRemedy(t *testing.T) {
	for path, says := range map[string]string{
		"/locks/a": "", "/zookeepers": "", "locks": "write an absolute path", "/a/": "such as /locks/invoices", "": "write an absolute path",
		"/": "belongs to ZooKeeper itself", "/zookeeper": "belongs to ZooKeeper itself", "/zookeeper/quota": "belongs to ZooKeeper itself",
	} {
		err := CheckPath("lock", path, "/locks/invoices")
		if says == "" && err != nil || says != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v, want %q", path, err, says)
		}
	}
}
