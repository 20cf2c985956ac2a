package serve

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// Version is the version of ZooKeeper that the servers say they have, and that they are like.
const Version = "3.9.3"

// built is the version with a date in the only form that all clients read.
const built = Version + "-ringmaster, built on 11/01/2022 00:00 GMT"

// fourLetters answers one of ZooKeeper's commands of four letters, or reports that it is none.
func (m *Member) fourLetters(command string) (string, bool) {
	e := m.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	if command == "ruok" {
		return "imok", true
	}
	if !m.serving() && slices.Contains([]string{"srvr", "stat", "envi", "conf", "mntr"}, command) {
		return notServing, true
	}
	switch command {
	case "isro":
		switch {
		case m.readOnly:
			return "ro", true
		case !m.joined:
			return "null", true
		}
		return "rw", true
	case "srvr":
		return m.summary(), true
	case "stat":
		var clients strings.Builder
		for c := range m.conns {
			fmt.Fprintf(&clients, " /%s[%d](queued=0,recved=0,sent=0)\n", c.name, c.interest())
		}
		return m.banner() + "Clients:\n" + clients.String() + "\n" + strings.TrimPrefix(m.summary(), m.banner()), true
	case "envi":
		return fmt.Sprintf("Environment:\nzookeeper.version=%s\nhost.name=localhost\nos.name=%s\nos.arch=%s\n", built, runtime.GOOS, runtime.GOARCH), true
	case "conf":
		return m.settings(), true
	case "mntr":
		return m.metrics(), true
	}
	return "", false
}

// notServing is the answer of a server that does not serve to all commands but ruok and isro.
const notServing = "This ZooKeeper instance is not currently serving requests\n"

// following counts the servers that the leader has, as far as it knows. The ensemble is locked.
func (m *Member) following() (followers, observers int) {
	for _, other := range m.ensemble.members {
		switch {
		case other == m || !other.joined || other.epoch != m.epoch:
		case other.observer:
			observers++
		default:
			followers++
		}
	}
	return followers, observers
}

// banner is what the answers to srvr and stat begin with. Clients read the date in this form.
func (m *Member) banner() string {
	text := "Zookeeper version: " + built + "\n"
	if m.readOnly {
		text += "READ-ONLY mode; serving only read-only clients\n"
	}
	return text
}

// summary is the answer to srvr.
func (m *Member) summary() string {
	return m.banner() + fmt.Sprintf("Latency min/avg/max: 0/0.0/0\nReceived: 0\nSent: 0\nConnections: %d\nOutstanding: 0\nZxid: %s\nMode: %s\nNode count: %d\n",
		len(m.conns), hex(m.view.Tree().Zxid()), m.role(), m.counted())
}

// shippedInitLimit is in the zoo.cfg that ZooKeeper is shipped with. Servers here need no time to
// join a leader.
const shippedInitLimit = 10

// settings is the answer to conf. A server that is alone has no limits for others, and serverId 0.
func (m *Member) settings() string {
	o := m.ensemble.options
	text := fmt.Sprintf("clientPort=0\ntickTime=%d\nmaxClientCnxns=0\nminSessionTimeout=%d\nmaxSessionTimeout=%d\n",
		o.TickTime.Milliseconds(), o.MinSessionTimeout.Milliseconds(), o.MaxSessionTimeout.Milliseconds())
	if len(m.ensemble.members) == 1 {
		return text + "serverId=0\n"
	}
	peerType := 0
	if m.observer {
		peerType = 1
	}
	return text + fmt.Sprintf("serverId=%d\ninitLimit=%d\nsyncLimit=%d\npeerType=%d\n", m.id, shippedInitLimit, o.SyncLimit, peerType)
}

// metrics is the answer to mntr, without what is about a disk, a JVM or a quorum. What is not
// counted is 0.
func (m *Member) metrics() string {
	ephemerals := 0
	m.view.Tree().Owned(func(_ string, stat zk.Stat) {
		if stat.Alive() {
			ephemerals++
		}
	})
	var text strings.Builder
	row := func(name string, value any) { fmt.Fprintf(&text, "zk_%s\t%v\n", name, value) }
	row("version", built)
	row("server_state", m.role())
	row("ephemerals_count", ephemerals)
	row("num_alive_connections", len(m.conns))
	row("avg_latency", "0.0")
	row("outstanding_requests", 0)
	row("znode_count", m.counted())
	row("global_sessions", len(m.ensemble.sessions))
	row("packets_sent", 0)
	row("packets_received", 0)
	row("watch_count", m.view.Watches.Count())
	row("min_latency", 0)
	row("max_latency", 0)
	row("approximate_data_size", 0)
	if m.role() == "leader" {
		followers, observers := m.following()
		row("learners", followers+observers)
		row("synced_followers", followers)
		row("synced_observers", observers)
	}
	return text.String()
}

// counted is how many znodes a server says it has: the root counts twice.
func (m *Member) counted() int { return m.view.Tree().Count() + 1 }

// interest is what a server waits for on a connection: 1, requests, unless it has no session.
func (c *conn) interest() int {
	if c.session == nil {
		return 0
	}
	return 1
}
