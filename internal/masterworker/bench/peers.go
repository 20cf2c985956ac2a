package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// others is what suite peers compares the recipe with.
type others struct {
	list     []peers.Peer
	locks    []peers.Peer
	leaders  []peers.Peer
	counters []peers.Peer
	queues   []peers.Peer // of suite queue
	servers  []string     // addresses of the ensemble, for queues on it
	near     string       // a folder on the disk of the ensemble; empty if it is not known
}

// othersOn are the peers of this machine, beside that ensemble.
func othersOn(ctx context.Context, e *ensemble.Ensemble) others {
	return others{list: peers.All(), locks: peers.Locks(), leaders: peers.Elections(), counters: peers.Counters(), queues: peers.Queues(), servers: e.Addresses(), near: e.Folder(ctx)}
}

// DefaultServers is how many ZooKeeper servers suites run on without --servers: three,
// as in production. Peers alone run beside one, because the databases of the others have no
// replicas either.
func DefaultServers(suites []string) int {
	if slices.Equal(suites, []string{"peers"}) {
		return 1
	}
	return 3
}

// few is the backlog of queues that get slower with their length.
const few = 2000

// alongside measures the recipe and, right after, each peer that is installed: how fast a
// backlog is done, how fast tasks are handed in, and how long one lone task takes. All of them
// take turns, as often as rounds says.
func alongside(ctx context.Context, b *bed) (err error) {
	place, err := peers.Open(b.others.near)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	if !place.Near {
		b.says("data of PostgreSQL and Redis", "in %s, perhaps on another disk than that of the ensemble", place.Folder)
	}
	job := peers.Job{Tasks: b.config.Tasks, Few: min(few, b.config.Tasks), Lone: 40, ZooKeeper: b.others.servers, Below: "/peers"}
	return b.inTurns(ctx, place, job, b.others.list, b.own)
}

// inTurns measures the recipe and, right after, each peer that is installed, as often as rounds
// says.
func (b *bed) inTurns(ctx context.Context, place *peers.Place, job peers.Job, list []peers.Peer, own func(context.Context, peers.Job) ([]peers.Figure, error)) error {
	here, err := b.installed(ctx, place, list)
	if err != nil {
		return err
	}
	// The servers of the ensemble compile their code while they begin, so the first round of
	// the recipe does not count.
	if _, err := own(ctx, job); err != nil {
		return err
	}
	t := newTurns()
	for range rounds {
		figures, err := own(ctx, job)
		if err != nil {
			return err
		}
		t.add("", figures)
		for _, p := range here {
			figures, err := b.measured(ctx, p, place, job)
			if err != nil {
				return err
			}
			t.add(p.Name, figures)
		}
	}
	return t.report(b)
}

// installed prepares the peers, and says of each that is not installed how to change that.
func (b *bed) installed(ctx context.Context, place *peers.Place, list []peers.Peer) (here []peers.Peer, err error) {
	for _, p := range list {
		var missing peers.Missing
		switch err := p.Prepare(ctx, place); {
		case errors.As(err, &missing):
			b.says(p.Name, "skipped: %v", missing)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		default:
			here = append(here, p)
		}
	}
	return here, nil
}

// measured has a peer measured, with a znode of its own that is removed afterwards.
func (b *bed) measured(ctx context.Context, p peers.Peer, place *peers.Place, job peers.Job) (figures []peers.Figure, err error) {
	if err := b.with(ctx, func(session zkapi.Session) error { return make1(ctx, session, job.Below) }); err != nil {
		return nil, err
	}
	if figures, err = p.Measure(ctx, place, job); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return figures, b.remove(ctx, job.Below)
}

// own measures the recipe itself.
func (b *bed) own(ctx context.Context, job peers.Job) (figures []peers.Figure, err error) {
	backlogs := []int{job.Few}
	if job.Tasks != job.Few {
		backlogs = append(backlogs, job.Tasks)
	}
	for _, n := range backlogs {
		if _, err := b.inMultis(ctx, "/tasks", "task-", payload, n, 300); err != nil {
			return nil, err
		}
		perSecond, err := b.drained(ctx, "", n)
		if err != nil {
			return nil, err
		}
		figures = append(figures, peers.Figure{What: peers.Drain, Waiting: n, Tasks: n, Seconds: float64(n) / perSecond})
		if err := b.remove(ctx, "/tasks"); err != nil {
			return nil, err
		}
	}
	perSecond, err := b.submitAll(ctx, "/submitted", job.Tasks)
	if err != nil {
		return nil, err
	}
	figures = append(figures, peers.Figure{What: peers.Submit, Tasks: job.Tasks, Seconds: float64(job.Tasks) / perSecond})
	if err := b.remove(ctx, "/submitted"); err != nil {
		return nil, err
	}
	one, err := b.ownLone(ctx, job.Lone)
	return append(figures, one), errors.Join(err, b.remove(ctx, "/tasks"))
}

// ownLone measures the recipe with one task at a time.
func (b *bed) ownLone(ctx context.Context, n int) (f peers.Figure, err error) {
	g := b.group(ctx)
	defer g.stop()
	if _, err := g.workers(2, handlers); err != nil {
		return f, err
	}
	if _, _, err := g.master("master-1", 0); err != nil {
		return f, err
	}
	var notes tape // of no connection
	one, err := b.oneAtATime(ctx, b.driver, n, &notes)
	if err != nil {
		return f, err
	}
	return peers.Figure{What: peers.Lone, Tasks: n, Seconds: one.tasks.at(50).Seconds()}, nil
}

