package ensemble

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestProfiles_AreNamedOnce(t *testing.T) {
	seen := map[string]bool{AnyProfile: true}
	for _, p := range Profiles {
		if seen[p.Name] || p.Sets == "" || p.Why == "" {
			t.Errorf("%q occurs twice, or lacks Sets or Why", p.Name)
		}
		seen[p.Name] = true
		if got, err := ProfileNamed(p.Name); err != nil || got.Sets != p.Sets {
			t.Errorf("%q is found as %q, %v", p.Name, got.Name, err)
		}
	}
	if p, err := ProfileNamed(""); err != nil || p.Name != Kind {
		t.Errorf("no name is %q, %v", p.Name, err)
	}
	if _, err := ProfileNamed("nonsense"); err == nil || !strings.Contains(err.Error(), "as-shipped") {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestProfiles_AreInTheConfiguration writes the settings of a profile after those that
// all profiles have, so they win.
func TestProfiles_AreInTheConfiguration(t *testing.T) {
	for _, p := range Profiles {
		text := configuration(Config{Servers: 3, TickTime: time.Second, Profile: p})
		lines := strings.Split(text, "\n")
		for _, want := range p.Settings {
			key, _, _ := strings.Cut(want, "=")
			last := ""
			for _, line := range lines {
				if strings.HasPrefix(line, key+"=") {
					last = line
				}
			}
			if last != want {
				t.Errorf("%s: %q, want %q", p.Name, last, want)
			}
		}
		if want := fmt.Sprintf("syncLimit=%d", max(p.SyncLimit, DefaultSyncLimit)); !slices.Contains(lines, want) {
			t.Errorf("%s: no %s", p.Name, want)
		}
	}
}

// TestNames_AnswerAllAddresses asks as a participant does.
func TestNames_AnswerAllAddresses(t *testing.T) {
	addresses := LocalAddresses(3)
	n, err := ServeNames(addresses)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.Address())
	}}
	first := map[string]bool{}
	for range 6 {
		got, err := resolver.LookupNetIP(t.Context(), "ip4", OneName)
		if err != nil || len(got) != 3 {
			t.Fatalf("%v, %v", got, err)
		}
		first[got[0].Unmap().String()] = true
		slices.SortFunc(got, netip.Addr.Compare)
		for i, a := range got {
			if a.Unmap() != addresses[i] {
				t.Errorf("%v, want %v", got, addresses)
			}
		}
	}
	if len(first) != 3 {
		t.Errorf("the first one is always one of %v", first)
	}
	if got, err := resolver.LookupHost(t.Context(), "other.test"); err == nil {
		t.Errorf("another name has %q", got)
	}
}

func TestNames_IgnoreMalformedQuestions(t *testing.T) {
	query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03one\x04test\x00\x00\x01\x00\x01")
	if _, ok := answerTo(query, LocalAddresses(3)); !ok {
		t.Fatal("a query was refused")
	}
	for n := range query {
		if _, ok := answerTo(query[:n], LocalAddresses(3)); ok {
			t.Errorf("%d bytes of a query were answered", n)
		}
	}
}

// TestProxy_OfOneName has one port, at one address for each server.
func TestProxy_OfOneName(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	p, err := NewProxyOfOneName([]string{"a:1", "b:1", "c:1"}, Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	hosts, ports := map[string]bool{}, map[string]bool{}
	for _, address := range p.Addresses() {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		hosts[host], ports[port] = true, true
	}
	if len(hosts) != 3 || len(ports) != 1 || !ports[strings.TrimPrefix(p.AtOneName(), OneName+":")] {
		t.Errorf("%q, and %s", p.Addresses(), p.AtOneName())
	}
}
