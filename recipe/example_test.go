package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
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
		OnLead: func(leading context.Context, lead recipe.Lead) {
			fmt.Println("leading epoch", lead.Epoch())
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

// What a leader writes to ZooKeeper is applied only while it leads, and what it
// proclaims is told to workers and clients.
func ExampleLead() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	began := make(chan recipe.Lead)
	master, err := recipe.NewMaster(env, recipe.MasterConfig{
		Name: "m1", Address: "m1:9000",
		OnLead: func(ctx context.Context, lead recipe.Lead) {
			_, err := lead.Write(ctx, zkapi.Create("/plan", []byte("7"), zkapi.Persistent))
			fmt.Println("written:", err)
			fmt.Println("proclaimed:", lead.Proclaim(ctx, []byte("m1:9000 plan 7")))
			began <- lead
			<-ctx.Done()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	go master.Run(ctx)
	lead := <-began
	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	leader, err := client.Leader(ctx)
	fmt.Println("the leader shows:", leader.Address, err)
	err = master.Close(ctx)
	_, late := lead.Write(ctx, zkapi.Delete("/plan", zkapi.AnyVersion))
	fmt.Println("handed over:", err, "and then:", errors.Is(late, recipe.ErrDeposed))
	// Output:
	// written: <nil>
	// proclaimed: <nil>
	// the leader shows: m1:9000 plan 7 <nil>
	// handed over: <nil> and then: true
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

// Equal nodes: one leads, the rest work.
func ExampleNode() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	for _, name := range []string{"n1", "n2", "n3"} {
		node, err := recipe.NewNode(env, recipe.NodeConfig{
			Master: recipe.MasterConfig{Name: name, Address: name + ":9000"},
			Worker: recipe.WorkerConfig{Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
				return recipe.Result("done by a node that does not lead"), nil
			}},
		})
		if err != nil {
			log.Fatal(err)
		}
		go node.Run(ctx)
	}
	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.Do(ctx, nil)
	fmt.Println(string(result), err)
	// Output: done by a node that does not lead <nil>
}

// A service that wants to know what goes on follows the master's changes. A slow
// reader is told where things have got to, and never holds the master up.
func ExampleMaster_Changes() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1"})
	if err != nil {
		log.Fatal(err)
	}
	go master.Run(ctx)
	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Submit(ctx, nil, recipe.ID("invoice.17")); err != nil {
		log.Fatal(err)
	}
	for change := range master.Changes(ctx) {
		fmt.Println(change.Kind, change.Task.Name, change.Task.State)
		break
	}
	// Output: submitted task-invoice.17 pending
}

// Whoever needs the active master's address follows /master.
func ExampleClient_Leaders() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	for leader := range client.Leaders(ctx) {
		if leader.Exists() {
			fmt.Println(leader.Name, leader.Address, leader.Epoch)
			break
		}
		fmt.Println("no master leads")
		master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", Address: "m1:9000"})
		if err != nil {
			log.Fatal(err)
		}
		go master.Run(ctx)
	}
	// Output:
	// no master leads
	// m1 m1:9000 1
}

// A resident task is owned by one worker at a time, until it is cancelled.
func ExampleResident() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1"})
	if err != nil {
		log.Fatal(err)
	}
	go master.Run(ctx)
	owns, lets := make(chan string), make(chan error)
	worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		owns <- string(task.Payload)
		<-ctx.Done()
		lets <- context.Cause(ctx)
		return nil, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	go worker.Run(ctx)
	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	region, err := client.Submit(ctx, []byte("region north"), recipe.Resident(), recipe.ID("region.north"))
	fmt.Println(region.Task, err)
	fmt.Println("w1 owns", <-owns)
	status, err := client.Cancel(ctx, region.Task)
	fmt.Println(status.State, err)
	fmt.Println("w1 lets go:", <-lets)
	// Output:
	// task-region.north <nil>
	// w1 owns region north
	// cancelled <nil>
	// w1 lets go: assignment was taken away
}

// A strategy is a pure function. This one keeps urgent tasks away from workers
// whose names begin with "batch".
func ExampleStrategy() {
	var mine recipe.Strategy = func(job recipe.Job, workers []recipe.Load) string {
		if job.Options.Priority > 0 {
			workers = slices.DeleteFunc(slices.Clone(workers), func(w recipe.Load) bool { return strings.HasPrefix(w.Worker, "batch") })
		}
		return recipe.LeastLoaded(job, workers)
	}
	workers := []recipe.Load{{Worker: "batch1", Held: 0, Capacity: 8}, {Worker: "quick1", Held: 3, Capacity: 8}}
	fmt.Println(mine(recipe.Job{Task: "a"}, workers))
	fmt.Println(mine(recipe.Job{Task: "b", Options: recipe.Options{Priority: 1}}, workers))
	// Output:
	// batch1
	// quick1
}

// Submitting and waiting may be done apart, by different processes.
func ExampleClient() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	client, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: "/billing"})
	if err != nil {
		log.Fatal(err)
	}
	first, err := client.Submit(ctx, []byte("invoice 17"), recipe.ID("invoice.17"))
	fmt.Println(first.Task, "was there:", first.Found, err)
	again, err := client.Submit(ctx, []byte("invoice 17"), recipe.ID("invoice.17"))
	fmt.Println(again.Task, "was there:", again.Found, err)
	status, err := client.Cancel(ctx, first.Task)
	fmt.Println(status.State, err)
	// Output:
	// task-invoice.17 was there: false <nil>
	// task-invoice.17 was there: true <nil>
	// cancelled <nil>
}
