package explore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// In these worlds one process follows the list of the znodes below /list, and another one changes
// what is there.

// listing has a list by followed reads, and where it is with them.
type listing struct {
	names  map[string]bool
	cursor int64
	watch  zkapi.Source
}

// read takes over one answer.
func (l *listing) read(ctx context.Context, session zkapi.Session) error {
	got, err := session.Do(ctx, zkapi.Children("/list").Followed(l.cursor))
	if err != nil {
		return err
	}
	l.cursor, l.watch = got.Cursor, got.Watch
	if got.Partial == nil {
		l.names = map[string]bool{}
		for _, name := range got.Children {
			l.names[name] = true
		}
		return nil
	}
	for _, name := range got.Partial.Gone {
		delete(l.names, name)
	}
	for _, name := range got.Partial.Come {
		l.names[name] = true
	}
	return nil
}

func (l *listing) String() string { return strings.Join(slices.Sorted(maps.Keys(l.names)), "") }

// follower reads the list again after each event and each change of the connection, and asks
// besides whether b is there. If it was, the list must have it from then on.
func follower(ctx context.Context, host Host) {
	session, err := host.Open(ctx)
	l := &listing{}
	b := false
	for err == nil || session.Cause() == nil {
		_, _, changed := session.Connection()
		zkapi.Checkpoint(host, "list", session, l, b, changed)
		if err = l.read(ctx, session); err != nil {
			continue
		}
		host.Note("list", "["+l.String()+"]")
		if b && !l.names["b"] {
			host.Note("old", "the list has no b, which was seen before")
		}
		if !b {
			zkapi.Checkpoint(host, "ask", session, l, b, changed)
			var seen zkapi.Result
			if seen, err = session.Do(ctx, zkapi.Exists("/list/b")); err != nil {
				continue
			}
			if b = seen.Found; b {
				continue
			}
		}
		zkapi.Checkpoint(host, "wait", session, l, b, changed)
		_, err = host.Wait(ctx, l.watch, changed, session.Done())
	}
	host.Note("list", "")
}

// changing carries out writes, one after the other.
func changing(ops ...zkapi.Op) Program {
	return func(ctx context.Context, host Host) {
		session, err := host.Open(ctx)
		for n := 0; err == nil && n < len(ops); n++ {
			zkapi.Checkpoint(host, "change", session, n)
			_, err = session.Do(ctx, ops[n])
		}
	}
}

func made(name string) zkapi.Op { return zkapi.Create("/list/"+name, nil, zkapi.Persistent) }

func follows(bounds Bounds, program Program, ops ...zkapi.Op) *World {
	tree, _, _, _ := zk.NewStructuralTree().Write(zkapi.Create("/list", nil, zkapi.Persistent), 0)
	return &World{Tree: tree, Bounds: bounds, Follow: true, Judge: listed{}, Processes: []Process{
		{Name: "follower", Program: program, Crash: Spared}, {Name: "writer", Program: changing(ops...), Fixed: true},
	}}
}

// listed demands that a list is never older than an answer before it, and in the end that of the
// tree.
type listed struct{}

func (listed) Write(Write) []Violation { return nil }
func (listed) Seen(Write) []string     { return nil }
func (listed) State(v View) []Violation {
	if why := v.Processes[0].Notes["old"]; why != "" {
		return []Violation{{"NoOlderAnswer", why}}
	}
	return nil
}

func (listed) Goal(v View) bool {
	tree, _ := v.Tree.Read(zkapi.Children("/list"))
	list := v.Processes[0].Notes["list"]
	return !v.Processes[1].Running && (list == "" || list == "["+strings.Join(tree.Children, "")+"]")
}

