package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestQueue_PutTakeListRequeue: the life of items, as a person sees it.
func TestQueue_PutTakeListRequeue(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String() + "/app"}
	for _, c := range []struct {
		in, words, out string
		code           int
	}{
		{"", "ls mail", "the queue is empty\n", 0},
		{"", "put mail a", "entry-100-0000000000\n", 0},
		{"b", "put mail", "entry-100-0000000001\n", 0},
		{"first", "put mail - --priority 1", "entry-001-0000000002\n", 0},
		{"", "put mail x --bound 3", "", 9},
		{"c\nd\n", "put mail --lines", "entry-100-0000000003\nentry-100-0000000004\n", 0},
		{"", "take mail -- cat", "first", 0},
		{"", "take mail --count 2 -- sh -c cat;echo", "a\nb\n", 0},
		{"", "take mail --max-takes 2 -- sh -c exit~7", "", 7},
		{"", "take mail --max-takes 2 -- sh -c exit~7", "", 7},
		{"", "take mail --max-takes 2 -- cat", "d", 0},
		{"", "take mail --timeout 0 -- cat", "", 10},
		{"", "take mail --timeout 300ms -- cat", "", 10},
		{"", "requeue mail entry-100-0000000099", "", 8},
		{"", "requeue mail nosuch entry-100-0000000003", "entry-100-0000000005\n", 8},
		{"", "requeue mail --all", "", 0},
		{"", "ls mail --dead", "the queue has no dead letters\n", 0},
		{"", "take /queues/mail -- cat", "c", 0},
		{"", "put mail later --delay 1h", "", 0},
	} {
		words := strings.Fields(c.words)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "~", " ")
		}
		code, out, problem := person.types(c.in, append([]string{"queue"}, words...)...)
		if code != c.code || out != c.out && c.words[len(c.words)-2:] != "1h" || (problem != "") != (code == 8 || code == 9 || code == 10 || strings.Contains(problem, "dead letters")) {
			t.Errorf("queue %s: %d, %q, %s", c.words, code, out, problem)
		}
	}
	if _, out, _ := person.types("", "queue", "ls", "mail"); !strings.Contains(out, "delayed") {
		t.Errorf("ls: %s", out)
	}
}

// TestQueueTake_TellsItsCommand which item it has; and ls shows who holds it.
func TestQueueTake_TellsItsCommand(t *testing.T) {
	server := zktest.Start(t)
	person := &terminal{t: t, servers: server.String()}
	person.types("", "queue", "put", "mail", "a")
	person.types("", "queue", "put", "mail", "b")
	file := filepath.Join(t.TempDir(), "go-on")
	holds := person.startsWith("", "queue", "take", "mail", "--name", "holder", "--", "sh", "-c", "echo $RINGMASTER_ITEM $RINGMASTER_TAKES $RINGMASTER_TOKEN; until test -e "+file+"; do sleep 0.05; done")
	person.within(patience, "it has the item", func() bool { return strings.Contains(holds.String(), "entry-100-0000000000 1 1") })
	_, out, _ := person.types("", "queue", "ls", "mail", "--json")
	var shown []map[string]any
	for line := range strings.Lines(out) {
		one := map[string]any{}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, one)
	}
	if len(shown) != 2 || shown[0]["state"] != "held" || shown[0]["holder"] != "holder" || shown[0]["takes"] != 1.0 || shown[1]["state"] != "free" {
		t.Errorf("ls --json: %s", out)
	}
	if code, out, _ := person.types("", "queue", "take", "mail", "--", "cat"); code != 0 || out != "b" {
		t.Errorf("another one: %d, %q", code, out)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-holds.exited
	if _, out, _ := person.types("", "queue", "ls", "mail"); out != "the queue is empty\n" {
		t.Errorf("ls: %s", out)
	}
}

// TestQueueTake_LostItemEndsItsCommand: the command is told to end, and the exit code says why.
func TestQueueTake_LostItemEndsItsCommand(t *testing.T) {
	server := zktest.Start(t)
	person := &terminal{t: t, servers: server.String()}
	person.types("", "queue", "put", "mail", "a")
	holds := person.startsWith("", "queue", "take", "mail", "--session-timeout", "4s", "--", "sh", "-c", "echo has it; exec sleep 1000")
	person.within(patience, "it has the item", func() bool { return strings.Contains(holds.String(), "has it") })
	session := client(t, server.String())
	lanes, err := session.Do(t.Context(), zkapi.Children("/queues/mail/lanes"))
	if err != nil || len(lanes.Children) == 0 {
		t.Fatal(lanes.Children, err)
	}
	for _, name := range lanes.Children {
		_, _ = session.Do(t.Context(), zkapi.Delete("/queues/mail/lanes/"+name, zkapi.AnyVersion))
	}
	<-holds.exited
	if code := holds.ProcessState.ExitCode(); code != 11 || !strings.Contains(holds.String(), "the item is lost") || !strings.Contains(holds.String(), "the command was ended") {
		t.Errorf("%d: %s", code, holds)
	}
}

