package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Debian does not have the programs of PostgreSQL on the PATH.
const (
	postgresFiles = "/usr/lib/postgresql/*/bin/postgres"
	initdbFiles   = "/usr/lib/postgresql/*/bin/initdb"
)

func (f finder) river(ctx context.Context, p *Place) error {
	if err := f.need(file{postgresFiles, "PostgreSQL"}, file{initdbFiles, "PostgreSQL"}); err != nil {
		return err
	}
	return f.build(ctx, p)
}

func (f finder) asynq(ctx context.Context, p *Place) error {
	if err := f.need(file{"redis-server", "Redis"}); err != nil {
		return err
	}
	return f.build(ctx, p)
}

// build builds the program for River and asynq, once. It is in a module of its own, whose
// libraries may be missing.
func (f finder) build(ctx context.Context, p *Place) error {
	if p.program != "" {
		return nil
	}
	module, err := f.program("go.mod")
	if err != nil {
		return err
	}
	if err := f.need(file{"go", "Go"}); err != nil {
		return err
	}
	binary := filepath.Join(p.Folder, "peers")
	cmd := exec.CommandContext(ctx, f("go"), "build", "-o", binary, ".")
	cmd.Dir, cmd.Env = filepath.Dir(module), append(os.Environ(), "GOWORK=off")
	if said, err := cmd.CombinedOutput(); ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
		return Missing(fmt.Sprintf("the module %s does not build (%s): run scripts/bench-peers", sources, first))
	}
	p.program = binary
	return nil
}

func (f finder) measureRiver(ctx context.Context, p *Place, job Job) ([]Figure, error) {
	s, err := p.postgreSQL(ctx, f(initdbFiles), f(postgresFiles))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	return p.databaseQueue(ctx, "river", s, job)
}

func (f finder) measureAsynq(ctx context.Context, p *Place, job Job) ([]Figure, error) {
	s, err := p.redis(ctx, f("redis-server"))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	return p.databaseQueue(ctx, "asynq", s, job)
}

// databaseQueue measures one of the queues of the built program on its server.
func (p *Place) databaseQueue(ctx context.Context, name string, s *server, job Job) ([]Figure, error) {
	cmd := exec.Command(p.program, "--tasks", strconv.Itoa(job.Tasks), "--lone", strconv.Itoa(job.Lone), name)
	cmd.Env = append(os.Environ(), "PEERS_SERVER="+s.url)
	return p.run(ctx, cmd)
}
