package harness

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// removeLimit bounds how long a process that ends at once removes its containers.
const removeLimit = 20 * time.Second

// RemoveAll ends the participants of this process and removes its containers, whatever else
// is going on. The runs that they belong to are lost.
func RemoveAll() error {
	owner.KillOwn()
	ctx, cancel := context.WithTimeout(context.Background(), removeLimit)
	defer cancel()
	return ensemble.RemoveOwn(ctx)
}
