package shell

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

func TestHandler_RunsACommand(t *testing.T) {
	task := recipe.Task{Name: "t", Payload: []byte("hello"), Token: recipe.Token{Epoch: 7, Attempt: 2}, Options: recipe.Options{Key: "k"}}
	for _, c := range []struct{ command, want, fails string }{
		{"tr a-z A-Z", "HELLO", ""},
		{`echo "$RINGMASTER_TASK $RINGMASTER_EPOCH $RINGMASTER_ATTEMPT $RINGMASTER_KEY"`, "t 7 2 k\n", ""},
		{"echo half >&3; cat", "hello", ""},
		{"echo wrong >&2; exit 3", "", "exit status 3: wrong"},
		{"no-such-command-at-all", "", "127"},
		{"head -c 300000 /dev/zero", "", "larger"},
		{"setsid sleep 5 & echo done", "done\n", ""},              // keeps descriptor 3 and the output
		{"head -c 300000 /dev/zero >&3; echo done", "done\n", ""}, // one very long line of progress
	} {
		got, err := Handler(c.command, slog.Default())(t.Context(), task)
		if string(got) != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %q, %v", c.command, got, err)
		}
	}
}

// TestHandler_GivesChildrenTimeToEnd cancels a command whose shell leaves at once and whose
// child takes a moment.
func TestHandler_GivesChildrenTimeToEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	file, ready := filepath.Join(t.TempDir(), "left"), filepath.Join(t.TempDir(), "ready")
	go func() {
		defer cancel()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(ready); err == nil {
				return
			}
		}
	}()
	child := `sh -c 'trap "sleep 0.5; echo in order >` + file + `; exit" TERM; touch ` + ready + `; while :; do sleep 0.1; done' >/dev/null 2>&1; true`
	if _, err := Handler(child, slog.Default())(ctx, recipe.Task{}); err == nil {
		t.Error("no error")
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "in order\n" {
		t.Errorf("the child was killed: %q, %v", got, err)
	}
}

// TestHandler_EndsTheCommand cancels a command that has started another one: both go.
func TestHandler_EndsTheCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestHandler_EndsTheCommand: make test runs it, make quick does not")
	}
	cause := errors.New("enough")
	for _, command := range []string{"sleep 60", "sleep 60 & wait", "trap '' TERM; while :; do sleep 1; done"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { time.Sleep(200 * time.Millisecond); cancel(cause) }()
		began := time.Now()
		_, err := Handler(command, slog.Default())(ctx, recipe.Task{})
		if !errors.Is(err, cause) || time.Since(began) > Grace+3*time.Second {
			t.Errorf("%s: %v after %v", command, err, time.Since(began))
		}
	}
}
