package world

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// operator deletes /workers/worker-1 by hand and prunes that name. It does so once the worker was
// there, and the worker does not know of it yet.
func (c Config) operator() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		session, err := host.Open(ctx)
		if err != nil {
			return
		}
		for {
			zkapi.Checkpoint(host, "by hand", session)
			_, err := session.Do(ctx, zkapi.Delete("/workers/worker-1", zkapi.AnyVersion))
			if err == nil {
				break
			}
			if !errors.Is(err, zkapi.ErrNoNode) {
				return
			}
			seen, err := session.Do(ctx, zkapi.Exists("/workers/worker-1").Watched())
			if err != nil {
				return
			}
			zkapi.Checkpoint(host, "wait for the worker", session, seen.Watch)
			if _, err := host.Wait(ctx, seen.Watch); err != nil {
				return
			}
		}
		host.Note("deleted", "by hand")
		client, err := recipe.NewClient(c.tampered(host), recipe.ClientConfig{})
		if err != nil {
			panic(err)
		}
		zkapi.DependsOn(host, client)
		pruned, err := client.PruneWorkers(ctx, recipe.Prune{})
		if err == nil && len(pruned) == 1 && pruned[0].Kept == "" {
			host.Note("pruned", "yes")
		}
		_ = client.Close(ctx)
		_ = session.Close(ctx)
	}
}
