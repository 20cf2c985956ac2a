package ensemble

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// SaveEvidence copies the servers' output, transaction logs and snapshots to
// dir/<server>/.
func (e *Ensemble) SaveEvidence(ctx context.Context, dir string) error {
	if e.IsExternal() {
		return nil
	}
	var errs []error
	for _, s := range e.Servers {
		into := filepath.Join(dir, s.Name)
		errs = append(errs, os.MkdirAll(into, 0o755), s.saveLog(ctx, filepath.Join(into, "server.log")), s.saveData(ctx, into))
	}
	return errors.Join(errs...)
}

// lastOutput is the end of the server's output, for an error message.
func (s *Server) lastOutput(ctx context.Context) string {
	logs, err := s.docker.ContainerLogs(ctx, s.container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "10"})
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	var out strings.Builder
	_, _ = stdcopy.StdCopy(&out, &out, logs)
	return out.String()
}

// Said counts the lines of the server's output so far that contain a text.
func (s *Server) Said(ctx context.Context, text string) (int, error) {
	if s.docker == nil {
		return 0, ErrExternal
	}
	logs, err := s.docker.ContainerLogs(ctx, s.container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return 0, fmt.Errorf("ensemble: %s: logs: %w", s.Name, err)
	}
	defer logs.Close()
	var out strings.Builder
	if _, err := stdcopy.StdCopy(&out, &out, logs); err != nil {
		return 0, fmt.Errorf("ensemble: %s: logs: %w", s.Name, err)
	}
	n := 0
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n, nil
}

func (s *Server) saveLog(ctx context.Context, path string) error {
	logs, err := s.docker.ContainerLogs(ctx, s.container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return fmt.Errorf("ensemble: %s: logs: %w", s.Name, err)
	}
	defer logs.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = stdcopy.StdCopy(file, file, logs)
	return errors.Join(err, file.Close())
}

func (s *Server) saveData(ctx context.Context, dir string) error {
	copied, err := s.docker.CopyFromContainer(ctx, s.container, client.CopyFromContainerOptions{SourcePath: "/data"})
	if err != nil {
		return fmt.Errorf("ensemble: %s: copy data: %w", s.Name, err)
	}
	defer copied.Content.Close()
	return untar(copied.Content, dir)
}

// untar writes the regular files of a stream below dir.
func untar(r io.Reader, dir string) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || !filepath.IsLocal(header.Name) {
			continue
		}
		path := filepath.Join(dir, header.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeFile(path, archive); err != nil {
			return err
		}
	}
}

func writeFile(path string, r io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	return errors.Join(err, file.Close())
}
