package peers

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// server is a server that this process has started.
type server struct {
	url  string // where it is, with its password
	stop func()
}

// serve starts a server and waits until it is ready.
func (p *Place) serve(ctx context.Context, cmd *exec.Cmd, dir, url string, leave syscall.Signal, ready func() bool) (*server, error) {
	r, err := p.start(cmd, dir, p.servers)
	if err != nil {
		return nil, err
	}
	stop := func() { r.stop(leave) }
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !ready() {
		select {
		case <-look.C:
		case <-r.ended:
			stop()
			return nil, r.failure()
		case <-ctx.Done():
			stop()
			return nil, fmt.Errorf("%s does not serve: %w:\n%s", filepath.Base(cmd.Path), context.Cause(ctx), r.said())
		}
	}
	return &server{url: url, stop: stop}, nil
}

// freePort is a port of 127.0.0.1 at which nobody listens now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// prepared makes the folder of a server, and chooses its port and its password.
func (p *Place) prepared(name string) (dir string, port int, password string, err error) {
	if dir, err = p.dataFolder(name); err == nil {
		port, err = freePort()
	}
	return dir, port, rand.Text(), err
}

// postgreSQL starts an empty PostgreSQL that has every commit on the disk before it answers.
// Everything else is its default. A password keeps other users of the machine out.
func (p *Place) postgreSQL(ctx context.Context, initdb, postgres string) (*server, error) {
	dir, port, password, err := p.prepared("postgresql")
	if err != nil {
		return nil, err
	}
	secret := filepath.Join(dir, "password")
	if err := p.write(secret, password); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	cmd := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile="+secret, "-E", "UTF8", "--locale=C.UTF-8")
	if err := p.complete(ctx, cmd, dir, p.servers); err != nil {
		return nil, err
	}
	cmd = exec.Command(postgres, "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprintf("port=%d", port), "-c", "unix_socket_directories=",
		"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on")
	url := fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	return p.serve(ctx, cmd, dir, url, syscall.SIGINT, func() bool {
		text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		return err == nil && strings.HasSuffix(strings.TrimSpace(string(text)), "ready")
	})
}

// redis starts an empty Redis that has every write on the disk before it answers. A password
// keeps other users of the machine out.
func (p *Place) redis(ctx context.Context, binary string) (*server, error) {
	dir, port, password, err := p.prepared("redis")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "redis.conf")
	if err := p.write(config, fmt.Sprintf("bind 127.0.0.1\nport %d\nrequirepass %s\ndaemonize no\ndir %s\nsave \"\"\nappendonly yes\nappendfsync always\n", port, password, dir)); err != nil {
		return nil, err
	}
	url := fmt.Sprintf("redis://:%s@127.0.0.1:%d/0", password, port)
	return p.serve(ctx, exec.Command(binary, config), dir, url, syscall.SIGTERM, func() bool {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Second)) // without one, the read below says so
		_, _ = fmt.Fprintf(conn, "AUTH %s\r\n", password)
		answer, err := bufio.NewReader(conn).ReadString('\n')
		return err == nil && answer == "+OK\r\n"
	})
}

// write makes a file that only the servers' user reads.
func (p *Place) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil || p.servers == nil {
		return err
	}
	return os.Chown(path, int(p.servers.Uid), int(p.servers.Gid))
}
