package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// In production the Env is the result of zkclient.New.
func inMemory() zkapi.Env { return &zk.Env{Server: zk.NewServer(10 * time.Second)} }

func Example() {
	ctx, env := context.Background(), inMemory()
	q, err := queue.New(env, "/queues/mail", queue.Config{Name: "mailer-1", MaxTakes: 5})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = q.Close(ctx) }()
	if _, err := q.Put(ctx, []byte("welcome")); err != nil {
		log.Fatal(err)
	}
	if _, err := q.Put(ctx, []byte("password"), queue.Priority(1)); err != nil {
		log.Fatal(err)
	}
	for {
		item, err := q.TryTake(ctx) // Take would wait for the next one
		if errors.Is(err, queue.ErrEmpty) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("sends %s, take %d\n", item.Payload(), item.Takes()) // under item.Context()
		if err := item.Ack(ctx); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// sends password, take 1
	// sends welcome, take 1
}

// The effect of an item is recorded in the write that removes it: once, or not at all.
func ExampleTaken_Ack() {
	ctx, env := context.Background(), inMemory()
	q, err := queue.New(env, "/queues/orders", queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = q.Close(ctx) }()
	if _, err := q.Put(ctx, []byte("42")); err != nil {
		log.Fatal(err)
	}
	item, err := q.Take(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = item.Ack(ctx, zkapi.Create("/order-42", []byte("done"), zkapi.Persistent))
	fmt.Println(err, context.Cause(item.Context()))
	// Output:
	// <nil> the item is acknowledged
}

func ExampleQueue_PutAll() {
	ctx, env := context.Background(), inMemory()
	q, err := queue.New(env, "/queues/lines", queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = q.Close(ctx) }()
	items := []queue.Item{{Payload: []byte("a")}, {Payload: []byte("b"), Options: []queue.Option{queue.Delay(time.Hour)}}}
	for id, err := range q.PutAll(ctx, slices.Values(items)) {
		if err != nil {
			log.Fatal(err)
		}
		_ = id // the name of the znode
	}
	l, err := q.List(ctx)
	fmt.Println(len(l.Items), len(l.Delayed), err)
	// Output:
	// 1 1 <nil>
}
