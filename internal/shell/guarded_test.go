package shell

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestGuarded_EndsAsItsCommandEnds(t *testing.T) {
	input := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(input, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command []string
		code    int
		out     string
	}{
		{[]string{"echo", "it's", "a $HOME  b"}, 0, "it's a $HOME  b\n"},
		{[]string{"sh", "-c", "cat; echo $WHO; exit 3"}, 3, "helloalice\n"},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{[]string{"no-such-command-at-all"}, 127, ""},
	} {
		in, err := os.Open(input)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		g := Guarded{Command: c.command, Env: append(os.Environ(), "WHO=alice"), In: in, Out: &out, Err: &bytes.Buffer{}, Log: slog.New(slog.DiscardHandler)}
		code, err := g.Run(t.Context(), t.Context())
		if err != nil || code != c.code || out.String() != c.out {
			t.Errorf("%q: %d, %v, %q", c.command, code, err, out.String())
		}
		_ = in.Close()
	}
}

// TestGuarded_IsEnded: by SIGTERM when it is asked to leave, and at once when it must end.
func TestGuarded_IsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		must bool
		says string
	}{"asked": {false, "in order\n"}, "must": {true, ""}} {
		dir := t.TempDir()
		ready, left := filepath.Join(dir, "ready"), filepath.Join(dir, "left")
		ctx, leave := context.WithCancel(t.Context())
		must, kill := context.WithCancel(t.Context())
		go func() {
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(ready); err == nil {
					break
				}
			}
			if c.must {
				kill()
			} else {
				leave()
			}
		}()
		script := `trap 'echo in order >` + left + `; exit 4' TERM; touch ` + ready + `; while :; do sleep 0.05; done`
		began := time.Now()
		code, err := Guarded{Command: []string{"sh", "-c", script}, Env: os.Environ(), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Log: slog.New(slog.DiscardHandler)}.Run(ctx, must)
		said, _ := os.ReadFile(left)
		if want := map[bool]int{true: 137, false: 4}[c.must]; err != nil || code != want || string(said) != c.says || time.Since(began) > Grace {
			t.Errorf("%s: code %d, %v, %q after %v", name, code, err, said, time.Since(began))
		}
		leave()
		kill()
	}
}
