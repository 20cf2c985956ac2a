package bench

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

// saying is a bed that measures nothing.
func saying(config Config) (*bed, *bytes.Buffer) {
	var out bytes.Buffer
	return &bed{config: config, suite: "suite", out: &out}, &out
}

// expect compares figures with what is wanted: for each row its figure, ratio and baseline.
func expect(t *testing.T, b *bed, want ...row) {
	t.Helper()
	for i := range b.rows {
		b.rows[i].suite, b.rows[i].what = "", ""
	}
	if !reflect.DeepEqual(b.rows, want) {
		t.Errorf("got  %+v\nwant %+v", b.rows, want)
	}
}

func TestSayKilled(t *testing.T) {
	b, _ := saying(Config{Timeout: 10 * time.Second, TickTime: 500 * time.Millisecond})
	b.sayKilled([]killed{{9 * time.Second, 9030 * time.Millisecond}, {10 * time.Second, 10100 * time.Millisecond}, {8 * time.Second, 8020 * time.Millisecond}})
	expect(t, b,
		row{figure: "median 9.03s, longest 10.1s of 3 after the kill", ratio: 0.903, baseline: "its session timeout of 10s (tick 500ms)"},
		row{figure: "median 9s, longest 10s of 3 after the kill", ratio: 0.9, baseline: "its session timeout"},
		row{figure: "median 30ms, longest 100ms of 3"})
}

// TestSayLone: the requests are those of the task of the median.
func TestSayLone(t *testing.T) {
	b, out := saying(Config{})
	named := func(name string) []exchange { return []exchange{{who: name, what: "get /" + name, answer: true}} }
	one := inTurn{tasks: times{9e6, 4e6, 6e6}, creates: times{2e6, 2e6, 2e6}, noted: [][]exchange{named("slow"), named("fast"), named("middle")}}
	if err := b.sayLone(one); err != nil {
		t.Fatal(err)
	}
	expect(t, b,
		row{figure: "median 2ms, p99 2ms"},
		row{figure: "median 6ms, p99 9ms", ratio: 3, baseline: "one create (medians)"},
		row{figure: "1, 0 of them writes; and 0 events"})
	if text := out.String(); !strings.Contains(text, "get /middle") || strings.Contains(text, "get /slow") || !strings.Contains(text, "the median, 6ms from Submit to its result, 3.00 x one create:") {
		t.Error(text)
	}
}

func TestMeanRate(t *testing.T) {
	if got := meanRate(3000, 6000); got != 4000 { // 3000 in 1 s and 3000 in half a second
		t.Error(got)
	}
}

func TestSayBoth(t *testing.T) {
	b, _ := saying(Config{Tasks: 20})
	b.sayBoth(2, 1.5)
	expect(t, b, row{figure: "1.50", ratio: 0.75, baseline: "that of the backlog of 20"})
}

// TestSayBeside: the p99 beside the backlog is compared with that of both times alone.
func TestSayBeside(t *testing.T) {
	b, _ := saying(Config{})
	before, after := stranger{times{1e6}, times{1e6}}, stranger{times{4e6}, times{2e6}}
	b.sayBeside(before, stranger{times{8e6, 2e6}, times{3e6, 1e6}}, after)
	expect(t, b,
		row{figure: "median 2ms, p99 8ms, p99.9 8ms of 2", ratio: 2, baseline: "alone, before and after (p99)"},
		row{figure: "median 1ms, p99 3ms, p99.9 3ms of 2", ratio: 1.5, baseline: "alone, before and after (p99)"})
}
