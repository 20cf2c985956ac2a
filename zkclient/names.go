package zkclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// names connects to servers by their names. A name may stand for several servers: each
// connection begins with the address after the last one, because the first server may accept
// connections and serve no client. Names are resolved for every connection, because a server
// may get another address.
type names struct {
	lookup func(ctx context.Context, host string) ([]string, error)
	dial   dialer

	mu   sync.Mutex
	last map[string]string // address by name
}

func newNames() *names {
	lookup := func(ctx context.Context, host string) ([]string, error) {
		return net.DefaultResolver.LookupHost(ctx, host)
	}
	return &names{lookup: lookup, dial: (&net.Dialer{}).DialContext, last: map[string]string{}}
}

// connect dials host:port, and of several addresses one after the other until one
// accepts.
func (n *names) connect(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || net.ParseIP(host) != nil {
		return n.dial(ctx, network, address)
	}
	all, err := n.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var failures []error
	for i, ip := range n.inTurn(host, all) {
		attempt, cancel := share(ctx, len(all)-i)
		conn, err := n.dial(attempt, network, net.JoinHostPort(ip, port))
		cancel()
		if err == nil {
			n.took(host, ip)
			return conn, nil
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return nil, fmt.Errorf("zkclient: %s has no address", host)
	}
	return nil, errors.Join(failures...)
}

// inTurn orders the addresses of a name so that the one used last comes last.
func (n *names) inTurn(host string, all []string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last[host] == "" {
		return all // the resolver spreads the clients
	}
	sorted := slices.Sorted(slices.Values(all))
	after, _ := slices.BinarySearch(sorted, n.last[host])
	if after < len(sorted) && sorted[after] == n.last[host] {
		after++
	}
	return slices.Concat(sorted[after:], sorted[:after])
}

func (n *names) took(host, ip string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last[host] = ip
}

// share gives the next of the remaining attempts its part of the time.
func share(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
}
