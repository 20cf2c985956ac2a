package integration

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// sign makes a certificate and its key, in PEM.
func (a *authority) sign(name string) (cert, key []byte) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare})
}

// files stores what a client needs and reads it as a user would.
func (a *authority) files(client *authority) *tls.Config {
	a.t.Helper()
	dir := a.t.TempDir()
	cert, key := client.sign("client")
	for name, data := range map[string][]byte{"ca.pem": a.pem, "cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	config, err := zkclient.TLSFiles(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		a.t.Fatal(err)
	}
	config.ServerName = "zk1" // the container is reached by its address
	return config
}

// locked keeps what is logged while other threads log.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const secret = "s3cr3t"

// secured is an ensemble that speaks TLS, with an identity for each role.
type secured struct {
	t        *testing.T
	ctx      context.Context
	servers  driven
	ours     *authority
	logs     *locked
	access   recipe.Access
	stranger *authority
}

func newSecured(t *testing.T, servers driven, ours *authority) *secured {
	s := &secured{t: t, servers: servers, ours: ours, stranger: newAuthority(t, "stranger"), logs: &locked{}}
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	s.access = recipe.Access{
		Master: []string{zkapi.DigestID("master", secret)}, Worker: []string{zkapi.DigestID("worker", secret)}, Client: []string{zkapi.DigestID("client", secret)},
	}
	return s
}

