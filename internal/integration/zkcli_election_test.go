package integration

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
)

// TestZkCli_Election: a person takes part in an election with zkCli.sh: as the leader, as one who
// asks, and as one who ends a leadership.
func TestZkCli_Election(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name()) // zkCli.sh takes seconds to start
	}
	onBoth(t, ensemble.Config{Servers: 1}, playElection)
}

func playElection(t *testing.T, e driven) {
	w := newTutorial(t, e)
	config := election.Config{Path: "/elections/scheduler", Name: "ours", Data: []byte("ours:1"), Queue: true}
	c, err := election.New(w.driver, config)
	if err != nil {
		t.Fatal(err)
	}
	o, err := election.NewObserver(w.driver, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(context.Background()), o.Close(context.Background()) })
	seen := func(want string) func() bool {
		return func() bool { l, err := o.Leader(w.ctx); return err == nil && l.Name+" "+l.Data == want }
	}

	// A leader made by hand makes ours wait until it quits.
	hand := w.server.zkCli(w.ctx, t)
	for _, command := range []string{"create /elections", "create /elections/scheduler", `create -e /elections/scheduler/leader "by hand"`} {
		if err := hand.Send(command); err != nil {
			t.Fatal(err)
		}
	}
	w.within("the leader made by hand", func() bool { return strings.Contains(hand.Output(), "Created /elections/scheduler/leader") })
	w.within("it is seen", seen(" by hand"))
	led := make(chan *election.Leadership, 1)
	w.work.Go(func() {
		if l, err := c.Campaign(w.ctx); err == nil {
			led <- l
		}
	})
	w.sees("ls /elections/scheduler/candidates", "[c-")
	if len(led) > 0 {
		t.Error("ours leads beside a leader made by hand")
	}
	if _, err := hand.Quit(w.ctx); err != nil {
		t.Fatal(err)
	}
	var l *election.Leadership
	select {
	case l = <-led:
	case <-w.ctx.Done():
		t.Fatal("ours does not lead")
	}
	w.sees("get /elections/scheduler/leader", "ours:1")
	w.within("ours is seen", seen("ours ours:1"))

	// A person ends the leadership. Ours is told why.
	w.types(`set /elections/scheduler "enough"`, "")
	select {
	case <-l.Context().Done():
	case <-w.ctx.Done():
		t.Fatal("ours goes on to lead")
	}
	if cause := context.Cause(l.Context()); !errors.Is(cause, election.ErrFenced) || !errors.Is(cause, election.ErrLost) {
		t.Errorf("ours ended with %v", cause)
	}
	if err := l.Resign(w.ctx); err != nil {
		t.Error(err)
	}
	w.within("no leader is seen", seen(" "))
	if _, err := w.typed.Quit(w.ctx); err != nil {
		t.Error(err)
	}
}
