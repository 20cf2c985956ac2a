package record

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpen_RefusesPipesAndDevices: nobody writes to these pipes, so a reader would wait for
// ever. Each file of a run is tried.
func TestOpen_RefusesPipesAndDevices(t *testing.T) {
	for _, name := range []string{ManifestFile, ConfigFile, HistoryFile, WireFile, CommittedFile, FaultsFile, EvidenceFile} {
		for what, make := range map[string]func(string) error{
			"pipe": func(path string) error { return syscall.Mkfifo(path, 0o644) }, "device": func(path string) error { return os.Symlink("/dev/zero", path) },
		} {
			dir := t.TempDir()
			if err := make(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			_, run, err := Open(dir)
			said := ""
			for _, l := range run.Losses {
				said += l.String() + "\n"
			}
			if err != nil || !strings.Contains(said, ErrNotRegular.Error()) || !strings.Contains(said, name) {
				t.Errorf("%s is a %s: %v, %s", name, what, err, said)
			}
		}
	}
	if _, err := ReadRegular(t.TempDir()); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a folder: %v", err)
	}
}

// TestDecodeJSON_NamesTheLine of a syntax error, and of a value of another kind.
func TestDecodeJSON_NamesTheLine(t *testing.T) {
	for text, want := range map[string]string{"{\n \"a\": 1,\nx}": "line 3: ", "{\n\"a\": \"text\"}": "line 2: ", "{\n\n": "line 2: "} {
		var v struct{ A int }
		if err := decodeJSON([]byte(text), &v); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
