package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// written is an output that a test reads while a command writes.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// TestSubmission_SaysWhoIsMissing: one payload, or lines: once when nobody leads or works,
// and once when that is over.
func TestSubmission_SaysWhoIsMissing(t *testing.T) {
	const (
		both   = "ringmaster: no master leads and no worker is registered: nothing is executed until both are started\n"
		worker = "ringmaster: no worker is registered: nothing is executed until one is started\n"
		ready  = "ringmaster: a master leads, and a worker is registered\n"
		hint   = "ringmaster: no result yet: ringmaster explain TASK says why, and ringmaster status who is there\n"
	)
	for _, lines := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			env := &zk.Env{Server: zk.NewServer(4 * time.Second)}
			ctx, cancel := context.WithCancel(t.Context())
			defer synctest.Wait()
			defer cancel()
			var said, out written
			ended := make(chan error, 1)
			go func() {
				ended <- submits(ctx, env, lines, Streams{In: strings.NewReader("a\nb\n"), Out: &out, Err: &said})
			}()
			check := func(when, want string) {
				t.Helper()
				time.Sleep(10 * time.Second)
				if said.String() != want {
					t.Errorf("%s, lines %v: %q, want %q", when, lines, said.String(), want)
				}
			}
			check("alone", both)
			master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1"})
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = master.Run(ctx) }()
			check("with a master", both+worker)
			slow, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
				time.Sleep(15 * time.Second)
				return nil, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = slow.Run(ctx) }()
			check("with a worker", both+worker+ready+hint)
			if err := <-ended; err != nil || lines && strings.Count(out.String(), "done") != 2 {
				t.Errorf("%v, %q", err, out.String())
			}
			check("at the end", both+worker+ready+hint)
		})
	}
}

// submits runs submit --wait on an ensemble in memory.
func submits(ctx context.Context, env *zk.Env, lines bool, streams Streams) error {
	c, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	s := &Submission{Wait: true, Lines: lines, limited: (&Options{}).limited}
	if lines {
		return s.each(ctx, c, streams, nil)
	}
	return s.one(ctx, c, streams, []byte("a"), nil)
}

// TestStall_SaysNothingBetweenResults: while no result is awaited, nobody is missing.
func TestStall_SaysNothingBetweenResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := &stall{say: func(string) {}, ready: func(context.Context) (recipe.Readiness, error) { asked++; return recipe.Readiness{}, nil }}
		stop := s.watch(t.Context())
		time.Sleep(time.Minute)
		stop()
		if asked != 0 {
			t.Errorf("asked %d times", asked)
		}
		s.awaited.Add(1)
		stop = s.watch(t.Context())
		time.Sleep(time.Minute + time.Millisecond)
		stop()
		if asked > 12 || asked < 10 {
			t.Errorf("asked %d times in a minute", asked)
		}
	})
}

// TestSubmission_SaysWhyTheLastAttemptFailed: one payload on standard error, lines on
// standard output.
func TestSubmission_SaysWhyTheLastAttemptFailed(t *testing.T) {
	for _, lines := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			env := &zk.Env{Server: zk.NewServer(4 * time.Second)}
			ctx, cancel := context.WithCancel(t.Context())
			defer synctest.Wait()
			defer cancel()
			master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", MaxAttempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			fails, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
				return nil, errors.New("exit status 3: disk full")
			}})
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = master.Run(ctx) }()
			go func() { _ = fails.Run(ctx) }()
			var said, out written
			err = submits(ctx, env, lines, Streams{In: strings.NewReader("a\n"), Out: &out, Err: &said})
			text := said.String()
			if lines {
				text = out.String()
			}
			if !errors.Is(err, errTask) || !strings.Contains(text, "the last one: exit status 3: disk full") {
				t.Errorf("lines %v: %v, %q, %q", lines, err, out.String(), said.String())
			}
		})
	}
}
