package recipe

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

type stub struct {
	zkapi.Session
	names []string
}

func (s *stub) Timeout() time.Duration { return 10 * time.Second }
func (s *stub) MaxRequest() int        { return 1 << 20 }
func (s *stub) ID() int64              { return 7 }
func (s *stub) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	r := s.DoAll(ctx, []zkapi.Op{op})[0]
	return r.Result, r.Err
}
func (s *stub) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	out := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		r := &out[i].Result
		r.Found = true
		r.Stat.Version, r.Stat.EphemeralOwner = 1, 0
		if op.Watch {
			r.Watch = (&zk.Env{}).Signal()
		}
		switch op.Kind {
		case zkapi.KindExists:
			r.Stat.EphemeralOwner = 7
		case zkapi.KindChildren:
			r.Children = s.names
		case zkapi.KindGet:
			r.Data = []byte(`{"epoch":1,"attempt":1,"incarnation":1}`)
			if len(op.Path) > 2 && op.Path[1] == 't' {
				r.Data = []byte("#ringmaster {\"resident\":true}\nx")
			}
		}
	}
	return out
}

func BenchmarkPass(b *testing.B) {
	for _, n := range []int{10, 1000, 25000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
			w, err := NewWorker(env, WorkerConfig{Name: "w1", Observers: Observers{Logger: slog.New(slog.DiscardHandler)}, Handler: func(ctx context.Context, t Task) (Result, error) { <-ctx.Done(); return nil, context.Cause(ctx) }})
			if err != nil {
				b.Fatal(err)
			}
			st := &stub{}
			for k := range n {
				st.names = append(st.names, fmt.Sprintf("task-region-%06d", k))
			}
			ctx, cancel := context.WithCancel(context.Background())
			i := newIncarnation(ctx, w, claim{session: fence.Of(st), path: "/assign/w1", version: 1}, env.Elapsed())
			i.resyncTimer = env.Timer(time.Hour)
			start := time.Now()
			for k := 0; k < 3; k++ {
				i.lease.prolong(env.Elapsed())
				if _, err := i.pass(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms-to-hold-all")
			b.ResetTimer()
			for b.Loop() {
				i.inbox = nil
				i.lease.prolong(env.Elapsed())
				if _, err := i.pass(); err != nil {
					b.Fatal(err)
				}
				i.sources(i.inbox, time.Time{})
			}
			b.StopTimer()
			start = time.Now()
			cancel()
			for _, h := range w.handlers {
				_, _ = env.Wait(context.Background(), h)
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms-to-return-all")
		})
	}
}
