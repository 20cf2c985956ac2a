package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// peerThat is a peer that measures what figures returns.
func peerThat(name string, figures func(peers.Job) ([]peers.Figure, error)) peers.Peer {
	return peers.Peer{
		Name:    name,
		Prepare: func(context.Context, *peers.Place) error { return nil },
		Measure: func(_ context.Context, _ *peers.Place, job peers.Job) ([]peers.Figure, error) { return figures(job) },
	}
}

// TestPeers_AreMeasuredOrSkipped: a peer that is not installed has one row that says so, and
// the others are measured, each time in an empty tree.
func TestPeers_AreMeasuredOrSkipped(t *testing.T) {
	t.Parallel()
	b, out := bedIn(t, "peers", Config{Tasks: 200, Workers: 2})
	measured := 0
	b.others.list = []peers.Peer{
		{Name: "absent", Prepare: func(context.Context, *peers.Place) error { return peers.Missing("run a script") }},
		peerThat("present", func(job peers.Job) ([]peers.Figure, error) {
			measured++
			return []peers.Figure{
				{What: peers.Server, Setting: "version 7"},
				{What: peers.Drain, Setting: "tuned", Waiting: job.Tasks, Tasks: job.Tasks, Seconds: 1},
				{What: peers.Lone, Tasks: 1, Seconds: 1},
			}, b.with(t.Context(), func(session zkapi.Session) error { return make1(t.Context(), session, job.Below+"/queue") })
		}),
	}
	if err := alongside(t.Context(), b); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if measured != rounds {
		t.Errorf("the peer was measured %d times", measured)
	}
	for _, want := range []string{"peers: absent: skipped: run a script\n", "peers: present: version 7\n", "present, 200 waiting (tuned): 200/s", "x its rate\n", "x its time\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	err := b.with(t.Context(), func(session zkapi.Session) error {
		left, err := session.Do(t.Context(), zkapi.Children("/"))
		for _, name := range left.Children {
			if name == "tasks" || name == "submitted" || name == "peers" {
				t.Errorf("/%s is left", name)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDefaultServers: like is compared with like, where nothing else is measured.
func TestDefaultServers(t *testing.T) {
	for want, suites := range map[int][][]string{1: {{"peers"}}, 3: {{"drain"}, {"peers", "drain"}, nil}} {
		for _, names := range suites {
			if got := DefaultServers(names); got != want {
				t.Errorf("%v: %d, not %d", names, got, want)
			}
		}
	}
}

// TestPeers_ThatFailAreErrors: a peer that is installed and fails is no peer that is skipped.
func TestPeers_ThatFailAreErrors(t *testing.T) {
	t.Parallel()
	b, _ := bedIn(t, "peers", Config{Tasks: 20, Workers: 1})
	broken := errors.New("broken")
	b.others.list = []peers.Peer{peerThat("present", func(peers.Job) ([]peers.Figure, error) { return nil, broken })}
	if err := alongside(t.Context(), b); !errors.Is(err, broken) || !strings.Contains(err.Error(), "present") {
		t.Error(err)
	}
	b.others.list[0].Prepare = func(context.Context, *peers.Place) error { return broken }
	if err := alongside(t.Context(), b); !errors.Is(err, broken) || !strings.Contains(err.Error(), "present") {
		t.Error(err)
	}
}

// TestTurns_CompareLikeWithLike: rates and times are those of all rounds, and the recipe has
// as many tasks waiting as the peer.
func TestTurns_CompareLikeWithLike(t *testing.T) {
	turns := newTurns()
	figure := func(what string, waiting, tasks int, seconds float64) peers.Figure {
		return peers.Figure{What: what, Waiting: waiting, Tasks: tasks, Seconds: seconds}
	}
	turns.add("", []peers.Figure{figure(peers.Drain, 100, 100, 1), figure(peers.Drain, 1000, 1000, 5), figure(peers.Submit, 0, 1000, 1), figure(peers.Lone, 0, 40, 0.004)})
	turns.add("other", []peers.Figure{figure(peers.Drain, 100, 100, 4), figure(peers.Drain, 1000, 20, 10), figure(peers.Submit, 0, 1000, 2), figure(peers.Lone, 0, 40, 0.016)})
	turns.add("", []peers.Figure{figure(peers.Drain, 100, 100, 3), figure(peers.Drain, 1000, 1000, 5), figure(peers.Submit, 0, 1000, 1), figure(peers.Lone, 0, 40, 0.008)})
	turns.add("other", []peers.Figure{figure(peers.Drain, 100, 100, 4), figure(peers.Drain, 1000, 20, 10), figure(peers.Submit, 0, 1000, 2), figure(peers.Lone, 0, 40, 0.008)})
	b := &bed{out: &strings.Builder{}}
	if err := turns.report(b); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		ratio  float64
		figure string
	}{
		"other, 100 waiting":   {2, "25/s [25 25]; the recipe: 50/s [100 33]"},
		"other, 1000 waiting":  {100, "2/s [2 2]; the recipe: 200/s [200 200]"},
		"other, handed in":     {2, "500/s [500 500]; the recipe: 1000/s [1000 1000]"},
		"other, one lone task": {0.5, "12.0 ms [16.0 8.0]; the recipe: 6.0 ms [4.0 8.0]"},
	}
	for _, r := range b.rows {
		w, other := want[r.what]
		if other && (math.Abs(r.ratio-w.ratio) > 1e-9 || r.figure != w.figure) {
			t.Errorf("%+v, want %+v", r, w)
		}
		delete(want, r.what)
	}
	if len(want) > 0 {
		t.Errorf("without a row: %v", want)
	}
	turns.add("other", []peers.Figure{figure(peers.Drain, 7, 7, 1)})
	if err := turns.report(b); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("seven waiting tasks, which the recipe did not have, are compared: %v", err)
	}
}

// TestQueues_OfOthersMeasureWhatIsCompared runs the programs for queues with few items, on the ZooKeeper
// in memory: each measures all that the recipe is compared with.
func TestQueues_OfOthersMeasureWhatIsCompared(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: it starts programs of Python and Java", t.Name())
	}
	b, _ := bedIn(t, "queue", Config{Tasks: 150})
	t.Chdir("../../..") // where the programs are found
	place, err := peers.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	job := b.contend.job(b)
	job.ZooKeeper, job.Crowds = b.servers, b.contend.consumers
	for _, p := range peers.Queues() {
		t.Run(p.Name, func(t *testing.T) {
			var missing peers.Missing
			if err := p.Prepare(t.Context(), place); errors.As(err, &missing) {
				t.Skipf("skipped %s: %v", t.Name(), missing)
			} else if err != nil {
				t.Fatal(err)
			}
			figures, err := b.measured(t.Context(), p, place, job)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]peers.Figure{}
			for _, f := range figures {
				if own := fmt.Sprintf("%s %d", f.What, f.Waiting); seen[own].What == "" { // the first is that of the defaults
					seen[own] = f
				}
			}
			for _, want := range []peers.Figure{
				{What: peers.Puts, Tasks: job.Lone}, {What: peers.PutsOfMany, Tasks: job.Tasks},
				{What: peers.Takes, Waiting: 1, Tasks: job.Few}, {What: peers.Takes, Waiting: 2, Tasks: job.Few},
			} {
				f := seen[fmt.Sprintf("%s %d", want.What, want.Waiting)]
				if f.What == "" || f.Tasks > want.Tasks || f.Tasks < want.Tasks && f.What != peers.Takes {
					t.Errorf("%+v, want %+v; all: %+v", f, want, figures)
				}
			}
		})
	}
}
