package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestStore_PutGetLs, and says what is wrong.
func TestStore_PutGetLs(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String() + "/app"}
	for _, c := range []struct {
		in, words string
		code      int
		out, says string
	}{
		{"", "ls scheduler", 0, "there is no store\n", ""},
		{"", "export scheduler", 8, "", "there is no store"},
		{"", "get scheduler apps/a", 6, "", `no type "apps"`},
		{"", "put scheduler apps/a one", 0, "0\n", ""},
		{"two", "put scheduler apps/a", 0, "1\n", ""},
		{"", "get scheduler apps/a", 0, "two", ""},
		{"", "put scheduler apps/a three --if-version 0", 10, "", "another version"},
		{"", "put scheduler apps/a three --if-version=-1", 10, "", "another version"},
		{"", "put scheduler apps/a three --if-version 1", 0, "2\n", ""},
		{"", "put scheduler apps/b/x three", 10, "", "the record above is missing"},
		{"", "put scheduler apps three", 6, "", "apps/application_1"},
		{"", "put scheduler apps/a three --if-version=-3", 6, "", "give a version"},
		{"", "get scheduler apps/b", 8, "", "no such record"},
		{"", "get scheduler apps/a --json", 0, `{"key":"apps/a","version":2,"size":5,"sha256":"8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f","value":"three"}` + "\n", ""},
		{"", "ls scheduler --json", 0, `{"key":"apps/a","version":2,"size":5,"sha256":"8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"}` + "\n", ""},
		{"", "ls scheduler nosuch", 6, "", `no type "nosuch"`},
		{"", "put /rmstore/ZKRMStateRoot apps/application_1 x --yarn", 0, "0\n", ""},
		{"", "ls /rmstore/ZKRMStateRoot tokens --yarn --json", 0, "", ""},
	} {
		code, out, problem := person.types(c.in, append([]string{"store"}, strings.Fields(c.words)...)...)
		if code != c.code || out != c.out || !strings.Contains(problem, c.says) {
			t.Errorf("store %s: %d, %q, %s", c.words, code, out, problem)
		}
	}
	if _, out, _ := person.types("", "store", "ls", "scheduler"); !strings.Contains(out, "of ringmaster store\nRECORD") || !strings.Contains(out, "apps/a") {
		t.Errorf("ls: %s", out)
	}
}

// TestStore_ExportAndImport: what is imported is what was exported, of any bytes and sizes.
func TestStore_ExportAndImport(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	large := strings.Repeat("\x00\xffl", 500_000)
	for key, value := range map[string]string{"apps/a": "text", "apps/a/1": large, "apps/b": "@", "apps/c": ""} {
		if code, _, problem := person.types(value, "store", "put", "one", key, "-"); code != 0 && key != "apps/a/1" {
			t.Fatalf("put %s: %d, %s", key, code, problem)
		}
	}
	if code, _, problem := person.types(large, "store", "put", "one", "apps/a/1"); code != 0 {
		t.Fatal(problem)
	}
	_, exported, _ := person.types("", "store", "export", "one")
	if lines := strings.Count(exported, "\n"); lines != 6 {
		t.Fatalf("the export has %d lines: %.300s", lines, exported)
	}
	imports := func(in string, want int, says string, words ...string) {
		t.Helper()
		code, out, problem := person.types(in, append([]string{"store", "import"}, words...)...)
		if code != want || !strings.Contains(out+problem, says) {
			t.Errorf("import %v: %d, %q, %s", words, code, out, problem)
		}
	}
	at := strings.LastIndex(strings.TrimSuffix(exported, "\n"), "\n") + 1 // of the last line
	imports(exported[:at], 3, "it is not whole", "two")
	imports(strings.Replace(exported, `"value":"text"`, `"value":"test"`, 1), 3, "another checksum", "two")
	imports(strings.Replace(exported, `"key":"apps/b"`, `"key":"apps/x"`, 1), 3, "another checksum", "two")
	imports(strings.Replace(exported, `{"format":1`, `{"format":2`, 1), 3, "format 2", "two")
	imports("", 3, "not whole", "two")
	imports("hello\n", 3, "line 1", "two")
	if _, out, _ := person.types("", "store", "ls", "two"); out != "there is no store\n" {
		t.Errorf("after imports that were refused: %s", out)
	}
	imports(exported, 0, "4 records", "two")
	imports(exported, 10, "the store has records", "two")
	imports(exported, 0, "4 records", "two", "--merge")
	if _, out, _ := person.types("", "store", "get", "two", "apps/a/1"); out != large {
		t.Errorf("the large value has %d bytes", len(out))
	}
	_, again, _ := person.types("", "store", "export", "two")
	for line := range strings.Lines(exported) {
		if key, _, is := strings.Cut(line, `,"version"`); is && !strings.Contains(again, key) {
			t.Errorf("not there after the import: %s", key)
		}
	}
}

// TestStore_LeavesTheActiveAlone, unless it is told otherwise. Then the active one writes no more.
func TestStore_LeavesTheActiveAlone(t *testing.T) {
	server := zktest.Start(t)
	person := &terminal{t: t, servers: server.String()}
	env, err := zkclient.New(zkclient.Config{Servers: []string{server.String()}, SessionTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	session, err := env.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	active, err := store.Open(t.Context(), env, bare{session}, store.Config{Name: "scheduler-1", Layout: store.Layout{Root: "/stores/s", Types: []store.Type{{Name: "apps"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if code, _, problem := person.types("", "store", "put", "s", "apps/a", "x"); code != 10 || !strings.Contains(problem, "scheduler-1") || !strings.Contains(problem, "--as-active") {
		t.Errorf("put: %d, %s", code, problem)
	}
	if _, err := active.Apply(t.Context(), store.Create("apps/a", nil)); err != nil {
		t.Errorf("the active one: %v", err)
	}
	if code, out, problem := person.types("", "store", "put", "s", "apps/a", "x", "--as-active"); code != 0 || out != "1\n" {
		t.Errorf("put --as-active: %d, %s, %s", code, out, problem)
	}
	if _, err := active.Apply(t.Context(), store.Create("apps/b", nil)); zkapi.FateOf(err) != zkapi.NotApplied || !strings.Contains(err.Error(), store.ErrFenced.Error()) {
		t.Errorf("the active one afterwards: %v", err)
	}
}

// bare is a Writer without a claim.
type bare struct{ session zkapi.Session }

// Write implements store.Writer.
func (b bare) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	return b.session.Do(ctx, zkapi.Multi(ops...))
}
