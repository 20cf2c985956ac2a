package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// slowEnv has sessions whose next writes are answered too late, as often as late says.
type slowEnv struct {
	*zk.Env
	late    *atomic.Int32
	applied bool // they are applied all the same
}

func (e slowEnv) Open(ctx context.Context) (zkapi.Session, error) {
	s, err := e.Env.Open(ctx)
	return slowSession{s, e}, err
}

type slowSession struct {
	zkapi.Session
	env slowEnv
}

// unanswered waits for the answer to a write in vain.
func (s slowSession) unanswered(ctx context.Context, op zkapi.Op) (zkapi.Reply, bool) {
	if op.Kind != zkapi.KindMulti && op.Kind != zkapi.KindCreate || ctx.Err() != nil || s.env.late.Add(-1) < 0 {
		return zkapi.Reply{}, false
	}
	if s.env.applied {
		_, _ = s.Session.Do(ctx, op)
	}
	<-ctx.Done()
	return zkapi.Reply{Err: &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Err: context.Cause(ctx)}}, true
}

func (s slowSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if reply, late := s.unanswered(ctx, op); late {
		return reply.Result, reply.Err
	}
	return s.Session.Do(ctx, op)
}

func (s slowSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	if len(ops) == 1 {
		if reply, late := s.unanswered(ctx, ops[0]); late {
			return []zkapi.Reply{reply}
		}
	}
	return s.Session.DoAll(ctx, ops)
}

// TestSubmit_LinesWhoseAnswerIsLate: the time for an answer is up just when a write is under way, as it
// happens when that time went by with waiting for room. The lines are submitted again, as the same
// tasks, because the servers have answered before. If no answer comes then, either, each line is told.
func TestSubmit_LinesWhoseAnswerIsLate(t *testing.T) {
	const lines = 5
	for _, applied := range []bool{false, true} {
		for _, unanswered := range []int{1, 2, 100} {
			t.Run(fmt.Sprintf("%d, applied %v", unanswered, applied), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := zk.NewServer(10 * time.Second)
					var late atomic.Int32
					client, err := recipe.NewClient(slowEnv{&zk.Env{Server: server}, &late, applied}, recipe.ClientConfig{})
					if err != nil {
						t.Fatal(err)
					}
					defer client.Close(t.Context())
					in, typed := io.Pipe()
					read, out := io.Pipe()
					var problems bytes.Buffer
					s := Submission{Lines: true, patient: time.Second, late: (&Options{ConnectTimeout: time.Second}).late()}
					ended := make(chan error, 1)
					go func() {
						err := s.each(t.Context(), client, Streams{in, out, &problems}, nil)
						_ = out.Close()
						ended <- err
					}()
					fmt.Fprintln(typed, "x")
					accepted := bufio.NewReader(read)
					first, err := accepted.ReadString('\n')
					if err != nil {
						t.Fatal(err)
					}
					late.Store(int32(unanswered))
					fmt.Fprint(typed, strings.Repeat("x\n", lines-1))
					_ = typed.Close()
					rest, _ := io.ReadAll(accepted)
					err = <-ended
					tasks, _ := server.Tree().Node("/tasks")
					switch told := strings.Count(problems.String(), "no answer from"); {
					case unanswered < 100 && (err != nil || strings.Count(string(rest), "\n") != lines-1 || len(tasks.Children()) != lines):
						t.Errorf("%v: %q and %q were accepted, %d tasks; %s", err, first, rest, len(tasks.Children()), problems.String())
					case unanswered == 100 && (err == nil || told != lines-1):
						t.Errorf("%v: %d lines were told: %s", err, told, problems.String())
					}
				})
			})
		}
	}
}

// TestSubmit_RoomComesLate: the same for one task.
func TestSubmit_RoomComesLate(t *testing.T) {
	for _, applied := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := zk.NewServer(10 * time.Second)
			var late atomic.Int32
			env := slowEnv{&zk.Env{Server: server}, &late, applied}
			session, err := env.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close(t.Context())
			for _, op := range []zkapi.Op{
				zkapi.Create("/assign", nil, zkapi.Persistent), zkapi.Set("/assign", nil, 0), zkapi.Create("/backlog", []byte(`{"epoch":1,"limit":1}`), zkapi.Persistent),
				zkapi.Create("/tasks", nil, zkapi.Persistent), zkapi.Create("/tasks/other", nil, zkapi.Persistent),
			} {
				if _, err := session.Do(t.Context(), op); err != nil {
					t.Fatal(err)
				}
			}
			client, err := recipe.NewClient(env, recipe.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close(t.Context())
			time.AfterFunc(1500*time.Millisecond, func() {
				late.Store(1)
				if _, err := session.Do(t.Context(), zkapi.Delete("/tasks/other", zkapi.AnyVersion)); err != nil {
					t.Error(err)
				}
			})
			o := &Options{ConnectTimeout: time.Second}
			s := Submission{limited: o.limited, late: o.late()}
			name, err := s.submit(t.Context(), client, []byte("x"), nil)
			tasks, _ := server.Tree().Node("/tasks")
			if err != nil || name == "" || len(tasks.Children()) != 1 || late.Load() >= 1 {
				t.Errorf("applied %v: %q, %v, %d tasks, %d answers are still late", applied, name, err, len(tasks.Children()), late.Load())
			}
		})
	}
}
