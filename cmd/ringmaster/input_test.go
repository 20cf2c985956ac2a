package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// TestInput_WrongUseAtOnce has values of options and of the environment that cannot be meant.
// A server is there, under the name HERE, and nothing may be sent to it.
func TestInput_WrongUseAtOnce(t *testing.T) {
	auth := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(auth, []byte("one:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says string
		env  string // RINGMASTER_SERVERS
		args []string
	}{
		{`server "": there is no server between two commas`, "HERE,", []string{"status"}},
		{`put commas between servers: write HERE,HERE`, "HERE HERE", []string{"status"}},
		{`"21g1" is no port: give a number from 1 to 65535`, "HERE,b:21g1", []string{"worker", "--exec", "cat"}},
		{"servers have no zk:// in front: write HERE/x", "zk://HERE/x", []string{"master"}},
		{"--servers or RINGMASTER_SERVERS: ", "HERE", []string{"submit", "--servers", "HERE,::1"}},
		{"the path belongs to all servers", "HERE", []string{"status", "--servers", "HERE/x", "--servers", "HERE/x"}},
		{"--namespace /x, and the path /x after the servers: give the namespace once", "HERE/x", []string{"status", "--namespace", "/x"}},
		{"--namespace /, and the path /x after the servers", "HERE/x", []string{"status", "--namespace", "/"}},
		{`namespace "/zookeeper": /zookeeper belongs to ZooKeeper itself`, "HERE/zookeeper", []string{"status"}},
		{`namespace "billing": invalid path: a path begins with /`, "HERE", []string{"status", "--namespace", "billing"}},
		{`namespace "/billing ": "billing " begins or ends with a blank`, "HERE", []string{"node", "--exec", "cat", "--namespace", "/billing "}},
		{"--namespace is empty: give a value, or leave the option out", "HERE", []string{"status", "--namespace", ""}},
		{"--servers is empty", "HERE", []string{"status", "--servers", ""}},
		{"--auth-file is empty", "HERE", []string{"status", "--auth-file="}},
		{"--id is empty", "HERE", []string{"submit", "--id", "", "x"}},
		{"--key is empty", "HERE", []string{"submit", "--key", "", "x"}},
		{"--name is empty", "HERE", []string{"master", "--name", ""}},
		{"--session-timeout 0s: give a time such as 10s", "HERE", []string{"status", "--session-timeout", "0"}},
		{"session timeout -1s: give a time from 100ms to 24h", "HERE", []string{"master", "--session-timeout", "-1s"}},
		{"session timeout 25h0m0s: give a time from 100ms to 24h", "HERE", []string{"worker", "--exec", "cat", "--session-timeout", "25h"}},
		{"--not-before -5m: give a duration that is not negative", "HERE", []string{"submit", "--not-before", "-5m", "x"}},
		{"--every is the time between two outputs: give --watch, too", "HERE", []string{"status", "--every", "2s"}},
		{"--access needs --auth-file", "HERE", []string{"status", "--access", "master=a,worker=a,client=a"}},
		{`--tls-cert "x" --tls-key "": give both files, or none`, "HERE", []string{"status", "--tls-ca", auth, "--tls-cert", "x"}},
		{`"task-\x01" is not the name of a task`, "HERE", []string{"cancel", "task-\x01"}},
	} {
		t.Run(strings.Join(append([]string{c.env}, c.args...), " "), func(t *testing.T) {
			t.Parallel()
			server := &fakeServer{deaf: true}
			address := server.start(t)
			real := func(text string) string { return strings.ReplaceAll(text, "HERE", address) }
			var args []string
			for _, a := range c.args {
				args = append(args, real(a))
			}
			p := &terminal{t: t, servers: real(c.env)}
			code, out, problem := p.types("", args...)
			says := real(c.says)
			if exit.Code(code) != exit.WrongUse || !strings.Contains(problem, says) {
				t.Errorf("exit code %d, want %d; printed %q and %q, want %q", code, exit.WrongUse, out, problem, says)
			}
			if len(server.accepted) > 0 {
				t.Error("a connection was made")
			}
		})
	}
}

// TestInput_PathBecomesTheNamespace writes below the path of a connection string, and says so.
func TestInput_PathBecomesTheNamespace(t *testing.T) {
	server := &fakeServer{nodes: map[string]string{"/billing": "", "/billing/tasks": "", "/billing/tasks/task-a": "", "/billing/tasks/task-a/status": `{"state":"failed","reason":"no good"}`}}
	p := &terminal{t: t, servers: " " + server.start(t) + " /billing"}
	if code, out, problem := p.types("", "tasks", "show", "task-a"); code != 0 || !strings.Contains(out, "no good") {
		t.Errorf("%d, %q and %q", code, out, problem)
	}
}
