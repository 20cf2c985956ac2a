package checker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// idle lists the kinds of fault that were planned and never took effect, with the
// evidence of the last one. They do not make the run vacuous, but the run does not test
// what they are for.
func (c *Case) idle() []string {
	last, bit := map[string]string{}, map[string]bool{}
	for _, fault := range c.Faults {
		kind := fault.Fault().Fault
		bit[kind] = bit[kind] || fault.Fault().Effective
		last[kind] = "the run ended first"
		if fault.Outcome() != record.Info {
			last[kind] = fault.Done.Remark()
		}
	}
	var idle []string
	for _, kind := range slices.Sorted(maps.Keys(bit)) {
		if !bit[kind] {
			idle = append(idle, fmt.Sprintf("%s (%s)", kind, last[kind]))
		}
	}
	return idle
}
