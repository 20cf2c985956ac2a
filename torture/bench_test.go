package torture

import (
	"slices"
	"testing"
)

// TestBench_LatencyIsSuiteLone: --latency means the suite lone, beside those that are asked for.
func TestBench_LatencyIsSuiteLone(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"drain"}},
		{[]string{"--latency"}, []string{"lone"}},
		{[]string{"--latency", "--suite", "idle"}, []string{"idle", "lone"}},
		{[]string{"--latency", "--suite", "lone,idle"}, []string{"lone", "idle"}},
		{[]string{"--suite", "idle"}, []string{"idle"}},
	} {
		var o benchOptions
		cmd := o.command()
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		o.choose(cmd.Flags())
		if !slices.Equal(o.Suites, c.want) {
			t.Errorf("%v: %v", c.args, o.Suites)
		}
	}
}
