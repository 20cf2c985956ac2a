package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// self is the running program, even if its file has been replaced.
const self = "/proc/self/exe"

// sayOnce guards the warning that no supervisor is possible.
var sayOnce sync.Once

// run runs the command to its end, under a supervisor. Without /proc there is none.
func (j job) run(ctx context.Context) error {
	if _, err := os.Stat(self); err != nil {
		sayOnce.Do(func() {
			j.log.Warn("commands run without a supervisor, so they go on when this process is killed: mount /proc", "error", err)
		})
		return j.inGroup(ctx)
	}
	return j.supervised(ctx)
}

// report is a line that a supervisor writes to its worker.
type report struct {
	Started int    `json:"started,omitempty"` // the command's process and group
	Stuck   string `json:"stuck,omitempty"`   // a process that does not end, and why
	Left    string `json:"left,omitempty"`    // a process that may not be ended, and why
	Failed  string `json:"failed,omitempty"`  // why there is no command
	Ended   bool   `json:"ended,omitempty"`   // all processes that could be ended have ended
	Success bool   `json:"success,omitempty"` // then: the command exited with 0
	Exit    string `json:"exit,omitempty"`    // then: how it exited
	Code    int    `json:"code,omitempty"`    // then: the same as a number
	Killed  bool   `json:"killed,omitempty"`  // then: the time after SIGTERM was not enough
}

// supervised runs the command under a supervisor. Its orders come through a pipe whose
// other end only this process has: the system closes that end when this process dies.
func (j job) supervised(ctx context.Context) error {
	defer j.progress.Close()
	orders, lifeline, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("shell: %w", err)
	}
	defer orders.Close()
	defer lifeline.Close()
	reports, reporting, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("shell: %w", err)
	}
	defer reports.Close()
	defer reporting.Close()
	cmd := exec.Command(self)
	cmd.Args = []string{supervisorName, j.command}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = j.stdin, j.stdout, j.stderr, j.env
	cmd.ExtraFiles = []*os.File{j.progress, orders, reporting} // 3, 4 and 5
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}      // no signal of a terminal reaches it
	cmd.WaitDelay = Grace                                      // a process that goes on may hold the output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("shell: supervisor: %w", err)
	}
	_, _, _ = orders.Close(), reporting.Close(), j.progress.Close() // the supervisor has them
	defer runningCommands.add(func() { _ = lifeline.Close() })()
	stop := context.AfterFunc(ctx, func() { _, _ = lifeline.Write([]byte{leave}) })
	defer stop()
	defer j.atOnce(func() { _ = lifeline.Close() })()
	end := j.listen(reports)
	j.exits(end.Code)
	err = cmd.Wait()
	switch {
	case !end.Ended:
		if end.Started != 0 {
			_ = syscall.Kill(-end.Started, syscall.SIGKILL)
		}
		j.log.Warn("the supervisor of a command was killed: processes that the command started outside its process group may go on", "error", err)
		return fmt.Errorf("shell: the supervisor of the command was killed: %w", err)
	case end.Failed != "":
		return fmt.Errorf("shell: %s", end.Failed)
	case ctx.Err() != nil:
		j.log.Info("a command was told to end, and all its processes have ended", "exit", end.Exit, "killed", end.Killed)
	}
	if !end.Success {
		return errors.New(end.Exit)
	}
	return nil
}

// listen reads the reports of a supervisor until it is gone, and returns the last
// state.
func (j job) listen(reports *os.File) (end report) {
	decoder := json.NewDecoder(reports)
	for {
		var r report
		if decoder.Decode(&r) != nil {
			return end
		}
		switch {
		case r.Started != 0:
			end.Started = r.Started
		case r.Stuck != "":
			j.log.Warn("a process of a command does not end: it is waited for", "process", r.Stuck)
		case r.Left != "":
			j.log.Warn("a process that a command has left behind cannot be killed, and goes on", "process", r.Left)
		case r.Ended:
			r.Started = end.Started
			end = r
		}
	}
}
