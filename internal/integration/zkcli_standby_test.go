package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
)

// TestZkCli_Standby: a person takes part in an active-standby switch with zkCli.sh: as one who says whom to
// fence, as the active, and as one who asks for a failover or takes the right to write.
func TestZkCli_Standby(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name()) // zkCli.sh takes seconds to start
	}
	onBoth(t, ensemble.Config{Servers: 1}, playStandby)
}

// playStandby plays on one ensemble. The layout is Hadoop's.
func playStandby(t *testing.T, e driven) {
	const group = "/hadoop-ha/mycluster"
	w := newTutorial(t, e)
	called := make(chan string, 100)
	heard := func(want string) {
		t.Helper()
		select {
		case got := <-called:
			if got != want {
				t.Errorf("the hook %q was called, want %q", got, want)
			}
		case <-w.ctx.Done():
			t.Fatalf("the hook %q is not called", want)
		}
	}
	run := func(name string) (stop func()) {
		c, err := standby.New(w.driver, standby.Config{
			Layout: standby.HDFS("mycluster"), Name: name, Data: []byte(name + ":8020"),
			BecomeActive: func(_ context.Context, a *standby.Active) error {
				called <- fmt.Sprintf("%s active %d", name, a.Epoch())
				return nil
			},
			BecomeStandby: func(context.Context) error { called <- name + " standby"; return nil },
			Fence: func(_ context.Context, old standby.Breadcrumb) error {
				called <- fmt.Sprintf("%s fences %s", name, old.Data)
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() {
			if err := c.Run(w.ctx); !errors.Is(err, standby.ErrClosed) && w.ctx.Err() == nil {
				t.Errorf("Run of %s: %v", name, err)
			}
		})
		return func() {
			if err := c.Close(w.ctx); err != nil {
				t.Error(err)
			}
		}
	}
	g, err := standby.NewGroup(w.driver, standby.GroupConfig{Layout: standby.HDFS("mycluster")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close(context.Background()) })
	standbys := func(n int) func() bool {
		return func() bool {
			now, err := g.Status(w.ctx)
			return err == nil && len(now.Standbys) == n && now.Failover == nil
		}
	}
	for _, path := range []string{"/hadoop-ha", group} {
		w.types("create "+path, "Created "+path)
	}
	w.types("create "+group+`/ActiveBreadCrumb "nn0:8020"`, "Created "+group+"/ActiveBreadCrumb")
	w.types("create -e "+group+`/ActiveStandbyElectorLock "by hand"`, "Created "+group+"/ActiveStandbyElectorLock")
	stop1 := run("nn1")
	heard("nn1 standby")
	w.within("nn1 stands by", standbys(1))
	if len(called) > 0 {
		t.Errorf("beside an active made by hand: %s", <-called)
	}
	w.types("delete "+group+"/ActiveStandbyElectorLock", "")
	heard("nn1 fences nn0:8020")
	heard("nn1 active 1")
	w.sees("get "+group+"/ActiveBreadCrumb", "nn1:8020")
	w.sees("get "+group+"/ActiveStandbyElectorLock", "nn1:8020")
	stop2 := run("nn2")
	heard("nn2 standby")
	w.within("nn2 stands by", standbys(1))
	w.types("create "+group+`/failover "nn2"`, "Created "+group+"/failover")
	heard("nn1 standby")
	heard("nn2 active 3")
	w.within("the request is answered, and nn1 stands by", standbys(1))
	w.types("set "+group+` ""`, "") // nn2 may not write any more, and becomes standby
	heard("nn2 standby")
	stop1()
	stop2()
	if _, err := w.typed.Quit(w.ctx); err != nil {
		t.Error(err)
	}
}
