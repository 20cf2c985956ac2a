package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// asWorker makes the test binary a worker that runs the command in this variable.
const asWorker = "RINGMASTER_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if command := os.Getenv(asWorker); command != "" {
		_ = os.Unsetenv(asWorker)
		_, err := Handler(command, slog.Default())(context.Background(), recipe.Task{Name: "t"})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// family is a command that starts processes which leave its group, its session and
// their parent. Each writes its number into a file of its own in the folder.
func family(dir string) string {
	member := func(name, does string) string {
		return fmt.Sprintf(`sh -c 'echo $$ > %s; %s'`, filepath.Join(dir, name), does)
	}
	return strings.Join([]string{
		member("child", "sleep 600; true") + " &",
		"setsid " + member("session", "sleep 600; true") + " &",
		"(setsid " + member("orphan", "sleep 600; true") + " &) ; ",
		"setsid " + member("deaf", `trap "" TERM HUP INT; while :; do sleep 600; done`) + " &",
		member("self", "sleep 600; true"),
	}, " ")
}

var members = []string{"child", "session", "orphan", "deaf", "self"}

// started waits until all members of a family have written down their numbers.
func started(t *testing.T, dir string) map[string]int {
	t.Helper()
	pids := map[string]int{}
	eventually(t, "all members of the family live", func() bool {
		for _, name := range members {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if pid, bad := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && bad == nil {
				pids[name] = pid
			}
		}
		return len(pids) == len(members)
	})
	t.Cleanup(func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return pids
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func lives(pid int) bool { _, ok := look(pid); return ok }

// survivors names the members that still live.
func survivors(pids map[string]int) (names []string) {
	for _, name := range members {
		if lives(pids[name]) {
			names = append(names, name)
		}
	}
	return names
}

// TestCommand_DiesWithItsWorker kills a worker, and expects every process that its
// command has started to end.
func TestCommand_DiesWithItsWorker(t *testing.T) {
	dir := t.TempDir()
	worker := exec.Command("/proc/self/exe")
	worker.Env = append(os.Environ(), asWorker+"="+family(dir))
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	pids := started(t, dir)
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait()
	eventually(t, "the family ends with its worker", func() bool { return len(survivors(pids)) == 0 })
}

// TestCommand_EndsWithItsTask ends a task, and expects that no process of its command
// lives when the handler has returned.
func TestCommand_EndsWithItsTask(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestCommand_EndsWithItsTask: make test runs it, make quick does not")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := Handler(family(dir), slog.Default())(ctx, recipe.Task{})
		ended <- err
	}()
	pids := started(t, dir)
	cause := errors.New("enough")
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Errorf("it ended with %v", err)
	}
	if left := survivors(pids); len(left) > 0 {
		t.Errorf("%q live", left)
	}
}

