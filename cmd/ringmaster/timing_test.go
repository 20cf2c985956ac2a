package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

// says is a server that answers conf with those limits.
func says(tick, most time.Duration, syncLimit int) func(net.Conn) {
	return func(c net.Conn) {
		fmt.Fprintf(c, "clientPort=2181\ntickTime=%d\nminSessionTimeout=4000\nmaxSessionTimeout=%d\ninitLimit=10\nsyncLimit=%d\n", tick.Milliseconds(), most.Milliseconds(), syncLimit)
	}
}

// TestTiming_WarnsOfAShortSessionTimeout has servers that say their times and such that do
// not. Each grants 10 s. What status and the roles say depends on it, and nothing else does.
func TestTiming_WarnsOfAShortSessionTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestTiming_WarnsOfAShortSessionTimeout: make test runs it, make quick does not")
	}
	t.Parallel()
	const (
		warning  = "the session timeout is too short"
		assumed  = "assumed, because the servers do not answer conf"
		notKnown = "not known: the servers do not report their tickTime and syncLimit"
	)
	flood := func(c net.Conn) {
		part := strings.Repeat("x", 1<<20)
		for range 1 << 10 {
			if _, err := io.WriteString(c, part); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		conf   func(net.Conn)
		asked  string
		shows  []string // by status
		short  string   // the remedy; "": it is long enough, or not known
		logged string   // by roles; "": nothing
	}{
		"as shipped":         {says(2*time.Second, 40*time.Second, 5), "10s", []string{"TIMEOUT  10s; the servers have tickTime 2s, syncLimit 5\n"}, "", ""},
		"another was asked":  {says(2*time.Second, 40*time.Second, 5), "1m0s", []string{"10s (1m0s was asked for); the servers have tickTime 2s"}, "", ""},
		"a patient server":   {says(2*time.Second, 40*time.Second, 6), "10s", []string{"syncLimit 6\n", "TOO SHORT", "10s is shorter than syncLimit x tickTime, 12s"}, "give --session-timeout 12s, or more", warning},
		"a very patient one": {says(3*time.Second, 60*time.Second, 30), "10s", []string{"TOO SHORT"}, "set maxSessionTimeout of the servers, now 1m0s, to 90000 ms at least, and give --session-timeout 1m30s", warning},
		"alone":              {says(3*time.Second, 60*time.Second, 0), "10s", []string{"the only server has tickTime 3s\n"}, "", ""},
		"switched off":       {nil, "10s", []string{"10s; the servers have tickTime 3s, syncLimit 5 (" + assumed, "TOO SHORT", "syncLimit x tickTime, 15s (assumed: 5 x 3s)"}, "give --session-timeout 15s, or more", warning},
		"nonsense":           {flood, "10s", []string{notKnown}, "", notKnown},
		"silence":            {func(net.Conn) { <-t.Context().Done() }, "10s", []string{notKnown}, "", notKnown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &terminal{t: t, servers: (&fakeServer{conf: c.conf}).start(t)}
			code, out, problem := p.types("", "status", "--session-timeout", c.asked)
			for _, want := range append(c.shows, c.short) {
				if code != 0 || !strings.Contains(out, want) {
					t.Errorf("status: %d, %q and %q, it should have %q", code, out, problem, want)
				}
			}
			_, out, _ = p.types("", "status", "--json", "--session-timeout", c.asked)
			var v cli.Overview
			if err := json.Unmarshal([]byte(out), &v); err != nil || v.Timeout.Asked != c.asked || v.Timeout.Granted != "10s" ||
				(v.Timeout.TooShort != "") != (c.short != "") || (v.Timeout.Unknown != "") != (c.logged == notKnown) {
				t.Errorf("%s: %v, %+v", out, err, v.Timeout)
			}
			for _, role := range [][]string{{"master"}, {"worker", "--exec", "cat"}, {"node", "--exec", "cat"}} {
				b := p.startsWith(c.asked, role...)
				if c.logged != "" {
					p.within(10*time.Second, "it says so", func() bool { return strings.Contains(b.String(), c.logged) })
				} else {
					p.within(10*time.Second, "it has a session", func() bool { return strings.Contains(b.String(), "session=") })
					time.Sleep(time.Second) // for a warning that should not come
				}
				if code := p.leaves(b); code != 0 {
					t.Errorf("%v left with %d", role, code)
				}
				log := b.String()
				if n := strings.Count(log, c.logged); c.logged != "" && n != 1 || !strings.Contains(log, c.short) || strings.Contains(log, warning) != (c.short != "") {
					t.Errorf("%v logged:\n%s", role, log)
				}
			}
		})
	}
}

// TestTiming_DelaysNoRole has a server that answers everything but conf, and a role that
// leaves before that has failed.
func TestTiming_DelaysNoRole(t *testing.T) {
	p := &terminal{t: t, servers: (&fakeServer{conf: func(net.Conn) { <-t.Context().Done() }}).start(t)}
	worker := p.starts("master")
	p.within(10*time.Second, "it has a session", func() bool { return strings.Contains(worker.String(), "session=") })
	began := time.Now()
	if code := p.leaves(worker); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("it left with %d after %v:\n%s", code, time.Since(began), worker)
	}
}
