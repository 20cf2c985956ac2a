package fence_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// wire is a session that notes what is sent.
type wire struct {
	zkapi.Session
	sent []zkapi.Op
}

func (w *wire) Do(_ context.Context, op zkapi.Op) (zkapi.Result, error) {
	w.sent = append(w.sent, op)
	return zkapi.Result{}, nil
}

func (w *wire) DoAll(_ context.Context, ops []zkapi.Op) []zkapi.Reply {
	w.sent = append(w.sent, ops...)
	return make([]zkapi.Reply, len(ops))
}

func TestSession_SendsWhatItWasAskedFor(t *testing.T) {
	ephemeral := zkapi.Create("/master", []byte("m"), zkapi.Ephemeral)
	remove := zkapi.Delete("/a", 3)
	acl := []zkapi.ACL{{}}
	for name, row := range map[string]struct {
		ask  func(context.Context, fence.Session)
		sent []zkapi.Op
	}{
		"a read": {func(ctx context.Context, s fence.Session) { _, _ = s.Do(ctx, fence.Exists("/a").Watched()) }, []zkapi.Op{zkapi.Exists("/a").Watched()}},
		"a get":  {func(ctx context.Context, s fence.Session) { _, _ = s.Do(ctx, fence.Exists("/a").Watched().Gets()) }, []zkapi.Op{zkapi.Get("/a").Watched()}},
		"reads": {func(ctx context.Context, s fence.Session) {
			s.DoAll(ctx, []fence.Read{fence.Get("/a"), fence.Children("/b"), fence.Sync("/c")})
		}, []zkapi.Op{zkapi.Get("/a"), zkapi.Children("/b"), zkapi.Sync("/c")}},
		"a write": {func(ctx context.Context, s fence.Session) { s.WriteAll(ctx, "/assign", 4, [][]zkapi.Op{{remove}, nil}) }, []zkapi.Op{zkapi.Multi(zkapi.Check("/assign", 4), remove), zkapi.Multi(zkapi.Check("/assign", 4))}},
		"a write while a znode is there": {func(ctx context.Context, s fence.Session) {
			s.WriteAllWhile(ctx, "/lock/a-1", [][]zkapi.Op{{remove}, nil})
		}, []zkapi.Op{zkapi.Multi(zkapi.Check("/lock/a-1", zkapi.AnyVersion), remove), zkapi.Multi(zkapi.Check("/lock/a-1", zkapi.AnyVersion))}},
		"a claim":  {func(ctx context.Context, s fence.Session) { _, _ = s.Take(ctx, ephemeral, "/assign", []byte("r"), 4) }, []zkapi.Op{zkapi.Multi(ephemeral, zkapi.Set("/assign", []byte("r"), 4))}},
		"a place":  {func(ctx context.Context, s fence.Session) { _, _ = s.Join(ctx, "/c-", []byte("m"), acl) }, []zkapi.Op{zkapi.Create("/c-", []byte("m"), zkapi.EphemeralSequential).WithACL(acl)}},
		"a parent": {func(ctx context.Context, s fence.Session) { _ = s.Make(ctx, "/tasks", acl) }, []zkapi.Op{zkapi.Create("/tasks", nil, zkapi.Persistent).WithACL(acl)}},
		"a lift":   {func(ctx context.Context, s fence.Session) { _ = s.Lift(ctx, "/assign", []byte("l"), 5, 2) }, []zkapi.Op{zkapi.Multi(zkapi.Set("/assign", []byte("l"), 5), zkapi.Set("/assign", []byte("l"), 6))}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			row.ask(t.Context(), fence.Of(w))
			if !reflect.DeepEqual(w.sent, row.sent) {
				t.Errorf("sent %v, not %v", w.sent, row.sent)
			}
		})
	}
}

