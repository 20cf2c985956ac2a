package lease_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// In production env is the result of zkclient.New. Here it is a ZooKeeper in memory.
func Example() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	leases, err := lease.New(env, lease.Config{Name: "host-1"})
	if err != nil {
		log.Fatal(err)
	}
	defer leases.Close(ctx)

	held, err := leases.Take(ctx, "/leases/nightly", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	// Work under held.Context(), and call held.Renew to go on for longer.
	_, err = held.Write(held.Context(), zkapi.Create("/last-night", []byte("17"), zkapi.Persistent))
	fmt.Println("token", held.Token(), err)
	seen, _ := leases.Look(ctx, "/leases/nightly")
	fmt.Println("others see", seen.Holder, "for", seen.For)
	fmt.Println(held.Release(ctx))
	// Output:
	// token 1 <nil>
	// others see host-1 for 1m0s
	// <nil>
}
