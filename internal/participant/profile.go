package participant

import (
	"context"
	"net"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// credentials are the credentials for the servers.
func (c Config) credentials() []zkclient.Credential {
	user, password, some := strings.Cut(c.Secret, ":")
	if !some {
		return nil
	}
	return []zkclient.Credential{zkclient.Digest(user, password)}
}

// identity is the one that alone may open the znodes, if the configuration says so. An
// unknown hash gives an identity that every recipe refuses.
func (c Config) identity() string {
	if c.Secured == "" {
		return ""
	}
	user, password, _ := strings.Cut(c.Secret, ":")
	id, err := zkapi.DigestIDWith(c.Secured, user, password)
	if err != nil {
		id = err.Error()
	}
	return id
}

// resolver asks one name server only.
func resolver(address string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", address)
	}}
}
