package ensemble

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// RemoveLeftovers removes the containers, networks and volumes of owners that no
// longer run, and returns how many. Another process may do the same at the same time. When
// RemoveLeftovers returns without an error, all of them are gone, whoever removed them.
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

// RemoveOwn removes the containers, networks and volumes of this process, whatever else it
// does with them.
func RemoveOwn(ctx context.Context) error {
	if !used.Load() {
		return nil
	}
	docker, err := engine(ctx)
	if err != nil {
		return err
	}
	defer docker.Close()
	_, err = remove(ctx, docker, func(labels map[string]string) bool { return labels[labelOwner] == owner.Self().String() })
	return err
}

// remove deletes everything of ours that fits, and returns how much this process has
// deleted.
func remove(ctx context.Context, docker *testcontainers.DockerClient, fits func(labels map[string]string) bool) (int, error) {
	ours := make(client.Filters).Add("label", labelOwner)
	removed := 0
	var failures []error
	away := func(labels map[string]string, remove func() error) {
		if !fits(labels) {
			return
		}
		mine, err := gone(ctx, remove)
		if mine {
			removed++
		}
		failures = append(failures, err)
	}
	containers, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return 0, fmt.Errorf("ensemble: list containers: %w", err)
	}
	for _, c := range containers.Items {
		away(c.Labels, func() error {
			if c.State == "paused" {
				_, _ = docker.ContainerUnpause(ctx, c.ID, client.ContainerUnpauseOptions{})
			}
			_, err := docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			return err
		})
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return removed, fmt.Errorf("ensemble: list networks: %w", err)
	}
	for _, n := range networks.Items {
		away(n.Labels, func() error {
			_, err := docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			return err
		})
	}
	volumes, err := docker.VolumeList(ctx, client.VolumeListOptions{Filters: ours})
	if err != nil {
		return removed, fmt.Errorf("ensemble: list volumes: %w", err)
	}
	for _, v := range volumes.Items {
		away(v.Labels, func() error {
			_, err := docker.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
			return err
		})
	}
	return removed, errors.Join(failures...)
}

// removePatience is how long the engine may refuse to remove one thing because it is in use
// or because another process is removing it.
const removePatience = 20 * time.Second

// gone removes one thing, and reports whether this process has removed it. If another
// process removes it at the same time, gone waits until it is gone.
func gone(ctx context.Context, remove func() error) (mine bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, removePatience)
	defer cancel()
	for {
		err := remove()
		switch {
		case err == nil:
			return true, nil
		case errdefs.IsNotFound(err):
			return false, nil
		case !errdefs.IsConflict(err) && !errdefs.IsPermissionDenied(err): // of a network that a container is still in
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(pollInterval):
		}
	}
}
