package zkclient

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// DefaultMaxRequest is the size in bytes of the largest request that a server
// with default settings accepts (jute.maxbuffer).
const DefaultMaxRequest = 1<<20 - 1

// Bounds of Config.MaxRequest: each session has a buffer of that size.
const leastMaxRequest, mostMaxRequest = 4 << 10, 64 << 20

// leastTimeout is the smallest Config.SessionTimeout. The largest is longestTimeout: the driver
// accepts no longer one from a server.
const leastTimeout = 100 * time.Millisecond

// Config says how to reach an ensemble.
type Config struct {
	// Servers are host:port addresses. At least one is needed. Without a port, 2181 is
	// meant. A name may have several addresses: each gets its turn and its own time. ParseServers
	// makes the list from a connection string.
	Servers []string
	// SessionTimeout is a wish, from 100 ms to 24 h; the server clamps it to between 2 and 20
	// of its ticks. Default 10 s.
	SessionTimeout time.Duration
	// Dial replaces the system's way to connect, for a proxy. It gets the addresses of
	// Servers as host:port, and resolves names itself.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS, if set, secures each connection; TLSFiles makes one from PEM files. The
	// servers need a secureClientPort. A certificate that either side refuses ends
	// Open with zkapi.ErrUntrusted.
	TLS *tls.Config
	// Credentials are shown to the servers on every connection.
	Credentials []Credential
	// MaxRequest bounds each request, in bytes: the servers' jute.maxbuffer, if it is not
	// ZooKeeper's default. A larger request is not sent, and fails with zkapi.ErrTooLarge.
	// Default DefaultMaxRequest.
	MaxRequest int
	// Bulk bounds the writes of DoAll on each session. The zero value has the defaults.
	Bulk Bulk
	// Logger receives connection events at debug level; at level info, a session or a
	// connection that does not come within a second, with the network's reason, and when it
	// comes, and once a server that does not know multiRead or addWatch; at level warn, once, a server that does not speak the protocol, servers that all
	// end each connection at once, with the probable cause, and requests that are probably
	// too large. Default: none.
	Logger *slog.Logger

	// keepOnExpiry switches the first cure off, rawConn all cures of the wire. Only the tests
	// that show the library's defects set them.
	keepOnExpiry bool
	rawConn      bool
	clock        func() time.Duration // a test may have one that is not elapsed
}

// Driver is the production zkapi.Env: goroutines, the system's clock, and
// sessions on a real ensemble. It holds no connection of its own and may be
// shared by any number of masters, workers and clients.
type Driver struct {
	config Config
	names  *names
	past   zxidMemory
	outage *outage
	told   lastTold
	slow   atomic.Int32 // see slowness

	lacks lacks
}

var _ zkapi.Env = (*Driver)(nil)

// New checks config. It does not connect; Open does.
func New(config Config) (*Driver, error) {
	if len(config.Servers) == 0 {
		return nil, errNoServers
	}
	config.Servers = slices.Clone(config.Servers)
	for i, text := range config.Servers {
		server, err := parseServer(text)
		if err != nil {
			return nil, err
		}
		config.Servers[i] = server
	}
	if config.SessionTimeout == 0 {
		config.SessionTimeout = 10 * time.Second
	}
	if config.SessionTimeout < leastTimeout || config.SessionTimeout > longestTimeout {
		return nil, fmt.Errorf("zkclient: session timeout %v: give a time from %v to %v", config.SessionTimeout, leastTimeout, longestTimeout)
	}
	names := newNames()
	if config.Dial == nil {
		config.Dial = (&net.Dialer{}).DialContext
	} else {
		names.lookup = nil
	}
	if config.clock == nil {
		config.clock = elapsed
	}
	for _, c := range config.Credentials {
		if c.Scheme == "" || c.Secret == "" {
			return nil, fmt.Errorf("zkclient: credential %v: give a scheme and a secret", c)
		}
	}
	if config.MaxRequest == 0 {
		config.MaxRequest = DefaultMaxRequest
	}
	if config.MaxRequest < leastMaxRequest || config.MaxRequest > mostMaxRequest {
		return nil, fmt.Errorf("zkclient: MaxRequest %d: give the servers' jute.maxbuffer, between %d and %d", config.MaxRequest, leastMaxRequest, mostMaxRequest)
	}
	if err := config.Bulk.check(); err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Driver{config: config, names: names, outage: newOutage(config)}, nil
}

// Now implements zkapi.Env.
func (d *Driver) Now() time.Time { return time.Now() }

// Elapsed implements zkapi.Env. On Linux it goes on while the machine sleeps; see
// elapsed for other systems.
func (d *Driver) Elapsed() time.Duration {
	if d.config.clock == nil {
		return elapsed()
	}
	return d.config.clock()
}

// Unique implements zkapi.Env with 96 random bits.
func (d *Driver) Unique() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}

// Jitter implements zkapi.Env with random bits.
func (d *Driver) Jitter() float64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // as in Unique
	const bits = 53        // that a float64 holds
	return float64(binary.BigEndian.Uint64(b[:])>>(64-bits)) / (1 << bits)
}

// Spawn implements zkapi.Env with a goroutine.
func (d *Driver) Spawn(_ string, f func()) zkapi.Source {
	done := newLatch()
	go func() {
		defer done.fire()
		f()
	}()
	return done
}
