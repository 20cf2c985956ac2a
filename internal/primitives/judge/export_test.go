package judge

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Broken are the runs with one defect each, by what the defect is.
func Broken(t *testing.T) map[string]record.Run {
	all := map[string]record.Run{}
	for name, d := range defects {
		if d.suspect != "" {
			run := sound()
			d.plant(t, &run)
			all[name] = run
		}
	}
	return all
}
