package tlc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Variable is the environment variable with the path of tla2tools.jar.
const Variable = "TLA2TOOLS_JAR"

// The official release that is downloaded, and its checksum.
const (
	release  = "1.7.4"
	location = "https://github.com/tlaplus/tlaplus/releases/download/v" + release + "/tla2tools.jar"
	patience = 2 * time.Minute // of a download
	checksum = "936a262061c914694dfd669a543be24573c45d5aa0ff20a8b96b23d01e050e88"
)

// ErrNone means that TLC was not found.
var ErrNone = errors.New("no TLC: set " + Variable + " to tla2tools.jar (release " + release + "), and have java")

// TLC is an installed TLC.
type TLC struct {
	java, jar string
}

// cached is the path of a downloaded TLC.
func cached() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	return filepath.Join(cache, "ringmaster", "tla2tools-"+release+".jar"), nil
}

// Find looks for TLC at the path in TLA2TOOLS_JAR, then in the cache of the user. It
// downloads nothing.
func Find() (TLC, error) {
	jar := os.Getenv(Variable)
	if jar == "" {
		var err error
		if jar, err = cached(); err != nil {
			return TLC{}, err
		}
	}
	absolute, err := filepath.Abs(jar)
	if err != nil {
		return TLC{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	data, err := os.ReadFile(absolute)
	if err != nil {
		return TLC{}, fmt.Errorf("%w; there is none at %s", ErrNone, absolute)
	}
	if os.Getenv(Variable) == "" {
		if err := expected(data); err != nil {
			return TLC{}, fmt.Errorf("%w; delete %s: %w", ErrNone, absolute, err)
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return TLC{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return TLC{java, absolute}, nil
}

// Fetch is Find, but if there is no TLC, it downloads the official release into the
// cache.
func Fetch(ctx context.Context) (TLC, error) {
	found, none := Find()
	if none == nil || os.Getenv(Variable) != "" {
		return found, none
	}
	if _, err := exec.LookPath("java"); err != nil {
		return TLC{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	jar, err := cached()
	if err == nil {
		err = download(ctx, jar)
	}
	if err != nil {
		return TLC{}, fmt.Errorf("%w; and it cannot be downloaded: %w", ErrNone, err)
	}
	return Find()
}

// download downloads the official release to a path, if its checksum is right.
func download(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", location, response.Status)
	}
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return keep(data, path)
}

// expected reports whether data is the release.
func expected(data []byte) error {
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != checksum {
		return fmt.Errorf("the checksum is %x, not %s", sum, checksum)
	}
	return nil
}

// keep writes the whole release to a path, or nothing, if its checksum is right.
func keep(data []byte, path string) error {
	if err := expected(data); err != nil {
		return fmt.Errorf("%s: %w", location, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// Write puts files into a folder, for Run.
func Write(dir string, files fs.FS, names ...string) error {
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("tlc: %w", err)
		}
	}
	return nil
}

// Job is one run of TLC on a module and a configuration of a folder.
type Job struct {
	Module   string // without .tla
	Config   string // without .cfg; the module's name if it is empty
	Workers  int    // 1 if it is 0: breadth first, with the depth that is printed right
	Dot      string // file for the graph of states; empty for none
	Simulate int    // behaviours to draw instead of visiting every state
	Depth    int    // of those
	Seed     int64  // of those
}

// Run runs TLC and returns its result. An error means that TLC did not finish; a
// violation is not an error.
func (t TLC) Run(ctx context.Context, dir string, job Job) (Outcome, error) {
	states, err := os.MkdirTemp("", "ringmaster-tlc")
	if err != nil {
		return Outcome{}, fmt.Errorf("tlc: %w", err)
	}
	defer os.RemoveAll(states)
	if job.Config == "" {
		job.Config = job.Module
	}
	args := []string{"-XX:+UseParallelGC", "-Xss16m", "-cp", t.jar, "tlc2.TLC", "-metadir", states, "-workers", strconv.Itoa(max(job.Workers, 1))}
	if job.Dot != "" {
		args = append(args, "-dump", "dot", job.Dot)
	}
	if job.Simulate > 0 {
		args = append(args, "-simulate", "num="+strconv.Itoa(job.Simulate), "-depth", strconv.Itoa(job.Depth), "-seed", strconv.FormatInt(job.Seed, 10))
	}
	command := exec.CommandContext(ctx, t.java, append(args, "-config", job.Config+".cfg", job.Module+".tla")...)
	command.Dir = dir
	printed, err := command.CombinedOutput()
	outcome := read(string(printed))
	if ctx.Err() != nil {
		return outcome, fmt.Errorf("tlc: %s %s: %w", job.Module, job.Config, context.Cause(ctx))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && slices.Contains(violations, exit.ExitCode()) && outcome.Violated != "" {
		return outcome, nil
	}
	if err != nil {
		return outcome, fmt.Errorf("tlc: %s %s: %w", job.Module, job.Config, err)
	}
	return outcome, nil
}

// violations are the exit codes with which TLC reports a violation after a complete
// run: a deadlock, an invariant, a property of steps, or a liveness property.
var violations = []int{11, 12, 13}
