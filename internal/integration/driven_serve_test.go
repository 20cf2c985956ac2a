package integration

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// served are servers of model/zk/serve, driven in this process. They keep their state in a
// directory. Their ports stay open while they do not run, so that no other program takes one;
// a connection is closed then.
type served struct {
	options serve.Options
	disk    string
	copy    string // of the disk
	plain   []string
	secure  string

	mu       sync.Mutex
	ensemble *serve.Ensemble
	cuts     []*serve.Injection
}

func startServe(t *testing.T, config ensemble.Config) *served {
	t.Helper()
	dir := t.TempDir()
	s := &served{disk: filepath.Join(dir, "disk"), copy: filepath.Join(dir, "copy"), options: serve.Options{
		Members: config.Servers, MaxBuffer: config.Profile.Most,
		TickTime:  cmp.Or(config.Profile.Tick, config.TickTime, 500*time.Millisecond),
		SyncLimit: cmp.Or(config.Profile.SyncLimit, ensemble.DefaultSyncLimit),
	}}
	s.begin(t)
	t.Cleanup(func() { s.current().Close() })
	for i := range config.Servers {
		l := listen(t)
		s.plain = append(s.plain, l.Addr().String())
		s.serve(t, i, l)
	}
	if config.TLS != nil {
		l := listen(t)
		s.secure = l.Addr().String()
		s.serve(t, 0, tls.NewListener(l, secureSettings(t, config.TLS)))
	}
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// secureSettings are those of servers that want a certificate of their clients.
func secureSettings(t *testing.T, material *ensemble.TLS) *tls.Config {
	t.Helper()
	own, err := tls.X509KeyPair(material.Server, material.Server)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(material.Authority) {
		t.Fatal("the authority has no certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
}

// begin starts all servers from what the disk has.
func (s *served) begin(t *testing.T) {
	t.Helper()
	e, err := serve.Open(s.disk, s.options)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensemble = e
}

func (s *served) current() *serve.Ensemble {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ensemble
}

// serve gives a server its connections until the test ends.
func (s *served) serve(t *testing.T, server int, l net.Listener) {
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.current().Members()[server].ServeConn(c)
		}
	})
}

func (s *served) addresses() []string { return s.plain }

func (s *served) secureAddress() string { return s.secure }

func (s *served) leader(t *testing.T) int {
	t.Helper()
	leader := s.current().Leader()
	if leader == nil {
		t.Fatal("no server leads")
	}
	return leader.ID() - 1
}

func (s *served) cutOff(t *testing.T, server int) {
	t.Helper()
	cut, err := s.current().Inject(serve.Fault{Kind: serve.Isolate, On: serve.Target{Who: serve.TheMember, ID: int64(server + 1)}})
	if err != nil {
		t.Fatal(err)
	}
	s.cuts = append(s.cuts, cut)
}

func (s *served) stop(_ *testing.T, server int) { s.current().Members()[server].Stop() }

func (s *served) healAll(t *testing.T) {
	t.Helper()
	for _, cut := range s.cuts {
		cut.Heal()
	}
	s.cuts = nil
	for _, m := range s.current().Members() {
		m.Start()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		looking := 0
		for _, m := range s.current().Members() {
			if m.Role() == "looking" {
				looking++
			}
		}
		if looking == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d servers do not serve", looking)
		}
	}
}

func (s *served) restarted(t *testing.T, with diskWork) {
	t.Helper()
	s.current().Close()
	var err error
	switch with {
	case copied:
		err = os.CopyFS(s.copy, os.DirFS(s.disk))
	case replaced:
		err = errors.Join(os.RemoveAll(s.disk), os.CopyFS(s.disk, os.DirFS(s.copy)))
	case wiped:
		err = os.RemoveAll(s.disk)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.begin(t)
}

func (s *served) zkCli(ctx context.Context, t *testing.T) zkShell {
	t.Helper()
	needClient(t, "zkcli")
	shell := &localShell{done: make(chan struct{})}
	command := exec.CommandContext(ctx, zkCli, "-server", s.plain[0])
	command.Stdout, command.Stderr, command.WaitDelay = &shell.out, &shell.out, time.Second
	var err error
	if shell.in, err = command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(shell.done); _ = command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill(); <-shell.done })
	return shell
}

// localShell is a zkCli.sh of this machine.
type localShell struct {
	in   io.WriteCloser
	out  locked
	done chan struct{}
}

func (l *localShell) Output() string { return l.out.String() }

func (l *localShell) Send(command string) error {
	_, err := io.WriteString(l.in, command+"\n")
	return err
}

func (l *localShell) Quit(ctx context.Context) (string, error) {
	if err := l.Send("quit"); err != nil {
		return l.Output(), err
	}
	select {
	case <-l.done:
		return l.Output(), nil
	case <-ctx.Done():
		return l.Output(), fmt.Errorf("zkCli.sh does not quit: %w", context.Cause(ctx))
	}
}
