package ensemble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// ErrExternal means that a server is of an external ensemble and must not be broken.
var ErrExternal = errors.New("the ensemble is external: only participants can be tortured, its servers cannot")

// Server is one ZooKeeper server.
type Server struct {
	Name          string // zk1, zk2, ...
	Address       string // host:port for clients on this machine
	SecureAddress string // the same with TLS; closed without Config.TLS

	peerIP    string // on the ensemble's network
	container string
	smallLog  bool // FillDisk works on this server
	docker    *testcontainers.DockerClient
}

// Modes of a serving server.
const (
	Leading   = "leader"
	Following = "follower"
	Single    = "standalone"
)

// Status is a serving server's report about itself.
type Status struct {
	Version string // 3.9.3
	Mode    string // Leading, Following, Single
	Zxid    string // last applied
}

func (s Status) leads() bool { return s.Mode == Leading || s.Mode == Single }

// Status asks the server with the four-letter word srvr. A server that does not
// serve is an error.
func (s *Server) Status(ctx context.Context) (Status, error) {
	text, err := s.FourLetterWord(ctx, "srvr")
	if err != nil {
		return Status{}, err
	}
	fields := statusFields(text)
	if fields["Mode"] == "" {
		return Status{}, fmt.Errorf("ensemble: %s does not serve: %s", s.Name, strings.TrimSpace(text))
	}
	version, _, _ := strings.Cut(fields["Zookeeper version"], "-")
	return Status{Version: version, Mode: fields["Mode"], Zxid: fields["Zxid"]}, nil
}

// fourLetterLimit is how long a server may take to answer. After that it counts as not
// answering.
const fourLetterLimit = 1500 * time.Millisecond

// FourLetterWord sends one of ZooKeeper's administrative commands.
func (s *Server) FourLetterWord(ctx context.Context, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fourLetterLimit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return "", fmt.Errorf("ensemble: %s at %s: %w", s.Name, s.Address, err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := io.WriteString(conn, word); err != nil {
		return "", fmt.Errorf("ensemble: %s: %s: %w", s.Name, word, err)
	}
	const most = 1 << 20 // another program may listen there
	answer, err := io.ReadAll(io.LimitReader(conn, most))
	if err != nil && len(answer) == 0 {
		return "", fmt.Errorf("ensemble: %s: %s: %w", s.Name, word, err)
	}
	return string(answer), nil
}

// Reachable reports whether the server's port accepts connections. Four-letter
// words are not used, because an external ensemble may forbid them.
func (s *Server) Reachable(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("ensemble: %s: %w", s.Address, err)
	}
	return conn.Close()
}

func (s *Server) exec(ctx context.Context, script string) (string, error) {
	if s.docker == nil {
		return "", ErrExternal
	}
	out, err := execIn(ctx, s.docker, s.container, script)
	if err != nil {
		return out, fmt.Errorf("%s: %w", s.Name, err)
	}
	return out, nil
}

// Kill ends the server process with SIGKILL. It stays down until Restart.
func (s *Server) Kill(ctx context.Context) error { return s.end(ctx, "KILL") }

// Quit ends the server process with SIGTERM, as an administrator does. It stays down
// until Restart.
func (s *Server) Quit(ctx context.Context) error { return s.end(ctx, "TERM") }

// end sends the server process a signal and waits until it is gone.
func (s *Server) end(ctx context.Context, signal string) error {
	_, err := s.exec(ctx, `pid=$(cat /ringmaster/pid) && kill -`+signal+` $pid && while [ -e /ringmaster/pid ]; do sleep 0.02; done`)
	return err
}

// Process is the number of the server process inside its container; empty if there is
// none. A restarted server has a new number.
func (s *Server) Process(ctx context.Context) (string, error) {
	out, err := s.exec(ctx, `if [ -e /ringmaster/pid ] && kill -0 $(cat /ringmaster/pid) 2>/dev/null; then cat /ringmaster/pid; fi`)
	return strings.TrimSpace(out), err
}

// Running reports whether the server process exists.
func (s *Server) Running(ctx context.Context) (bool, error) {
	pid, err := s.Process(ctx)
	return pid != "", err
}

// Restart starts a killed server again; a running server is left alone. It does not
// wait until the server serves.
func (s *Server) Restart(ctx context.Context) error {
	_, err := s.exec(ctx, `touch /ringmaster/up`)
	return err
}

// Pause freezes every process of the server.
func (s *Server) Pause(ctx context.Context) error {
	if s.docker == nil {
		return ErrExternal
	}
	return untilFrozen(ctx, func() error {
		_, err := s.docker.ContainerPause(ctx, s.container, client.ContainerPauseOptions{})
		return err
	})
}

// untilFrozen repeats a pause that the engine has given up. On a busy machine the kernel may need
// longer to freeze all processes than runc waits for that; runc then thaws them again.
func untilFrozen(ctx context.Context, pause func() error) error {
	const most, between = 5, 200 * time.Millisecond
	for tries := 1; ; tries++ {
		err := pause()
		if err == nil || tries == most || !strings.Contains(err.Error(), "unable to freeze") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(between):
		}
	}
}

// Paused reports whether the engine holds the server frozen.
func (s *Server) Paused(ctx context.Context) (bool, error) {
	if s.docker == nil {
		return false, ErrExternal
	}
	found, err := s.docker.ContainerInspect(ctx, s.container, client.ContainerInspectOptions{})
	if err != nil {
		return false, err
	}
	return found.Container.State.Paused, nil
}

// Resume thaws a paused server; a running server is left alone.
func (s *Server) Resume(ctx context.Context) error {
	paused, err := s.Paused(ctx)
	if err != nil || !paused {
		return err
	}
	_, err = s.docker.ContainerUnpause(ctx, s.container, client.ContainerUnpauseOptions{})
	return err
}
