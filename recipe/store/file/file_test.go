package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/recipe/store/file"
	"github.com/ringmaster-zk/ringmaster/recipe/store/storetest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func config() file.Config { return file.Config{Layout: storetest.Layout(), CompactAfter: 2000} }

func TestFiles_AreAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(storetest.Stores)) {
		folder := filepath.Join(t.TempDir(), "a", "b")
		test(storetest.Stores{T: t, Ctx: t.Context(), Exclusive: true, Open: func() (store.Store, error) { return file.Open(folder, config()) }})
	})
}

// open opens a store that must open.
func open(t *testing.T, folder string) *file.Files {
	t.Helper()
	f, err := file.Open(folder, config())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// stateFile is the only state file of a folder.
func stateFile(t *testing.T, folder string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "state-*"))
	if err != nil || len(all) != 1 {
		t.Fatalf("state files: %v, %v", all, err)
	}
	return all[0]
}

// TestOpen_TwiceIsRefused, also in one process, and leaves the first one alone.
func TestOpen_TwiceIsRefused(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	if _, err := file.Open(folder, config()); !errors.Is(err, file.ErrHeld) || !strings.Contains(err.Error(), "epoch") {
		t.Errorf("%v", err)
	}
	if _, err := f.Apply(t.Context(), store.Create("apps/a", nil)); err != nil {
		t.Error(err)
	}
}

// TestApply_FindsAnotherLock: a person has deleted the lock file, so that another process could open the store.
func TestApply_FindsAnotherLock(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	if err := os.Remove(filepath.Join(folder, "lock")); err != nil {
		t.Fatal(err)
	}
	next := open(t, folder)
	if _, err := f.Apply(t.Context(), store.Create("apps/a", nil)); !errors.Is(err, store.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("the first one: %v", err)
	}
	if _, err := next.Apply(t.Context(), store.Create("apps/a", nil)); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "lock"), []byte(`{"epoch":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Apply(t.Context(), store.Create("apps/b", nil)); !errors.Is(err, store.ErrFenced) {
		t.Errorf("with another epoch in the lock file: %v", err)
	}
}

// TestOpen_EachByteThatIsDamaged is found, unless it is in the last frame, which may not have been confirmed.
func TestOpen_EachByteThatIsDamaged(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	for _, key := range []string{"apps/a", "apps/b"} {
		if _, err := f.Apply(t.Context(), store.Create(key, []byte("value of "+key))); err != nil {
			t.Fatal(err)
		}
	}
	name := stateFile(t, folder)
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Apply(t.Context(), store.Create("apps/last", []byte("x"))); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil || f.Close(t.Context()) != nil {
		t.Fatal(err)
	}
	for at := range whole {
		bad := append([]byte(nil), whole...)
		bad[at] ^= 0x20
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := file.Open(folder, config())
		if at < len(before) {
			if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("byte %d of %d: %v", at, len(whole), err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("byte %d of %d: %v", at, len(whole), err)
		}
		if all, err := f.Load(t.Context()); err != nil || len(all) != 2 {
			t.Errorf("byte %d of %d: %d records, %v", at, len(whole), len(all), err)
		}
	}
}

// TestOpen_RefusesANewerFormat, and changes nothing.
func TestOpen_RefusesANewerFormat(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "state-0000000003.0000000000")
	data := file.Frame(0, []byte(`{"format":2,"frames":0}`))
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(folder, config()); !errors.Is(err, store.ErrNewer) {
		t.Errorf("%v", err)
	}
	if now, err := os.ReadFile(name); err != nil || string(now) != string(data) {
		t.Errorf("the file is %q, %v", now, err)
	}
}

// TestApply_Compacts: the state file does not grow with the number of changes.
func TestApply_Compacts(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	for range 500 {
		if _, err := f.Apply(t.Context(), store.Put("apps/a", make([]byte, 100), store.Any)); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(stateFile(t, folder)); err != nil || info.Size() > 3000 {
		t.Errorf("the state file has %d bytes, %v", info.Size(), err)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := open(t, folder).Get(t.Context(), "apps/a"); err != nil || r.Version != 499 {
		t.Errorf("version %d, %v", r.Version, err)
	}
}
