package world

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// hand is an operator who deletes the first claim that there is, so that its consumer has the item
// no longer, although its session lives.
func hand(ctx context.Context, host explore.Host) {
	session, err := host.Open(ctx)
	for err == nil {
		zkapi.Checkpoint(host, "look at the claims", session)
		var listed zkapi.Result
		if listed, err = session.Do(ctx, zkapi.Children(claimFolder).Watched()); err != nil {
			return
		}
		if len(listed.Children) > 0 {
			zkapi.Checkpoint(host, "delete a claim", session, listed.Children[0])
			_, err = session.Do(ctx, zkapi.Delete(claimFolder+"/"+listed.Children[0], zkapi.AnyVersion))
			if !errors.Is(err, zkapi.ErrNoNode) {
				break
			}
			err = nil
			continue
		}
		zkapi.Checkpoint(host, "wait for a claim", session)
		_, err = host.Wait(ctx, listed.Watch)
	}
	zkapi.Checkpoint(host, "done")
	_, _ = host.Wait(ctx)
}
