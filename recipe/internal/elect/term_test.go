package elect

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var errLost = errors.New("lost")

// leads is a term of a leader without its threads, and its session.
func leads(t *testing.T) (*Term, *zk.Session) {
	t.Helper()
	env := &zk.Env{Server: zk.NewServer(4 * time.Second)}
	session := env.Server.Open()
	for _, op := range []zkapi.Op{zkapi.Create("/epoch", nil, zkapi.Persistent), zkapi.Create("/leader", nil, zkapi.Ephemeral)} {
		if _, err := session.Do(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	e := Election{LeaderPath: "/leader", EpochPath: "/epoch", QueuePath: "/queue", Role: "leader"}
	return e.Begin(t.Context(), env, observe.To(nil), term.Claim{Session: fence.Of(session), Path: "/epoch"}, env.Elapsed(), errLost), session
}

// TestTerm_IsOverWithItsSession: a call that comes before the threads of the term have noticed it
// is told so, too.
func TestTerm_IsOverWithItsSession(t *testing.T) {
	leader, session := leads(t)
	if err := leader.Over(); err != nil {
		t.Fatal(err)
	}
	session.Expire()
	for what, err := range map[string]error{"Over": leader.Over(), "Proclaim": leader.Proclaim(t.Context(), nil), "the context": context.Cause(leader.Active)} {
		if !errors.Is(err, errLost) || !errors.Is(err, zkapi.ErrSessionEnded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := leader.Send(t.Context()); !errors.Is(err, errLost) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("Send: %v", err)
	}
}

// TestByArrival_OrdersByTheNumber: the prefixes of candidates are random.
func TestByArrival_OrdersByTheNumber(t *testing.T) {
	for _, one := range []struct {
		a, b string
		want int
	}{
		{"c-b-0000000001", "c-a-0000000002", -1}, {"c-a-0000000010", "c-b-0000000009", 1}, {"c-a-0000000001", "c-b-0000000001", -1},
		{"by-hand", "c-a-0000000000", -1}, {"c-a-2147483647", "c-b-2147483648", -1},
	} {
		if got := ByArrival(one.a, one.b); got != one.want {
			t.Errorf("%s, %s: %d", one.a, one.b, got)
		}
	}
}
