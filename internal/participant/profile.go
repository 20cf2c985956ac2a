package participant

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe"
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

// access opens the znodes only to one user, who has all roles, if the configuration
// says so. An unknown hash gives an identity that every role refuses.
func (c Config) access() recipe.Access {
	if c.Secured == "" {
		return recipe.Access{}
	}
	user, password, _ := strings.Cut(c.Secret, ":")
	id, err := zkapi.DigestIDWith(c.Secured, user, password)
	if err != nil {
		id = err.Error()
	}
	return recipe.Access{Master: []string{id}, Worker: []string{id}, Client: []string{id}}
}

// strategy gives no ordinary tasks to workers that only hold resident ones.
func (c Config) strategy() recipe.Strategy {
	return func(job recipe.Job, workers []recipe.Load) string {
		return recipe.StickyByKey(job, slices.DeleteFunc(slices.Clone(workers), func(w recipe.Load) bool { return slices.Contains(c.Holders, w.Worker) }))
	}
}

// resolver asks one name server only.
func resolver(address string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", address)
	}}
}