// TestFollow_TheListIsThatOfTheTree: whatever the servers do, the differences lead to the list of the
// tree, and no list is older than an answer before it. All engines agree, and the counts are pinned.
func TestFollow_TheListIsThatOfTheTree(t *testing.T) {
	writes := []zkapi.Op{made("a"), made("b"), zkapi.Set("/list", nil, zkapi.AnyVersion), zkapi.Delete("/list/a", zkapi.AnyVersion), made("a")}
	for _, c := range []struct {
		bounds                     Bounds
		strands                    bool
		states, transitions, depth int64
		expected                   []string
	}{
		{Bounds{}, false, 123, 195, 10, []string{SeenDifferences}},
		{Bounds{Losses: 1}, false, 471, 984, 13, []string{SeenDifferences, SeenWholeAgain}},
		{Bounds{Losses: 2}, false, 924, 2288, 14, []string{SeenDifferences, SeenWholeAgain}},
		{Bounds{Lags: 1}, false, 680, 1669, 12, []string{SeenDifferences}},
		{Bounds{Lags: 1, Losses: 1}, false, 2829, 8251, 14, []string{SeenDifferences, SeenWholeAgain}},
		{Bounds{Expiries: 1}, false, 471, 994, 12, []string{SeenDifferences}},
		{Bounds{Cuts: 1}, true, 1335, 3498, 14, []string{SeenDifferences}},
	} {
		w := follows(c.bounds, follower, writes...)
		w.Strands = c.strands
		r := bfsOf(t, w, true)
		if r.Found != nil || !r.Complete {
			var text strings.Builder
			if r.Found != nil {
				_ = r.Found.Schedule.Write(&text, w)
			}
			t.Errorf("%v: %+v %s\n%s", c.bounds, r.Found, r.Limit, text.String())
			continue
		}
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{c.states, c.transitions, c.depth}; got != want {
			t.Errorf("%v: states, transitions, depth are %v, pinned are %v", c.bounds, got, want)
		}
		for _, name := range c.expected {
			if !slices.Contains(r.Seen, name) {
				t.Errorf("%v: never happened: %s", c.bounds, name)
			}
		}
		if merged, all := Project(t.Context(), w); merged != all {
			t.Errorf("%v: %d states with histories merged, %d without", c.bounds, merged, all)
		}
		if c.bounds != (Bounds{}) {
			continue // too many schedules
		}
		if d, err := DFS(t.Context(), w, Limits{}); err != nil || !d.Complete {
			t.Errorf("%v, by depth: %+v, %v", c.bounds, d, err)
		}
	}
}

// history notes all lists that a follower has had.
func history(ctx context.Context, host Host) {
	session, err := host.Open(ctx)
	l := &listing{}
	text := ""
	for err == nil {
		zkapi.Checkpoint(host, "list", session, l, text)
		if err = l.read(ctx, session); err == nil {
			text += "[" + l.String() + "]"
			host.Note("said", text)
			zkapi.Checkpoint(host, "wait", session, l, text)
			_, err = host.Wait(ctx, l.watch)
		}
	}
}

// TestFollow_ChangesArriveOneByOneOrTogether: a client hears of the changes of one write one after
// the other, and of any number of them before it reads its list.
func TestFollow_ChangesArriveOneByOneOrTogether(t *testing.T) {
	histories := func(ops ...zkapi.Op) []string {
		var all []string
		for _, text := range said(t, follows(Bounds{}, history, ops...)) {
			list, below, _ := strings.Cut(text, " ")
			if below == "list" && list != "dead" {
				all = append(all, list)
			}
		}
		return all
	}
	each := []string{"[]", "[][a]", "[][a][ab]", "[][ab]", "[a]", "[a][ab]", "[ab]"}
	if got := histories(made("a"), made("b")); !slices.Equal(got, each) {
		t.Errorf("two writes: %q, want %q", got, each)
	}
	both := []string{"[]", "[][a]", "[][a][ab]", "[][ab]", "[ab]"}
	if got := histories(zkapi.Multi(made("a"), made("b"))); !slices.Equal(got, both) {
		t.Errorf("one write: %q, want %q", got, both)
	}
}

