package bench

import (
	"context"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
)

// warmed are the suites that begin with a warm-up. The servers run in JVMs, which compile the
// code that they run often. So a figure from just after their start says little, and a baseline
// that is measured first would come off worse than what is measured after it.
var warmed = []string{"drain", "lone", "reads", "submit", "neighbour"}

// warmNamespace is the namespace of the tasks of the warm-up.
const warmNamespace = "/warm"

// warm creates znodes one by one, creates as many in multis, and drains as many tasks of a
// namespace of its own. It counts nothing of that.
func (b *bed) warm(ctx context.Context) error {
	n := b.config.WarmUp
	if n == 0 {
		return nil
	}
	began := clock.Now()
	if _, err := b.creates(ctx, warmNamespace, n); err != nil {
		return err
	}
	if _, err := b.inMultis(ctx, warmNamespace+"/tasks", "task-", payload, n, 300); err != nil {
		return err
	}
	if _, err := b.drained(ctx, warmNamespace, n); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	fmt.Fprintf(b.out, "%s (not counted): %d creates, %d in multis and %d tasks warmed the servers up in %.1f s\n", b.suite, n, n, n, (clock.Now() - began).Seconds())
	return nil
}
