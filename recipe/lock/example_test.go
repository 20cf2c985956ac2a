package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// In production env is the result of zkclient.New. Here it is a ZooKeeper in memory.
func Example() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	locks, err := lock.New(env, lock.Config{Name: "host-1"})
	if err != nil {
		log.Fatal(err)
	}
	defer locks.Close(ctx)

	held, err := locks.Lock(ctx, "/locks/invoices")
	if err != nil {
		log.Fatal(err)
	}
	// Work under held.Context(). What ZooKeeper keeps is written through the lock: it is refused
	// when the lock is held no longer. Other systems compare the token.
	_, err = held.Write(held.Context(), zkapi.Create("/last-invoice", []byte("17"), zkapi.Persistent))
	fmt.Println("token", held.Token(), err)
	fmt.Println(held.Release(ctx))
	// Output:
	// token 1 <nil>
	// <nil>
}

// Two processes: the second does not wait.
func ExampleLocks_TryLock() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	first, _ := lock.New(env, lock.Config{Name: "host-1"})
	second, _ := lock.New(env, lock.Config{Name: "host-2"})
	defer first.Close(ctx)
	defer second.Close(ctx)

	held, _ := first.Lock(ctx, "/locks/nightly")
	_, err := second.TryLock(ctx, "/locks/nightly")
	fmt.Println(errors.Is(err, lock.ErrHeld))
	line, _ := second.Line(ctx, "/locks/nightly")
	fmt.Println(line[0].Name, line[0].Holds)
	_ = held.Release(ctx)
	// Output:
	// true
	// host-1 true
}

// Any number of readers, or one writer.
func ExampleShared() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	for _, name := range []string{"reader-1", "reader-2"} {
		locks, _ := lock.New(env, lock.Config{Name: name})
		defer locks.Close(ctx)
		held, _ := locks.Lock(ctx, "/locks/schema", lock.Shared())
		fmt.Println(name, held.Token())
	}
	writer, _ := lock.New(env, lock.Config{Name: "writer"})
	defer writer.Close(ctx)
	_, err := writer.TryLock(ctx, "/locks/schema")
	fmt.Println(err)
	// Output:
	// reader-1 1
	// reader-2 2
	// the lock is held
}

// At most two processes at a time.
func ExamplePermits() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	for _, name := range []string{"host-1", "host-2", "host-3"} {
		locks, _ := lock.New(env, lock.Config{Name: name})
		defer locks.Close(ctx)
		_, err := locks.TryLock(ctx, "/locks/downloads", lock.Permits(2))
		fmt.Println(name, err)
	}
	// Output:
	// host-1 <nil>
	// host-2 <nil>
	// host-3 the lock is held
}
