package mutants

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSweep_RemovesCounterexamplesOfMutants(t *testing.T) {
	dir := t.TempDir()
	file := func(path string) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kept := file("a/testdata/rapid/TestA/1.fail")
	other := file("b/testdata/golden")
	before, err := counterexamples(dir)
	if err != nil {
		t.Fatal(err)
	}
	gone := []string{file("a/testdata/rapid/TestA/2.fail"), file("b/testdata/rapid/TestB/1.fail")}
	if err := sweep(dir, before); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{kept, other} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	for _, path := range append(gone, filepath.Join(dir, "b/testdata/rapid")) {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
}
