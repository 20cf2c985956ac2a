package peers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one that runs in a place.
type process struct {
	cmd   *exec.Cmd
	log   string // the file with what it said
	note  string // the file with its number
	ended chan struct{}
	err   error // set when ended is closed
}

// start starts a command in a group of its own, so that Ctrl-C at a terminal does not reach
// it before this process has decided. dir is within the place.
func (p *Place) start(cmd *exec.Cmd, dir string, as *syscall.Credential) (*process, error) {
	p.started++
	name := fmt.Sprintf("%d-%s", p.started, filepath.Base(cmd.Path))
	r := &process{cmd: cmd, log: filepath.Join(p.Folder, name+".log"), note: filepath.Join(p.Folder, name+".pid"), ended: make(chan struct{})}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.Stderr, cmd.Dir = log, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		r.err = cmd.Wait()
		close(r.ended)
	}()
	if err := os.WriteFile(r.note, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		r.stop(syscall.SIGKILL)
		return nil, err
	}
	return r, nil
}

// stop sends a signal, and kills the whole group if that does not end it within ten seconds.
func (r *process) stop(with syscall.Signal) {
	pid := r.cmd.Process.Pid
	select {
	case <-r.ended:
	default:
		_ = syscall.Kill(pid, with) // it may have ended meanwhile
	}
	select {
	case <-r.ended:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // with its children
	<-r.ended
	_ = os.Remove(r.note)
}

// said is the end of what the process said on its standard error.
func (r *process) said() string {
	text, _ := os.ReadFile(r.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// failure is why it ended.
func (r *process) failure() error {
	return fmt.Errorf("%s: %w:\n%s", filepath.Base(r.cmd.Path), r.err, r.said())
}

// complete runs a command to its end, or kills it with its children when ctx ends.
func (p *Place) complete(ctx context.Context, cmd *exec.Cmd, dir string, as *syscall.Credential) error {
	r, err := p.start(cmd, dir, as)
	if err != nil {
		return err
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
	}
	r.stop(syscall.SIGKILL)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.err != nil {
		return r.failure()
	}
	return nil
}

// run runs a command to its end, and reads the figures that it prints.
func (p *Place) run(ctx context.Context, cmd *exec.Cmd) ([]Figure, error) {
	var printed bytes.Buffer
	cmd.Stdout = &printed
	if err := p.complete(ctx, cmd, p.Folder, nil); err != nil {
		return nil, err
	}
	figures, err := read(&printed)
	if err == nil && len(figures) == 0 {
		err = fmt.Errorf("it printed no figure")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return figures, nil
}