// remove removes a znode with all below it. Its caller has ended all programs that use the znode.
func (b *bed) remove(ctx context.Context, path string) error {
	return b.with(ctx, func(session zkapi.Session) error {
		var found []string // parents first
		for level := []string{path}; len(level) > 0; {
			found = append(found, level...)
			ops := make([]zkapi.Op, len(level))
			for i, parent := range level {
				ops[i] = zkapi.Children(parent)
			}
			replies := session.DoAll(ctx, ops)
			if err := firstError(replies); err != nil {
				return err
			}
			var below []string
			for i, reply := range replies {
				for _, child := range reply.Children {
					below = append(below, level[i]+"/"+child)
				}
			}
			level = below
		}
		const each = 300
		for end := len(found); end > 0; end -= each {
			var ops []zkapi.Op
			for i := end - 1; i >= max(0, end-each); i-- {
				ops = append(ops, zkapi.Delete(found[i], zkapi.AnyVersion))
			}
			if _, err := session.Do(ctx, zkapi.Multi(ops...)); err != nil {
				return err
			}
		}
		return nil
	})
}

// turns are the figures of all rounds.
type turns struct {
	order []measure
	each  map[measure][]float64 // seconds for one task, by round
}

// measure is one thing that is measured in each round. Of the recipe, peer and setting are
// empty.
type measure struct {
	peer, what, setting string
	waiting             int
}

func newTurns() *turns { return &turns{each: map[measure][]float64{}} }

func (t *turns) add(peer string, figures []peers.Figure) {
	for _, f := range figures {
		m := measure{peer, f.What, f.Setting, f.Waiting}
		if t.each[m] == nil {
			t.order = append(t.order, m)
		}
		t.each[m] = append(t.each[m], f.EachTakes())
	}
}

// report has a row for each figure of a peer, with the recipe's beside it.
func (t *turns) report(b *bed) error {
	for _, m := range t.order {
		own := measure{what: m.what, waiting: m.waiting}
		switch {
		case m.what == peers.Server:
			b.says(m.peer, "%s", m.setting)
		case m.peer == plain:
			b.says(plain+", "+m.title(), "%s", t.text(m))
		case t.each[own] == nil:
			return fmt.Errorf("%s: the recipe has no figure beside %s of %d", m.peer, m.what, m.waiting)
		case m.peer == "":
			t.own(b, m)
		case peers.IsTime(m.what):
			b.against(t.mean(own)/t.mean(m), "its time", m.peer+", "+m.title(), "%s; the recipe: %s", t.text(m), t.text(own))
		default:
			b.against(t.mean(m)/t.mean(own), "its rate", m.peer+", "+m.title(), "%s; the recipe: %s", t.text(m), t.text(own))
		}
	}
	return nil
}

// own has a row for a figure of the recipe, beside the plain requests that do the least for it.
func (t *turns) own(b *bed, m measure) {
	least := measure{plain, m.what, "", m.waiting}
	one := "plain creates and deletes one after the other"
	switch m.what {
	case peers.Grants:
		least.waiting = 1
	case peers.Adds:
		least.waiting, one = 1, "plain sets one after the other"
	case peers.Puts:
		one = "plain creates one after the other"
	case peers.PutsOfMany:
		one = "plain creates in multis of 100"
	case peers.Takes:
		one = "plain deletes by as many sessions"
	case peers.TakesOfMany:
		one = "plain deletes by as many sessions, each 100 side by side"
	}
	switch title := "recipe, " + m.title(); {
	case t.each[least] == nil:
		b.says(title, "%s", t.text(m))
	case peers.IsTime(m.what):
		b.against(t.mean(m)/t.mean(least), "its plain requests", title, "%s", t.text(m))
	default:
		b.against(t.mean(least)/t.mean(m), one, title, "%s", t.text(m))
	}
}

// plain is who does with plain requests what the recipe is compared with.
const plain = "plain requests"

// title says what is measured, and how.
func (m measure) title() string {
	title := map[string]string{
		peers.Drain: fmt.Sprintf("%d waiting", m.waiting), peers.Submit: "handed in", peers.Lone: "one lone task",
		peers.Pair: "taken and released, alone", peers.Grants: fmt.Sprintf("grants to %d that contend", m.waiting), peers.Adds: fmt.Sprintf("additions by %d to one counter", m.waiting), peers.Passed: "passed on to one that waits",
		peers.Puts: "put one by one", peers.PutsOfMany: "many put at once", peers.Takes: fmt.Sprintf("taken and acknowledged by %d", m.waiting),
		peers.TakesOfMany: fmt.Sprintf("taken and acknowledged by %d, each up to 100 at a time", m.waiting),
	}[m.what]
	if m.setting != "" {
		title += " (" + m.setting + ")"
	}
	return title
}

// mean is how many seconds one task takes, over all rounds.
func (t *turns) mean(m measure) float64 {
	sum := 0.0
	for _, seconds := range t.each[m] {
		sum += seconds
	}
	return sum / float64(len(t.each[m]))
}

// text is the figure over all rounds, with that of each round in brackets.
func (t *turns) text(m measure) string {
	show := func(seconds float64) string { return fmt.Sprintf("%.0f", 1/seconds) }
	unit := "/s"
	if peers.IsTime(m.what) {
		show, unit = func(seconds float64) string { return fmt.Sprintf("%.1f", seconds*1000) }, " ms"
	}
	var each []string
	for _, seconds := range t.each[m] {
		each = append(each, show(seconds))
	}
	return fmt.Sprintf("%s%s %v", show(t.mean(m)), unit, each)
}
