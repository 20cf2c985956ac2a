package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lib "github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// connects is a client of a library of others.
func (p *terminal) connects() *lib.Conn {
	p.t.Helper()
	c, _, err := lib.Connect(strings.Split(p.servers, ","), 30*time.Second, lib.WithLogger(quiet{}))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// writes creates sequential znodes from so many clients until the connection ends, and kills
// the process after so many answers. It returns what was answered.
func (p *terminal) writes(b *background, clients, answers int) (created []string) {
	p.t.Helper()
	var mu sync.Mutex
	var running sync.WaitGroup
	var all []*lib.Conn
	enough := make(chan struct{})
	for range clients {
		c := p.connects()
		all = append(all, c)
		running.Go(func() {
			for {
				at, err := c.Create("/w-", []byte("data"), lib.FlagSequence, lib.WorldACL(lib.PermAll))
				if err != nil {
					return
				}
				mu.Lock()
				if created = append(created, at); len(created) == answers {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	p.kills(b)
	for _, c := range all {
		c.Close()
	}
	running.Wait()
	return created
}

func (p *terminal) kills(b *background) {
	p.t.Helper()
	if err := b.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-b.exited
}

// TestDev_KeepsWhatItAnswered kills the process in the middle of writes, three times. All that was
// answered is there, no number is given twice, and a session goes on with its ephemeral.
func TestDev_KeepsWhatItAnswered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	b, p := dev(t, "--data", dir)
	long := p.connects()
	if _, err := long.Create("/e", nil, lib.FlagEphemeral, lib.WorldACL(lib.PermAll)); err != nil {
		t.Fatal(err)
	}
	id := long.SessionID()
	var created []string
	for range 3 {
		created = append(created, p.writes(b, 4, 200)...)
		b, p = dev(t, "--listen", p.servers, "--data", dir)
	}
	c := p.connects()
	for _, at := range created {
		if data, _, err := c.Get(at); err != nil || string(data) != "data" {
			t.Fatalf("%s was answered, and is %q, %v", at, data, err)
		}
	}
	sorted := slices.Sorted(slices.Values(created))
	if len(slices.Compact(sorted)) != len(created) {
		t.Error("a number was given twice")
	}
	p.within(time.Minute, "the session goes on", func() bool {
		_, stat, err := long.Get("/e")
		return err == nil && stat.EphemeralOwner == id && long.SessionID() == id
	})
	if code := p.leaves(b); code != 0 {
		t.Errorf("dev ended with %d:\n%s", code, b)
	}
}

func TestDev_NamesADirectoryThatItCannotUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	b, p := dev(t, "--data", dir)
	refuses := func(why string, want ...string) {
		t.Helper()
		code, _, problem := p.types("", "dev", "--listen", "127.0.0.1:0", "--data", dir)
		for _, w := range append(want, dir) {
			if code != int(exit.WrongUse) || !strings.Contains(problem, w) {
				t.Errorf("%s: %d, %q, want %q", why, code, problem, w)
			}
		}
	}
	refuses("it is in use", "another process uses the directory")
	if code := p.leaves(b); code != 0 {
		t.Errorf("dev ended with %d:\n%s", code, b)
	}
	file := filepath.Join(dir, "state.log")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses("it is damaged", "is damaged at offset", file)
}

// TestDev_EndsWhenTheDiskIsFull has a file system of its own of 200 KiB, where the system lets a
// user make one.
func TestDev_EndsWhenTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	mounted := []string{"-rm", "sh", "-c", `mount -t tmpfs -o size=200k none "$0" && exec "$@"`, dir}
	if err := exec.Command("unshare", append(mounted, "true")...).Run(); err != nil {
		t.Skip("no file system of its own: ", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`exec >/dev/null 2>&1; while %s submit --log-level error "$(head -c 20000 /dev/zero | tr '\0' x)"; do :; done; exec sleep 60`, self)
	cmd := exec.CommandContext(t.Context(), "unshare", append(mounted, self, "dev", "--data", dir, "--", "sh", "-c", script)...)
	cmd.Env = append(os.Environ(), asRingmaster+"=1")
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != int(exit.Failed) || !strings.Contains(string(out), "no space left on device") || !strings.Contains(string(out), "make room") {
		t.Errorf("%d, want %d and the reason:\n%s", code, exit.Failed, out)
	}
}
