package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// child is a process that runs one role.
type child struct {
	name    string
	command *exec.Cmd
	stdin   io.WriteCloser
	held    atomic.Int64 // handlers of it that do not return yet
	memory  chan memory  // answers
	exited  chan struct{}
}

// child starts a process of its own for a role.
func (b *bed) child(role, name string, timeout time.Duration) (*child, error) {
	config, err := json.Marshal(roleConfig{Role: role, Name: name, Servers: b.servers, SessionTimeout: timeout})
	if err != nil {
		return nil, err
	}
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{
		name: name, command: exec.Command(path, RoleCommand, owner.Flag+owner.Self().String(), "--config="+string(config)),
		memory: make(chan memory, 1), exited: make(chan struct{}),
	}
	c.command.Stderr = os.Stderr
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go c.read(stdout)
	return c, nil
}

// read takes what the process says, until its end.
func (c *child) read(stdout io.Reader) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var s said
		if json.Unmarshal(lines.Bytes(), &s) != nil {
			continue
		}
		if s.Held != nil {
			c.held.Store(*s.Held)
		}
		if s.Memory != nil {
			c.memory <- *s.Memory
		}
	}
	_ = c.command.Wait() // how it ended is its own affair: it may have been killed
	c.held.Store(0)
	close(c.exited)
}

// errExited is why a process does not answer.
var errExited = errors.New("the process has ended")

// ask returns the memory of the process.
func (c *child) ask(ctx context.Context) (memory, error) {
	if _, err := io.WriteString(c.stdin, askMemory+"\n"); err != nil {
		return memory{}, fmt.Errorf("%s: %w", c.name, err)
	}
	select {
	case m := <-c.memory:
		return m, nil
	case <-c.exited:
		return memory{}, fmt.Errorf("%s: %w", c.name, errExited)
	case <-ctx.Done():
		return memory{}, context.Cause(ctx)
	}
}

// kill ends the process with SIGKILL and returns when that was.
func (c *child) kill() (at time.Duration, err error) {
	at = clock.Now()
	if err := c.command.Process.Kill(); err != nil {
		return 0, fmt.Errorf("kill %s: %w", c.name, err)
	}
	<-c.exited
	return at, nil
}

// leave lets the process leave in good order, and does not wait for that.
func (c *child) leave() { _ = c.stdin.Close() } // it may have ended

// stop lets the process leave in good order, and waits for its end. After a while it is killed.
func (c *child) stop() {
	c.leave()
	select {
	case <-c.exited:
	case <-time.After(30 * time.Second):
		_ = c.command.Process.Kill()
		<-c.exited
	}
}

// sessionEnd waits until the session of a worker has ended, and returns when a client heard of it.
func (b *bed) sessionEnd(ctx context.Context, worker string) (at time.Duration, err error) {
	err = b.with(ctx, func(session zkapi.Session) error {
		for {
			r, err := session.Do(ctx, zkapi.Exists("/workers/"+worker).Watched())
			if err != nil {
				return err
			}
			if !r.Found {
				at = cmp.Or(at, clock.Now())
				return nil
			}
			if _, err := b.driver.Wait(ctx, r.Watch); err != nil {
				return err
			}
			at = clock.Now()
		}
	})
	return at, err
}

// moment is when something was.
type moment struct {
	at  time.Duration
	err error
}

// whenOver is sessionEnd beside what the caller does meanwhile.
func (b *bed) whenOver(ctx context.Context, worker string) <-chan moment {
	over := make(chan moment, 1)
	go func() {
		at, err := b.sessionEnd(ctx, worker)
		over <- moment{at, err}
	}()
	return over
}