// TestCommand_LeavesNoProcess ends the command itself, and expects the same.
func TestCommand_LeavesNoProcess(t *testing.T) {
	dir := t.TempDir()
	done := make(chan error)
	go func() {
		_, err := Handler(family(dir)+" & while ! [ -s "+filepath.Join(dir, "go")+" ]; do sleep 0.1; done", slog.Default())(t.Context(), recipe.Task{})
		done <- err
	}()
	pids := started(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("go"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if left := survivors(pids); len(left) > 0 {
		t.Errorf("%q live", left)
	}
}

// TestCommand_OutlivesNoSupervisor kills the supervisor: the command ends, and the
// worker is told.
func TestCommand_OutlivesNoSupervisor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ended := make(chan error)
	log := &logged{}
	go func() {
		_, err := Handler("echo $$ $PPID > "+file+"; exec sleep 600", slog.New(slog.NewTextHandler(log, nil)))(t.Context(), recipe.Task{})
		ended <- err
	}()
	var command, supervisor int
	eventually(t, "the command lives", func() bool {
		text, _ := os.ReadFile(file)
		n, _ := fmt.Sscan(string(text), &command, &supervisor)
		return n == 2
	})
	if err := syscall.Kill(supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "supervisor") {
		t.Errorf("it ended with %v", err)
	}
	eventually(t, "the command ends", func() bool { return !lives(command) })
	if !strings.Contains(log.String(), "the supervisor of a command was killed") {
		t.Errorf("the log says %q", log)
	}
}

type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// scene is a supervisor with processes that are made up.
type scene struct {
	*supervisor
	mu      sync.Mutex
	alive   map[int]bool
	barred  map[int]bool // may not be signalled
	frozen  map[int]bool // does not end when it is killed
	got     map[int][]syscall.Signal
	reports []report
	orders  chan byte
}

const commandPID = 10

func newScene(pids ...int) *scene {
	s := &scene{alive: map[int]bool{}, barred: map[int]bool{}, frozen: map[int]bool{}, got: map[int][]syscall.Signal{}, orders: make(chan byte)}
	for _, pid := range pids {
		s.alive[pid] = true
	}
	s.supervisor = &supervisor{
		command: commandPID, orders: s.orders, patience: time.Millisecond,
		send: func(r report) { s.mu.Lock(); defer s.mu.Unlock(); s.reports = append(s.reports, r) },
		reap: func(int) (*syscall.WaitStatus, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.alive[commandPID] {
				return nil, false
			}
			return new(syscall.WaitStatus), len(s.alive) == 0
		},
		tree: func() (all []process) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for pid := range s.alive {
				all = append(all, process{pid: pid, group: pid, name: "made-up"})
			}
			return all
		},
		signal: s.signalled,
	}
	return s
}

func (s *scene) signalled(pid int, signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.barred[max(pid, -pid)] {
		return syscall.EPERM
	}
	s.got[pid] = append(s.got[pid], signal)
	if signal == syscall.SIGKILL && !s.frozen[pid] {
		delete(s.alive, pid)
	}
	return nil
}

func (s *scene) says(word string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(fmt.Sprintf("%+v", s.reports), word)
}

// TestSupervisor_LeavesWhatItMayNotSignal: the command is over, and what it has left
// belongs to another user. The worker is told, and the task ends.
func TestSupervisor_LeavesWhatItMayNotSignal(t *testing.T) {
	s := newScene(11, 12)
	s.barred[12] = true
	s.run()
	if s.alive[11] || !s.says("Left:12 (made-up)") || !s.says("Ended:true Success:true Exit:exit status 0") {
		t.Errorf("alive %v, told %+v", s.alive, s.reports)
	}
}

// TestSupervisor_WaitsForWhatMustEnd: the command was asked to leave, and a process of
// it cannot be ended. The worker is told once, and the task is held until it has.
func TestSupervisor_WaitsForWhatMustEnd(t *testing.T) {
	for name, stuck := range map[string]func(*scene) map[int]bool{
		"it may not be signalled": func(s *scene) map[int]bool { return s.barred },
		"it hangs in the system":  func(s *scene) map[int]bool { return s.frozen },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(commandPID, 11)
			stuck(s)[11] = true
			over := make(chan struct{})
			go func() { defer close(over); s.run() }()
			s.orders <- leave
			eventually(t, "the worker is told", func() bool { return s.says("Stuck:11 (made-up)") })
			select {
			case <-over:
				t.Fatal("the task has ended before its process")
			default:
			}
			s.mu.Lock()
			delete(s.alive, 11)
			s.mu.Unlock()
			<-over
			if len(s.reports) != 2 || !s.reports[1].Ended || !s.reports[1].Killed {
				t.Errorf("told %+v", s.reports)
			}
			if got := s.got[-commandPID]; len(got) != 1 || got[0] != syscall.SIGTERM {
				t.Errorf("the group got %v", got)
			}
		})
	}
}

// TestSupervisor_GivesUpWithoutItsWorker: the worker is gone, and what is left may not
// be signalled.
func TestSupervisor_GivesUpWithoutItsWorker(t *testing.T) {
	s := newScene(commandPID, 11)
	s.barred[11] = true
	close(s.orders)
	s.run()
	if s.alive[commandPID] {
		t.Error("the command lives")
	}
}
