package ensemble

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// Config describes an ensemble in containers.
type Config struct {
	Servers  int // 1, 3 or 5
	TickTime time.Duration
	Image    Image
	Run      string  // names the network and the containers
	SmallLog int64   // if not 0, the bytes of a volume for the last server's transaction log alone
	TLS      *TLS    // makes the servers also listen for clients that show a certificate
	Profile  Profile // other settings; its Tick is for the code that makes the Config
}

// TLS is the server's key material for TLS, in PEM.
type TLS struct {
	Server    []byte // private key and certificate of the servers
	Authority []byte // that has signed the certificates of clients
}

// Ensemble is a set of ZooKeeper servers. The servers of an external ensemble can be
// reached but not broken.
type Ensemble struct {
	Servers []*Server

	secret   string // the secret that a connection shows first; "": none
	run      string
	docker   *testcontainers.DockerClient // nil when external
	stopOnce sync.Once
	stopErr  error
}

// Start runs the servers and waits until all of them serve. On failure nothing
// is left behind.
func Start(ctx context.Context, config Config) (*Ensemble, error) {
	switch config.Servers {
	case 1, 3, 5:
	default:
		return nil, fmt.Errorf("ensemble: %d servers: choose 1, 3 or 5", config.Servers)
	}
	docker, err := engine(ctx)
	if err != nil {
		return nil, err
	}
	e := &Ensemble{run: config.Run, docker: docker, secret: config.Profile.Secret}
	if err := e.start(ctx, config); err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return nil, errors.Join(err, e.Stop(cleanup))
	}
	return e, nil
}