// env is that of one role; nobody has no credentials.
func (s *secured) env(role string, change func(*zkclient.Config)) *zkclient.Driver {
	s.t.Helper()
	config := zkclient.Config{
		Servers: []string{s.servers.secureAddress()}, SessionTimeout: 4 * time.Second, TLS: s.ours.files(s.ours),
		Logger: slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if role != "" {
		config.Credentials = []zkclient.Credential{zkclient.Digest(role, secret)}
		config.Logger.Debug("configured", "credentials", config.Credentials, "config", config)
	}
	if change != nil {
		change(&config)
	}
	env, err := zkclient.New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return env
}

func (s *secured) observers() recipe.Observers {
	return recipe.Observers{Logger: slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

// TestSecure_Ensemble runs the recipe with TLS, an identity for each role and ACLs on all
// znodes, and checks what each may not do.
func TestSecure_Ensemble(t *testing.T) {
	ours := newAuthority(t, "ours")
	cert, key := ours.sign("zk1")
	onBoth(t, ensemble.Config{Servers: 1, TLS: &ensemble.TLS{Server: append(key, cert...), Authority: ours.pem}}, func(t *testing.T, e driven) {
		newSecured(t, e, ours).workAndRefuse()
	})
}

func (s *secured) workAndRefuse() {
	t := s.t
	const namespace = "/secured"
	work := func(run func(context.Context) error) {
		done := make(chan struct{})
		ctx, stop := context.WithCancel(s.ctx)
		go func() { defer close(done); _ = run(ctx) }()
		t.Cleanup(func() { stop(); <-done })
	}
	master, err := recipe.NewMaster(s.env("master", nil), recipe.MasterConfig{
		Namespace: namespace, Access: s.access, Name: "m1", Queue: true, MaxBacklog: 1000, Retention: time.Hour, Observers: s.observers(),
	})
	if err != nil {
		t.Fatal(err)
	}
	work(master.Run)
	worker, err := recipe.NewWorker(s.env("worker", nil), recipe.WorkerConfig{
		Namespace: namespace, Access: s.access, Name: "w1", Observers: s.observers(),
		Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			_ = task.Progress([]byte("on it"))
			time.Sleep(300 * time.Millisecond)
			if task.Token.Attempt == 1 {
				return nil, errors.New("no")
			}
			return recipe.Result("done"), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	work(worker.Run)
	client, err := recipe.NewClient(s.env("client", nil), recipe.ClientConfig{Namespace: namespace, Access: s.access, Observers: s.observers()})
	if err != nil {
		t.Fatal(err)
	}
	submitted, err := client.Submit(s.ctx, []byte("x"), recipe.ID("t"))
	name := submitted.Task
	if err != nil {
		t.Fatal(err)
	}
	if status, err := client.Await(s.ctx, name); err != nil || string(status.Result) != "done" {
		t.Fatalf("%+v, %v", status, err)
	}
	submitted, err = client.Submit(s.ctx, nil, recipe.NotBefore(time.Now().Add(time.Hour)))
	later := submitted.Task
	if err != nil {
		t.Fatal(err)
	}
	if status, err := client.Cancel(s.ctx, later); err != nil || status.State != recipe.Cancelled {
		t.Errorf("%+v, %v", status, err)
	}
	if err := client.Collect(s.ctx, later); err != nil {
		t.Error(err)
	}
	s.forbidden(namespace, name)
	if strings.Contains(s.logs.String(), secret) {
		t.Error("the secret is in the logs")
	}
}

// forbidden tries what each role must not do.
func (s *secured) forbidden(namespace, task string) {
	for role, ops := range map[string][]zkapi.Op{
		"": {
			zkapi.Get("/tasks/" + task), zkapi.Children("/workers"), zkapi.Get("/master"), zkapi.Create("/tasks/x", nil, zkapi.Persistent),
			zkapi.Get("/tasks/" + task + "/status"), zkapi.Get("/assign/w1"),
		},
		"client": {
			zkapi.Delete("/master", -1), zkapi.Set("/assign", nil, -1), zkapi.Create("/assign/w9", nil, zkapi.Persistent),
			zkapi.Create("/assign/w1/x", nil, zkapi.Persistent), zkapi.Create("/workers/w9", nil, zkapi.Ephemeral),
			zkapi.Set("/tasks/"+task+"/status", nil, -1), zkapi.Set("/backlog", nil, -1), zkapi.Create("/candidates/c-1", nil, zkapi.Ephemeral),
			zkapi.Create("/x", nil, zkapi.Ephemeral), // it could be a /master
		},
		"worker": {
			zkapi.Set("/assign", nil, -1), zkapi.Create("/assign/w1/x", nil, zkapi.Persistent), zkapi.Set("/master", nil, -1),
			zkapi.Create("/tasks/x", nil, zkapi.Persistent), zkapi.Set("/tasks/"+task, nil, -1), zkapi.Set("/tasks/"+task+"/status", nil, -1),
			zkapi.Create("/candidates/c-1", nil, zkapi.Ephemeral), zkapi.Set("/backlog", nil, -1), zkapi.Create("/x", nil, zkapi.Ephemeral),
		},
		"master": {
			zkapi.Set("/tasks/"+task, nil, -1), zkapi.Set("/tasks/"+task+"/status", nil, -1),
		},
	} {
		session, err := s.env(role, nil).Open(s.ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, op := range ops {
			op.Path = namespace + op.Path
			if _, err := session.Do(s.ctx, op); !errors.Is(err, zkapi.ErrNoAuth) {
				s.t.Errorf("%q may %v %s: %v", role, op.Kind, op.Path, err)
			}
		}
		if err := session.Close(s.ctx); err != nil {
			s.t.Error(err)
		}
	}
	s.refused(namespace)
}

// refused checks that each refusal ends what was tried, with an error that says
// why, within a time in which it would have been tried many times.
func (s *secured) refused(namespace string) {
	var ctx context.Context // of the case at hand
	submit := func(env *zkclient.Driver) error {
		c, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: namespace, Access: s.access})
		if err != nil {
			s.t.Fatal(err)
		}
		_, err = c.Submit(ctx, nil)
		_ = c.Close(s.ctx)
		return err
	}
	lead := func(env *zkclient.Driver) error {
		m, err := recipe.NewMaster(env, recipe.MasterConfig{Namespace: namespace, Access: s.access, Name: "m2"})
		if err != nil {
			s.t.Fatal(err)
		}
		return m.Run(ctx)
	}
	work := func(env *zkclient.Driver) error {
		w, err := recipe.NewWorker(env, recipe.WorkerConfig{
			Namespace: namespace, Access: s.access, Name: "w2", Handler: func(context.Context, recipe.Task) (recipe.Result, error) { return nil, nil },
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return w.Run(ctx)
	}
	wrongPassword := func(c *zkclient.Config) { c.Credentials = []zkclient.Credential{zkclient.Digest("client", "guessed")} }
	noScheme := func(c *zkclient.Config) { c.Credentials = []zkclient.Credential{{Scheme: "nonsense", Secret: "x"}} }
	strangeServer := func(c *zkclient.Config) { c.TLS = s.stranger.files(s.ours) }
	strangeClient := func(c *zkclient.Config) { c.TLS = s.ours.files(s.stranger) }
	noCertificate := func(c *zkclient.Config) { c.TLS.Certificates = nil }
	otherName := func(c *zkclient.Config) { c.TLS.ServerName = "zk2" }
	noTLSThere := func(c *zkclient.Config) { c.Servers = s.servers.addresses() }
	for _, c := range []struct {
		name   string
		role   string
		change func(*zkclient.Config)
		try    func(*zkclient.Driver) error
		want   error
	}{
		{"submit without credentials", "", nil, submit, zkapi.ErrNoAuth},
		{"submit with a wrong password", "", wrongPassword, submit, zkapi.ErrNoAuth},
		{"lead without permission", "worker", nil, lead, zkapi.ErrNoAuth},
		{"work without permission", "client", nil, work, zkapi.ErrNoAuth},
		{"a scheme that the servers do not know", "", noScheme, submit, zkapi.ErrAuthFailed},
		{"a server of somebody else", "client", strangeServer, submit, zkapi.ErrUntrusted},
		{"a client of somebody else", "client", strangeClient, submit, zkapi.ErrUntrusted},
		{"a client without a certificate", "client", noCertificate, lead, zkapi.ErrUntrusted},
		{"a server with another name", "client", otherName, work, zkapi.ErrUntrusted},
		{"a server without TLS", "client", noTLSThere, submit, context.DeadlineExceeded}, // it may be starting, so this is tried until ctx ends
	} {
		late := c.want == context.DeadlineExceeded
		limit := 15 * time.Second
		if late {
			limit = 4 * time.Second
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(s.ctx, limit)
		err := c.try(s.env(c.role, c.change))
		if !errors.Is(err, c.want) || ctx.Err() != nil && !late || late && !strings.Contains(err.Error(), "without TLS at this port") {
			s.t.Errorf("%s: %v, want %v", c.name, err, c.want)
		} else {
			s.t.Logf("%s: %v", c.name, err)
		}
		cancel()
		if err != nil && strings.Contains(err.Error(), secret) {
			s.t.Errorf("%s: the secret is in the error", c.name)
		}
	}
}

// TestSecure_IdentitiesOfAnotherAlgorithm has servers with another digestAlg than the
// identities: the first process says so about its own znode. With the right algorithm, the
// same processes work.
func TestSecure_IdentitiesOfAnotherAlgorithm(t *testing.T) {
	profile, err := ensemble.ProfileNamed("digest-sha256")
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	t.Run("serve", func(t *testing.T) { // it has SHA1
		identities(t, startServe(t, ensemble.Config{Servers: 1}), map[string]bool{"SHA1": true, "sha256": false})
	})
	t.Run("ZooKeeper", func(t *testing.T) {
		identities(t, startReal(t, ensemble.Config{Servers: 1, Profile: profile}), map[string]bool{"SHA1": false, "sha256": true})
	})
}

// identities has a process with an identity of each algorithm, which may work or not.
func identities(t *testing.T, e driven, algorithms map[string]bool) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for algorithm, works := range algorithms {
		id, err := zkapi.DigestIDWith(algorithm, "me", secret)
		if err != nil {
			t.Fatal(err)
		}
		env, err := zkclient.New(zkclient.Config{Servers: e.addresses(), SessionTimeout: 4 * time.Second, Credentials: []zkclient.Credential{zkclient.Digest("me", secret)}})
		if err != nil {
			t.Fatal(err)
		}
		access := recipe.Access{Master: []string{id}, Worker: []string{id}, Client: []string{id}}
		client, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: "/of-" + algorithm, Access: access})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Submit(ctx, []byte("x"))
		if ours := errors.Is(err, zkapi.ErrNoAuth) && strings.Contains(err.Error(), "/of-"+algorithm+" is the znode of this process"); works && err != nil || !works && !ours {
			t.Errorf("%s: %v", algorithm, err)
		}
		if err := client.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}
