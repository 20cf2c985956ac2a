package peers

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// TestOpen_IsOnTheDiskThatIsAskedFor takes the first folder on the same disk, or the first of
// all if there is none.
func TestOpen_IsOnTheDiskThatIsAskedFor(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, c := range []struct {
		near, in string
		found    bool
	}{{second, first, true}, {"", first, false}, {"/proc", first, false}} {
		p, err := open([]string{first, second}, c.near)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(p.Folder) != c.in || p.Near != c.found {
			t.Errorf("near %q: %+v", c.near, p)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if runtime.GOOS == "linux" {
		p, err := open([]string{"/proc", first}, second)
		if err != nil || filepath.Dir(p.Folder) != first || !p.Near {
			t.Errorf("%+v, %v", p, err)
		}
		_ = p.Close() // in a folder of the test
	}
}

// died is the identity of a process that has ended.
func died(t *testing.T) owner.ID {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return owner.ID{PID: cmd.Process.Pid, Start: "1", Where: owner.Self().Where}
}

// sleeper starts a process that works in a folder, with a child.
func sleeper(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", withChild)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // it is killed
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); <-ended })
	return cmd
}

// withChild is a shell that notes the number of its child in its folder, and waits for it.
const withChild = "sleep 600 & echo $! >note; mv note child; wait"

// child is the number that withChild notes.
func child(t *testing.T, dir string) int {
	t.Helper()
	noted := filepath.Join(dir, "child")
	for !there(noted) {
		time.Sleep(time.Millisecond)
	}
	text, err := os.ReadFile(noted)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// leftover makes a folder as a place has it, with the number of a process.
func leftover(t *testing.T, parent string, of owner.ID, pid int) string {
	t.Helper()
	folder := filepath.Join(parent, prefix+of.String()+"-123")
	if err := os.MkdirAll(filepath.Join(folder, "redis"), 0o755); err != nil {
		t.Fatal(err)
	}
	note(t, folder, pid)
	return folder
}

func note(t *testing.T, folder string, pid int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "1-redis-server.pid"), []byte(strconv.Itoa(pid)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestRemoveLeftovers_OnlyOfTheDead: a place whose owner has died goes with its processes;
// the place of a living one stays, and so does a process that only has the number of another.
func TestRemoveLeftovers_OnlyOfTheDead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skipf("skipped %s: it looks at /proc", t.Name())
	}
	parent := t.TempDir()
	dead := leftover(t, parent, died(t), 0)
	orphan := sleeper(t, filepath.Join(dead, "redis"))
	note(t, dead, orphan.Process.Pid)
	orphans := child(t, filepath.Join(dead, "redis"))

	living := leftover(t, parent, owner.Self(), 0)
	mine := sleeper(t, living)
	note(t, living, mine.Process.Pid)

	other := sleeper(t, parent) // has the number that a dead process had
	again := leftover(t, parent, owner.ID{PID: 1 << 30, Start: "1", Where: owner.Self().Where}, other.Process.Pid)

	elsewhere := leftover(t, parent, owner.ID{PID: 1 << 30, Start: "1", Where: "elsewhere"}, 0)
	stranger := filepath.Join(parent, prefix+"of-a-stranger")
	if err := os.Mkdir(stranger, 0o755); err != nil {
		t.Fatal(err)
	}
	removeLeftovers(parent)
	if there(dead) || !ends(orphan.Process.Pid) || !ends(orphans) {
		t.Errorf("a dead owner's folder is there: %v; its process runs: %v, a child of that: %v", there(dead), alive(orphan.Process.Pid), alive(orphans))
	}
	if !there(living) || !alive(mine.Process.Pid) {
		t.Errorf("a living owner's folder is there: %v; its process runs: %v", there(living), alive(mine.Process.Pid))
	}
	if there(again) || !alive(other.Process.Pid) {
		t.Errorf("the folder is there: %v; a process with a number that was used again runs: %v", there(again), alive(other.Process.Pid))
	}
	if !there(elsewhere) || !there(stranger) {
		t.Error("a folder of another machine, or of a stranger, is gone")
	}
}

// TestRun_ReadsFigures, or says what the program said when it failed.
func TestRun_ReadsFigures(t *testing.T) {
	p := place(t)
	run := func(text string) ([]Figure, error) {
		program := filepath.Join(p.Folder, "program")
		script(t, program, text)
		return p.run(t.Context(), exec.Command(program))
	}
	figures, err := run(`echo noise >&2; echo '{"what":"submit","tasks":100,"seconds":0.5}'`)
	if err != nil || len(figures) != 1 || figures[0].Tasks != 100 {
		t.Errorf("%+v, %v", figures, err)
	}
	for text, want := range map[string]string{
		"echo this is why >&2; exit 3": "this is why",
		"echo hello":                   "no figure",
		"exit 0":                       "no figure",
	} {
		if _, err := run(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "program") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.Folder, "*.pid")); len(left) > 0 {
		t.Errorf("processes that have ended are noted: %v", left)
	}
}

// TestRun_EndsWithItsChildren: at Ctrl-C nothing of a program is left.
func TestRun_EndsWithItsChildren(t *testing.T) {
	p := place(t)
	program := filepath.Join(p.Folder, "program")
	script(t, program, withChild)
	ctx, interrupt := context.WithCancelCause(t.Context())
	why := errors.New("interrupt")
	go func() {
		for !there(filepath.Join(p.Folder, "child")) {
			time.Sleep(time.Millisecond)
		}
		interrupt(why)
	}()
	if _, err := p.run(ctx, exec.Command(program)); !errors.Is(err, why) {
		t.Error(err)
	}
	pid := child(t, p.Folder)
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	if !ends(pid) {
		t.Error("a child of the program runs")
	}
}

// ends reports whether a process that was killed is gone within some seconds.
func ends(pid int) bool {
	for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// alive reports whether a process runs. One that has ended may wait for its parent to notice.
func alive(pid int) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return syscall.Kill(pid, 0) == nil && !strings.Contains(string(text), ") Z ")
}

// TestServe_StopsWhatItHasStarted waits for a server, ends it as it wants to be ended, and
// says why one does not serve.
func TestServe_StopsWhatItHasStarted(t *testing.T) {
	p := place(t)
	dir, err := p.dataFolder("server")
	if err != nil {
		t.Fatal(err)
	}
	p.servers = nil // the script is in a folder that another user may not read
	program, left := filepath.Join(p.Folder, "server.sh"), filepath.Join(p.Folder, "left")
	script(t, program, "trap 'touch "+left+"; exit' TERM; touch ready; while :; do sleep 0.01; done")
	s, err := p.serve(t.Context(), exec.Command(program), dir, "url", syscall.SIGTERM, func() bool { return there(filepath.Join(dir, "ready")) })
	if err != nil || s.url != "url" {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(processesOf(p.Folder)) != 1 && runtime.GOOS == "linux" {
		t.Errorf("of one server, %v are noted", processesOf(p.Folder))
	}
	s.stop()
	if !there(left) || len(processesOf(p.Folder)) != 0 {
		t.Errorf("it left in good order: %v; %v run", there(left), processesOf(p.Folder))
	}
	script(t, program, "echo the port is taken >&2; exit 1")
	if _, err := p.serve(t.Context(), exec.Command(program), dir, "url", syscall.SIGTERM, func() bool { return false }); err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Error(err)
	}
}
