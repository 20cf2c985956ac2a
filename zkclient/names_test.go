package zkclient

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
)

// found makes a lookup that finds these addresses, in another order each time.
func found(addresses ...string) func(context.Context, string) ([]string, error) {
	asked := 0
	return func(context.Context, string) ([]string, error) {
		asked++
		at := asked % len(addresses)
		return slices.Concat(addresses[at:], addresses[:at]), nil
	}
}

// TestNames_TakeTurns: every list of addresses begins with the one after the last that was
// tried, whatever order the resolver gives.
func TestNames_TakeTurns(t *testing.T) {
	n := newNames()
	n.lookup = found("10.0.0.2", "10.0.0.1", "10.0.0.3")
	var first []string
	for range 4 {
		all, err := n.targets(t.Context(), "zk:2181")
		if err != nil || len(all) != 3 {
			t.Fatal(all, err)
		}
		n.tried(all[0])
		first = append(first, all[0].address)
	}
	if want := []string{"10.0.0.1:2181", "10.0.0.2:2181", "10.0.0.3:2181", "10.0.0.1:2181"}; !slices.Equal(first, want) {
		t.Errorf("tried %q, want %q", first, want)
	}
	n.lookup = found("10.0.0.1", "10.0.0.4") // and .2 and .3 are gone
	all, err := n.targets(t.Context(), "zk:2181")
	if want := []target{{"zk:2181", "10.0.0.4:2181"}, {"zk:2181", "10.0.0.1:2181"}}; err != nil || !slices.Equal(all, want) {
		t.Errorf("it is %v, %v, want %v", all, err, want)
	}
	if got, want := all[0].String(), "zk:2181 (10.0.0.4)"; got != want {
		t.Errorf("it is called %q, want %q", got, want)
	}
}

// TestNames_LookUpNoAddresses: an address is its own name.
func TestNames_LookUpNoAddresses(t *testing.T) {
	n := newNames()
	n.lookup = func(context.Context, string) ([]string, error) { return nil, errors.New("it was looked up") }
	for _, server := range []string{"192.0.2.1:2181", "[2001:db8::1]:2181", "[fe80::1%eth0]:2181"} {
		all, err := n.targets(t.Context(), server)
		if err != nil || !slices.Equal(all, []target{{server, server}}) || all[0].String() != server {
			t.Errorf("%s is %v, %v", server, all, err)
		}
	}
	n.lookup = nil // who connects looks up
	if all, err := n.targets(t.Context(), "zk:2181"); err != nil || !slices.Equal(all, []target{{"zk:2181", "zk:2181"}}) {
		t.Errorf("a name for another's dialer is %v, %v", all, err)
	}
}

// TestNames_ServeAgainWithoutAnAnswer: an outage of the name service takes no servers away.
// Its answer that there is no such name does.
func TestNames_ServeAgainWithoutAnAnswer(t *testing.T) {
	for _, c := range []struct {
		fails error
		serve bool
	}{
		{&net.DNSError{Err: "server misbehaving", Name: "zk", IsTemporary: true}, true},
		{context.DeadlineExceeded, true},
		{&net.DNSError{Err: "no such host", Name: "zk", IsNotFound: true}, false},
		{nil, false}, // an empty answer
	} {
		n := newNames()
		fails := func(context.Context, string) ([]string, error) { return nil, c.fails }
		n.lookup = fails
		if all, err := n.targets(t.Context(), "zk:2181"); err == nil {
			t.Errorf("%v, and nothing was found before: %v", c.fails, all)
		}
		n.lookup = found("10.0.0.1")
		if _, err := n.targets(t.Context(), "zk:2181"); err != nil {
			t.Fatal(err)
		}
		n.lookup = fails
		all, err := n.targets(t.Context(), "zk:2181")
		if served := err == nil && slices.Equal(all, []target{{"zk:2181", "10.0.0.1:2181"}}); served != c.serve || !served && (err == nil || c.fails != nil && !errors.Is(err, c.fails)) {
			t.Errorf("%v: %v, %v", c.fails, all, err)
		}
	}
}