// TestFollow_OwnChangesComeBeforeTheAnswer: a process that has made a znode finds it in its list.
func TestFollow_OwnChangesComeBeforeTheAnswer(t *testing.T) {
	w := follows(Bounds{Losses: 1}, func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		l := &listing{}
		zkapi.Checkpoint(host, "list", session, l)
		if l.read(ctx, session) != nil {
			return
		}
		zkapi.Checkpoint(host, "make", session, l)
		_, err := session.Do(ctx, made("own"))
		answered := err == nil
		zkapi.Checkpoint(host, "again", session, l, answered)
		if l.read(ctx, session) != nil {
			return
		}
		host.Note("said", fmt.Sprint("answered ", answered, ", listed ", l.names["own"], ";"))
		zkapi.Checkpoint(host, "said", session)
		_, _ = host.Wait(ctx, host.Signal())
	})
	text := strings.Join(said(t, w), "\n")
	for part, want := range map[string]bool{
		"answered true, listed true;": true, "answered true, listed false;": false,
		"answered false, listed true;": true, "answered false, listed false;": true,
	} {
		if strings.Contains(text, part) != want {
			t.Errorf("%q is said: %v, want %v", part, !want, want)
		}
	}
}

// TestFollow_AnAnswerThatWasNotTakenOverComesAgain: the second and the third read have the cursor of
// the first answer.
func TestFollow_AnAnswerThatWasNotTakenOverComesAgain(t *testing.T) {
	w := follows(Bounds{}, func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		zkapi.Checkpoint(host, "list", session)
		first, _ := session.Do(ctx, zkapi.Children("/list").Followed(0))
		text := fmt.Sprint(first.Children, ";")
		watch := first.Watch
		for range 2 {
			zkapi.Checkpoint(host, "wait", session, first.Cursor, watch, text)
			_, _ = host.Wait(ctx, watch)
			zkapi.Checkpoint(host, "again", session, first.Cursor, text)
			next, _ := session.Do(ctx, zkapi.Children("/list").Followed(first.Cursor))
			text += fmt.Sprint(next.Partial.Gone, next.Partial.Come, ";")
			watch = next.Watch
		}
		host.Note("said", strings.ReplaceAll(text, " ", ","))
		zkapi.Checkpoint(host, "said", session)
		_, _ = host.Wait(ctx, host.Signal())
	}, made("a"), zkapi.Delete("/list/a", zkapi.AnyVersion), made("b"))
	got := said(t, w)
	for _, want := range []string{"[];[],[a];[a],[]; list", "[];[],[a];[a],[b]; list", "[];[a],[];[a],[b]; list", "[a];[a],[];[a],[b]; list"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is never said: %q", want, got)
		}
	}
}

// TestFollow_TwoFollowersOfOneListAreRefused: their cursors could not be told apart.
func TestFollow_TwoFollowersOfOneListAreRefused(t *testing.T) {
	w := follows(Bounds{}, func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		one, two := &listing{}, &listing{}
		_, _ = one.read(ctx, session), two.read(ctx, session)
		host.Spawn("other", func() {
			_, _ = host.Wait(ctx, two.watch)
			_ = two.read(ctx, session)
		})
		_, _ = host.Wait(ctx, one.watch)
		_ = one.read(ctx, session)
	}, zkapi.Set("/list", nil, zkapi.AnyVersion))
	if _, err := BFS(t.Context(), w, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "in two places") {
		t.Errorf("two followers: %v", err)
	}
}

// TestFollow_HasNoReductions: a search with reductions would lose schedules, so it uses none.
func TestFollow_HasNoReductions(t *testing.T) {
	if by := AllReductions().of(&World{Follow: true}); by != (Reductions{}) {
		t.Errorf("a search of a world with Follow uses %v", by)
	}
	for _, err := range Walk(follows(Bounds{}, follower, made("a")), 1, 0) {
		if err == nil {
			t.Error("a walk of a world with Follow is not refused")
		}
		break
	}
}
