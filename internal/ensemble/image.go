package ensemble

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

const (
	repository     = "ringmaster/zookeeper"
	defaultVersion = "3.9"
)

// release names the sources for an image of one ZooKeeper version.
type release struct{ version, official, suite string }

// releases are the sources of the image, pinned.
var releases = map[string]release{
	"3.8": {"3.8", "zookeeper:3.8.4", "bookworm"}, // Debian has 3.8.0
	"3.9": {"3.9", "zookeeper:3.9.3", "trixie"},   // Debian has 3.9.3
}

// debianPackages are the packages of an image from Debian packages, besides the
// essential ones.
var debianPackages = []string{"zookeeper", "default-jre-headless", "iproute2", "iptables", "procps", "strace"}

// officialLayer is the layer on top of the official image.
func (r release) officialLayer() string {
	return "FROM " + r.official + `
RUN apt-get update && apt-get install -y --no-install-recommends iptables iproute2 procps strace && rm -rf /var/lib/apt/lists/*
ENTRYPOINT []
`
}

//go:embed server.sh
var serverScript []byte

// Image is the image of the servers.
type Image struct {
	Reference string `json:"reference"`
	ID        string `json:"id"`     // the engine's digest
	Source    string `json:"source"` // given, built earlier, official, debian
}

// tag names an image by its inputs, so that a changed build makes a new image.
func (r release) tag() string {
	sum := sha256.Sum256([]byte(r.officialLayer() + r.suite + strings.Join(debianPackages, ",")))
	return repository + ":" + r.version + "-" + hex.EncodeToString(sum[:4])
}

// FindImage returns the image to run: the given one if any, or ZOOKEEPER_IMAGE, or one
// built earlier, or one built now. It is built from the official image if that can be
// pulled, and from Debian packages otherwise. ZOOKEEPER_VERSION names the version to
// build.
func FindImage(ctx context.Context, given string, progress io.Writer) (Image, error) {
	docker, err := engine(ctx)
	if err != nil {
		return Image{}, err
	}
	defer docker.Close()
	if given == "" {
		given = os.Getenv("ZOOKEEPER_IMAGE")
	}
	if given != "" {
		return givenImage(ctx, docker, given, progress)
	}
	version := cmp.Or(os.Getenv("ZOOKEEPER_VERSION"), defaultVersion)
	r, ok := releases[version]
	if !ok {
		return Image{}, fmt.Errorf("ensemble: ZOOKEEPER_VERSION=%s: use 3.8 or 3.9, or give an image of your own with --image", version)
	}
	if image, err := inspect(ctx, docker, r.tag(), "built earlier"); err == nil {
		return image, nil
	}
	fmt.Fprintf(progress, "image: pulling %s\n", r.official)
	officialErr := buildOfficial(ctx, docker, r)
	if officialErr == nil {
		return inspect(ctx, docker, r.tag(), "official")
	}
	fmt.Fprintf(progress, "image: the official one is not available (%v)\nimage: building from Debian %s packages, about a minute\n", firstLine(officialErr), r.suite)
	if err := buildDebian(ctx, docker, r); err != nil {
		return Image{}, fmt.Errorf("ensemble: no ZooKeeper image: give one with --image or ZOOKEEPER_IMAGE: %w", errors.Join(officialErr, err))
	}
	return inspect(ctx, docker, r.tag(), "debian")
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func givenImage(ctx context.Context, docker *testcontainers.DockerClient, ref string, progress io.Writer) (Image, error) {
	image, err := inspect(ctx, docker, ref, "given")
	if err == nil || !errdefs.IsNotFound(err) {
		return image, err
	}
	fmt.Fprintf(progress, "image: pulling %s\n", ref)
	if err := pull(ctx, docker, ref); err != nil {
		return Image{}, fmt.Errorf("ensemble: image %q is not on this machine and cannot be pulled: %w", ref, err)
	}
	return inspect(ctx, docker, ref, "given")
}

func inspect(ctx context.Context, docker *testcontainers.DockerClient, ref, source string) (Image, error) {
	found, err := docker.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, fmt.Errorf("ensemble: image %q: %w", ref, err)
	}
	return Image{Reference: ref, ID: found.ID, Source: source}, nil
}

