package zkclient

import (
	"net"
	"slices"
	"strings"
	"testing"
)

func TestParseServers(t *testing.T) {
	for _, c := range []struct {
		text    string
		servers []string
		chroot  string
	}{
		{"zk1:2181", []string{"zk1:2181"}, ""},
		{"zk1", []string{"zk1:2181"}, ""},
		{" zk1:2181 ,\tzk2 , zk3:2281\n", []string{"zk1:2181", "zk2:2181", "zk3:2281"}, ""},
		{"a:2181,b:2181/billing", []string{"a:2181", "b:2181"}, "/billing"},
		{"a,b/billing/eu ", []string{"a:2181", "b:2181"}, "/billing/eu"},
		{"a:2181/", []string{"a:2181"}, ""},
		{"10.0.0.1,10.0.0.2:1", []string{"10.0.0.1:2181", "10.0.0.2:1"}, ""},
		{"[::1],[2001:DB8::1]:65535/x", []string{"[::1]:2181", "[2001:db8::1]:65535"}, "/x"},
		{"[fe80::1%eth0]:2181", []string{"[fe80::1%eth0]:2181"}, ""},
		{"zk-1.example.com.:2181,my_zk:2181,12345:02181", []string{"zk-1.example.com.:2181", "my_zk:2181", "12345:2181"}, ""},
	} {
		servers, chroot, err := ParseServers(c.text)
		if err != nil || !slices.Equal(servers, c.servers) || chroot != c.chroot {
			t.Errorf("%q: %q, %q, %v; want %q, %q", c.text, servers, chroot, err, c.servers, c.chroot)
		}
		if again, _, err := ParseServers(strings.Join(servers, ",")); err != nil || !slices.Equal(again, servers) {
			t.Errorf("%q: the servers are read as %q, %v", c.text, again, err)
		}
	}
}

// TestParseServers_NamesInputAndRemedy has what people write by mistake.
func TestParseServers_NamesInputAndRemedy(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{"no servers", "zk1:2181"}},
		{"  ", []string{"no servers"}},
		{"/billing", []string{"no servers"}},
		{"zookeeper://a:2181,b:2181/x", []string{"no zookeeper:// in front", "write a:2181,b:2181/x"}},
		{"a:2181,zk://b:2181", []string{"no zk:// in front", "write a:2181,b:2181"}},
		{"a:2181,,b:2181", []string{`server ""`, "leave the comma out"}},
		{"a:2181,", []string{`server ""`, "leave the comma out"}},
		{"a:2181 b:2181", []string{`"a:2181 b:2181"`, "write a:2181,b:2181"}},
		{"a:2181; b:2181", []string{"write a:2181,b:2181"}},
		{"a: 2181", []string{`"a: 2181"`, "commas"}},
		{"a:", []string{`"a:"`, "port is missing", "write a:2181"}},
		{"a:x", []string{`"a:x"`, `"x" is no port`, "65535"}},
		{"a:0", []string{`"0" is no port`}},
		{"a:-1", []string{`"-1" is no port`}},
		{"a:+2181", []string{`"+2181" is no port`}},
		{"a:65536", []string{`"65536" is no port`}},
		{"a:99999999999999999999", []string{"is no port"}},
		{"a:2181b:2181", []string{"several colons", "commas"}},
		{":2181", []string{`"" is no name of a host`}},
		{"::1", []string{`"::1"`, "in brackets, such as [2001:db8::1]:2181"}},
		{"::1:2181", []string{"in brackets"}},
		{"[::1]:", []string{"port is missing", "[::1]:2181"}},
		{"[::1]2181", []string{`"[::1]2181"`, "in brackets only"}},
		{"[zk1]:2181", []string{"in brackets only an IPv6 address"}},
		{"[10.0.0.1]:2181", []string{"in brackets only an IPv6 address"}},
		{"[::1:2181", []string{"several colons"}},
		{"10.0.0.256:2181", []string{`"10.0.0.256" is no IPv4 address`}},
		{"10.0.0:2181", []string{"is no IPv4 address"}},
		{"me@a:2181", []string{`"me@a" is no name of a host`}},
		{`"a:2181"`, []string{"is no port"}},
		{`"a"`, []string{"is no name of a host"}},
		{"a..b:2181", []string{"is no name of a host"}},
		{"-a:2181", []string{"is no name of a host"}},
		{strings.Repeat("a", 254), []string{"is no name of a host"}},
		{"a:2181/x,b:2181/x", []string{"path belongs to all servers", "once, after the last one"}},
		{"a:2181/x,b:2181", []string{"once, after the last one"}},
		{"a:2181/x/", []string{`"/x/"`, "ends without /"}},
		{"a:2181//x", []string{`"//x"`, "no //"}},
		{"a:2181/../x", []string{`no part ".."`}},
		{"a:2181/x\x01", []string{"U+0001"}},
	} {
		servers, chroot, err := ParseServers(c.text)
		if err == nil || servers != nil || chroot != "" {
			t.Errorf("%q: %q, %q, %v", c.text, servers, chroot, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v; want %q", c.text, err, want)
			}
		}
	}
}

// FuzzParseServers: what is accepted can be connected to, is read again as the same, and is
// accepted by New.
func FuzzParseServers(f *testing.F) {
	for _, seed := range []string{"zk1", "a:1,b:2/x", "[::1]:2181,[fe80::1%e]", "10.0.0.1:65535/a/b", " a , b /x ", "zk://a", "a..b", "[::1%]", "[::ffff:1.2.3.4]:1", "[::1%a/b]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		servers, chroot, err := ParseServers(text)
		if err != nil {
			return
		}
		for _, server := range servers {
			if host, port, err := net.SplitHostPort(server); err != nil || host == "" || port == "" {
				t.Errorf("%q: %q is not host:port: %v", text, server, err)
			}
		}
		again, path, err := ParseServers(strings.Join(servers, ",") + chroot)
		if err != nil || !slices.Equal(again, servers) || path != chroot {
			t.Errorf("%q: %q and %q are read as %q, %q, %v", text, servers, chroot, again, path, err)
		}
		if _, err := New(Config{Servers: servers}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// TestNew_ReadsEachServer: a list gets the same rules as a connection string, and the
// caller's list stays as it is.
func TestNew_ReadsEachServer(t *testing.T) {
	given := []string{" zk1 ", "[::1]", "zk3:2281"}
	d, err := New(Config{Servers: given})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"zk1:2181", "[::1]:2181", "zk3:2281"}; !slices.Equal(d.config.Servers, want) || given[0] != " zk1 " {
		t.Errorf("%q became %q, want %q", given, d.config.Servers, want)
	}
}
