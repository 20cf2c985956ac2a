package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Source is a source tree to plant defects in; nothing in it is ever changed.
type Source struct {
	Dir     string // its root, where go.mod is
	Command string // the package of the command to build
}

// Overlay writes the edited files and an overlay.json for go build -overlay into
// into, and returns the path of overlay.json. Every edit must match exactly once;
// those that do not are told, all at once, with the id, the file and how often they
// match. Several edits of one file are made one after the other.
func (s Source) Overlay(e Entry, into string) (string, error) {
	root, err := filepath.Abs(s.Dir)
	if err != nil {
		return "", fmt.Errorf("mutants: %w", err)
	}
	texts, err := edited(root, e)
	if err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range texts {
		path := filepath.Join(into, fmt.Sprintf("%d-%s", len(overlay.Replace), filepath.Base(file)))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", fmt.Errorf("mutants: %w", err)
		}
		overlay.Replace[filepath.Join(root, file)] = path
	}
	data, err := json.MarshalIndent(overlay, "", "  ")
	path := filepath.Join(into, "overlay.json")
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("mutants: %w", err)
	}
	return path, nil
}

// edited are the files of an entry, by path below root, as the edits make them.
func edited(root string, e Entry) (map[string]string, error) {
	texts := map[string]string{}
	var errs []error
	for _, edit := range e.Edits {
		file := filepath.FromSlash(edit.File)
		text, known := texts[file]
		if !known {
			data, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				errs = append(errs, fmt.Errorf("mutants: %s: %w", e.ID, err))
				continue
			}
			text = string(data)
		}
		if n := strings.Count(text, edit.Old); n != 1 {
			errs = append(errs, fmt.Errorf("mutants: %s: %s: the old text is there %d times, not once; it begins %q", e.ID, edit.File, n, firstLine(edit.Old)))
		}
		texts[file] = strings.Replace(text, edit.Old, edit.New, 1)
	}
	return texts, errors.Join(errs...)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// Build is a source tree with a defect planted in it. Its command is built when it
// is first asked for.
type Build struct {
	Source  Source
	Overlay string // overlay.json; empty for the source as it is
	id      string
	dir     string
	binary  string
}

// Plant makes ready to build the source with the defect, or without when the entry has
// no edits; what is built goes into the folder into.
func (s Source) Plant(e Entry, into string) (*Build, error) {
	b := &Build{Source: s, id: e.ID, dir: into}
	var err error
	if len(e.Edits) > 0 {
		b.Overlay, err = s.Overlay(e, into)
	}
	return b, err
}

// Binary is the path of the command, built. What the compiler says against it is in
// the error.
func (b *Build) Binary(ctx context.Context) (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	path := filepath.Join(b.dir, "mutant")
	if printed, err := b.tool(ctx, "build", "-o", path, b.Source.Command).CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutants: %s does not compile: %w\n%s", b.id, err, printed)
	}
	b.binary = path
	return path, nil
}

// tool is a call of the go command in the source tree, with the defect. What it has
// started ends with it.
func (b *Build) tool(ctx context.Context, verb string, args ...string) *exec.Cmd {
	if b.Overlay != "" {
		args = append([]string{"-overlay", b.Overlay}, args...)
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{verb}, args...)...)
	cmd.Dir = b.Source.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// scratch is a temporary folder and how to be rid of it.
func scratch() (dir string, remove func(), err error) {
	if dir, err = os.MkdirTemp("", "ringmaster-mutant-"); err != nil {
		return "", nil, fmt.Errorf("mutants: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// lastLine is the end of what a program printed.
func lastLine(printed []byte) string {
	lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
	return lines[len(lines)-1]
}

// Match says which edits of a catalogue do not match the source exactly once.
func (s Source) Match(all Catalogue) error {
	var errs []error
	for _, e := range all {
		_, err := edited(s.Dir, e)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
