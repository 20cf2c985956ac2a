package integration

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
)

// realServers are driven in their containers.
type realServers struct{ *ensemble.Ensemble }

func startReal(t *testing.T, config ensemble.Config) realServers {
	t.Helper()
	return realServers{ensembletest.StartWith(t, config)}
}

func (r realServers) addresses() []string { return r.Addresses() }

func (r realServers) secureAddress() string { return r.Servers[0].SecureAddress }

func (r realServers) leader(t *testing.T) int {
	t.Helper()
	leader := r.Leader(t.Context())
	if leader == nil {
		t.Fatal("no server leads")
	}
	return slices.Index(r.Servers, leader)
}

func (r realServers) cutOff(t *testing.T, server int) {
	t.Helper()
	var rest []*ensemble.Server
	for _, i := range others(r, server) {
		rest = append(rest, r.Servers[i])
	}
	if err := r.Servers[server].Cut(t.Context(), rest...); err != nil {
		t.Fatal(err)
	}
}

func (r realServers) stop(t *testing.T, server int) {
	t.Helper()
	if err := r.Servers[server].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r realServers) healAll(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := errors.Join(r.HealAll(ctx), r.WaitServing(ctx, len(r.Servers))); err != nil {
		t.Fatal(err)
	}
}

func (r realServers) restarted(t *testing.T, with diskWork) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, s := range r.Servers {
		if err := s.Quit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for _, s := range r.Servers {
		work := map[diskWork]func(context.Context) error{copied: s.Backup, replaced: s.RestoreBackup, wiped: s.Wipe}[with]
		err = errors.Join(err, work(ctx))
	}
	for _, s := range r.Servers {
		err = errors.Join(err, s.Restart(ctx))
	}
	if err = errors.Join(err, r.WaitServing(ctx, len(r.Servers))); err != nil {
		t.Fatal(err)
	}
}

func (r realServers) zkCli(ctx context.Context, t *testing.T) zkShell {
	t.Helper()
	shell, err := r.Servers[0].OpenCLI(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return shell
}
