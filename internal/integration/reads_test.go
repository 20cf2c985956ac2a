package integration

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestDoAll_ReadsManyOnZooKeeper: on a real server a DoAll has the answers of single requests,
// and a list and its Stat are of one moment, while others change the list.
func TestDoAll_ReadsManyOnZooKeeper(t *testing.T) {
	reader, writer, do := readerAndWriter(t, onOneServer(t))
	var ops []zkapi.Op
	do(writer, zkapi.Create("/closed", []byte("secret"), zkapi.Persistent).WithACL([]zkapi.ACL{{Perms: zkapi.PermCreate, Scheme: "world", ID: "anyone"}}))
	for i := range 100 {
		path := fmt.Sprint("/n-", i)
		do(writer, zkapi.Create(path, []byte(path), zkapi.Persistent))
		do(writer, zkapi.Create(path+"/child", nil, zkapi.Ephemeral))
		ops = append(ops, zkapi.Get(path), zkapi.Children(path), zkapi.Get(path+"/child"), zkapi.Children(path+"/child"))
		if i%5 == 0 {
			ops = append(ops, zkapi.Get(path+"/missing"), zkapi.Children(path+"/missing"), zkapi.Get("/closed"), zkapi.Children("/closed"))
		}
	}
	for i, got := range reader.DoAll(t.Context(), ops) {
		result, err := reader.Do(t.Context(), ops[i])
		if !reflect.DeepEqual(got.Result, result) || fmt.Sprint(got.Err) != fmt.Sprint(err) {
			t.Errorf("%v %s: %+v, by itself %+v, %v", ops[i].Kind, ops[i].Path, got, result, err)
		}
	}
	do(writer, zkapi.Create("/list", nil, zkapi.Persistent))
	do(writer, zkapi.Create("/list/n-0", nil, zkapi.Persistent))
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := range 500 {
			op := zkapi.Multi(zkapi.Create(fmt.Sprint("/list/n-", i+1), nil, zkapi.Persistent), zkapi.Delete(fmt.Sprint("/list/n-", i), 0))
			if _, err := writer.Do(t.Context(), op); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for left := true; left; {
		select {
		case <-over:
			left = false
		default:
		}
		r := reader.DoAll(t.Context(), []zkapi.Op{zkapi.Children("/list"), zkapi.Children("/n-1")})[0]
		const first, each = 1, 2 // versions of the list
		if want := fmt.Sprint("n-", (r.Stat.Cversion-first)/each); r.Err != nil || len(r.Children) != 1 || r.Children[0] != want {
			t.Fatalf("the list is %q, with the version %d, %v", r.Children, r.Stat.Cversion, r.Err)
		}
	}
}
