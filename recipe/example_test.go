package recipe_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// A service has a master, workers and clients in different processes, each with
//
//	env, err := zkclient.New(zkclient.Config{Servers: []string{"zk1:2181", "zk2:2181", "zk3:2181"}})
//
// Here they share one process and a ZooKeeper in memory.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}

	master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", Address: "m1:9000"})
	if err != nil {
		log.Fatal(err)
	}
	go master.Run(ctx)

	worker, err := recipe.NewWorker(env, recipe.WorkerConfig{
		Name: "w1", Address: "w1:9001",
		Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			return recipe.Result(strings.ToUpper(string(task.Payload))), nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	go worker.Run(ctx)

	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.Do(ctx, []byte("hello"))
	fmt.Println(string(result), err)
	// Output: HELLO <nil>
}

// Leadership is a context: what only one process may do runs under it and ends
// when it does.
func ExampleMaster() {
	ctx, stop := context.WithCancel(context.Background())
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	master, err := recipe.NewMaster(env, recipe.MasterConfig{
		Name: "m1", Address: "m1:9000",
		OnLead: func(leading context.Context, epoch int32) {
			fmt.Println("leading epoch", epoch)
			stop() // the service is shut down while it leads
			<-leading.Done()
			fmt.Println("no longer:", context.Cause(leading))
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(master.Run(ctx))
	// Output:
	// leading epoch 1
	// no longer: context canceled
	// context canceled
}

// A handler hands its token to whatever it changes outside ZooKeeper, so that an
// execution that was replaced can do no harm there.
func ExampleWorker() {
	highest := map[string]recipe.Token{} // in the database that the handler writes to
	write := func(task recipe.Task) error {
		if task.Token.Compare(highest[task.Name]) < 0 {
			return fmt.Errorf("%s: a later execution was here", task.Name)
		}
		highest[task.Name] = task.Token
		return nil
	}
	first := recipe.Task{Name: "t", Token: recipe.Token{Epoch: 1, Attempt: 1}}
	second := recipe.Task{Name: "t", Token: recipe.Token{Epoch: 2, Attempt: 2}}
	fmt.Println(write(second), write(first))
	// Output: <nil> t: a later execution was here
}

// Submitting and waiting may be done apart, by different processes.
func ExampleClient() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	client, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: "/billing"})
	if err != nil {
		log.Fatal(err)
	}
	name, err := client.Submit(ctx, []byte("invoice 17"), recipe.ID("invoice.17"))
	fmt.Println(name, err)
	again, err := client.Submit(ctx, []byte("invoice 17"), recipe.ID("invoice.17"))
	fmt.Println(again == name, err)
	status, err := client.Cancel(ctx, name)
	fmt.Println(status.State, err)
	// Output:
	// task-invoice.17 <nil>
	// true <nil>
	// cancelled <nil>
}
