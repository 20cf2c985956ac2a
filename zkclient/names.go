package zkclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// target is one address of a server.
type target struct {
	server  string // host:port, as in Config.Servers
	address string // the same with an IP address; empty if the name was not found
}

// String implements fmt.Stringer: the server, and its address if that is not the same.
func (t target) String() string {
	if t.address == "" || t.address == t.server {
		return t.server
	}
	ip, _, _ := net.SplitHostPort(t.address)
	return t.server + " (" + ip + ")"
}

// names knows the addresses of servers. A name may stand for several servers: each list of
// addresses begins with the one after the last that was tried, because the first server may
// accept connections and serve no client. Names are looked up again and again, because a
// server may get another address. It belongs to a Driver: its sessions take turns, too.
type names struct {
	lookup func(ctx context.Context, host string) ([]string, error) // nil: who connects looks up

	mu    sync.Mutex
	known map[string][]string // by host: what was found last, sorted
	last  map[string]string   // by host: the address that was tried last
}

func newNames() *names {
	lookup := func(ctx context.Context, host string) ([]string, error) {
		return net.DefaultResolver.LookupHost(ctx, host)
	}
	return &names{lookup: lookup, known: map[string][]string{}, last: map[string]string{}}
}

// isName reports whether a server's host must be looked up, and returns host and port.
func (n *names) isName(server string) (host, port string, is bool) {
	host, port, err := net.SplitHostPort(server)
	if err != nil || n.lookup == nil {
		return host, port, false
	}
	_, err = netip.ParseAddr(host)
	return host, port, err != nil
}

// targets looks a server up, and returns its addresses in the order in which to try them. If
// the lookup fails without an answer, the addresses that were found before serve again: the
// servers may be there although the name service is not.
func (n *names) targets(ctx context.Context, server string) ([]target, error) {
	host, port, is := n.isName(server)
	if !is {
		return []target{{server, server}}, nil
	}
	found, err := n.lookup(ctx, host)
	n.mu.Lock()
	defer n.mu.Unlock()
	answer, ok := errors.AsType[*net.DNSError](err)
	switch missing := ok && answer.IsNotFound; {
	case err == nil && len(found) == 0:
		return nil, fmt.Errorf("the name %s has no address", host)
	case err != nil && (missing || len(n.known[host]) == 0):
		return nil, fmt.Errorf("no address was found for the name: %w", err)
	case err != nil:
		found = n.known[host]
	}
	n.known[host] = slices.Sorted(slices.Values(found))
	var all []target
	for _, ip := range n.inTurn(host, found) {
		all = append(all, target{server, net.JoinHostPort(ip, port)})
	}
	return all, nil
}

// inTurn orders the addresses of a name so that the one tried last comes last.
func (n *names) inTurn(host string, found []string) []string {
	if n.last[host] == "" {
		return found // the resolver spreads the clients
	}
	sorted := n.known[host]
	after, there := slices.BinarySearch(sorted, n.last[host])
	if there {
		after++
	}
	return slices.Concat(sorted[after:], sorted[:after])
}

// tried notes that an address gets its turn.
func (n *names) tried(t target) {
	host, _, is := n.isName(t.server)
	if ip, _, err := net.SplitHostPort(t.address); err == nil && is {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.last[host] = ip
	}
}

// all returns the known addresses of servers. A server without one is there once.
func (n *names) all(servers ...string) []target {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []target
	for _, server := range servers {
		host, port, is := n.isName(server)
		switch {
		case !is:
			all = append(all, target{server, server})
		case len(n.known[host]) == 0:
			all = append(all, target{server: server})
		}
		for _, ip := range n.known[host] {
			all = append(all, target{server, net.JoinHostPort(ip, port)})
		}
	}
	return all
}
