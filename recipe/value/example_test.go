package value_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
)

// In production env is the result of zkclient.New. Here it is a ZooKeeper in memory.
func Example() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	values, err := value.New(env, value.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer values.Close(ctx)

	sum, _ := values.Add(ctx, "/visits", 5)
	fmt.Println("visits:", sum)
	ids, _ := values.Block(ctx, "/invoice-ids", 100)
	fmt.Println("invoice ids for this process alone:", ids.First, "to", ids.Last)
	// Output:
	// visits: 5
	// invoice ids for this process alone: 1 to 100
}

// Two processes change one value. The second one has read it before the first one wrote.
func ExampleValues_CompareAndSet() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	values, _ := value.New(env, value.Config{})
	defer values.Close(ctx)

	_, _ = values.Set(ctx, "/mode", []byte("slow"))
	seen, _ := values.Get(ctx, "/mode")
	_, err := values.CompareAndSet(ctx, "/mode", seen.Version, []byte("fast"))
	fmt.Println(err)
	_, err = values.CompareAndSet(ctx, "/mode", seen.Version, []byte("off"))
	fmt.Println(errors.Is(err, value.ErrChanged))
	// Output:
	// <nil>
	// true
}

// A stream has the value now, and after each change.
func ExampleValues_Watch() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	values, _ := value.New(env, value.Config{})
	defer values.Close(ctx)

	_, _ = values.Set(ctx, "/mode", []byte("slow"))
	for now, err := range values.Watch(ctx, "/mode") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", now.Data)
		if string(now.Data) == "fast" {
			break
		}
		_, _ = values.Set(ctx, "/mode", []byte("fast"))
	}
	// Output:
	// slow
	// fast
}
