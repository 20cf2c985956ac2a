package serve

import (
	"fmt"
	"slices"
	"strings"
)

// Version is the version of ZooKeeper that the servers say they have.
const Version = "3.8.0"

// fourLetters answers one of ZooKeeper's commands of four letters, or reports that it is none.
func (m *Member) fourLetters(command string) (string, bool) {
	e := m.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	if command == "ruok" {
		return "imok", true
	}
	if !m.joined && slices.Contains([]string{"isro", "srvr", "stat", "envi", "conf", "mntr"}, command) {
		return notServing, true
	}
	switch command {
	case "isro":
		return "rw", true
	case "srvr":
		return m.summary(), true
	case "stat":
		var clients strings.Builder
		for c := range m.conns {
			fmt.Fprintf(&clients, " /%s[1](queued=0,recved=0,sent=0)\n", c.name)
		}
		head, rest, _ := strings.Cut(m.summary(), "\n")
		return head + "\nClients:\n" + clients.String() + "\n" + rest, true
	case "envi":
		return "Environment:\nzookeeper.version=" + Version + "-ringmaster, built on 11/01/2022 00:00 GMT\n", true
	case "conf":
		return fmt.Sprintf("clientPort=0\ntickTime=%d\nminSessionTimeout=%d\nmaxSessionTimeout=%d\nserverId=%d\n",
			e.options.TickTime.Milliseconds(), e.options.MinSessionTimeout.Milliseconds(), e.options.MaxSessionTimeout.Milliseconds(), m.id), true
	case "mntr":
		leads := ""
		if m.role() == "leader" {
			followers, observers := m.following()
			leads = fmt.Sprintf("zk_learners\t%d\nzk_synced_followers\t%d\nzk_synced_observers\t%d\n", followers+observers, followers, observers)
		}
		return fmt.Sprintf("zk_version\t%s-ringmaster, built on 11/01/2022 00:00 GMT\nzk_server_state\t%s\nzk_znode_count\t%d\nzk_num_alive_connections\t%d\n",
			Version, m.role(), m.tree.Count(), len(m.conns)) + leads, true
	}
	return "", false
}

// notServing is the answer of a server without a leader to all commands but ruok.
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

// summary is the answer to srvr. Clients read the date in this form.
func (m *Member) summary() string {
	return fmt.Sprintf("Zookeeper version: %s-ringmaster, built on 11/01/2022 00:00 GMT\nLatency min/avg/max: 0/0.0/0\nReceived: 0\nSent: 0\nConnections: %d\nOutstanding: 0\nZxid: %s\nMode: %s\nNode count: %d\n",
		Version, len(m.conns), hex(m.tree.Zxid()), m.role(), m.tree.Count())
}
