package integration

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	model "github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// errUnlike is a difference between the model and the real side.
var errUnlike = errors.New("the real side differs")

func unlike(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUnlike, fmt.Sprintf(format, args...))
}

// explained is an error that tells a disturbance from a difference.
func (c *conductor) explained(err error) error {
	if err == nil {
		return nil
	}
	for _, p := range c.players {
		if p == nil || p.gone {
			continue
		}
		if s := p.host.session; s != nil && !s.Done().Fired() {
			if change, _, _ := s.Connection(); change > s.expected {
				return fmt.Errorf("%w: %s lost its connection; %w", errDisturbed, p.name, err)
			}
		}
	}
	return err
}

// rename puts the model's names of sessions in place of the real ones, which the
// recipe writes into data, so that it writes the same on both sides.
func (c *conductor) rename(r *zkapi.Result) {
	for id, real := range c.ids {
		if r.Stat.EphemeralOwner == real {
			r.Stat.EphemeralOwner = id
			break
		}
	}
	r.Results = slices.Clone(r.Results)
	for i := range r.Results {
		c.rename(&r.Results[i])
	}
}

// sameOnWire compares what was asked for with what was sent. The client does not set
// a watch again that it has.
func sameOnWire(asked, sent zkapi.Op) bool {
	sent.Watch = asked.Watch && (sent.Watch || asked.Kind != 0)
	return sameOp(asked, sent)
}

func sameOp(a, b zkapi.Op) bool {
	return a.Kind == b.Kind && a.Path == b.Path && bytes.Equal(a.Data, b.Data) && a.Version == b.Version && a.Mode == b.Mode && a.Watch == b.Watch &&
		slices.EqualFunc(a.Ops, b.Ops, sameOp)
}

// compare holds a real answer against the model's.
func (c *conductor) compare(p *player, op zkapi.Op, m explore.Moment, result zkapi.Result, err error) error {
	c.tally.requests.Add(1)
	if err != nil {
		c.tally.refused.Add(1)
	}
	if op.Kind == zkapi.KindGet || op.Kind == zkapi.KindChildren {
		result.Found = err == nil // as the model says of every read
	}
	if zkapi.FateOf(err) != zkapi.FateOf(m.Err) {
		return unlike("%s: %s: the model says that it is %v, ZooKeeper %v: %v", p.name, describe(op), zkapi.FateOf(m.Err), zkapi.FateOf(err), err)
	}
	if difference := c.differ(op, m.Result, m.Err, result, err); difference != "" {
		return unlike("%s: %s: %s", p.name, describe(op), difference)
	}
	return nil
}

// untouched makes sure that nothing was written.
func (c *conductor) untouched(p *player) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.wrote) > 0 {
		return unlike("%s: a request that was lost on its way was sent: %+v", p.name, p.wrote)
	}
	return nil
}

// tells reports whether an event is what a watch was set for.
func tells(h *ensemble.Held, namespace string, w model.Watch) bool {
	if h.Event.Path != namespace+w.Path {
		return false
	}
	switch model.EventType(h.Event.Type) {
	case model.NodeDeleted:
		return true
	case model.NodeChildrenChanged:
		return w.Table == model.ChildWatches
	}
	return w.Table == model.DataWatches
}

// asks compares what every process waits for, and what it claims.
func (c *conductor) asks(m explore.Moment) error {
	for place, p := range c.players {
		if p.gone {
			continue
		}
		if p.host.failure != nil {
			return unlike("%s panics: %v", p.name, p.host.failure)
		}
		same := func(a explore.Asking, r *hostRequest) bool {
			return a.Opens == r.Opens && a.Closes == r.Closes && a.Resource == r.Resource && a.Token == r.Token && sameOp(a.Op, r.Op)
		}
		if !slices.EqualFunc(m.Asks[place], p.host.asked, same) {
			var real []string
			for _, r := range p.host.asked {
				real = append(real, asking(r.Asking))
			}
			var want []string
			for _, a := range m.Asks[place] {
				want = append(want, asking(a))
			}
			return unlike("%s: the model's asks for\n      %s\n    and the real one for\n      %s", p.name, strings.Join(want, "\n      "), strings.Join(real, "\n      "))
		}
		if notes := m.View.Processes[place].Notes; !maps.Equal(notes, p.host.notes) {
			return unlike("%s: the model's claims %v, the real one %v", p.name, notes, p.host.notes)
		}
	}
	return nil
}

func asking(a explore.Asking) string {
	if a.Op.Kind != 0 {
		return describe(a.Op)
	}
	return a.String()
}

// end compares what is left: the events under way, and every znode.
func (c *conductor) end(m explore.Moment) error {
	for place, p := range c.players {
		if p.gone {
			continue
		}
		if err := c.leftover(p, m.Events[place]); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for path := range m.View.Tree.All() {
		if path == "/" {
			continue
		}
		seen[path] = true
		for _, op := range []zkapi.Op{zkapi.Get(path), zkapi.Children(path)} {
			want, wantErr := m.View.Tree.Read(op)
			got, err := c.reader.do(c.ctx, op)
			got.Found = err == nil
			if difference := c.differ(op, want, wantErr, got, err); difference != "" {
				return unlike("at the end: %s: %s", describe(op), difference)
			}
		}
		c.tally.znodes.Add(1)
	}
	listed, err := c.reader.do(c.ctx, zkapi.Children(""))
	if err != nil {
		return err
	}
	for _, name := range listed.Children {
		if !seen["/"+name] && !slices.Contains(c.world.Beside, "/"+name) {
			return unlike("at the end: ZooKeeper has /%s, the model has not", name)
		}
	}
	return nil
}

// leftover compares the events that are under way to a process.
func (c *conductor) leftover(p *player, want []model.Watch) error {
	if !p.await(func() bool {
		for _, w := range want {
			if !slices.ContainsFunc(p.events, func(h *ensemble.Held) bool { return tells(h, c.namespace, w) }) && !c.told(p, w) {
				return false
			}
		}
		return true
	}) {
		return unlike("%s: the model is to be told of %v, and ZooKeeper tells of %d events", p.name, want, len(p.events))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.events {
		if !slices.ContainsFunc(want, func(w model.Watch) bool { return tells(h, c.namespace, w) }) {
			return unlike("%s: ZooKeeper tells of %v, the model of %v", p.name, h.Event, want)
		}
	}
	return nil
}

// told reports whether a watch has fired with an event that told of two.
func (c *conductor) told(p *player, w model.Watch) bool {
	sources := p.host.session.watches[w]
	return len(sources) > 0 && sources[0].real.Fired()
}
