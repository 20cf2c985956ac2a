package ensemble

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// CLI runs the image's own zkCli.sh with one command per line and returns its output.
// It is for tests.
func (s *Server) CLI(ctx context.Context, commands ...string) (string, error) {
	shell, err := s.OpenCLI(ctx)
	if err != nil {
		return "", err
	}
	for _, command := range commands {
		if err := shell.Send(command); err != nil {
			return "", err
		}
	}
	return shell.Quit(ctx)
}

// Shell is a running zkCli.sh, and so a session that stays.
type Shell struct {
	attached client.ExecAttachResult
	done     chan struct{}

	mu  sync.Mutex
	out strings.Builder
}

// OpenCLI starts the image's own zkCli.sh, connected to this server.
func (s *Server) OpenCLI(ctx context.Context) (*Shell, error) {
	if s.docker == nil {
		return nil, ErrExternal
	}
	created, err := s.docker.ExecCreate(ctx, s.container, client.ExecCreateOptions{
		Cmd:         []string{"sh", "/ringmaster/server.sh", "cli", "-server", "localhost:2181"},
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, fmt.Errorf("ensemble: %s: zkCli.sh: %w", s.Name, err)
	}
	attached, err := s.docker.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("ensemble: %s: zkCli.sh: %w", s.Name, err)
	}
	shell := &Shell{attached: attached, done: make(chan struct{})}
	go func() {
		defer close(shell.done)
		_, _ = stdcopy.StdCopy(shell, shell, attached.Reader)
	}()
	return shell, nil
}

// Write collects the output of zkCli.sh.
func (s *Shell) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

// Output is the output of zkCli.sh so far.
func (s *Shell) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// Send types one command.
func (s *Shell) Send(command string) error {
	if _, err := io.WriteString(s.attached.Conn, command+"\n"); err != nil {
		return fmt.Errorf("ensemble: zkCli.sh: %w", err)
	}
	return nil
}

// Quit ends zkCli.sh, and with it its session, and returns its whole output.
func (s *Shell) Quit(ctx context.Context) (string, error) {
	defer s.attached.Close()
	if err := s.Send("quit"); err != nil {
		return s.Output(), err
	}
	select {
	case <-s.done:
		return s.Output(), nil
	case <-ctx.Done():
		return s.Output(), fmt.Errorf("ensemble: zkCli.sh does not quit: %w", context.Cause(ctx))
	case <-time.After(30 * time.Second):
		return s.Output(), fmt.Errorf("ensemble: zkCli.sh does not quit")
	}
}
