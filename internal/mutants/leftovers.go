package mutants

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// counterexamples lists the files in which tests keep failing inputs, to try them first
// the next time, as pgregory.net/rapid does beside the test. A failing input of a
// mutant does not belong to the source.
func counterexamples(dir string) (map[string]bool, error) {
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != dir && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "results") {
			return fs.SkipDir
		}
		if strings.Contains(filepath.ToSlash(path), "/testdata/rapid") {
			found[path] = true
		}
		return nil
	})
	return found, err
}

// sweep removes new files and their new folders.
func sweep(dir string, before map[string]bool) error {
	after, err := counterexamples(dir)
	for path := range after {
		if !before[path] {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}
