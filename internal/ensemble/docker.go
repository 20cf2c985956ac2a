package ensemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// Labels of everything that this package creates in the engine.
const (
	labelOwner = "ringmaster.owner" // an owner.ID
	labelRun   = "ringmaster.run"
)

// ErrNoDocker means that no Docker engine answers.
var ErrNoDocker = errors.New("no Docker engine answers")

// engine connects to the Docker engine, or says that there is none.
func engine(ctx context.Context) (*testcontainers.DockerClient, error) {
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
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := pingGiven(ctx)
	if err == nil {
		var docker *testcontainers.DockerClient
		if docker, err = testcontainers.NewDockerClientWithOpts(ctx); err == nil {
			if _, err = docker.Ping(ctx, client.PingOptions{}); err == nil {
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

// RemoveLeftovers removes the containers, networks and volumes of owners that no
// longer run, and returns how many.
func RemoveLeftovers(ctx context.Context) (int, error) {
	docker, err := engine(ctx)
	if err != nil {
		return 0, err
	}
	defer docker.Close()
	return remove(ctx, docker, func(labels map[string]string) bool {
		id, err := owner.Parse(labels[labelOwner])
		return err == nil && !id.Alive()
	})
}

// remove deletes everything of ours that fits.
func remove(ctx context.Context, docker *testcontainers.DockerClient, fits func(labels map[string]string) bool) (int, error) {
	ours := make(client.Filters).Add("label", labelOwner)
	removed := 0
	var failures []error
	count := func(err error) {
		if err != nil {
			failures = append(failures, err)
			return
		}
		removed++
	}
	containers, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return 0, fmt.Errorf("ensemble: list containers: %w", err)
	}
	for _, c := range containers.Items {
		if fits(c.Labels) {
			if c.State == "paused" {
				_, _ = docker.ContainerUnpause(ctx, c.ID, client.ContainerUnpauseOptions{})
			}
			_, err := docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			count(err)
		}
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return removed, fmt.Errorf("ensemble: list networks: %w", err)
	}
	for _, n := range networks.Items {
		if fits(n.Labels) {
			_, err := docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			count(err)
		}
	}
	volumes, err := docker.VolumeList(ctx, client.VolumeListOptions{Filters: ours})
	if err != nil {
		return removed, fmt.Errorf("ensemble: list volumes: %w", err)
	}
	for _, v := range volumes.Items {
		if fits(v.Labels) {
			_, err := docker.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
			count(err)
		}
	}
	return removed, errors.Join(failures...)
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
