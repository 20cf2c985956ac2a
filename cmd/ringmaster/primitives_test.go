package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// TestCounter_CountsAndHandsOut, and says what is wrong.
func TestCounter_CountsAndHandsOut(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String() + "/app"}
	for _, c := range []struct {
		words string
		code  int
		out   string
		says  string
	}{
		{"visits", 0, "0\n", ""},
		{"visits --add 5", 0, "5\n", ""},
		{"visits --add=-2", 0, "3\n", ""},
		{"visits --block 10", 0, "4 13\n", ""},
		{"visits --block 2 --json", 0, `{"counter":"/app/counters/visits","value":15,"first":14,"last":15}` + "\n", ""},
		{"/app/own", 0, "0\n", ""},
		{"visits --json", 0, `{"counter":"/app/counters/visits","value":15}` + "\n", ""},
		{"visits --add 9223372036854775807", 3, "", "the number is too large"},
		{"visits --add 1 --block 1", 6, "", "exclude each other"},
		{"visits --block 0", 6, "", "use 1 or more"},
		{"visits --add 0", 6, "", "changes nothing"},
		{"a//b", 6, "", `"a//b" is not the name of a counter`},
		{"a/b --add 1", 6, "", "/counters/mail"},
		{".. --add 1", 6, "", `"..": give one word`},
	} {
		code, out, problem := person.types("", append([]string{"counter"}, strings.Fields(c.words)...)...)
		if code != c.code || out != c.out || !strings.Contains(problem, c.says) {
			t.Errorf("counter %s: %d, %q, %s", c.words, code, out, problem)
		}
	}
}

// TestBarrier_HoldsUntilItIsLifted, and says what is wrong.
func TestBarrier_HoldsUntilItIsLifted(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	does := func(words string, want int, says string) {
		t.Helper()
		if code, _, problem := person.types("", append([]string{"barrier"}, strings.Fields(words)...)...); code != want || !strings.Contains(problem, says) {
			t.Errorf("barrier %s: %d, %s", words, code, problem)
		}
	}
	does("upgrade wait", 0, "")
	does("upgrade set", 0, "")
	does("upgrade set", 0, "")
	does("upgrade wait --timeout 100ms", 10, "the barrier was not open in time")
	waiting := person.startsWith("", "barrier", "upgrade", "wait")
	does("upgrade lift", 0, "")
	<-waiting.exited
	if code := waiting.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the wait has ended with %d: %s", code, waiting)
	}
	does("upgrade set", 0, "")
	does("upgrade wait --timeout 0", 10, "the barrier was not open in time")
	does("upgrade lift", 0, "")
	does("upgrade lift", 0, "")
	does("upgrade wait --timeout 0", 0, "")
	does("a/b set", 6, "is not the name of a barrier")
	does("upgrade --of 2 --timeout 0 -- true", 6, "give a longer one")
	does("upgrade", 6, "set, lift or wait")
	does("upgrade jump", 6, "set, lift or wait")
	does("upgrade --of 0 -- true", 6, "use 1 or more")
	does("upgrade --of 2", 6, "the command behind --")
	does("upgrade set --timeout=-1s", 6, "not negative")
}

// TestBarrier_RunsCommandsTogether: each waits until both have ended, and ends as its command.
func TestBarrier_RunsCommandsTogether(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	if code, _, problem := person.types("", "barrier", "phase", "--of", "2", "--timeout", "200ms", "--", "true"); code != 10 {
		t.Errorf("alone: %d, %s", code, problem)
	}
	first := person.startsWith("", "barrier", "phase", "--of", "2", "--", "sh", "-c", "echo round $RINGMASTER_ROUND of $RINGMASTER_BARRIER; exit 7")
	code, out, problem := person.types("", "barrier", "phase", "--of", "2", "--", "sh", "-c", "echo done")
	if code != 0 || out != "done\n" {
		t.Errorf("the second: %d, %q, %s", code, out, problem)
	}
	<-first.exited
	if code := first.ProcessState.ExitCode(); code != 7 || !strings.Contains(first.String(), "round 1 of /barriers/phase") {
		t.Errorf("the first: %d, %s", code, first)
	}
	for _, verb := range []string{"lift", "wait"} {
		if code, _, problem := person.types("", "barrier", "phase", verb); code != 3 || !strings.Contains(problem, "/barriers/phase: ") || !strings.Contains(problem, "this is a double barrier") {
			t.Errorf("%s: %d, %s", verb, code, problem)
		}
	}
	if code, out, problem := person.types("", "barrier", "phase", "--of", "1", "--", "sh", "-c", "echo $RINGMASTER_ROUND"); out != "2\n" {
		t.Errorf("the next round: %d, %q, %s", code, out, problem)
	}
}

// TestBarrier_EndsWithItsCommand that Ctrl-C has ended, as lock and lead do.
func TestBarrier_EndsWithItsCommand(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	in := person.startsWith("", "barrier", "phase", "--of", "1", "--", "sh", "-c", "echo is in; sleep 60")
	person.within(patience, "it is in", func() bool { return strings.Contains(in.String(), "is in") })
	if err := in.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := person.ends(in); code != 128+int(syscall.SIGTERM) {
		t.Errorf("%d, %s", code, in)
	}
}

// TestRecipes_DoNotWaitForEver for a server that does not answer, and take the namespace / for none.
func TestRecipes_DoNotWaitForEver(t *testing.T) {
	deaf, server := &fakeServer{deaf: true}, &terminal{t: t, servers: zktest.Start(t).String()}
	person := &terminal{t: t, servers: deaf.start(t)}
	for _, words := range []string{
		"barrier a wait", "barrier b --of 1 -- true", "queue put a x --bound 1 --wait", "queue put b --lines", "counter a", "lock a -- true", "locks a", "locks",
	} {
		if code, _, problem := person.types("x\n", append([]string{"--connect-timeout", "100ms"}, strings.Fields(words)...)...); code != 4 {
			t.Errorf("%s: %d, %s", words, code, problem)
		}
		if code, _, problem := server.types("x\n", append([]string{"--namespace", "/"}, strings.Fields(words)...)...); code != 0 {
			t.Errorf("%s: %d, %s", words, code, problem)
		}
	}
}