// TestQueueTake_GoesOn with the next item after a failure, and says so in the end.
func TestQueueTake_GoesOn(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	person.types("bad\ngood\n", "queue", "put", "mail", "--lines")
	start := time.Now()
	code, out, problem := person.types("", "queue", "take", "mail", "--count", "2", "--max-takes", "1", "--", "grep", "good")
	if code != 10 || out != "good\n" || !strings.Contains(problem, "the item was given back") || time.Since(start) < time.Second {
		t.Errorf("%d, %q, %s", code, out, problem)
	}
	if _, out, _ := person.types("", "queue", "ls", "mail", "--json"); !strings.Contains(out, `"state":"dead"`) || !strings.Contains(out, `"takes":1`) || strings.Contains(out, "0000000001") {
		t.Errorf("ls: %s", out)
	}
}

// TestQueue_WrongUse names what is wrong.
func TestQueue_WrongUse(t *testing.T) {
	person := &terminal{t: t, servers: "127.0.0.1:1"}
	for words, says := range map[string]string{
		"put": "the number of arguments was 0", "put a b c": "the number of arguments was 3", "put a/b x": `"a/b" is not the name of a queue`, "put a x --priority 1000": "use 0 to 999",
		"put a x --lines": "leave out the argument", "put a x --wait": "give --bound", "put a x --bound -1": "--bound is -1", "put a x --priority 1 --lock-path /l": "no priorities",
		"take a": "the command behind -- is missing", "take a cat": "put -- in front of the command", "take -- cat": "give one NAME in front of --", "take a --count=-1 -- cat": "--count -1",
		"take a --timeout=-1s -- cat": "--timeout -1s", "take a --max-takes 1001 -- cat": "1 to 1000", "requeue a": "give the ids of dead letters, or --all", "requeue a x --all": "give the ids of dead letters, or --all", "nonsense": "unknown command",
		"take a --lock-path l -- cat": "l",
	} {
		if code, _, problem := person.types("", append([]string{"queue"}, strings.Fields(words)...)...); code != 6 || !strings.Contains(problem, says) {
			t.Errorf("queue %s: %d, %s", words, code, problem)
		}
	}
}

// TestQueue_OfCurator: the items are in Curator's form.
func TestQueue_OfCurator(t *testing.T) {
	server := zktest.Start(t)
	person := &terminal{t: t, servers: server.String()}
	if code, out, problem := person.types("", "queue", "put", "/app/q", "a", "--lock-path", "/app/locks"); code != 0 || out != "queue-0000000000\n" {
		t.Fatal(code, out, problem)
	}
	data, err := client(t, server.String()).Do(t.Context(), zkapi.Get("/app/q/queue-0000000000"))
	if want := "\x00\x01\x00\x01\x01\x00\x00\x00\x01a\x02"; err != nil || string(data.Data) != want {
		t.Errorf("%q, %v", data.Data, err)
	}
	if code, out, problem := person.types("", "queue", "take", "/app/q", "--lock-path", "/app/locks", "--", "cat"); code != 0 || out != "a" {
		t.Error(code, out, problem)
	}
}

// TestQueuePut_PutsWhatItWasGiven or nothing: a payload that is too large is refused, and not cut off.
func TestQueuePut_PutsWhatItWasGiven(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	large, tooLarge := strings.Repeat("x", 1_000_000), strings.Repeat("x", 2_000_000)
	for _, c := range []struct {
		in, words, out string
		code           int
	}{
		{large, "put mail", "entry-100-0000000000\n", 0},
		{tooLarge, "put mail", "", 3},
		{"a\n" + tooLarge + "\nb\n", "put mail --lines", "entry-100-0000000001\nentry-100-0000000002\n", 3},
		{"", "take mail -- wc -c", "1000000\n", 0},
		{"", "take mail --count 2 -- cat", "ab", 0},
		{"", "take mail --timeout 0 -- cat", "", 10},
	} {
		if code, out, problem := person.types(c.in, append([]string{"queue"}, strings.Fields(c.words)...)...); code != c.code || out != c.out {
			t.Errorf("queue %s: %d, %.60q, %.200s", c.words, code, out, problem)
		}
	}
}

// TestQueuePut_LineDoesNotWaitForOthers that a slow program writes later.
func TestQueuePut_LineDoesNotWaitForOthers(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	b := &background{Cmd: person.command("queue", "put", "mail", "--lines"), exited: make(chan struct{})}
	lines, err := b.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.Stdout, b.Stderr = b, b
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(b.exited); _ = b.Wait() }()
	for n, line := range []string{"a", "b"} {
		fmt.Fprintln(lines, line)
		person.within(patience, "the line is put", func() bool { return strings.Contains(b.String(), fmt.Sprintf("entry-100-%010d\n", n)) })
	}
	_ = lines.Close()
	if code := person.ends(b); code != 0 {
		t.Errorf("%d, %s", code, b)
	}
}
