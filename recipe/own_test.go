package recipe_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// everybody is an Access in which one identity plays all roles.
func everybody(id string) recipe.Access {
	return recipe.Access{Master: []string{id}, Worker: []string{id}, Client: []string{id}}
}

// identities are two of one user: as servers with digestAlg SHA-256 compute it, and as it is
// made for servers with the default.
func identities(t *testing.T) (theirs, wrong string) {
	theirs, err := zkapi.DigestIDWith("SHA-256", "me", "secret")
	if err != nil {
		t.Fatal(err)
	}
	return theirs, zkapi.DigestID("me", "secret")
}

// enforces makes the server enforce ACLs as ZooKeeper does, on everybody but the hands of the
// test. All sessions have one identity.
func (w *world) enforces(id string) {
	acls := map[string][]zkapi.ACL{}
	may := func(path string, perm zkapi.Perm) bool {
		acl, known := acls[path]
		return !known || acl == nil || slices.ContainsFunc(acl, func(a zkapi.ACL) bool { return a.ID == id && a.Perms&perm != 0 })
	}
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error { // before each is tried
		needs := map[zkapi.Kind]zkapi.Perm{zkapi.KindCreate: zkapi.PermCreate, zkapi.KindDelete: zkapi.PermDelete, zkapi.KindSet: zkapi.PermWrite}
		subject, perm := op.Path, cmp.Or(needs[op.Kind], zkapi.PermRead)
		if perm == zkapi.PermCreate || perm == zkapi.PermDelete {
			subject = path.Dir(op.Path)
		}
		if session != w.direct.ID() && !may(subject, perm) {
			return zkapi.ErrNoAuth
		}
		switch _, known := acls[op.Path]; {
		case op.Kind == zkapi.KindDelete:
			delete(acls, op.Path)
		case op.Kind == zkapi.KindCreate && !known:
			acls[op.Path] = op.ACL
		}
		return nil
	})
}

// ends runs a role until it ends, for a minute at most.
func (w *world) ends(role recipe.Role, err error) error {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	return role.Run(ctx)
}

// saysThatItsZnode checks an error about a znode of one's own.
func saysThatItsZnode(t *testing.T, what, path string, err error) {
	t.Helper()
	if !errors.Is(err, zkapi.ErrNoAuth) {
		t.Errorf("%s: %v, want %v", what, err, zkapi.ErrNoAuth)
		return
	}
	for _, part := range []string{path + " is the znode of this process, which may not read it", "digestAlg", "ringmaster identity --algorithm"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v does not say %q", what, err, part)
		}
	}
}

// TestAccess_MadeWithAnotherAlgorithm: the first process of a namespace says so, and nobody
// waits for a master.
func TestAccess_MadeWithAnotherAlgorithm(t *testing.T) {
	for namespace, made := range map[string]string{"": "/workers", "/billing": "/billing", "/a/billing": "/a"} {
		inBubble(t, func(w *world) {
			theirs, wrong := identities(t)
			w.enforces(theirs)
			role := func() error {
				m, err := recipe.NewMaster(w.env, recipe.MasterConfig{Name: "m1", Namespace: namespace, Access: everybody(wrong)})
				return w.ends(m, err)
			}
			saysThatItsZnode(t, "a master in "+namespace, made, role())
			for again, err := range map[string]error{"the master again": role(), "a worker": w.ends(recipe.NewWorker(w.env, recipe.WorkerConfig{
				Name: "w1", Handler: echo, Namespace: namespace, Access: everybody(wrong),
			}))} {
				if !errors.Is(err, zkapi.ErrNoAuth) || !strings.Contains(err.Error(), "this process may not read "+made) || !strings.Contains(err.Error(), "digestAlg") {
					t.Errorf("%s in %s: %v", again, namespace, err)
				}
			}
		})
	}
}

// TestAccess_ClientMakesTheNamespace: it makes parents that others need, too.
func TestAccess_ClientMakesTheNamespace(t *testing.T) {
	inBubble(t, func(w *world) {
		theirs, wrong := identities(t)
		w.enforces(theirs)
		c, err := recipe.NewClient(w.env, recipe.ClientConfig{Namespace: "/billing", Access: everybody(wrong)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Submit(w.ctx, nil)
		saysThatItsZnode(t, "a client", "/billing", err)
	})
}

// TestAccess_OneProcessHasAnother: it says so about its own znode, in a namespace that serves
// everybody else.
func TestAccess_OneProcessHasAnother(t *testing.T) {
	inBubble(t, func(w *world) {
		theirs, wrong := identities(t)
		w.enforces(theirs)
		right := recipe.MasterConfig{Name: "m1", Access: everybody(theirs)}
		m := w.master(right)
		w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: echo, Access: everybody(theirs)})
		c, err := recipe.NewClient(w.env, recipe.ClientConfig{Access: everybody(theirs)})
		if err != nil {
			t.Fatal(err)
		}
		if result, err := c.Do(w.ctx, []byte("x")); err != nil || string(result) != "did x" {
			t.Errorf("with the right identities: %q, %v", result, err)
		}
		worker, err := recipe.NewWorker(w.env, recipe.WorkerConfig{Name: "w2", Handler: echo, Access: everybody(wrong)})
		saysThatItsZnode(t, "a worker", "/assign/w2", w.ends(worker, err))
		client, err := recipe.NewClient(w.env, recipe.ClientConfig{Access: everybody(wrong)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Submit(w.ctx, nil, recipe.ID("mine"))
		saysThatItsZnode(t, "a client", "/tasks/task-mine", err)
		if fate := zkapi.FateOf(err); fate != zkapi.Applied {
			t.Errorf("the submission was %v, but its znode is there", fate)
		}
		for n, got := range outcomes(client.SubmitAll(w.ctx, slices.Values(numbered(3)))) {
			if saysThatItsZnode(t, "a client", fmt.Sprintf("/tasks/task-n.%03d", n), got.err); zkapi.FateOf(got.err) != zkapi.Applied {
				t.Errorf("submission %d was %v, but its znode is there", n, zkapi.FateOf(got.err))
			}
		}
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		master, err := recipe.NewMaster(w.env, recipe.MasterConfig{Name: "m2", Access: everybody(wrong)})
		saysThatItsZnode(t, "a master", "/master", w.ends(master, err))
	})
}

// TestAccess_WorkerWhoseInboxIsRight finds only its registration out of reach.
func TestAccess_WorkerWhoseInboxIsRight(t *testing.T) {
	inBubble(t, func(w *world) {
		theirs, wrong := identities(t)
		w.enforces(theirs)
		w.master(recipe.MasterConfig{Name: "m1", Access: everybody(theirs)})
		w.within(time.Second, "the namespace is there", func() bool { return w.do(zkapi.Exists("/assign")).Found })
		w.do(zkapi.Create("/assign/w1", nil, zkapi.Persistent))
		worker, err := recipe.NewWorker(w.env, recipe.WorkerConfig{Name: "w1", Handler: echo, Access: everybody(wrong)})
		saysThatItsZnode(t, "a worker", "/workers/w1", w.ends(worker, err))
	})
}
