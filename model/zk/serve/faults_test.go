package serve_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// inject injects the one fault of a text.
func inject(t *testing.T, e *serve.Ensemble, text string) *serve.Injection {
	t.Helper()
	faults, err := serve.ParseFaults(text)
	if err != nil || len(faults) != 1 {
		t.Fatalf("%q: %v, %v", text, faults, err)
	}
	i, err := e.Inject(faults[0])
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wantEffects waits until nothing happens, and compares how often a fault took effect.
func wantEffects(t *testing.T, i *serve.Injection, want int) {
	t.Helper()
	synctest.Wait()
	if got := i.Effects(); got != want {
		t.Errorf("%s has taken effect %d times, want %d", i.Fault(), got, want)
	}
	select {
	case <-i.Effective():
	default:
		if want > 0 {
			t.Errorf("%s: Effective is not closed", i.Fault())
		}
	}
}

func TestFault_ExpireEndsASession(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		c.do(opCreate, ephemeral("/e"))
		i := inject(t, e, "expire every 30s")
		time.Sleep(30*time.Second - time.Millisecond)
		wantEffects(t, i, 0)
		if !c.isOpen() || !has(e, "/e") || len(e.Sessions()) != 1 {
			t.Fatal("it expires too early")
		}
		time.Sleep(time.Millisecond)
		wantEffects(t, i, 1)
		if !c.isClosed(time.Millisecond) || has(e, "/e") || len(e.Sessions()) != 0 {
			t.Error("the session goes on")
		}
		if _, same := rejoin(t, e.Members()[0], c); same {
			t.Error("the session is granted again")
		}
		join(t, e.Members()[0], 40*time.Second)
		time.Sleep(30 * time.Second)
		wantEffects(t, i, 2)
		i.Heal()
		join(t, e.Members()[0], 40*time.Second).keep()
		time.Sleep(time.Minute)
		wantEffects(t, i, 2)
	})
}

// TestFault_FollowsARequest expires the session that makes the third create below a znode. A
// create that is refused, one elsewhere, and other requests do not count; one in a multi does.
func TestFault_FollowsARequest(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		bystander, c := join(t, e.Members()[0], 40*time.Second), join(t, e.Members()[0], 40*time.Second)
		i := inject(t, e, "expire after the third create below /x")
		for _, path := range []string{"/x", "/x/1", "/x/1", "/xy", "/none/y"} {
			c.do(opCreate, persistent(path))
		}
		c.do(opExists, reading("/x/2", false))
		if code := c.do(opMulti, multi("/x/2", "/x/1")); code != codeOK || has(e, "/x/2") {
			t.Fatalf("a multi with a refused part: code %d", code)
		}
		bystander.do(opMulti, multi("/y", "/x/2"))
		wantEffects(t, i, 0)
		if c.do(opCreate, ephemeral("/x/3")) != codeOK {
			t.Error("the answer to the third create is lost")
		}
		if !c.isClosed(time.Millisecond) || has(e, "/x/3") || !bystander.isOpen() {
			t.Error("not the session that made the third create has ended")
		}
		wantEffects(t, i, 1)
	})
}

// TestFault_LogsItsLife compares the lines of a fault that loses one answer.
func TestFault_LogsItsLife(t *testing.T) {
	var text strings.Builder
	var logged string // before the ensemble is closed
	log := slog.New(slog.NewTextHandler(&text, nil))
	inBubble(t, serve.Options{Log: log}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		inject(t, e, "lose the 1st answer to create of /x")
		c.ask(1, opCreate, persistent("/x"))
		c.isClosed(time.Millisecond)
		logged = text.String()
	})
	var lines []string
	for line := range strings.Lines(logged) {
		if _, told, is := strings.Cut(line, "msg=\"a fault "); is {
			lines = append(lines, strings.TrimSpace(told))
		}
	}
	const fault = ` fault="lose the 1st answer to create of /x"`
	want := []string{`begins"` + fault, `takes effect"` + fault + ` effects=1 client=pipe message=answer request="create of /x"`, `is over"` + fault + ` effects=1`}
	if !slices.Equal(lines, want) {
		t.Errorf("the log has %q, want %q", lines, want)
	}
}

// TestFault_EndsWithTheEnsemble closes the ensemble before the moment of a fault.
func TestFault_EndsWithTheEnsemble(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		join(t, e.Members()[0], 40*time.Second)
		i := inject(t, e, "expire every 30s")
		e.Close()
		time.Sleep(time.Minute)
		wantEffects(t, i, 0)
		if len(e.Sessions()) != 1 {
			t.Error("the session has ended")
		}
	})
}

// TestFault_LetsTheAnswerBeforeItArrive has the faults that end a connection, each after a
// request: its answer arrives, and nothing else.
func TestFault_LetsTheAnswerBeforeItArrive(t *testing.T) {
	for _, kind := range []serve.Kind{serve.Expire, serve.Reset, serve.Stop} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
				c := join(t, e.Members()[0], 40*time.Second)
				i := inject(t, e, string(kind)+" after the 1st create")
				c.ask(1, opCreate, persistent("/a"))
				if xid, _, _, _ := c.next(time.Millisecond); xid != 1 {
					t.Errorf("xid %d is answered, want 1", xid)
				}
				if !c.isClosed(time.Millisecond) {
					t.Error("the connection goes on")
				}
				wantEffects(t, i, 1)
			})
		})
	}
}

// TestFault_KnowsAPingByItsAnswer: that has a number of its own, whatever the request has.
func TestFault_KnowsAPingByItsAnswer(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 10*time.Second)
		faults, err := serve.ParseFaults("lose answers to ping")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Inject(faults[0]); err != nil {
			t.Fatal(err)
		}
		c.ask(77, opPing, nothing)
		if xid, _, _, came := c.next(time.Millisecond); came {
			t.Errorf("an answer came, to %d", xid)
		}
	})
}

// TestInject_RefusesWhatCannotBe has faults that concern what the ensemble does not have.
func TestInject_RefusesWhatCannotBe(t *testing.T) {
	e := serve.New(serve.Options{})
	for text, want := range map[string]string{
		"stop member 2":      "1 to 1",
		"isolate":            "3 members",
		"lag":                "3 members",
		"mute a follower":    "3 members",
		"stop an observer":   "Options.Observers",
		"isolate the leader": "3 members",
	} {
		faults, err := serve.ParseFaults(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Inject(faults[0]); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want it to name the fault, and %q", text, err, want)
		}
	}
	if _, err := e.Inject(serve.Fault{Kind: "explode"}); err == nil || !strings.Contains(err.Error(), "expire") {
		t.Errorf("a fault that does not exist: %v", err)
	}
	e.Close()
	if _, err := e.Inject(serve.Fault{Kind: serve.Mute}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("an ensemble that is closed: %v", err)
	}
}

// TestSessions_SaysWhereEachIs lists a session with a connection, and one without.
func TestSessions_SaysWhereEachIs(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		gone, here := join(t, e.Members()[0], 8*time.Second), join(t, e.Members()[1], 10*time.Second)
		_ = gone.Close()
		synctest.Wait()
		want := []serve.Session{{ID: gone.id, Timeout: 8 * time.Second}, {ID: here.id, Timeout: 10 * time.Second, Member: 2, Client: "pipe"}}
		if got := e.Sessions(); !slices.Equal(got, want) {
			t.Errorf("the sessions are %+v, want %+v", got, want)
		}
		if err := e.Expire(123); err == nil || !strings.Contains(err.Error(), "0x7b") {
			t.Errorf("a session that does not exist: %v", err)
		}
	})
}
