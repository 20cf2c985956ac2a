package barrier_test

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
)

// In production env is the result of zkclient.New. Here it is a ZooKeeper in memory.
func Example() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	barriers, err := barrier.New(env, barrier.Config{Name: "host-1"})
	if err != nil {
		log.Fatal(err)
	}
	defer barriers.Close(ctx)

	_ = barriers.Set(ctx, "/barriers/upgrade")
	go func() { _ = barriers.Lift(ctx, "/barriers/upgrade") }()
	fmt.Println(barriers.Wait(ctx, "/barriers/upgrade"))
	// Output:
	// <nil>
}

// Three processes begin together and end together.
func ExampleBarriers_Enter() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			barriers, _ := barrier.New(env, barrier.Config{Name: fmt.Sprint("host-", i+1)})
			defer barriers.Close(ctx)
			inside, err := barriers.Enter(ctx, "/barriers/phase-1", 3)
			if err != nil {
				log.Fatal(err)
			}
			// Work under inside.Context() here.
			if err := inside.Leave(ctx); err != nil {
				log.Fatal(err)
			}
		})
	}
	all.Wait()
	fmt.Println("all have done phase 1")
	// Output:
	// all have done phase 1
}
