package world

import (
	"context"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// operator is the name of the process that is no user.
const operator = "operator"

// hand deletes a znode and makes it again, so that its versions begin again, as they do when the ensemble
// is restored from a backup. While there is something below the znode, it is left alone.
func hand(path string) explore.Program {
	return func(ctx context.Context, host explore.Host) {
		session, err := host.Open(ctx)
		if err != nil {
			return
		}
		zkapi.Checkpoint(host, "make it again", session)
		_, _ = session.Do(ctx, zkapi.Multi(zkapi.Delete(path, zkapi.AnyVersion), zkapi.Create(path, nil, zkapi.Persistent))) // the judge sees it
		host.Note(doneNote, "1")
		zkapi.Checkpoint(host, "done")
		_, _ = host.Wait(ctx)
	}
}
