package peers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place is one in a folder of the test.
func place(t *testing.T) *Place {
	t.Helper()
	p, err := open([]string{t.TempDir()}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// installed is a finder of a machine that has everything but some things.
func installed(except ...string) finder {
	return func(name string) string {
		for _, missing := range except {
			if strings.Contains(name, missing) {
				return ""
			}
		}
		return "/found/" + name
	}
}

func nothing(string) string { return "" }

// everything is the peers of all suites.
func everything(f finder) []Peer {
	return append(append(append(f.all(), f.queues()...), f.onZooKeeper("lock", "kazoo Lock", "Curator InterProcessMutex")...), f.onZooKeeper("election", "kazoo Election", "Curator LeaderLatch")...)
}

// TestAll_SayHowToInstallWhatIsMissing: where nothing is installed, each peer has one
// sentence that names the remedy.
func TestAll_SayHowToInstallWhatIsMissing(t *testing.T) {
	for _, p := range everything(nothing) {
		err := p.Prepare(t.Context(), place(t))
		var sentence Missing
		if !errors.As(err, &sentence) || !strings.Contains(err.Error(), " is not installed: run scripts/bench-peers") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func TestAll_NameWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ peer, without, want string }{
		{"River", "bin/postgres", "PostgreSQL is not installed: run scripts/bench-peers"},
		{"River", "bin/initdb", "PostgreSQL is not installed: run scripts/bench-peers"},
		{"asynq", "redis-server", "Redis is not installed: run scripts/bench-peers"},
		{"kazoo", "python3", "Python 3 is not installed: run scripts/bench-peers"},
		{"kazoo", "kazoo/client.py", "kazoo is not installed: run scripts/bench-peers"},
		{"Curator", "javac", "a JDK is not installed: run scripts/bench-peers"},
		{"Curator", "curator-recipes", "Curator (curator-recipes.jar) is not installed: run scripts/bench-peers"},
		{"Curator", "slf4j-nop", "Curator (slf4j-nop.jar) is not installed: run scripts/bench-peers"},
		{"River", "go.mod", "peers/go.mod is not in the current folder: run the command at the root of the repository"},
		{"kazoo LockingQueue", "peers/", "peers/kazoo_queue.py is not in the current folder: run the command at the root of the repository"},
		{"kazoo Election", "peers/", "peers/kazoo_contend.py is not in the current folder: run the command at the root of the repository"},
		{"Curator DistributedQueue", "peers/", "peers/CuratorQueue.java is not in the current folder: run the command at the root of the repository"},
		{"Curator InterProcessMutex", "peers/", "peers/CuratorContend.java is not in the current folder: run the command at the root of the repository"},
	} {
		for _, p := range everything(installed(c.without)) {
			if !strings.HasPrefix(p.Name, c.peer) {
				continue
			}
			if err := p.Prepare(t.Context(), place(t)); err == nil || err.Error() != c.want {
				t.Errorf("%s without %s: %v", c.peer, c.without, err)
			}
		}
	}
}

// TestBuild_ThatFailsIsAsIfNotInstalled: the libraries of the module peers are not there if no
// proxy answers.
func TestBuild_ThatFailsIsAsIfNotInstalled(t *testing.T) {
	dir := t.TempDir()
	goCommand := filepath.Join(dir, "go")
	script(t, goCommand, "echo 'no proxy answers'; echo more; exit 1")
	f := finder(func(name string) string {
		if name == "go" {
			return goCommand
		}
		return filepath.Join(dir, filepath.Base(name))
	})
	err := f.build(t.Context(), place(t))
	var sentence Missing
	if !errors.As(err, &sentence) || err.Error() != "the module peers does not build (no proxy answers): run scripts/bench-peers" {
		t.Error(err)
	}
}

func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestFind_TakesTheGreatestVersion: Debian keeps versions of PostgreSQL side by side.
func TestFind_TakesTheGreatestVersion(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "15", "17"} {
		dir := filepath.Join(root, "postgresql", version, "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		script(t, filepath.Join(dir, "postgres"), "")
	}
	found := find(filepath.Join(root, "postgresql", "*", "bin", "postgres"))
	if filepath.Base(filepath.Dir(filepath.Dir(found))) != "17" {
		t.Error(found)
	}
	if found := find(filepath.Join(root, "mysql", "*")); found != "" {
		t.Error(found)
	}
	if found := find("no-such-program-of-ours"); found != "" {
		t.Error(found)
	}
}
