package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestConsumed_CountsUntilAllAreConsumed: what comes after the last of the items that waited counts no
// more, and the time is until that one.
func TestConsumed_CountsUntilAllAreConsumed(t *testing.T) {
	b, _ := saying(Config{})
	b.contend.window = time.Hour
	three := func(_ context.Context, done func()) error {
		for range 3 {
			done()
		}
		return nil
	}
	waits := func(over context.Context, _ func()) error {
		<-over.Done()
		return nil
	}
	f, err := b.consumed(t.Context(), taking{what: peers.Takes, each: 3, waiting: 7}, []consumer{three, waits})
	if err != nil || f.What != peers.Takes || f.Waiting != 2 || f.Tasks != 7 || f.Seconds <= 0 || f.Seconds >= time.Hour.Seconds() {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestConsumed_EndsWithTheWindow: what was not consumed by then does not count, and the time is the window.
func TestConsumed_EndsWithTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := saying(Config{})
		b.contend.window = time.Second
		late := func(over context.Context, done func()) error {
			done()
			<-over.Done()
			done()
			return nil
		}
		f, err := b.consumed(t.Context(), taking{what: peers.Takes, each: 1, waiting: 7}, []consumer{late, late})
		if err != nil || f.Tasks != 2 || f.Seconds != 1 {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

// TestConsumed_Fails: a consumer that fails ends the others, and a window without an item is no measurement.
func TestConsumed_Fails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := saying(Config{})
		b.contend.window = time.Second
		waits := func(over context.Context, _ func()) error {
			<-over.Done()
			return nil
		}
		broken, began := errors.New("broken"), time.Now()
		_, err := b.consumed(t.Context(), taking{waiting: 1}, []consumer{waits, func(context.Context, func()) error { return broken }})
		if !errors.Is(err, broken) || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if f, err := b.consumed(t.Context(), taking{what: peers.Takes, waiting: 1}, []consumer{waits}); err == nil || !strings.Contains(err.Error(), "no item") {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

// TestOwnTakes_ConsumesWhatItHasPut: the items are gone, and each was counted once; so are those of the
// plain requests.
func TestOwnTakes_ConsumesWhatItHasPut(t *testing.T) {
	t.Parallel()
	for _, each := range []int{1, queue.MostAtOnce} {
		b, _ := bedIn(t, "queue", Config{})
		b.contend.window = time.Hour
		kind := taking{what: peers.Takes, each: each, waiting: 250}
		f, err := b.ownTakes(t.Context(), "/queue", 2, kind)
		if err != nil || f.Tasks != kind.waiting {
			t.Errorf("%+v, %v", f, err)
		}
		paths, f, err := b.plainPuts(t.Context(), peers.PutsOfMany, kind.waiting, each)
		if err != nil || f.Tasks != kind.waiting || len(paths) != kind.waiting {
			t.Errorf("%+v, %v", f, err)
		}
		if f, err = b.plainTakes(t.Context(), paths, 2, kind); err != nil || f.Tasks != kind.waiting {
			t.Errorf("%+v, %v", f, err)
		}
		if err := b.with(t.Context(), func(session zkapi.Session) error {
			for _, parent := range []string{"/queue/entries", plainItems} {
				left, err := session.Do(t.Context(), zkapi.Children(parent))
				if err != nil || len(left.Children) > 0 {
					t.Errorf("%d are left in %s, %v", len(left.Children), parent, err)
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// TestTurns_CompareQueues: the recipe is compared with as many plain sessions, and the others with
// the recipe; more than 1 means that the recipe is faster. What only the recipe has is compared with
// plain requests alone.
func TestTurns_CompareQueues(t *testing.T) {
	turns := newTurns()
	figures := func(setting string, puts, ofMany, one, four float64) []peers.Figure {
		return []peers.Figure{
			{What: peers.Puts, Tasks: 100, Seconds: puts}, {What: peers.PutsOfMany, Setting: setting, Tasks: 100, Seconds: ofMany},
			{What: peers.Takes, Setting: setting, Waiting: 1, Tasks: 100, Seconds: one}, {What: peers.Takes, Setting: setting, Waiting: 4, Tasks: 100, Seconds: four},
		}
	}
	turns.add("", append(figures("", 2, 1, 4, 2), peers.Figure{What: peers.TakesOfMany, Waiting: 4, Tasks: 100, Seconds: 1}))
	turns.add(plain, append(figures("", 1, 0.5, 1, 0.4), peers.Figure{What: peers.TakesOfMany, Waiting: 4, Tasks: 100, Seconds: 0.1}))
	turns.add("other", figures("its way", 1, 2, 20, 20))
	b := &bed{out: &strings.Builder{}}
	if err := turns.report(b); err != nil {
		t.Fatal(err)
	}
	want := map[string]row{
		"recipe, put one by one":                                        {ratio: 0.5, baseline: "plain creates one after the other"},
		"recipe, many put at once":                                      {ratio: 0.5, baseline: "plain creates in multis of 100"},
		"recipe, taken and acknowledged by 1":                           {ratio: 0.25, baseline: "plain deletes by as many sessions"},
		"recipe, taken and acknowledged by 4":                           {ratio: 0.2, baseline: "plain deletes by as many sessions"},
		"recipe, taken and acknowledged by 4, each up to 100 at a time": {ratio: 0.1, baseline: "plain deletes by as many sessions, each 100 side by side"},
		"other, put one by one":                                         {ratio: 0.5, baseline: "its rate"},
		"other, many put at once (its way)":                             {ratio: 2, baseline: "its rate"},
		"other, taken and acknowledged by 1 (its way)":                  {ratio: 5, baseline: "its rate"},
		"other, taken and acknowledged by 4 (its way)":                  {ratio: 10, baseline: "its rate"},
		"plain requests, taken and acknowledged by 4":                   {},
	}
	for _, r := range b.rows {
		w, asked := want[r.what]
		if asked && (math.Abs(r.ratio-w.ratio) > 1e-9 || r.baseline != w.baseline) {
			t.Errorf("%+v, want %+v", r, w)
		}
		delete(want, r.what)
	}
	if len(want) > 0 {
		t.Errorf("without a row: %v", want)
	}
}
