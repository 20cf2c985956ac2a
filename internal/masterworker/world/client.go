package world

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// client submits its tasks, and waits in the same order for those that end.
func (c Config) client() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		host = c.little(c.clocked("client-1", host))
		client, err := recipe.NewClient(c.tampered(host), recipe.ClientConfig{})
		if err != nil {
			panic(err)
		}
		zkapi.DependsOn(host, client)
		if !c.submit(ctx, host, client, "") {
			return
		}
		if c.Cancel {
			c.end(host, taskName(1), func() (recipe.Status, error) { return client.Cancel(ctx, taskName(1)) })
		}
		c.await(ctx, host, client)
		if c.Collect || c.Resubmit {
			for _, n := range c.ending() {
				host.Note("collecting-"+taskName(n), "yes")
				if err := client.Collect(ctx, taskName(n)); err != nil {
					host.Note("uncollected", taskName(n)+": "+err.Error())
				}
			}
		}
		if c.Resubmit {
			if !c.submit(ctx, host, client, again) {
				return
			}
			c.await(ctx, host, client)
		}
		host.Note("satisfied", "yes")
		_ = client.Close(ctx)
	}
}

// ending lists the tasks that have an end.
func (c Config) ending() []int {
	var numbers []int
	for n := 1; n <= c.Tasks; n++ {
		if !c.stays(n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// submit hands in all tasks, with payloads that end in which. Earlier answers about tasks of
// the same names no longer count.
func (c Config) submit(ctx context.Context, host explore.Host, client *recipe.Client, which string) bool {
	accepted := func(n int, submitted recipe.Submitted, err error) bool {
		if err == nil && submitted.Found && !submitted.InDoubt {
			err = errors.New("the client is told that it found the task, but no other client submits it")
		}
		if err != nil {
			host.Note("refused", err.Error())
			return false
		}
		host.Note("accepted-"+taskName(n), "yes"+which)
		host.Note("told-"+taskName(n), "")
		host.Note("collecting-"+taskName(n), "")
		return true
	}
	if !c.Together {
		for n := 1; n <= c.Tasks; n++ {
			one := c.submission(host, n, which)
			if submitted, err := client.Submit(ctx, one.Payload, one.Options...); !accepted(n, submitted, err) {
				return false
			}
		}
		return true
	}
	n := 0
	for submitted, err := range client.SubmitAll(ctx, func(yield func(recipe.Submission) bool) {
		for n := 1; n <= c.Tasks && yield(c.submission(host, n, which)); n++ {
		}
	}) {
		if n++; !accepted(n, submitted, err) {
			return false
		}
	}
	return n == c.Tasks
}

func (c Config) submission(host explore.Host, n int, which string) recipe.Submission {
	options := recipe.Options{Resident: n <= c.Residents}
	if n == 1 && c.NotBefore > 0 {
		options.NotBefore = host.Now().Add(c.NotBefore)
	}
	return recipe.Submission{Payload: []byte(taskID(n) + which), Options: []recipe.SubmitOption{recipe.ID(taskID(n)), recipe.With(options)}}
}

func (c Config) await(ctx context.Context, host explore.Host, client *recipe.Client) {
	for _, n := range c.ending() {
		c.end(host, taskName(n), func() (recipe.Status, error) { return client.Await(ctx, taskName(n)) })
	}
}

// end notes how a task has ended for the client.
func (c Config) end(host explore.Host, task string, wait func() (recipe.Status, error)) {
	status, err := wait()
	if err != nil {
		host.Note("told-"+task, "error: "+err.Error())
		return
	}
	host.Note("told-"+task, string(status.State)+" "+string(status.Result))
}