// TestSession_RefusesNegativeVersionsAsClaims: -1 fits every znode, and the counter gets there
// by way of the others.
func TestSession_RefusesNegativeVersionsAsClaims(t *testing.T) {
	const highest, lowest = math.MaxInt32, math.MinInt32
	ctx, w := t.Context(), &wire{}
	s := fence.Of(w)
	_, persistent := s.Take(ctx, zkapi.Create("/master", nil, zkapi.Persistent), "/assign", nil, 1)
	errs := []error{
		persistent, s.Lift(ctx, "/assign", nil, highest, 1), s.Lift(ctx, "/assign", nil, highest-5, 6), s.Lift(ctx, "/assign", nil, 1, highest+1),
	}
	for _, version := range []int32{zkapi.AnyVersion, -2, lowest, highest} {
		_, err := s.Take(ctx, zkapi.Create("/master", nil, zkapi.Ephemeral), "/assign", nil, version)
		errs = append(errs, err)
	}
	for _, version := range []int32{zkapi.AnyVersion, -2, lowest, lowest + 1} {
		errs = append(errs, s.Lift(ctx, "/assign", nil, version, 1))
		for _, reply := range s.WriteAll(ctx, "/assign", version, [][]zkapi.Op{{zkapi.Delete("/a", 1)}, nil}) {
			errs = append(errs, reply.Err)
		}
	}
	if len(errs) != 20 {
		t.Errorf("%d answers, not 20", len(errs))
	}
	for n, err := range errs {
		if !errors.Is(err, zkapi.ErrBadVersion) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("answer %d is %v", n, err)
		}
	}
	if len(w.sent) > 0 {
		t.Errorf("sent %v", w.sent)
	}
	_, taken := s.Take(ctx, zkapi.Create("/master", nil, zkapi.Ephemeral), "/assign", nil, highest-1)
	lifted := s.Lift(ctx, "/assign", nil, highest-5, 5)
	s.WriteAll(ctx, "/assign", highest, [][]zkapi.Op{nil})
	if taken != nil || lifted != nil || len(w.sent) != 3 {
		t.Errorf("up to the highest version: %v, %v, sent %v", taken, lifted, w.sent)
	}
}

// MayWrite asks with a version that no znode has, so that nothing is ever written. The highest
// version would not do: a znode may have it, and the write would make it negative.
func TestMayWrite_NamesAVersionThatNoZnodeHas(t *testing.T) {
	w := &wire{}
	_ = fence.Of(w).MayWrite(t.Context(), "/assign")
	if len(w.sent) != 1 || w.sent[0].Kind != zkapi.KindSet || w.sent[0].Version != fence.NoVersion || fence.NoVersion != -2 {
		t.Errorf("sent %v", w.sent)
	}
}

// Test sends nothing that would change the tree.
func TestTest_ChangesNothing(t *testing.T) {
	made, gone := zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Delete("/a", 0)
	for _, ops := range [][]zkapi.Op{
		{made}, {gone}, {gone, made}, {made, zkapi.Delete("/b", 0)}, {zkapi.Check("/b", 1), zkapi.Set("/a", nil, 1)}, {made, zkapi.Check("/b", 1), gone},
	} {
		w := &wire{}
		if err := fence.Of(w).Test(t.Context(), ops); zkapi.FateOf(err) != zkapi.NotApplied || len(w.sent) != 0 {
			t.Errorf("%v: %v, sent %v", ops, err, w.sent)
		}
	}
	w := &wire{}
	if err := fence.Of(w).Test(t.Context(), []zkapi.Op{zkapi.Check("/b", 1), made, gone}); err != nil || len(w.sent) != 1 || w.sent[0].Kind != zkapi.KindMulti {
		t.Errorf("%v, sent %v", err, w.sent)
	}
}

// Each further method is a further way to write without a claim, perhaps. It must be
// entered here, and in the package's comment if it writes.
func TestSession_HasTheseMethodsOnly(t *testing.T) {
	want := strings.Fields("Attend Cause Close Connection Do DoAll Done ID Join Lift Make MaxRequest MayWrite Take Test Timeout WriteAll WriteAllWhile")
	var got []string
	for i, of := 0, reflect.TypeFor[*fence.Session](); i < of.NumMethod(); i++ {
		got = append(got, of.Method(i).Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("methods %v, not %v", got, want)
	}
}
