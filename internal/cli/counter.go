package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// countersRoot is the znode of the counters that have a name.
const countersRoot = "/counters"

// Counter is the command counter.
type Counter struct {
	Add   int64 // 0: none
	Block int64 // 0: none
	JSON  bool
}

// errCountUnknown means that the answer to a write was lost with its session.
var errCountUnknown = errors.New("it is not known whether the counter was changed")

// counterLine is the output of counter --json.
type counterLine struct {
	Counter string `json:"counter"`
	Value   int64  `json:"value"`
	First   int64  `json:"first,omitempty"` // of a block
	Last    int64  `json:"last,omitempty"`
}

// Run prints a counter, adds to it, or takes a block of numbers.
func (c Counter) Run(ctx context.Context, o *Options, s Streams, name string) error {
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	path, err := o.pathOf("counter", countersRoot, name)
	if err != nil {
		return err
	}
	values, err := value.New(env, value.Config{ACL: aclOf(access), Logger: slog.New(quieter{log.Handler()})})
	if err != nil {
		return err
	}
	defer closeSoon(values.Close, log)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	line := counterLine{Counter: path}
	switch {
	case c.Block > 0:
		var got value.Numbers
		got, err = values.Block(ctx, line.Counter, c.Block)
		line.Value, line.First, line.Last = got.Last, got.First, got.Last
	case c.Add != 0:
		line.Value, err = values.Add(ctx, line.Counter, c.Add)
	default:
		line.Value, err = values.Count(ctx, line.Counter)
	}
	switch {
	case err != nil && c.Add+c.Block != 0 && zkapi.FateOf(err) == zkapi.Unknown:
		return fmt.Errorf("counter: %s: %w: %w", line.Counter, errCountUnknown, err)
	case err != nil:
		return fmt.Errorf("counter: %s: %w", line.Counter, err)
	case c.JSON:
		return printJSON(s.Out, line)
	case c.Block > 0:
		return printf(s.Out, "%d %d\n", line.First, line.Last)
	}
	return printf(s.Out, "%d\n", line.Value)
}

// CompleteCounters lists the names of counters that begin with what was typed.
func CompleteCounters(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, countersRoot), args, begun)
}
