package harness

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// quotaExceeded is the server's code.
const quotaExceeded = "-125"

// limits is what ZooKeeper keeps of a quota: how many znodes and how many bytes there may
// be, at most; -1 is no bound.
func limits(znodes int) []byte {
	return fmt.Appendf(nil, "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=%d", znodes)
}

// exhaustQuota sets a quota on the namespace below what is there, and lifts it again.
func (r *run) exhaustQuota(_ context.Context, _ nemesis.Fault) (deed, error) {
	at := "/zookeeper/quota" + r.namespace
	var before int64
	return deed{
		target: r.namespace,
		apply: func(ctx context.Context) error {
			before = r.overQuota.Load()
			// In this order: a quota counts only once its statistics are there.
			for _, node := range []struct {
				path string
				data []byte
			}{{at, nil}, {at + "/zookeeper_limits", limits(-1)}, {at + "/zookeeper_stats", []byte("count=0,bytes=0")}} {
				if _, err := r.observer.do(ctx, zkapi.Create(node.path, node.data, zkapi.Persistent)); err != nil && !errors.Is(err, zkapi.ErrNodeExists) {
					return err
				}
			}
			_, err := r.observer.do(ctx, zkapi.Set(at+"/zookeeper_limits", limits(1), zkapi.AnyVersion))
			return err
		},
		probe: func(context.Context) finding {
			n := r.overQuota.Load() - before
			return found(n > 0, "%d writes were refused because of the quota", n).with("writes refused", n)
		},
		heal: func(ctx context.Context) error {
			_, err := r.observer.must(ctx, zkapi.Set(at+"/zookeeper_limits", limits(-1), zkapi.AnyVersion))
			if errors.Is(err, zkapi.ErrNoNode) {
				err = nil // it was never set
			}
			return err
		},
	}, nil
}
