package explore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// These worlds have one process with one DoAll, and perhaps a second process that writes
// meanwhile. Tests look at everything that the DoAll may answer.

// collecting notes what processes say, with the znodes below / at that time.
type collecting struct {
	mu   sync.Mutex
	said map[string]bool
}

func (*collecting) Write(Write) []Violation { return nil }
func (*collecting) Goal(View) bool          { return true }
func (*collecting) Seen(Write) []string     { return nil }
func (c *collecting) State(v View) []Violation {
	listed, _ := v.Tree.Read(zkapi.Children("/"))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range v.Processes {
		if text := p.Notes["said"]; text != "" {
			c.said[text+" "+strings.Join(listed.Children, "")] = true
		}
		if !p.Running {
			c.said["dead "+strings.Join(listed.Children, "")] = true
		}
	}
	return nil
}

// said is all that the first process of a world says.
func said(t *testing.T, w *World) []string {
	t.Helper()
	c := &collecting{said: map[string]bool{}}
	w.Judge = c
	if r := bfsOf(t, w, true); !r.Complete {
		t.Fatal(r.Limit, r.Found)
	}
	merged := slices.Sorted(maps.Keys(c.said))
	clear(c.said)
	if r := bfsOf(t, w, false); !r.Complete {
		t.Fatal(r.Limit)
	}
	if whole := slices.Sorted(maps.Keys(c.said)); !slices.Equal(whole, merged) {
		t.Errorf("with histories merged:\n%v\nwithout:\n%v", merged, whole)
	}
	return merged
}

// creating creates znodes with one DoAll, and says of each whether it was applied (+), was not
// (-), or is not known (?).
func creating(names ...string) Program {
	return func(ctx context.Context, host Host) {
		session, err := host.Open(ctx)
		if err != nil {
			return
		}
		ops := make([]zkapi.Op, len(names))
		for i, name := range names {
			ops[i] = zkapi.Create("/"+name, nil, zkapi.Persistent)
		}
		text := ""
		zkapi.Checkpoint(host, "create", session)
		for _, reply := range session.DoAll(ctx, ops) {
			switch zkapi.FateOf(reply.Err) {
			case zkapi.Applied:
				text += "+"
			case zkapi.NotApplied:
				text += "-"
			default:
				text += "?"
			}
		}
		host.Note("said", text)
		zkapi.Checkpoint(host, "said", session)
		_, _ = host.Wait(context.WithoutCancel(ctx), host.Signal())
	}
}

func lone(window int, bounds Bounds, program Program) *World {
	return &World{Tree: zk.NewStructuralTree(), Bounds: bounds, Window: window, Processes: []Process{{Name: "p", Program: program, Crash: ForGood}}}
}

// TestWindow_ALossTakesAnyOfTheRequests: with a window of two, one lost connection takes none,
// one or both of two requests, whichever of them had taken effect.
func TestWindow_ALossTakesAnyOfTheRequests(t *testing.T) {
	one := []string{"++ ab", "+? a", "+? ab", "?+ ab", "?+ b"}
	both := []string{"?? ", "?? a", "?? ab", "?? b"}
	for window, want := range map[int][]string{1: one, 2: slices.Concat(one, both)} {
		slices.Sort(want)
		if got := said(t, lone(window, Bounds{Losses: 1}, creating("a", "b"))); !slices.Equal(got, want) {
			t.Errorf("window %d:\n%q\nwant\n%q", window, got, want)
		}
	}
}

// TestWindow_AnAnswerThatEndedTheWaitOfAnotherIsNotLost: the third request is sent only when
// one of the first two is answered, so the connection cannot lose all three.
func TestWindow_AnAnswerThatEndedTheWaitOfAnotherIsNotLost(t *testing.T) {
	for window, together := range map[int]int{1: 1, 2: 2, 3: 3} {
		most := 0
		for _, text := range said(t, lone(window, Bounds{Losses: 1}, creating("a", "b", "c"))) {
			most = max(most, strings.Count(text, "?"))
		}
		if most != together {
			t.Errorf("window %d: one loss takes %d answers, want %d", window, most, together)
		}
	}
}

// TestWindow_ADeadProcessLeavesASetOfRequests: all writes that were under way may still arrive,
// each of them or not, and all of them after the death.
func TestWindow_ADeadProcessLeavesASetOfRequests(t *testing.T) {
	for window, want := range map[int][]string{
		1: {"dead ", "dead a", "dead ab"},
		2: {"dead ", "dead a", "dead ab", "dead b"},
	} {
		got := said(t, lone(window, Bounds{Crashes: 1}, creating("a", "b")))
		got = slices.DeleteFunc(got, func(text string) bool { return !strings.HasPrefix(text, "dead") })
		if !slices.Equal(got, want) {
			t.Errorf("window %d: %q, want %q", window, got, want)
		}
		w := lone(window, Bounds{Crashes: 1}, creating("a", "b"))
		w.Judge = &collecting{said: map[string]bool{}}
		g, err := Explored(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		most := 0
		for n := range g.Len() {
			most = max(most, len(g.Picture(n).Processes[0].Late))
		}
		if most != window {
			t.Errorf("window %d: a dead process leaves %d requests behind at most, want %d", window, most, window)
		}
	}
}

// TestWindow_ReadsAreNotOfOneMoment: another process makes y and then x. With a window of one,
// whoever asks for x first and finds it also finds y. With a window of two the server may
// answer for y first.
func TestWindow_ReadsAreNotOfOneMoment(t *testing.T) {
	reads := func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		zkapi.Checkpoint(host, "read", session)
		replies := session.DoAll(ctx, []zkapi.Op{zkapi.Exists("/x"), zkapi.Exists("/y")})
		host.Note("said", fmt.Sprint("x ", replies[0].Found, ", y ", replies[1].Found, ";"))
		zkapi.Checkpoint(host, "said", session)
		_, _ = host.Wait(ctx, host.Leave())
	}
	writes := func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		for _, path := range []string{"/y", "/x"} {
			zkapi.Checkpoint(host, "write", session, path)
			_, _ = session.Do(ctx, zkapi.Create(path, nil, zkapi.Persistent))
		}
	}
	for window, found := range map[int]bool{1: false, 2: true} {
		w := lone(window, Bounds{}, reads)
		w.Processes = append(w.Processes, Process{Name: "writer", Program: writes})
		text := strings.Join(said(t, w), "\n")
		if strings.Contains(text, "x true, y false;") != found {
			t.Errorf("window %d: x without y: %v, want %v\n%s", window, !found, found, text)
		}
	}
}

