//go:build !linux

package shell

import "context"

// run runs the command to its end.
func (j job) run(ctx context.Context) error { return j.inGroup(ctx) }
