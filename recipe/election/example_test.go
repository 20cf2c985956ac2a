package election_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// memory is a ZooKeeper in memory. In production it is the result of zkclient.New.
func memory() zkapi.Env { return &zk.Env{Server: zk.NewServer(10 * time.Second)} }

// Run does the work of a leader while this process leads.
func ExampleCandidate_Run() {
	ctx := context.Background()
	c, err := election.New(memory(), election.Config{Path: "/elections/report", Name: "host1"})
	if err != nil {
		panic(err)
	}
	err = c.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
		fmt.Println("leads with epoch", l.Epoch())
		return nil // the work is done; until then it would wait for ctx.Done()
	})
	fmt.Println("error:", err)
	// Output:
	// leads with epoch 1
	// error: <nil>
}

// Campaign waits for one term. Its writes are applied only while it lasts.
func ExampleCandidate_Campaign() {
	ctx := context.Background()
	c, err := election.New(memory(), election.Config{Path: "/elections/report", Name: "host1", Queue: true})
	if err != nil {
		panic(err)
	}
	l, err := c.Campaign(ctx)
	if err != nil {
		panic(err)
	}
	_, err = l.Write(ctx, zkapi.Create("/report", []byte("begun"), zkapi.Persistent))
	fmt.Println("while it leads:", err)
	if err := l.Resign(ctx); err != nil {
		panic(err)
	}
	_, err = l.Write(ctx, zkapi.Set("/report", []byte("done"), zkapi.AnyVersion))
	fmt.Println("afterwards:", err)
	// Output:
	// while it leads: <nil>
	// afterwards: multi /elections/report: resigned (not applied)
}

// An observer tells who leads.
func ExampleObserver_Observe() {
	ctx, env := context.Background(), memory()
	config := election.Config{Path: "/elections/report", Name: "host1", Data: []byte("host1:9000")}
	c, err := election.New(env, config)
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)
	if _, err := c.Campaign(ctx); err != nil {
		panic(err)
	}
	o, err := election.NewObserver(env, config)
	if err != nil {
		panic(err)
	}
	defer o.Close(ctx)
	for leader := range o.Observe(ctx) {
		fmt.Printf("%s leads at %s with epoch %d\n", leader.Name, leader.Data, leader.Epoch)
		break // a program would go on, and be told of each change
	}
	// Output: host1 leads at host1:9000 with epoch 1
}
