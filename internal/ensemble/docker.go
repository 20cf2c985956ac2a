package ensemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// Labels of everything that this package creates in the engine.
const (
	labelOwner = "ringmaster.owner" // an owner.ID
	labelRun   = "ringmaster.run"
)

// ErrNoDocker means that no Docker engine answers.
var ErrNoDocker = errors.New("no Docker engine answers")

// used says that this process has found an engine, so that things of its own may be there.
var used atomic.Bool

// prepared sets the library up, once, because all of the process shares its settings.
var prepared = sync.OnceFunc(func() {
	// The reaper's image cannot be pulled everywhere, and inside a virtual
	// machine the default gateway would be taken for the Docker host.
	for name, value := range map[string]string{
		"TESTCONTAINERS_RYUK_DISABLED": "true",
		"TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
	} {
		if _, set := os.LookupEnv(name); !set {
			_ = os.Setenv(name, value)
		}
	}
	tclog.SetDefault(silent{}) // its messages about each container are not for our users
})

// engine connects to the Docker engine, or says that there is none.
func engine(ctx context.Context) (*testcontainers.DockerClient, error) {
	prepared()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := pingGiven(ctx)
	if err == nil {
		var docker *testcontainers.DockerClient
		if docker, err = testcontainers.NewDockerClientWithOpts(ctx); err == nil {
			if _, err = docker.Ping(ctx, client.PingOptions{}); err == nil {
				used.Store(true)
				return docker, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: start one, or set DOCKER_HOST to where it listens: %w", ErrNoDocker, err)
}

// pingGiven asks the engine that DOCKER_HOST names, if it names one, because
// testcontainers would silently take another engine if that one does not answer.
func pingGiven(ctx context.Context) error {
	if os.Getenv("DOCKER_HOST") == "" {
		return nil
	}
	given, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	_, err = given.Ping(ctx, client.PingOptions{})
	return errors.Join(err, given.Close())
}

// silent drops testcontainers' progress messages.
type silent struct{}

func (silent) Printf(string, ...any) {}

// Available says why no ensemble can be started here; nil if one can.
func Available(ctx context.Context) error {
	docker, err := engine(ctx)
	if err != nil {
		return err
	}
	return docker.Close()
}

// execIn runs a shell command in a container and returns its output.
func execIn(ctx context.Context, docker *testcontainers.DockerClient, container, script string) (string, error) {
	created, err := docker.ExecCreate(ctx, container, client.ExecCreateOptions{
		Cmd: []string{"sh", "-c", script}, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", fmt.Errorf("ensemble: exec: %w", err)
	}
	attached, err := docker.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", fmt.Errorf("ensemble: exec: %w", err)
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	var out, errOut bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errOut, attached.Reader); err != nil {
		return "", fmt.Errorf("ensemble: exec %q: %w", script, errors.Join(err, context.Cause(ctx)))
	}
	done, err := docker.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("ensemble: exec: %w", err)
	}
	if done.ExitCode != 0 {
		return out.String(), fmt.Errorf("ensemble: exec %q: exit code %d: %s", script, done.ExitCode, strings.TrimSpace(errOut.String()))
	}
	return out.String(), nil
}
