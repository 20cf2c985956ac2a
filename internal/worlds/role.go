package worlds

import (
	"context"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Role is a role of a recipe, such as a master or a candidate.
type Role interface {
	Run(ctx context.Context) error
	Close(ctx context.Context) error
}

// Run runs a role until it ends by itself or because it was asked to leave. If it is abrupt,
// a role that is asked to leave gets no time to finish.
func Run(ctx context.Context, host explore.Host, role Role, abrupt bool) {
	zkapi.DependsOn(host, role)
	over := host.Signal()
	leaving := host.Spawn("leave", func() {
		zkapi.Checkpoint(host, "leave")
		if i, _ := host.Wait(ctx, host.Leave(), over); i == 0 {
			closing, end := context.WithCancel(ctx)
			if abrupt {
				end()
			}
			_ = role.Close(closing)
			end()
		}
	})
	_ = role.Run(ctx)
	over.Raise()
	zkapi.Checkpoint(host, "end")
	_, _ = host.Wait(ctx, leaving)
}
