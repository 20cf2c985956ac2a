package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// otherClient is a program of ours that uses somebody else's client. It prints a line for
// each outcome, the same on every ZooKeeper: those of testdata/clients/<name>.want.
type otherClient struct {
	name    string
	needs   map[string]string // a Debian package for each program or file
	command func(ctx context.Context, t *testing.T) *exec.Cmd
}

var otherClients = []otherClient{
	{
		name: "kazoo_recipes", needs: kazoo, command: python("kazoo_recipes"),
	},
	{
		name: "CuratorRecipes",
		needs: map[string]string{
			"javac":                              "default-jdk-headless",
			javaArchives + "curator-recipes.jar": "libcurator-recipes-java",
			javaArchives + "slf4j-nop.jar":       "libslf4j-java",
		},
		command: curatorRecipes,
	},
	{
		name:  "zkcli",
		needs: map[string]string{zkCli: "zookeeper", "java": "default-jre-headless"},
		command: func(ctx context.Context, _ *testing.T) *exec.Cmd {
			command := exec.CommandContext(ctx, "testdata/clients/zkcli.sh")
			command.Env = append(os.Environ(), "ZKCLI="+zkCli)
			return command
		},
	},
}

// kazoo is what a program of kazoo needs.
var kazoo = map[string]string{
	"/usr/bin/python3": "python3",
	"/usr/lib/python3/dist-packages/kazoo/client.py": "python3-kazoo",
}

func python(program string) func(context.Context, *testing.T) *exec.Cmd {
	return func(ctx context.Context, _ *testing.T) *exec.Cmd {
		return exec.CommandContext(ctx, "/usr/bin/python3", "testdata/clients/"+program+".py")
	}
}

// javaArchives is where Debian's Java packages have their libraries.
const javaArchives = "/usr/share/java/"

// zkCli is where Debian has it.
const zkCli = "/usr/share/zookeeper/bin/zkCli.sh"

// curatorRecipes compiles the program for Curator.
func curatorRecipes(ctx context.Context, t *testing.T) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(ctx, "java", "-cp", compiled(ctx, t, "CuratorRecipes.java"), "CuratorRecipes")
}

// compiled compiles a program for Curator, and returns the class path to run it with.
func compiled(ctx context.Context, t *testing.T, source string) string {
	t.Helper()
	classes := t.TempDir()
	path := []string{classes}
	for _, archive := range []string{"curator-recipes", "curator-framework", "curator-client", "zookeeper", "zookeeper-jute", "guava", "slf4j-api", "slf4j-nop"} {
		path = append(path, javaArchives+archive+".jar")
	}
	all := strings.Join(path, ":")
	compile := exec.CommandContext(ctx, "javac", "-nowarn", "-cp", all, "-d", classes, "testdata/clients/"+source)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return all
}

// TestServe_ServesOtherClientsAsZooKeeperDoes runs other people's clients against
// model/zk/serve and against a real server. The outcomes are those that are expected, and so
// the same on both.
func TestServe_ServesOtherClientsAsZooKeeperDoes(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name())
	}
	t.Parallel()
	t.Run("serve", func(t *testing.T) {
		t.Parallel()
		for _, c := range otherClients {
			t.Run(c.name, func(t *testing.T) { c.check(t, zktest.Start(t).String()) })
		}
	})
	t.Run("ZooKeeper", func(t *testing.T) {
		t.Parallel()
		e := ensembletest.StartWith(t, ensemble.Config{Servers: 1, TickTime: longTick, Profile: rawServer})
		for _, c := range otherClients {
			t.Run(c.name, func(t *testing.T) { c.check(t, e.Servers[0].Address) })
		}
	})
}

// check compares the outcomes of the program at a server with those that are expected.
func (c otherClient) check(t *testing.T, servers string) {
	t.Helper()
	c.installed(t)
	want, err := os.ReadFile(filepath.Join("testdata", "clients", c.name+".want"))
	if err != nil {
		t.Fatal(err)
	}
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var printed, complaints bytes.Buffer
	command := c.command(ctx, t)
	command.Env = append(command.Environ(), "ZK_SERVERS="+servers)
	command.Stdout, command.Stderr, command.WaitDelay = &printed, &complaints, time.Second
	err = command.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("it is not over after %v: %w", patience, err)
	}
	if difference := firstDifferentLine(printed.String(), string(want)); err != nil || difference != "" {
		t.Fatalf("%v; %s\nit said:\n%s", err, difference, complaints.String())
	}
}

// needClient skips the test if the client, or what it needs, is not installed.
func needClient(t *testing.T, name string) {
	t.Helper()
	for _, c := range otherClients {
		if c.name == name {
			c.installed(t)
		}
	}
}

// installed skips the test if the client, or what it needs, is not installed.
func (c otherClient) installed(t *testing.T) {
	t.Helper()
	for file, packageName := range c.needs {
		if _, err := exec.LookPath(file); err != nil && !exists(file) {
			t.Skipf("skipped %s: %s is missing: install the Debian package %s (scripts/clients does)", t.Name(), file, packageName)
		}
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// firstDifferentLine describes the first difference of two texts; "" is none.
func firstDifferentLine(got, want string) string {
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	part := "" // the last line that begins with #
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := "nothing", "nothing"
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			return part + "\n got: " + g + "\nwant: " + w
		}
		if strings.HasPrefix(g, "#") {
			part = g
		}
	}
	return ""
}
