package zkclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// defaultPort is the client port of ZooKeeper as shipped.
const defaultPort = 2181

// errNoServers is the error of ParseServers and New for an empty list.
var errNoServers = errors.New("zkclient: no servers given: name at least one, such as zk1:2181")

// ParseServers reads a connection string of ZooKeeper: servers with commas between them, and
// after the last one an optional path, such as zk1:2181,zk2:2181/billing. The servers are for
// Config.Servers. The path is for Namespace in the configurations of package recipe; it is
// empty if there is none.
//
// A server is a name, an IPv4 address, or an IPv6 address in brackets, and a port, by default
// 2181. Blanks around servers and around the path do not count. Everything else is an error
// that quotes the part and says what to write. Nothing is looked up, and nothing is sent.
func ParseServers(text string) (servers []string, chroot string, err error) {
	text = strings.TrimSpace(text)
	if scheme := schemes.FindString(text); scheme != "" {
		return nil, "", fmt.Errorf("zkclient: servers %q: servers have no %s in front: write %s", text, scheme, schemes.ReplaceAllString(text, ""))
	}
	list, path, _ := strings.Cut(text, "/")
	if path != "" {
		if chroot, err = parseChroot(text, "/"+path); err != nil {
			return nil, "", err
		}
	}
	if strings.TrimSpace(list) == "" {
		return nil, "", errNoServers
	}
	for one := range strings.SplitSeq(list, ",") {
		server, err := parseServer(one)
		if err != nil {
			return nil, "", err
		}
		servers = append(servers, server)
	}
	return servers, chroot, nil
}

// schemes matches what is in front of a server in addresses of other programs.
var schemes = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)

// parseChroot checks the path of a connection string.
func parseChroot(text, path string) (string, error) {
	if strings.Contains(path, ",") {
		return "", fmt.Errorf("zkclient: servers %q: the path belongs to all servers: write it once, after the last one, such as zk1:2181,zk2:2181/billing", text)
	}
	if err := zkapi.CheckPath(path); err != nil {
		return "", fmt.Errorf("zkclient: servers %q: the path %q after the servers: %w: write it such as /billing", text, path, err)
	}
	return path, nil
}

// parseServer reads one server, and returns it as host:port.
func parseServer(text string) (string, error) {
	given := text
	text = strings.TrimSpace(text)
	bad := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("zkclient: server %q: %s", given, fmt.Sprintf(format, args...))
	}
	switch {
	case text == "":
		return bad("there is no server between two commas or at the end: leave the comma out")
	case strings.ContainsAny(text, " \t\r\n;"):
		return bad("put commas between servers: write %s", strings.Join(strings.FieldsFunc(text, isGap), ","))
	case strings.ContainsAny(text, ",/"):
		return bad("this is one server: write host:port, or read a whole connection string with ParseServers")
	}
	host, port := text, ""
	if address, err := netip.ParseAddr(text); err == nil && address.Is6() {
		return bad("write an IPv6 address in brackets, such as [2001:db8::1]:%d", defaultPort)
	}
	if inside, after, bracketed := strings.Cut(text, "]"); bracketed {
		host = strings.TrimPrefix(inside, "[")
		if address, err := netip.ParseAddr(host); err != nil || !address.Is6() || host == inside || after != "" && after[0] != ':' {
			return bad("write host:port, and in brackets only an IPv6 address, such as [2001:db8::1]:%d", defaultPort)
		}
		if port = strings.TrimPrefix(after, ":"); after == ":" {
			return bad("the port is missing: write [%s]:%d", host, defaultPort)
		}
	} else if name, after, with := strings.Cut(text, ":"); with {
		if host, port = name, after; port == "" {
			return bad("the port is missing: write %s:%d", name, defaultPort)
		}
	}
	return joined(host, port, bad)
}

// isGap reports whether a character stands where a comma should.
func isGap(r rune) bool { return strings.ContainsRune(" \t\r\n;", r) }

// Names as DNS and the files of hosts have them, and addresses.
var (
	validHost = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
	isNumbers = regexp.MustCompile(`^[0-9]+(\.[0-9]+)+$`)
)

// joined checks host and port, and joins them.
func joined(host, port string, bad func(format string, args ...any) (string, error)) (string, error) {
	const longestHost, lastPort = 253, 65535
	number := defaultPort
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 64)
		if err != nil && strings.Contains(port, ":") {
			return bad("it has several colons: write host:port, put commas between servers, and brackets around an IPv6 address")
		}
		if err != nil || n == 0 || n > lastPort {
			return bad("%q is no port: give a number from 1 to %d", port, lastPort)
		}
		number = int(n)
	}
	address, err := netip.ParseAddr(host)
	switch {
	case err == nil:
		host = address.String()
	case isNumbers.MatchString(host):
		return bad("%q is no IPv4 address: write four numbers from 0 to 255", host)
	case !validHost.MatchString(host) || strings.Contains(host, "..") || len(host) > longestHost:
		return bad("%q is no name of a host: write host:port, such as zk1:%d", host, defaultPort)
	}
	return net.JoinHostPort(host, strconv.Itoa(number)), nil
}
