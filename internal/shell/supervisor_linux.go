package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// supervisorName is argument 0 of a supervisor; argument 1 is its command.
const supervisorName = "ringmaster-supervisor"

// leave is the order to end the command in good order.
const leave = 'l'

// Descriptors of a supervisor, besides those of its command.
const (
	ordersFD  = 4
	reportsFD = 5
)

// init makes a process a supervisor if it was started as one, so that no main function
// can forget to.
func init() {
	if len(os.Args) == 2 && os.Args[0] == supervisorName {
		supervise(os.Args[1])
		os.Exit(0)
	}
}

// supervise runs a command, and returns when all of its processes have ended.
func supervise(command string) {
	runtime.LockOSThread() // the command is killed when the thread that started it ends
	unix.CloseOnExec(ordersFD)
	unix.CloseOnExec(reportsFD)
	// Without this, the command would inherit ignored signals.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	reports := json.NewEncoder(os.NewFile(reportsFD, "reports"))
	s := &supervisor{
		died: died, orders: readOrders(os.NewFile(ordersFD, "orders")), send: func(r report) { _ = reports.Encode(r) },
		reap: reap, tree: descendants, signal: syscall.Kill, patience: Grace, unkillableAfter: unkillableAfter,
	}
	pid, err := startCommand(command)
	if err != nil {
		s.send(report{Ended: true, Failed: err.Error()})
		return
	}
	s.command = pid
	s.send(report{Started: pid})
	s.run()
}

// startCommand starts the command with this process' descriptors 0 to 3, and then
// closes them here, so that the worker sees the end of the output when the command ends
// it.
func startCommand(command string) (pid int, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("supervisor: adopt what the command leaves behind: %w", err)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec(shell, []string{"sh", "-c", command}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2, 3}, Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", shell, err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	for fd := 0; fd <= 3 && err == nil; fd++ {
		err = unix.Dup3(int(null.Fd()), fd, unix.O_CLOEXEC)
	}
	return pid, err
}

// readOrders passes each order on, and closes the channel when the worker is gone.
func readOrders(from *os.File) <-chan byte {
	orders := make(chan byte)
	go func() {
		defer close(orders)
		for b := []byte{0}; ; {
			if n, err := from.Read(b); n == 0 || err != nil {
				return
			}
			orders <- b[0]
		}
	}()
	return orders
}

// unkillableAfter is the time after SIGKILL after which a remaining process is reported.
const unkillableAfter = 2 * time.Second

// supervisor ends a command and all its descendants. It has no other children, and
// adopts all descendants that lose their parent.
type supervisor struct {
	command int
	died    <-chan os.Signal // a child may have
	orders  <-chan byte      // closed when the worker is gone
	send    func(report)

	reap            func(command int) (status *syscall.WaitStatus, alone bool)
	tree            func() []process
	signal          func(pid int, s syscall.Signal) error
	patience        time.Duration // between SIGTERM and SIGKILL
	unkillableAfter time.Duration

	status   *syscall.WaitStatus // of the command, when it has ended
	leaving  bool                // it was told to leave: no process may go on
	killing  time.Time           // since when; zero before
	orphaned bool                // the worker is gone
	killed   map[int]bool        // processes that have got SIGKILL
	reported map[int]bool        // processes that the worker was told of because they do not end
}

// While processes are killed, they are looked at again after a pause, because reading
// /proc costs time, and a process that cannot be killed may stay for long.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// run goes on until all of the command's processes have ended, or only those are left
// that may not be ended and need not be.
func (s *supervisor) run() {
	s.killed, s.reported = map[int]bool{}, map[int]bool{}
	var late, again <-chan time.Time
	for pause := shortestPause; ; {
		status, alone := s.reap(s.command)
		if status != nil {
			s.status = status
		}
		if s.status != nil && !s.leaving {
			s.kill()
		}
		if alone || s.killRest() {
			break
		}
		if again = nil; !s.killing.IsZero() {
			again = time.After(pause)
			pause = min(2*pause, longestPause)
		}
		select {
		case <-s.died:
		case <-again:
		case <-late:
			s.kill()
		case _, ok := <-s.orders:
			if !ok {
				s.orders, s.orphaned = nil, true
				s.kill()
			} else if !s.leaving {
				s.leaving, late = true, time.After(s.patience)
				s.terminate()
			}
		}
	}
	end := report{Ended: true, Killed: s.leaving && !s.killing.IsZero()}
	if s.status != nil {
		end.Success, end.Exit, end.Code = s.status.Exited() && s.status.ExitStatus() == 0, describe(*s.status), exitCode(*s.status)
	}
	s.send(end)
}

func (s *supervisor) kill() {
	if s.killing.IsZero() {
		s.killing = time.Now()
	}
}

// terminate sends the order to end to every process: the group as one, and each process that
// has left it.
func (s *supervisor) terminate() {
	_ = s.signal(-s.command, syscall.SIGTERM)
	for _, p := range s.tree() {
		if p.group != s.command {
			_ = s.signal(p.pid, syscall.SIGTERM)
		}
	}
}

// killRest kills the remaining processes, once it is time, and reports whether nothing
// more can be done. Processes that remain then may not be signalled, and the task does
// not need their end.
func (s *supervisor) killRest() (done bool) {
	if s.killing.IsZero() {
		return false
	}
	all := s.tree()
	var unkillable []process
	for _, p := range all {
		err := s.signal(p.pid, syscall.SIGKILL)
		switch {
		case errors.Is(err, syscall.EPERM):
			unkillable = append(unkillable, p)
		case s.killed[p.pid] && time.Since(s.killing) > s.unkillableAfter:
			s.reportStuck(p, "it has got SIGKILL and has not ended")
		default:
			s.killed[p.pid] = true
		}
	}
	settled := len(unkillable) > 0 && len(unkillable) == len(all) && (s.orphaned || s.status != nil && !s.leaving)
	for _, p := range unkillable {
		if settled {
			s.send(report{Left: p.String() + ": this user may not signal it"})
		} else {
			s.reportStuck(p, "this user may not signal it")
		}
	}
	return settled
}

// reportStuck reports once to the worker a process that does not end.
func (s *supervisor) reportStuck(p process, why string) {
	if !s.reported[p.pid] {
		s.reported[p.pid] = true
		s.send(report{Stuck: p.String() + ": " + why})
	}
}

// describe says how a process has ended, in the words of package os.
func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
