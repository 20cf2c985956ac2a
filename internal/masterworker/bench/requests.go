package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
)

// counters are what the servers have counted: packets from clients, pings among them, and
// writes.
type counters struct{ packets, writes int64 }

// count asks the servers.
func (b *bed) count(ctx context.Context) (c counters, err error) {
	answers, err := b.srvr(ctx)
	if err != nil {
		return c, err
	}
	for _, text := range answers {
		for _, line := range strings.Split(text, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			n, err := strconv.ParseInt(value, 0, 64)
			switch name {
			case "Received":
				c.packets += n
			case "Zxid":
				c.writes = max(c.writes, n)
			default:
				continue
			}
			if err != nil {
				return c, fmt.Errorf("answer to srvr, line %q: %w", line, err)
			}
		}
	}
	return c, nil
}

// atRest waits until the group has read what there is: until a second has no more packets than
// the second before.
func (b *bed) atRest(ctx context.Context) error {
	last := -1.0
	for {
		packets, _, err := b.requests(ctx, time.Second)
		if err != nil || last >= 0 && packets >= last {
			return err
		}
		last = packets
	}
}

// requests measures the packets and the writes per second of all clients, for a while.
func (b *bed) requests(ctx context.Context, during time.Duration) (packets, writes float64, err error) {
	before, err := b.count(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := clock.Now()
	select {
	case <-time.After(during):
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
	after, err := b.count(ctx)
	seconds := (clock.Now() - began).Seconds()
	return float64(after.packets-before.packets) / seconds, float64(after.writes-before.writes) / seconds, err
}
