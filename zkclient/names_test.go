package zkclient

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
)

// TestNames_TakeTurns: every connection to a name goes to the address after the last
// one, whatever order the resolver gives, and past those that refuse.
func TestNames_TakeTurns(t *testing.T) {
	refuses := map[string]bool{}
	var dialled []string
	n := newNames()
	answers := [][]string{{"10.0.0.2", "10.0.0.1", "10.0.0.3"}, {"10.0.0.3", "10.0.0.2", "10.0.0.1"}, {"10.0.0.1", "10.0.0.3", "10.0.0.2"}}
	asked := 0
	n.lookup = func(context.Context, string) ([]string, error) {
		asked++
		return slices.Clone(answers[asked%len(answers)]), nil
	}
	n.dial = func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		if refuses[address] {
			return nil, errors.New("refused")
		}
		c, _ := net.Pipe()
		return c, nil
	}
	connect := func() {
		t.Helper()
		if _, err := n.connect(t.Context(), "tcp", "zk:2181"); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		connect()
	}
	if want := []string{"10.0.0.3:2181", "10.0.0.1:2181", "10.0.0.2:2181", "10.0.0.3:2181"}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %q, want %q", dialled, want)
	}
	dialled, refuses["10.0.0.1:2181"] = nil, true
	connect()
	if want := []string{"10.0.0.1:2181", "10.0.0.2:2181"}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %q, want %q", dialled, want)
	}
	dialled = nil
	if _, err := n.connect(t.Context(), "tcp", "192.0.2.1:2181"); err != nil || !slices.Equal(dialled, []string{"192.0.2.1:2181"}) {
		t.Errorf("dialled %q, %v", dialled, err)
	}
	refuses["10.0.0.2:2181"], refuses["10.0.0.3:2181"] = true, true
	if _, err := n.connect(t.Context(), "tcp", "zk:2181"); err == nil {
		t.Error("a name of which no address accepts")
	}
}
