package term_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var errOver = errors.New("over")

// do is a request that must succeed.
func do(t *testing.T, s zkapi.Session, op zkapi.Op) zkapi.Result {
	t.Helper()
	result, err := s.Do(t.Context(), op)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// open is a session of a server in memory.
func open(t *testing.T, env *zk.Env) zkapi.Session {
	t.Helper()
	s, err := env.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestClaim_OfAUniqueZnodeLastsWhileItIsThere: other processes may set the znode; when it is gone,
// the claim is lost for ever.
func TestClaim_OfAUniqueZnodeLastsWhileItIsThere(t *testing.T) {
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	holder, other := open(t, env), open(t, env)
	do(t, holder, zkapi.Create("/a", nil, zkapi.Persistent))
	mine := do(t, holder, zkapi.Create("/a/unique-", nil, zkapi.EphemeralSequential)).Path
	c := term.Claim{Session: fence.Of(holder), Path: mine, Unique: true}
	write := func() error {
		return c.WriteAll(t.Context(), [][]zkapi.Op{{zkapi.Set("/a", []byte("x"), zkapi.AnyVersion)}})[0].Err
	}
	do(t, other, zkapi.Set(mine, []byte("please"), zkapi.AnyVersion))
	if err := write(); err != nil {
		t.Errorf("after another process has set the znode: %v", err)
	}
	do(t, other, zkapi.Delete(mine, zkapi.AnyVersion))
	if err := write(); !errors.Is(err, term.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("after the znode is gone: %v", err)
	}
	if at := do(t, other, zkapi.Exists("/a")).Stat.Version; at != 1 {
		t.Errorf("%d writes were applied, not 1", at)
	}
}

// TestTerm_EndsAtOnceWhenTheClaimIsLost, and the contexts of its writes with it.
func TestTerm_EndsAtOnceWhenTheClaimIsLost(t *testing.T) {
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	holder, other := open(t, env), open(t, env)
	do(t, holder, zkapi.Create("/a", nil, zkapi.Persistent))
	held := term.Begin(t.Context(), env, observe.To(nil), term.Claim{Session: fence.Of(holder), Path: "/a"}, env.Elapsed(), term.Kind{Role: "test", Over: errOver})
	writing, end := held.While(t.Context())
	defer end()
	if err := held.Write(zkapi.Create("/b", nil, zkapi.Persistent)); err != nil {
		t.Fatal(err)
	}
	do(t, other, zkapi.Set("/a", nil, 0))
	if err := held.Write(zkapi.Create("/c", nil, zkapi.Persistent)); !errors.Is(err, term.ErrFenced) {
		t.Errorf("written: %v", err)
	}
	for name, ctx := range map[string]context.Context{"active": held.Active, "holding": held.Holding, "writing": writing} {
		if cause := context.Cause(ctx); !errors.Is(cause, errOver) || !errors.Is(cause, term.ErrFenced) {
			t.Errorf("%s has ended because of: %v", name, cause)
		}
	}
	if do(t, other, zkapi.Exists("/c")).Found {
		t.Error("a write without the claim was applied")
	}
}

// TestTerm_LeavesBeforeItEnds: the holder writes on when the work under the claim is to return.
func TestTerm_LeavesBeforeItEnds(t *testing.T) {
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	holder := open(t, env)
	do(t, holder, zkapi.Create("/a", nil, zkapi.Persistent))
	held := term.Begin(t.Context(), env, observe.To(nil), term.Claim{Session: fence.Of(holder), Path: "/a"}, env.Elapsed(), term.Kind{Role: "test", Over: errOver})
	held.Leave(errors.New("leaving"))
	held.Leave(errors.New("a later cause"))
	if cause := context.Cause(held.Active); cause == nil || cause.Error() != "leaving" {
		t.Errorf("the work ends because of: %v", cause)
	}
	if err := held.Write(); err != nil {
		t.Errorf("written: %v", err)
	}
}

// TestTerm_EndsWithItsLease: a term that hears no answer ends a quarter of the session timeout
// before the ensemble could have ended the session.
func TestTerm_EndsWithItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := &zk.Env{Server: zk.NewServer(8 * time.Second)}
		holder := open(t, env)
		do(t, holder, zkapi.Create("/a", nil, zkapi.Persistent))
		held := term.Begin(t.Context(), env, observe.To(nil), term.Claim{Session: fence.Of(holder), Path: "/a"}, env.Elapsed(), term.Kind{Role: "test", Over: errOver})
		began := time.Now()
		held.KeepLease()
		if took := time.Since(began); took != 6*time.Second || !errors.Is(context.Cause(held.Holding), errOver) {
			t.Errorf("it ended after %v: %v", took, context.Cause(held.Holding))
		}
		_ = holder.Close(context.Background())
	})
}
