package nemesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// limits is ZooKeeper's data for a quota: the largest number of znodes and of bytes; -1
// is no bound.
func limits(znodes int) []byte {
	return fmt.Appendf(nil, "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=%d", znodes)
}

// exhaustQuota sets a quota on the namespace that is below the present usage, and
// removes it again.
func (j *Injector) exhaustQuota(_ context.Context, _ Fault) (Injection, error) {
	at := "/zookeeper/quota" + j.Settings().Namespace
	var before int64
	return Injection{
		Target: j.Settings().Namespace,
		Apply: func(ctx context.Context) error {
			before = j.Ensemble().OverQuota()
			// The order matters: a quota counts only once its statistics exist.
			for _, node := range []struct {
				path string
				data []byte
			}{{at, nil}, {at + "/zookeeper_limits", limits(-1)}, {at + "/zookeeper_stats", []byte("count=0,bytes=0")}} {
				if _, err := j.Observer().Do(ctx, zkapi.Create(node.path, node.data, zkapi.Persistent)); err != nil && !errors.Is(err, zkapi.ErrNodeExists) {
					return err
				}
			}
			_, err := j.Observer().Do(ctx, zkapi.Set(at+"/zookeeper_limits", limits(1), zkapi.AnyVersion))
			return err
		},
		Probe: func(context.Context) Finding {
			n := j.Ensemble().OverQuota() - before
			return Found(n > 0, "%d writes were refused because of the quota", n).With("writes refused", n)
		},
		Heal: func(ctx context.Context) error {
			_, err := j.Observer().Must(ctx, zkapi.Set(at+"/zookeeper_limits", limits(-1), zkapi.AnyVersion))
			if errors.Is(err, zkapi.ErrNoNode) {
				err = nil // the quota was never set
			}
			return err
		},
	}, nil
}