func pull(ctx context.Context, docker *testcontainers.DockerClient, ref string) error {
	body, err := docker.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	defer body.Close()
	return drain(body)
}

// buildOfficial puts the layer with packet rules on the official image.
func buildOfficial(ctx context.Context, docker *testcontainers.DockerClient, r release) error {
	if err := pull(ctx, docker, r.official); err != nil {
		return err
	}
	layer := r.officialLayer()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err := errors.Join(
		w.WriteHeader(&tar.Header{Name: "Dockerfile", Mode: 0o644, Size: int64(len(layer))}),
		func() error { _, err := w.Write([]byte(layer)); return err }(),
		w.Close(),
	)
	if err != nil {
		return err
	}
	built, err := docker.ImageBuild(ctx, &archive, client.ImageBuildOptions{Tags: []string{r.tag()}, Remove: true})
	if err != nil {
		return err
	}
	defer built.Body.Close()
	return drain(built.Body)
}

// drain reads the engine's stream of progress to its end, because an error may be in
// it.
func drain(r io.Reader) error {
	decoder := json.NewDecoder(r)
	for {
		var message struct {
			Error string `json:"error"`
		}
		switch err := decoder.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case message.Error != "":
			return errors.New(message.Error)
		}
	}
}

// buildDebian makes the image from Debian packages alone; no registry is needed.
func buildDebian(ctx context.Context, docker *testcontainers.DockerClient, r release) error {
	if err := haveMmdebstrap(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ringmaster-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	archive := filepath.Join(dir, "root.tar")
	command := exec.CommandContext(ctx, "mmdebstrap", "--variant=apt", "--include="+strings.Join(debianPackages, ","),
		"--aptopt=Apt::Install-Recommends false",
		r.suite, archive)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("mmdebstrap: %w: %s", err, tail(string(out), 20))
	}
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	imported, err := docker.ImageImport(ctx, client.ImageImportSource{Source: file, SourceName: "-"}, r.tag(), client.ImageImportOptions{})
	if err != nil {
		return fmt.Errorf("import image: %w", err)
	}
	defer imported.Close()
	return drain(imported)
}

// haveMmdebstrap installs mmdebstrap if that is possible without asking.
func haveMmdebstrap(ctx context.Context) error {
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	const remedy = "mmdebstrap is missing: install it (apt-get install mmdebstrap)"
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return errors.New(remedy)
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "mmdebstrap"}} {
		if out, err := exec.CommandContext(ctx, "apt-get", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", remedy, err, tail(string(out), 3))
		}
	}
	return nil
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Version runs the image to ask which ZooKeeper it holds.
func (i Image) Version(ctx context.Context) (string, error) {
	docker, err := engine(ctx)
	if err != nil {
		return "", err
	}
	defer docker.Close()
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image: i.Reference, Entrypoint: []string{"sleep"}, Cmd: []string{"60"},
			Labels: map[string]string{labelOwner: owner.Self().String()},
			Files:  []testcontainers.ContainerFile{{Reader: bytes.NewReader(serverScript), ContainerFilePath: "/ringmaster/server.sh", FileMode: 0o755}},
		},
		Started: true,
	})
	if err != nil {
		return "", fmt.Errorf("ensemble: image %s does not run: %w", i.Reference, err)
	}
	out, err := execIn(ctx, docker, c.GetContainerID(), "sh /ringmaster/server.sh version 2>/dev/null")
	if err := errors.Join(err, c.Terminate(context.WithoutCancel(ctx), testcontainers.StopTimeout(0))); err != nil {
		return "", err
	}
	// "Apache ZooKeeper, version 3.9.3 2026-03-08 16:19 UTC"
	_, rest, _ := strings.Cut(out, "version ")
	version, _, _ := strings.Cut(rest, " ")
	return version, nil
}
