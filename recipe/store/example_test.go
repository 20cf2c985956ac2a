package store_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
)

// In production env is the result of zkclient.New. Here it is a ZooKeeper in memory.
func ExampleOpen() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	config := store.Config{Layout: store.YARN("/rmstore/ZKRMStateRoot", 2)}
	leads := func(name string) *election.Leadership {
		c, _ := election.New(env, election.Config{Path: "/elections/" + name})
		l, err := c.Campaign(ctx)
		if err != nil {
			panic(err)
		}
		return l
	}

	// The first active process keeps an application and its attempt.
	first, err := store.Open(ctx, env, leads("a"), config)
	if err != nil {
		panic(err)
	}
	defer first.Close(ctx)
	_, err = first.Apply(ctx, store.Create("apps/application_1_0001", []byte("accepted")), store.Create("apps/application_1_0001/attempt_1", []byte("launched")))
	fmt.Println("applied:", err == nil)

	// The next one loads them, and the first one writes no more. Here both lead an election of their own:
	// the epoch of the store refuses the first one all the same.
	next, err := store.Open(ctx, env, leads("b"), config)
	if err != nil {
		panic(err)
	}
	defer next.Close(ctx)
	records, _ := next.Load(ctx)
	for _, r := range records {
		fmt.Printf("%s: %s\n", r.Key, r.Data)
	}
	_, err = first.Apply(ctx, store.Put("apps/application_1_0001", []byte("finished"), 0))
	fmt.Println("fenced:", errors.Is(err, store.ErrFenced))
	// Output:
	// applied: true
	// apps/application_1_0001: accepted
	// apps/application_1_0001/attempt_1: launched
	// fenced: true
}

// A record is changed only as it was read.
func ExamplePut() {
	ctx := context.Background()
	memory, _ := store.NewMemory(store.Layout{Types: []store.Type{{Name: "apps"}}})
	s, _ := memory.Open(ctx)
	versions, _ := s.Apply(ctx, store.Create("apps/a", []byte("new")))
	_, err := s.Apply(ctx, store.Put("apps/a", []byte("running"), versions[0]))
	fmt.Println(err)
	_, err = s.Apply(ctx, store.Put("apps/a", []byte("killed"), versions[0]))
	fmt.Println(errors.Is(err, store.ErrChanged))
	// Output:
	// <nil>
	// true
}
