package tlc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// Variable names the environment variable that says where tla2tools.jar is.
const Variable = "TLA2TOOLS_JAR"

// ErrNone means that there is no TLC to run.
var ErrNone = errors.New("no TLC: set " + Variable + " to tla2tools.jar (release 1.7.4), and have java")

// TLC is a TLC that can be run.
type TLC struct {
	java, jar string
}

// Find looks for TLC: where TLA2TOOLS_JAR says, then in the cache of the user. It
// downloads nothing.
func Find() (TLC, error) {
	jar := os.Getenv(Variable)
	if jar == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			jar = filepath.Join(cache, "ringmaster", "tla2tools-1.7.4.jar")
		}
	}
	absolute, err := filepath.Abs(jar)
	if jar == "" || err != nil {
		return TLC{}, ErrNone
	}
	if info, err := os.Stat(absolute); err != nil || info.IsDir() {
		return TLC{}, fmt.Errorf("%w; there is none at %s", ErrNone, absolute)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return TLC{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return TLC{java, absolute}, nil
}

// Write puts files into a folder, for Check.
func Write(dir string, files fs.FS, names ...string) error {
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("tlc: %w", err)
		}
	}
	return nil
}

// Check runs TLC on a module of a folder, with its configuration of the same name and
// one worker, so that the search is breadth first, and returns what it printed. TLC's
// verdict is in that; an error means that it did not come to its end.
func (t TLC) Check(ctx context.Context, dir, module string) (string, error) {
	states, err := os.MkdirTemp("", "ringmaster-tlc")
	if err != nil {
		return "", fmt.Errorf("tlc: %w", err)
	}
	defer os.RemoveAll(states)
	command := exec.CommandContext(ctx, t.java, "-XX:+UseParallelGC", "-Xss16m", "-cp", t.jar, "tlc2.TLC",
		"-workers", "1", "-metadir", states, "-config", module+".cfg", module+".tla")
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("tlc: %s: %w", module, err)
	}
	return string(out), nil
}
