package mutants

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// Source is a source tree to plant defects in; nothing in it is ever changed.
type Source struct {
	Dir     string // its root, where go.mod is
	Command string // the package of the command to build
}

// Overlay writes the edited files and an overlay.json for go build -overlay into into,
// and returns the path of overlay.json. Every edit must match exactly once. The error
// lists all edits that do not, with the id, the place and the number of matches.
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

// edited are the edited files of an entry, by path below root. Edits with an anchor are
// all matched against the unchanged source, so their order does not matter. Edits of
// files follow, one after the other.
func edited(root string, e Entry) (map[string]string, error) {
	texts := map[string]string{}
	read := func(file string) error {
		if _, known := texts[file]; known {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(root, file))
		if err == nil {
			texts[file] = string(data)
		}
		return err
	}
	places, errs := e.places(root)
	for i, p := range places { // from the end of a file to its beginning
		if err := read(p.file); err != nil {
			errs = append(errs, e.wrong(p.edit, err))
			continue
		}
		if i > 0 && p.file == places[i-1].file && p.to > places[i-1].from {
			errs = append(errs, e.wrong(p.edit, fmt.Errorf("edits %d and %d change the same text; join them", p.edit+1, places[i-1].edit+1)))
			continue
		}
		p = p.widened(texts[p.file])
		texts[p.file] = texts[p.file][:p.from] + p.text + texts[p.file][p.to:]
	}
	for _, p := range places {
		text, err := withImports(p.file, texts[p.file], e.Edits[p.edit].Imports)
		if err != nil {
			errs = append(errs, e.wrong(p.edit, err))
			continue
		}
		texts[p.file] = text
	}
	for n, edit := range e.Edits {
		if edit.Package != "" {
			continue
		}
		file := filepath.Clean(filepath.FromSlash(edit.File))
		if err := read(file); err != nil {
			errs = append(errs, e.wrong(n, err))
			continue
		}
		if found := occurrences(texts[file], edit.Old); found != 1 {
			errs = append(errs, e.wrong(n, notOnce(found, edit.Old)))
		}
		texts[file] = strings.Replace(texts[file], edit.Old, edit.New, 1)
	}
	return texts, errors.Join(errs...)
}

// places are the places of the edits with an anchor, by file, the last of a file first.
// The errors are about anchors without a place.
func (e Entry) places(root string) ([]replacement, []error) {
	var all []replacement
	var errs []error
	for n, edit := range e.Edits {
		if edit.Package == "" {
			continue
		}
		p, err := edit.locate(root)
		if err != nil {
			errs = append(errs, e.wrong(n, err))
			continue
		}
		p.edit = n
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b replacement) int {
		return cmp.Or(strings.Compare(a.file, b.file), b.from-a.from, b.to-a.to)
	})
	return all, errs
}

// wrong is an error about one of the edits: it names the entry and the place.
func (e Entry) wrong(n int, err error) error {
	return fmt.Errorf("mutants: %s: %s: %w", e.ID, e.Edits[n].where(), err)
}

// notOnce is the error of an old text that is found never or several times.
func notOnce(found int, old string) error {
	return fmt.Errorf("the old text occurs %d times, not once; it begins %q", found, firstLine(old))
}

// where names the place of an edit.
func (e Edit) where() string {
	if e.Package != "" {
		return e.Package + ": " + e.In
	}
	return e.File
}

// occurrences counts overlapping ones too.
func occurrences(text, part string) int {
	n := 0
	for at := strings.Index(text, part); at >= 0; at = strings.Index(text, part) {
		n++
		text = text[at+1:]
	}
	return n
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// Build is a source tree with a defect planted in it. Its command is built at the first
// request.
type Build struct {
	Source  Source
	Overlay string // overlay.json; empty for the unchanged source
	id      string
	dir     string
	binary  string
}

// Plant prepares a build of the source with the defect, or of the unchanged source if
// the entry has no edits. Binaries go into the folder into.
func (s Source) Plant(e Entry, into string) (*Build, error) {
	b := &Build{Source: s, id: e.ID, dir: into}
	var err error
	if len(e.Edits) > 0 {
		b.Overlay, err = s.Overlay(e, into)
	}
	return b, err
}

// Binary builds the command and returns its path. The error has the messages of the
// compiler.
func (b *Build) Binary(ctx context.Context) (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	binary := filepath.Join(b.dir, "mutant")
	if printed, err := b.tool(ctx, "build", "-o", binary, b.Source.Command).CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutants: %s does not compile: %w\n%s", b.id, err, printed)
	}
	b.binary = binary
	return binary, nil
}

// save copies the command, if it was built, into a folder, under the command's own
// name.
func (b *Build) save(dir string) error {
	if b.binary == "" {
		return nil
	}
	program, err := os.ReadFile(b.binary)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, path.Base(b.Source.Command)), program, 0o755)
	}
	if err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	return nil
}

// tool is a call of the go command in the source tree, with the defect. Its child
// processes end with it.
func (b *Build) tool(ctx context.Context, verb string, args ...string) *exec.Cmd {
	if b.Overlay != "" {
		args = append([]string{"-overlay", b.Overlay}, args...)
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{verb}, args...)...)
	cmd.Dir = b.Source.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second // for a child in its own group that keeps the output open
	return cmd
}

// scratchPrefix is the beginning of the names of scratch folders; their owner follows.
const scratchPrefix = "ringmaster-mutant-"

// scratch makes a temporary folder, and returns a function that removes it.
func scratch() (dir string, remove func(), err error) {
	if dir, err = os.MkdirTemp("", scratchPrefix+owner.Self().String()+"-"); err != nil {
		return "", nil, fmt.Errorf("mutants: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// sweepScratch removes the scratch folders of hunts that were killed.
func sweepScratch() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*"))
	for _, dir := range left {
		name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), scratchPrefix), "-")
		if id, err := owner.Parse(name); err == nil && !id.Alive() {
			_ = os.RemoveAll(dir) // leftovers do no harm
		}
	}
}

// lastLine is the last line of a program's output.
func lastLine(printed string) string {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
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

// commit names the state of the source: the short commit, with a + if files have
// changed since, except results. It is empty if git does not know the source.
func (s Source) commit(ctx context.Context) string {
	git := func(args ...string) string {
		printed, err := exec.CommandContext(ctx, "git", append([]string{"-C", s.Dir}, args...)...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(printed))
	}
	commit := git("rev-parse", "--short=10", "HEAD")
	if commit != "" && git("status", "--porcelain", "--", ".", ":(exclude)results") != "" {
		commit += "+"
	}
	return commit
}
