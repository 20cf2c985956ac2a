package ensemble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// ErrExternal means that a server is not ours to break.
var ErrExternal = errors.New("the ensemble is external: only participants can be tortured, its servers cannot")

// Server is one ZooKeeper server.
type Server struct {
	Name          string // zk1, zk2, ...
	Address       string // host:port for clients on this machine
	SecureAddress string // the same with TLS; nobody listens there without Config.TLS

	peerIP    string // on the ensemble's network
	container string
	docker    *testcontainers.DockerClient
}

// Status is what a serving server says of itself.
type Status struct {
	Version string // 3.9.3
	Mode    string // leader, follower, standalone
	Zxid    string // last applied
}

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

// fourLetterLimit is how long a server may take to answer before it counts as
// not answering.
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
	answer, err := io.ReadAll(conn)
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
func (s *Server) Kill(ctx context.Context) error {
	_, err := s.exec(ctx, `pid=$(cat /ringmaster/pid) && kill -9 $pid && while [ -e /ringmaster/pid ]; do sleep 0.02; done`)
	return err
}

// Running reports whether the server process exists.
func (s *Server) Running(ctx context.Context) (bool, error) {
	out, err := s.exec(ctx, `if [ -e /ringmaster/pid ] && kill -0 $(cat /ringmaster/pid) 2>/dev/null; then echo yes; else echo no; fi`)
	return strings.TrimSpace(out) == "yes", err
}

// Restart lets a killed server run again; a running one is left alone. It does
// not wait until the server serves.
func (s *Server) Restart(ctx context.Context) error {
	_, err := s.exec(ctx, `touch /ringmaster/up`)
	return err
}

// Pause freezes every process of the server.
func (s *Server) Pause(ctx context.Context) error {
	if s.docker == nil {
		return ErrExternal
	}
	_, err := s.docker.ContainerPause(ctx, s.container, client.ContainerPauseOptions{})
	return err
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

// Resume thaws a paused server; one that runs is left alone.
func (s *Server) Resume(ctx context.Context) error {
	paused, err := s.Paused(ctx)
	if err != nil || !paused {
		return err
	}
	_, err = s.docker.ContainerUnpause(ctx, s.container, client.ContainerUnpauseOptions{})
	return err
}

// Cut drops every packet from and to the given peers, in this server's own
// packet rules. Clients are not affected.
func (s *Server) Cut(ctx context.Context, peers ...*Server) error {
	var script strings.Builder
	script.WriteString("set -e\n")
	for _, peer := range peers {
		fmt.Fprintf(&script, "iptables -w -A INPUT -s %[1]s -j DROP\niptables -w -A OUTPUT -d %[1]s -j DROP\n", peer.peerIP)
	}
	_, err := s.exec(ctx, script.String())
	return err
}

// Reconnect removes every packet rule of this server.
func (s *Server) Reconnect(ctx context.Context) error {
	_, err := s.exec(ctx, "iptables -w -F")
	return err
}

// Dropped is how many packets the rules of Cut have dropped since it was called.
func (s *Server) Dropped(ctx context.Context) (int, error) {
	out, err := s.exec(ctx, `iptables -w -nvxL | awk '$3 == "DROP" { n += $1 } END { print n + 0 }'`)
	if err != nil {
		return 0, err
	}
	var packets int
	if _, err := fmt.Sscan(out, &packets); err != nil {
		return 0, fmt.Errorf("ensemble: %s: packet counters %q: %w", s.Name, out, err)
	}
	return packets, nil
}

// lastOutput is the end of what the server printed, for an error message.
func (s *Server) lastOutput(ctx context.Context) string {
	logs, err := s.docker.ContainerLogs(ctx, s.container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "10"})
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	var out strings.Builder
	_, _ = stdcopy.StdCopy(&out, &out, logs)
	return out.String()
}

func (s *Server) saveLog(ctx context.Context, path string) error {
	logs, err := s.docker.ContainerLogs(ctx, s.container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return fmt.Errorf("ensemble: %s: logs: %w", s.Name, err)
	}
	defer logs.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = stdcopy.StdCopy(file, file, logs)
	return errors.Join(err, file.Close())
}

func (s *Server) saveData(ctx context.Context, dir string) error {
	copied, err := s.docker.CopyFromContainer(ctx, s.container, client.CopyFromContainerOptions{SourcePath: "/data"})
	if err != nil {
		return fmt.Errorf("ensemble: %s: copy data: %w", s.Name, err)
	}
	defer copied.Content.Close()
	return untar(copied.Content, dir)
}
