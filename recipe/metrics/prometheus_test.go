package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/metrics"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestMetrics_MeasureTheRecipe runs the recipe and compares every metric.
func TestMetrics_MeasureTheRecipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		measured, err := metrics.New(registry)
		if err != nil {
			t.Fatal(err)
		}
		env := &zk.Env{Server: zk.NewServer(4 * time.Second)}
		see := recipe.Observers{Metrics: measured}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", Observers: see})
		if err != nil {
			t.Fatal(err)
		}
		worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Observers: see, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			time.Sleep(time.Second)
			if task.Token.Attempt == 1 {
				return nil, errors.New("no")
			}
			return nil, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = master.Run(ctx) }()
		go func() { _ = worker.Run(ctx) }()
		client, err := recipe.NewClient(env, recipe.ClientConfig{Observers: see})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // until the tree is prepared: the reply that is lost is that of a create that was applied
		lost := false
		env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if !lost && strings.HasPrefix(op.Path, "/tasks/task-") {
				lost = true
				return zk.ReplyLost
			}
			return zk.None
		})
		if _, err := client.Do(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Submit(ctx, nil, recipe.NotBefore(time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want := `
# HELP ringmaster_attempts_ended_total Attempts that ended without a result, by the role that ended them.
# TYPE ringmaster_attempts_ended_total counter
ringmaster_attempts_ended_total{by="master"} 0
ringmaster_attempts_ended_total{by="worker"} 1
# HELP ringmaster_elections_total Elections won by masters of this process.
# TYPE ringmaster_elections_total counter
ringmaster_elections_total 1
# HELP ringmaster_epoch The latest epoch that a master of this process has begun.
# TYPE ringmaster_epoch gauge
ringmaster_epoch 1
# HELP ringmaster_fenced_writes_total Writes refused because another process held the claim.
# TYPE ringmaster_fenced_writes_total counter
ringmaster_fenced_writes_total{role="master"} 0
ringmaster_fenced_writes_total{role="worker"} 0
# HELP ringmaster_leading 1 while a master of this process leads.
# TYPE ringmaster_leading gauge
ringmaster_leading 1
# HELP ringmaster_session_events_total ZooKeeper sessions of this process: opened, closed by their owner, lost.
# TYPE ringmaster_session_events_total counter
ringmaster_session_events_total{event="closed",role="client"} 0
ringmaster_session_events_total{event="closed",role="master"} 0
ringmaster_session_events_total{event="closed",role="worker"} 0
ringmaster_session_events_total{event="lost",role="client"} 0
ringmaster_session_events_total{event="lost",role="master"} 0
ringmaster_session_events_total{event="lost",role="worker"} 0
ringmaster_session_events_total{event="opened",role="client"} 1
ringmaster_session_events_total{event="opened",role="master"} 1
ringmaster_session_events_total{event="opened",role="worker"} 1
# HELP ringmaster_tasks Tasks by state, as the active master sees them.
# TYPE ringmaster_tasks gauge
ringmaster_tasks{state="assigned"} 0
ringmaster_tasks{state="finished"} 1
ringmaster_tasks{state="pending"} 1
# HELP ringmaster_unknown_outcomes_total Writes whose answer was lost, by what a later read showed.
# TYPE ringmaster_unknown_outcomes_total counter
ringmaster_unknown_outcomes_total{found="applied",operation="submit"} 1
# HELP ringmaster_workers Live workers, as the active master sees them.
# TYPE ringmaster_workers gauge
ringmaster_workers 1
`
		names := []string{
			"ringmaster_attempts_ended_total", "ringmaster_elections_total", "ringmaster_epoch", "ringmaster_leading", "ringmaster_session_events_total",
			"ringmaster_tasks", "ringmaster_unknown_outcomes_total", "ringmaster_workers", "ringmaster_fenced_writes_total",
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
		if _, err := (&zk.Env{Server: env.Server}).Open(ctx); err != nil {
			t.Fatal(err)
		}
		direct := env.Server.Open()
		if _, err := direct.Do(ctx, zkapi.Set("/assign", nil, zkapi.AnyVersion)); err != nil { // takes the claim away
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		for name, expected := range map[string]float64{"ringmaster_fenced_writes_total": 1, "ringmaster_elections_total": 2, "ringmaster_leading": 1} {
			if got := value(t, registry, name); got != expected {
				t.Errorf("%s is %v, want %v", name, got, expected)
			}
		}
		if err := master.Close(ctx); err != nil {
			t.Error(err)
		}
		for name, expected := range map[string]float64{"ringmaster_leading": 0, "ringmaster_workers": 0, "ringmaster_term_seconds": 2, "ringmaster_assignment_seconds": 2, "ringmaster_completion_seconds": 1} {
			if got := value(t, registry, name); got != expected {
				t.Errorf("at the end %s is %v, want %v", name, got, expected)
			}
		}
		cancel()
		_ = client.Close(context.Background())
		synctest.Wait()
	})
}

// TestMetrics_CountWhoWaits: several roles of a process may wait for the same.
func TestMetrics_CountWhoWaits(t *testing.T) {
	registry := prometheus.NewRegistry()
	measured, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"name", "session", "session", "queue"} {
		measured.WaitBegan(what)
	}
	for _, what := range []string{"session", "queue"} {
		measured.WaitEnded(what)
	}
	want := `
# HELP ringmaster_waiting Roles of this process that wait, by what they wait for: session, name, leadership, queue, backlog, master.
# TYPE ringmaster_waiting gauge
ringmaster_waiting{for="name"} 1
ringmaster_waiting{for="queue"} 0
ringmaster_waiting{for="session"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "ringmaster_waiting"); err != nil {
		t.Error(err)
	}
}

// value is that of a gauge or counter, or how much a histogram has counted.
func value(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func TestMetrics_RegisterTwiceFails(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := metrics.New(registry); err != nil {
		t.Fatal(err)
	}
	if _, err := metrics.New(registry); err == nil {
		t.Error("the second one was accepted")
	}
}

// One Prometheus serves all roles of a process.
func ExampleNew() {
	registry := prometheus.NewRegistry()
	measured, err := metrics.New(registry)
	if err != nil {
		log.Fatal(err)
	}
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	_, err = recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", Observers: recipe.Observers{Metrics: measured}})
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	fmt.Println(err)
	// Output: <nil>
}

// TestNew_CountersOfAlertsBeginAtZero: Prometheus sees no increase in a counter that appears
// with its first event.
func TestNew_CountersOfAlertsBeginAtZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := metrics.New(registry); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"ringmaster_went_back_total": 3, "ringmaster_fenced_writes_total": 2, "ringmaster_session_events_total": 9,
		"ringmaster_attempts_ended_total": 2, "ringmaster_elections_total": 1, "ringmaster_lapsed_leases_total": 1,
	} {
		if got, err := testutil.GatherAndCount(registry, name); err != nil || got != want {
			t.Errorf("%s: %d series, %v; want %d", name, got, err, want)
		}
	}
}