func (e *Ensemble) start(ctx context.Context, config Config) error {
	_, err := e.docker.NetworkCreate(ctx, e.networkName(), client.NetworkCreateOptions{Driver: "bridge", Labels: e.labels()})
	if err != nil {
		return fmt.Errorf("ensemble: create network: %w", err)
	}
	errs := make([]error, config.Servers)
	e.Servers = make([]*Server, config.Servers)
	var group sync.WaitGroup
	for i := range config.Servers {
		group.Go(func() { e.Servers[i], errs[i] = e.startServer(ctx, config, i+1) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := e.WaitServing(ctx, config.Servers); err != nil {
		return fmt.Errorf("%w; the end of %s's output:\n%s", err, e.Servers[0].Name, e.Servers[0].lastOutput(context.WithoutCancel(ctx)))
	}
	return nil
}

// startLimit is how long a new ensemble may take until it serves. On a busy machine the start of one
// server alone may take 40 s.
const startLimit = 4 * time.Minute

func (e *Ensemble) labels() map[string]string {
	return map[string]string{labelOwner: owner.Self().String(), labelRun: e.run}
}

func (e *Ensemble) networkName() string { return "ringmaster-" + e.run }

// configuration is zoo.cfg. Servers know each other by name; names keep their
// addresses because a killed server keeps its container.
func configuration(config Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tickTime=%d\ninitLimit=20\nsyncLimit=%d\nclientPort=2181\nmaxClientCnxns=0\n", config.TickTime.Milliseconds(), config.Profile.syncLimit())
	b.WriteString("dataDir=/data\ndataLogDir=" + logFolder + "\nadmin.enableServer=false\n4lw.commands.whitelist=*\n")
	// Nothing is ever removed, because logs and snapshots are evidence. The size in KiB is
	// the step by which a log grows; the default of 64 MiB would be copied for each log,
	// and fill a small disk.
	b.WriteString("autopurge.snapRetainCount=100\nautopurge.purgeInterval=0\npreAllocSize=4096\n")
	if config.TLS != nil {
		b.WriteString("serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\nsecureClientPort=2281\n")
		b.WriteString("ssl.keyStore.location=/ringmaster/server.pem\nssl.keyStore.type=PEM\nssl.clientAuth=need\n")
		b.WriteString("ssl.trustStore.location=/ringmaster/authority.pem\nssl.trustStore.type=PEM\n")
		b.WriteString("ssl.hostnameVerification=false\nauthProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider\n")
	}
	for _, line := range config.Profile.Settings {
		b.WriteString(line + "\n")
	}
	if config.Servers > 1 {
		for i := range config.Servers {
			fmt.Fprintf(&b, "server.%d=%s:2888:3888\n", i+1, ServerName(i+1))
		}
	}
	return b.String()
}

var (
	clientPort = network.MustParsePort("2181/tcp")
	securePort = network.MustParsePort("2281/tcp")
)

// files are put into a server's container.
func files(config Config, id int) []testcontainers.ContainerFile {
	file := func(path, text string, mode int64) testcontainers.ContainerFile {
		return testcontainers.ContainerFile{Reader: strings.NewReader(text), ContainerFilePath: path, FileMode: mode}
	}
	all := []testcontainers.ContainerFile{
		file("/ringmaster/server.sh", string(serverScript), 0o755),
		file("/ringmaster/slow.sh", slowScript, 0o755),
		file("/ringmaster/zoo.cfg", configuration(config), 0o644),
		file("/ringmaster/logback.xml", logback, 0o644),
		file("/ringmaster/java.options", strings.Join(config.Profile.Java, " "), 0o644),
		file("/data/myid", fmt.Sprintln(id), 0o644),
	}
	if config.TLS != nil {
		all = append(all, file("/ringmaster/server.pem", string(config.TLS.Server), 0o600), file("/ringmaster/authority.pem", string(config.TLS.Authority), 0o644))
	}
	return all
}

// ServerName is how the server with that number is called.
func ServerName(id int) string { return serverPrefix + strconv.Itoa(id) }

const serverPrefix = "zk"

const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d{ISO8601} %-5p %C{1}: %m%n</pattern></encoder></appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
`

func (e *Ensemble) startServer(ctx context.Context, config Config, id int) (*Server, error) {
	name := ServerName(id)
	binds, err := e.volumes(ctx, config, id)
	if err != nil {
		return nil, err
	}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:          config.Image.Reference,
			Name:           e.networkName() + "-" + name,
			Entrypoint:     []string{"sh", "/ringmaster/server.sh"},
			Cmd:            []string{"server"},
			ExposedPorts:   []string{"2181/tcp", "2281/tcp"},
			Labels:         e.labels(),
			Networks:       []string{e.networkName()},
			NetworkAliases: map[string][]string{e.networkName(): {name}},
			Files:          files(config, id),
			ConfigModifier: func(c *container.Config) { c.User, c.Hostname = "root", name },
			HostConfigModifier: func(h *container.HostConfig) {
				h.CapAdd = []string{"NET_ADMIN", "SYS_PTRACE"} // packet rules, and strace
				h.Binds = binds
				h.PortBindings = network.PortMap{}
				for _, port := range []network.Port{clientPort, securePort} {
					h.PortBindings[port] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1")}}
				}
			},
		},
		Started: true,
	})
	if err != nil {
		return nil, fmt.Errorf("ensemble: start %s: %w", name, err)
	}
	inspected, err := c.Inspect(ctx)
	if err != nil {
		return nil, fmt.Errorf("ensemble: inspect %s: %w", name, err)
	}
	endpoint := inspected.NetworkSettings.Networks[e.networkName()]
	plain, secure := inspected.NetworkSettings.Ports[clientPort], inspected.NetworkSettings.Ports[securePort]
	if endpoint == nil || len(plain) == 0 || len(secure) == 0 {
		return nil, fmt.Errorf("ensemble: %s has no published port", name)
	}
	ip := endpoint.IPAddress.String()
	return &Server{
		Name: name, peerIP: ip,
		Address:       reachable(ctx, ip+":2181", "127.0.0.1:"+plain[0].HostPort),
		SecureAddress: reachable(ctx, ip+":2281", "127.0.0.1:"+secure[0].HostPort),
		container:     c.GetContainerID(), docker: e.docker, smallLog: config.hasSmallLog(id),
	}, nil
}

// reachable prefers the container's own address, which avoids the engine's proxy. It
// takes the published port if that address leads nowhere: on macOS, or with an engine
// in a virtual machine. The server need not serve yet, because a refusal also shows
// that the address leads there.
func reachable(ctx context.Context, direct, published string) string {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", direct)
	if err == nil {
		_ = conn.Close()
	}
	if err == nil || errors.Is(err, syscall.ECONNREFUSED) {
		return direct
	}
	return published
}

// External wraps an ensemble that exists, after one of its servers has answered.
func External(ctx context.Context, addresses []string) (*Ensemble, error) {
	e := &Ensemble{}
	var failures []error
	for i, address := range addresses {
		s := &Server{Name: ServerName(i + 1), Address: address}
		if err := s.Reachable(ctx); err != nil {
			failures = append(failures, err)
		}
		e.Servers = append(e.Servers, s)
	}
	if len(addresses) == 0 || len(failures) == len(addresses) {
		return nil, fmt.Errorf("ensemble: no server of %q answers: check --connect: %w", strings.Join(addresses, ","), errors.Join(failures...))
	}
	return e, nil
}

// IsExternal reports whether the ensemble is external, so that its servers must not be
// broken.
func (e *Ensemble) IsExternal() bool { return e.docker == nil }

// Addresses are the host:port pairs of all servers, from this machine.
func (e *Ensemble) Addresses() []string {
	all := make([]string, len(e.Servers))
	for i, s := range e.Servers {
		all[i] = s.Address
	}
	return all
}

// Server finds a server by name.
func (e *Ensemble) Server(name string) (*Server, error) {
	for _, s := range e.Servers {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("ensemble: no server is called %q", name)
}

// Leader is the server that leads now, or nil if none says so.
func (e *Ensemble) Leader(ctx context.Context) *Server {
	for _, s := range e.Servers {
		if status, err := s.Status(ctx); err == nil && status.leads() {
			return s
		}
	}
	return nil
}

// pollInterval is the time between two checks of a condition.
const pollInterval = 100 * time.Millisecond

// poll waits until condition holds.
func poll(ctx context.Context, what string, condition func() bool) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("ensemble: waiting until %s: %w", what, context.Cause(ctx))
		case <-ticker.C:
		}
	}
	return nil
}

// WaitServing waits until at least n servers serve clients and one of them
// leads.
func (e *Ensemble) WaitServing(ctx context.Context, n int) error {
	return poll(ctx, fmt.Sprintf("%d servers serve", n), func() bool {
		serving, leading := 0, 0
		for _, s := range e.Servers {
			status, err := s.Status(ctx)
			if err != nil {
				continue
			}
			serving++
			if status.leads() {
				leading++
			}
		}
		return serving >= n && leading == 1
	})
}

// WaitAgreed waits until all servers serve and have applied the same transaction. There
// must have been a write since the last change of the leader, because a new leader
// begins with a zxid that only the next write carries on.
func (e *Ensemble) WaitAgreed(ctx context.Context) error {
	return poll(ctx, "all servers are at the same zxid", func() bool {
		seen := map[string]bool{}
		for _, s := range e.Servers {
			status, err := s.Status(ctx)
			if err != nil {
				return false
			}
			seen[status.Zxid] = true
		}
		return len(seen) == 1
	})
}

// HealAll undoes every fault on every server.
func (e *Ensemble) HealAll(ctx context.Context) error {
	if e.IsExternal() {
		return nil
	}
	var errs []error
	for _, s := range e.Servers {
		errs = append(errs, s.Resume(ctx), s.Reconnect(ctx), s.FastDisk(ctx), s.FreeDisk(ctx), s.Restart(ctx))
	}
	return errors.Join(errs...)
}

// Stop removes the containers, the network and the volumes. It may be called
// more than once.
func (e *Ensemble) Stop(ctx context.Context) error {
	if e.IsExternal() {
		return nil
	}
	e.stopOnce.Do(func() {
		mine := e.labels()
		_, err := remove(ctx, e.docker, func(labels map[string]string) bool {
			return labels[labelOwner] == mine[labelOwner] && labels[labelRun] == mine[labelRun]
		})
		e.stopErr = errors.Join(err, e.docker.Close())
	})
	return e.stopErr
}

// statusFields reads "Key: value" lines.
func statusFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			fields[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return fields
}
