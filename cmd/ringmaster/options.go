package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/metrics"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// options are the options of every command.
type options struct {
	servers        []string
	namespace      string
	sessionTimeout time.Duration
	connectTimeout time.Duration
	authFile       string
	maxRequest     int
	access         map[string]string
	tlsCA          string
	tlsCert        string
	tlsKey         string
	logLevel       string
	logJSON        bool
}

// envOr is the value of an environment variable, or a default.
func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func (o *options) register(f *pflag.FlagSet) {
	f.StringSliceVar(&o.servers, "servers", strings.Split(envOr("RINGMASTER_SERVERS", "localhost:2181"), ","), "ZooKeeper servers, host:port,... (RINGMASTER_SERVERS)")
	f.StringVar(&o.namespace, "namespace", os.Getenv("RINGMASTER_NAMESPACE"), "path in front of every znode, such as /billing (RINGMASTER_NAMESPACE)")
	f.DurationVar(&o.sessionTimeout, "session-timeout", 10*time.Second, "session timeout to ask for")
	f.DurationVar(&o.connectTimeout, "connect-timeout", 30*time.Second, "how long a client command waits for an answer; 0: for ever")
	f.IntVar(&o.maxRequest, "max-request", zkclient.DefaultMaxRequest, "bytes of the largest request that the servers accept: their jute.maxbuffer")
	f.StringVar(&o.authFile, "auth-file", os.Getenv("RINGMASTER_AUTH_FILE"), "file with user:password for digest authentication (RINGMASTER_AUTH_FILE)")
	f.StringToStringVar(&o.access, "access", nil, "identities of the roles: master=ID,worker=ID,client=ID (see ringmaster identity); the same everywhere")
	f.StringVar(&o.tlsCA, "tls-ca", "", "PEM file of the authority that signed the servers' certificates; turns TLS on")
	f.StringVar(&o.tlsCert, "tls-cert", "", "PEM file of the client's certificate")
	f.StringVar(&o.tlsKey, "tls-key", "", "PEM file of the client's key")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error; logs go to standard error")
	f.BoolVar(&o.logJSON, "log-json", false, "log as JSON")
}

// credentials are the credentials in the auth file.
func (o *options) credentials() (user, password string, err error) {
	data, err := os.ReadFile(o.authFile)
	if err != nil {
		return "", "", misuse("--auth-file: %w", err)
	}
	user, password, ok := strings.Cut(strings.TrimSpace(string(data)), ":")
	if !ok || user == "" || password == "" {
		return "", "", misuse("--auth-file %s: write user:password into it", o.authFile)
	}
	return user, password, nil
}

func (o *options) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, misuse("--log-level %q: choose debug, info, warn or error", o.logLevel)
	}
	settings := &slog.HandlerOptions{Level: level}
	if o.logJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, settings)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, settings)), nil
}

// connect makes from the options the parts that every role needs.
func (o *options) connect() (*granting, recipe.Access, *slog.Logger, error) {
	fail := func(err error) (*granting, recipe.Access, *slog.Logger, error) {
		return nil, recipe.Access{}, nil, err
	}
	log, err := o.logger()
	if err != nil {
		return fail(err)
	}
	if o.connectTimeout < 0 {
		return fail(misuse("--connect-timeout %v: give a time, or 0 to wait for ever", o.connectTimeout))
	}
	config := zkclient.Config{Servers: o.servers, SessionTimeout: o.sessionTimeout, MaxRequest: o.maxRequest, Logger: log}
	if o.authFile != "" {
		user, password, err := o.credentials()
		if err != nil {
			return fail(err)
		}
		config.Credentials = []zkclient.Credential{zkclient.Digest(user, password)}
	}
	if config.TLS, err = o.tls(); err != nil {
		return fail(err)
	}
	env, err := zkclient.New(config)
	if err != nil {
		return fail(exit.With(exit.WrongUse, err))
	}
	access, err := o.roles()
	return newGranting(env, o.sessionTimeout), access, log, err
}

