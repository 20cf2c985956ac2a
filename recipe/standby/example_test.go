package standby_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// memory is a ZooKeeper in memory. In production it is the result of zkclient.New.
func memory() zkapi.Env { return &zk.Env{Server: zk.NewServer(10 * time.Second)} }

// A process that finds a breadcrumb fences that process before it becomes active.
func ExampleCandidate_Run() {
	ctx, env := context.Background(), memory()
	byHand, err := env.Open(ctx)
	if err != nil {
		panic(err)
	}
	for _, op := range []zkapi.Op{
		zkapi.Create("/billing", nil, zkapi.Persistent),
		zkapi.Create("/billing/breadcrumb", []byte("host1:9000"), zkapi.Persistent),
	} {
		if _, err := byHand.Do(ctx, op); err != nil {
			panic(err)
		}
	}
	active := make(chan struct{})
	c, err := standby.New(env, standby.Config{
		Layout: standby.Under("/billing"), Name: "host2", Data: []byte("host2:9000"),
		BecomeStandby: func(context.Context) error { fmt.Println("standby"); return nil },
		Fence: func(_ context.Context, old standby.Breadcrumb) error {
			fmt.Printf("fences %s\n", old.Data)
			return nil
		},
		BecomeActive: func(ctx context.Context, a *standby.Active) error {
			fmt.Println("active with epoch", a.Epoch())
			close(active)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(ctx)
	go func() { <-active; stop() }()
	fmt.Println(c.Run(ctx))
	// Output:
	// standby
	// fences host1:9000
	// active with epoch 1
	// standby
	// context canceled
}

// Failover hands over to a named process. The old active becomes standby first, so nothing is fenced.
func ExampleGroup_Failover() {
	env := memory()
	ctx, stop := context.WithCancel(context.Background())
	layout := standby.Under("/billing")
	ran := make(chan error)
	active := make(chan string, 2)
	for _, name := range []string{"host1", "host2"} {
		c, err := standby.New(env, standby.Config{
			Layout: layout, Name: name, Data: []byte(name + ":9000"),
			BecomeActive:  func(context.Context, *standby.Active) error { active <- name; return nil },
			BecomeStandby: func(context.Context) error { return nil },
			Fence:         func(_ context.Context, old standby.Breadcrumb) error { panic("fences " + string(old.Data)) },
		})
		if err != nil {
			panic(err)
		}
		go func() { ran <- c.Run(ctx) }()
	}
	g, err := standby.NewGroup(env, standby.GroupConfig{Layout: layout})
	if err != nil {
		panic(err)
	}
	defer g.Close(ctx)
	to := map[string]string{"host1": "host2", "host2": "host1"}[<-active]
	for now := (standby.Status{}); len(now.Standbys) == 0; { // the other one comes
		if now, err = g.Status(ctx); err != nil {
			panic(err)
		}
	}
	now, err := g.Failover(ctx, to)
	fmt.Println(now.Name == to, now.Data == to+":9000", err)
	stop()
	<-ran
	<-ran
	// Output: true true <nil>
}