// TestWindow_RequestsOfAnEndedContextAreStillUnderWay: the caller learns nothing of what was
// sent, and what was not sent is not applied.
func TestWindow_RequestsOfAnEndedContextAreStillUnderWay(t *testing.T) {
	program := func(ctx context.Context, host Host) {
		inner, cancel := context.WithCancelCause(ctx)
		host.Spawn("cancel", func() {
			zkapi.Checkpoint(host, "cancel")
			_, _ = host.Wait(ctx, host.Leave())
			cancel(errors.New("told to leave"))
		})
		creating("a", "b", "c")(inner, host)
	}
	w := lone(2, Bounds{Leaves: 1}, program)
	w.Processes[0].Leaves = true
	got := said(t, w)
	for _, want := range []string{"??- ", "??- a", "??- b", "??- ab", "+?? a", "+?? abc", "?+? b", "?+? bc"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is never said: %q", want, got)
		}
	}
}

// TestWindow_EnginesAgree: every schedule of a window, by an engine that remembers no states, ends
// in a state in which the other engine ends, and the counts are pinned.
func TestWindow_EnginesAgree(t *testing.T) {
	for _, c := range []struct {
		window                     int
		bounds                     Bounds
		states, transitions, depth int64
		ends                       int
	}{
		{1, Bounds{Losses: 1}, 17, 16, 4, 7},
		{2, Bounds{Losses: 1}, 70, 75, 4, 37},
		{3, Bounds{Losses: 1}, 129, 143, 4, 73},
		{3, Bounds{Losses: 1, Crashes: 1}, 215, 367, 6, 33},
	} {
		w := lone(c.window, c.bounds, creating("a", "b", "c"))
		w.Judge = &collecting{said: map[string]bool{}}
		r := bfsOf(t, w, true)
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{c.states, c.transitions, c.depth}; got != want {
			t.Errorf("window %d, %v: states, transitions, depth are %v, pinned are %v", c.window, c.bounds, got, want)
		}
		d, err := DFS(t.Context(), w, Limits{})
		if err != nil || !d.Complete || len(d.Ends) != c.ends {
			t.Errorf("window %d, %v: %d ends by depth, pinned are %d: %v", c.window, c.bounds, len(d.Ends), c.ends, err)
		}
		if merged, all := Project(t.Context(), w); merged != all {
			t.Errorf("window %d, %v: %d states with histories merged, %d without", c.window, c.bounds, merged, all)
		}
	}
}

// TestWindow_SchedulesCanBeReplayed: a schedule with a loss of several requests is written and
// read again.
func TestWindow_SchedulesCanBeReplayed(t *testing.T) {
	w := lone(3, Bounds{Losses: 1}, creating("a", "b", "c"))
	w.Judge = &collecting{said: map[string]bool{}}
	losses := 0
	for seed := range uint64(60) {
		schedule, _ := newSpace(w, true).walk(evenly{rand.New(rand.NewPCG(seed, 0))}, nil)
		var text strings.Builder
		if err := schedule.Write(&text, w); err != nil {
			t.Fatal(err)
		}
		losses += strings.Count(text.String(), "lost with it")
		again, err := ReadSchedule(strings.NewReader(text.String()), w)
		if err != nil || !slices.Equal(again, schedule) {
			t.Fatalf("%v, %v\n%s", again, err, text.String())
		}
	}
	if losses == 0 {
		t.Error("no schedule loses several requests")
	}
}

// TestWorld_RefusesALargeWindow: the error says what is possible.
func TestWorld_RefusesALargeWindow(t *testing.T) {
	for _, window := range []int{-1, MostWindow + 1} {
		if err := lone(window, Bounds{}, creating("a")).Validate(); err == nil || !strings.Contains(err.Error(), "use 1 to 3") {
			t.Errorf("window %d: %v", window, err)
		}
	}
}

// TestSnapshot_RefusesALockThatIsHeld: a thread that waits with a lock is an error, because the
// explorer has no other thread wait for a lock.
func TestSnapshot_RefusesALockThatIsHeld(t *testing.T) {
	for _, holds := range []bool{false, true} {
		w := lone(1, Bounds{}, func(ctx context.Context, host Host) {
			var lock struct{ mu sync.Mutex }
			zkapi.DependsOn(host, &lock)
			session, _ := host.Open(ctx)
			lock.mu.Lock()
			if !holds {
				lock.mu.Unlock()
			}
			zkapi.Checkpoint(host, "read", session)
			_, _ = session.Do(ctx, zkapi.Exists("/x"))
		})
		w.Judge = &collecting{said: map[string]bool{}}
		_, err := BFS(t.Context(), w, Limits{}, nil)
		if refused := err != nil && strings.Contains(err.Error(), "holds a lock"); refused != holds {
			t.Errorf("a lock that is held: %v: %v", holds, err)
		}
	}
}