func (o *options) tls() (*tls.Config, error) {
	if o.tlsCA == "" {
		if o.tlsCert != "" || o.tlsKey != "" {
			return nil, misuse("--tls-cert and --tls-key need --tls-ca, which turns TLS on")
		}
		return nil, nil
	}
	config, err := zkclient.TLSFiles(o.tlsCA, o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, exit.With(exit.WrongUse, err)
	}
	return config, nil
}

// roles are the identities that ACLs name.
func (o *options) roles() (recipe.Access, error) {
	var a recipe.Access
	for role, id := range o.access {
		switch role {
		case "master":
			a.Master = []string{id}
		case "worker":
			a.Worker = []string{id}
		case "client":
			a.Client = []string{id}
		default:
			return a, misuse("--access %s=...: the roles are master, worker and client", role)
		}
	}
	if n := len(o.access); n != 0 && n != 3 {
		return a, misuse("--access: name all three roles, master=ID,worker=ID,client=ID; one identity may play several")
	}
	return a, nil
}

// withClient runs body with a client. It takes at most --connect-timeout, unless it is
// patient.
func (o *options) withClient(cmd *cobra.Command, patient bool, body func(ctx context.Context, c *recipe.Client) error) error {
	return o.withEnv(cmd, patient, func(ctx context.Context, c *recipe.Client, _ *granting) error { return body(ctx, c) })
}

// withEnv is withClient for a body that also needs the granted timeout.
func (o *options) withEnv(cmd *cobra.Command, patient bool, body func(ctx context.Context, c *recipe.Client, env *granting) error) error {
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	c, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: o.namespace, Access: access, Observers: recipe.Observers{Logger: log}})
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer done(c)
	if patient {
		return body(cmd.Context(), c, env)
	}
	ctx, cancel := o.limited(cmd.Context())
	defer cancel()
	return body(ctx, c, env)
}

// limited bounds the wait for an answer by --connect-timeout.
func (o *options) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.connectTimeout == 0 {
		return context.WithCancel(ctx)
	}
	late := exit.With(exit.Unreachable, fmt.Errorf("no answer from %v within %v", o.servers, o.connectTimeout))
	return context.WithTimeoutCause(ctx, o.connectTimeout, late)
}

// done closes a client.
func done(c *recipe.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = c.Close(ctx) // a session that lingers owns no znodes
}

// serveMetrics offers /metrics on an address until stop is called.
func serveMetrics(address string, log *slog.Logger) (measured recipe.Metrics, stop func(), err error) {
	if address == "" {
		return nil, func() {}, nil
	}
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, cannotListen(address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	log.Info("metrics are served", "address", listener.Addr())
	return m, func() { _ = server.Close(); <-over }, nil
}

// cannotListen is the error about an address for metrics. The address may be free at
// the next start if it is in use, or does not exist yet.
func cannotListen(address string, err error) error {
	dns, named := errors.AsType[*net.DNSError](err)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) || named && dns.Temporary() {
		return fmt.Errorf("--metrics %s: %w: give another address, or end what uses this one", address, err)
	}
	return misuse("--metrics %s: %w: give host:port, or :port, that this user may listen at", address, err)
}

func identityCommand(o *options) *cobra.Command {
	algorithm := "SHA1"
	cmd := &cobra.Command{
		Use: "identity", Short: "Print the identity of the user in --auth-file, for --access", Args: cobra.NoArgs,
		Example: "  ringmaster identity --auth-file worker.auth\n  ringmaster master --auth-file master.auth --access master=ID,worker=ID,client=ID",
		RunE: func(cmd *cobra.Command, _ []string) error {
			user, password, err := o.credentials()
			if err != nil {
				return err
			}
			id, err := zkapi.DigestIDWith(algorithm, user, password)
			if err != nil {
				return misuse("--digest-alg: %w", err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), id)
			return nil
		},
	}
	cmd.Flags().StringVar(&algorithm, "digest-alg", algorithm, "the servers' zookeeper.DigestAuthenticationProvider.digestAlg")
	return cmd
}
