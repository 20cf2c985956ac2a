package subject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Part is one of several subjects that share the ensemble of a run. It knows nothing of the
// others: its znodes are below a namespace of its own, and its participants have their own names.
type Part struct {
	Subject
	// Portion is what a run has left of it. In the run, the name of the recipe stands in front of
	// the names of its participants, and of the paths of its znodes.
	record.Portion
}

// Together is a subject in whose runs several others share one ensemble. A role has the name of its
// recipe in front, so no two roles have one name, and so has its flag: --lock-lockers. The rate is
// that of each recipe. Each fault aims at one recipe, each recipe in its turn. Each recipe is judged
// by its own judges, and the worst verdict counts. Such a subject is not explored. The subjects must
// be valid, and have different names.
func Together(all ...Subject) Subject {
	t := together{}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
		t = append(t, Part{s, record.Portion{Below: "/" + s.Name, Name: s.own}})
	}
	var judged []checker.Part
	for _, p := range t {
		judged = append(judged, checker.Part{Name: p.Subject.Name, Objects: p.Objects, Judging: p.Judge, Portion: p.Portion})
	}
	return Subject{
		Name: strings.Join(names, ","), Object: "object", Objects: "objects", Explain: "several recipes on one ensemble",
		Judge: checker.Together(judged), Workload: t.workload(), Lanes: t.lanes(), Parts: t,
	}
}

// own is the name of a participant as the subject itself knows it, by its name in a run of several
// subjects.
func (s Subject) own(process string) (name string, mine bool) {
	name, mine = strings.CutPrefix(process, s.Name+"-")
	return name, mine && slices.ContainsFunc(s.Workload.Roles, func(r Role) bool { return strings.HasPrefix(name, r.Name+"-") })
}

// together are the parts of a subject.
type together []Part

// workload is the load of all parts.
func (t together) workload() Workload {
	w := Workload{Rate: "objects of each recipe per second", Check: t.check, Options: t.options, Play: t.play, Open: t.open}
	holds := false
	for _, p := range t {
		for _, r := range p.Workload.Roles {
			r.Name, r.Explain = p.Subject.Name+"-"+r.Name, p.Subject.Name+": "+r.Explain
			r.Holds, holds = r.Holds && !holds, holds || r.Holds // of one role only
			w.Roles = append(w.Roles, r)
		}
		if w.Policy == nil && p.Workload.Policy != nil {
			w.Policy = func(r Run) record.Policy { return p.Workload.Policy(p.run(r)) }
		}
		w.Roots = append(w.Roots, p.Below)
		w.Tree.Parts = append(w.Tree.Parts, p.tree())
	}
	w.Tree.Lacks = slices.DeleteFunc(slices.Clone(w.Tree.Parts[0].Lacks), func(lacking nemesis.Role) bool {
		return slices.ContainsFunc(w.Tree.Parts, func(r nemesis.Recipe) bool { return !slices.Contains(r.Lacks, lacking) })
	})
	return w
}

// run is what one part is told of the run.
func (p Part) run(r Run) Run {
	counts, holders := map[string]int{}, r.Holders
	for _, role := range p.Workload.Roles {
		counts[role.Name] = r.Counts[p.Subject.Name+"-"+role.Name]
	}
	r.Counts, r.Holders = counts, nil
	for _, name := range holders {
		if own, mine := p.Portion.Name(name); mine {
			r.Holders = append(r.Holders, own)
		}
	}
	return r
}

func (t together) check(r Run) error {
	var errs []error
	for _, p := range t {
		if p.Workload.Check != nil {
			if err := p.Workload.Check(p.run(r)); err != nil {
				errs = append(errs, fmt.Errorf("the recipe %s: %w", p.Subject.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// options are those of each part, under its name.
func (t together) options(r Run) any {
	all := map[string]any{}
	for _, p := range t {
		if p.Workload.Options != nil {
			all[p.Subject.Name] = p.Workload.Options(p.run(r))
		}
	}
	return all
}

// play plays a participant as the recipe knows it to which it belongs.
func (t together) play(ctx context.Context, p Participant) error {
	for _, part := range t {
		name, mine := part.Portion.Name(p.Name)
		if !mine {
			continue
		}
		options := map[string]json.RawMessage{}
		if err := json.Unmarshal(p.Options, &options); err != nil {
			return fmt.Errorf("subject: the options of the run: %w", err)
		}
		effect, powerOff := p.Effect, p.PowerOff
		p.Name, p.Role, p.Namespace = name, strings.TrimPrefix(p.Role, part.Subject.Name+"-"), p.Namespace+part.Below
		p.Options = options[part.Subject.Name]
		p.Effect = func(e Effect) error {
			e.Object = part.Below + e.Object // two recipes may have objects of one name
			return effect(e)
		}
		p.PowerOff = func(ctx context.Context, of record.Life) error {
			of.Process = part.Subject.Name + "-" + of.Process
			return powerOff(ctx, of)
		}
		return part.Workload.Play(ctx, p)
	}
	return fmt.Errorf("subject: no recipe has the participant %s", p.Name)
}

// open is what is open in each part.
func (t together) open(ctx context.Context, z nemesis.Znodes) (Open, error) {
	var sum Open
	var left []string
	for _, p := range t {
		if p.Workload.Open == nil {
			continue
		}
		own, err := p.Workload.Open(ctx, below{z, p.Below})
		if err != nil {
			return sum, err
		}
		sum.Items, sum.Moves = sum.Items+own.Items, sum.Moves+own.Moves
		if own.Items > 0 {
			sum.below = append(sum.below, p.Below)
		}
		if own.Left != "" {
			left = append(left, p.Subject.Name+": "+own.Left)
		}
	}
	sum.Left = strings.Join(left, "; ")
	return sum, nil
}

// below reads the znodes below a path.
type below struct {
	nemesis.Znodes
	path string
}

// Do implements nemesis.Znodes.
func (b below) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	op.Path = b.path + op.Path
	return b.Znodes.Do(ctx, op)
}

// DoAll implements nemesis.Znodes.
func (b below) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Path = b.path + ops[i].Path
	}
	return b.Znodes.DoAll(ctx, ops)
}

// tree is the part as the nemesis knows it, which has the names of the run.
func (p Part) tree() nemesis.Recipe {
	own := p.Workload.ForNemesis()
	all := own
	named := func(name string) string { return p.Subject.Name + "-" + name }
	counted := func(count func(context.Context, nemesis.Znodes) (map[string]int, error)) func(context.Context, nemesis.Znodes) (map[string]int, error) {
		if count == nil {
			return nil
		}
		return func(ctx context.Context, z nemesis.Znodes) (map[string]int, error) {
			found, err := count(ctx, below{z, p.Below})
			held := map[string]int{}
			for name, n := range found {
				held[named(name)] = n
			}
			return held, err
		}
	}
	all.Owns = func(process string) bool { _, mine := p.Portion.Name(process); return mine }
	all.Held, all.Residents = counted(own.Held), counted(own.Residents)
	if own.Leader != nil {
		all.Leader = func(ctx context.Context, z nemesis.Znodes) (string, int64, error) {
			name, session, err := own.Leader(ctx, below{z, p.Below})
			return named(name), session, err
		}
	}
	if own.Elects != nil {
		all.Elects = func(part zkapi.Op) bool { return p.mine(&part) && own.Elects(part) }
	}
	if own.Assigns != nil {
		all.Assigns = func(part zkapi.Op, to string) bool {
			name, mine := p.Portion.Name(to)
			return mine && p.mine(&part) && own.Assigns(part, name)
		}
	}
	if own.Registration != nil {
		all.Registration = func(process string) string {
			name, _ := p.Portion.Name(process)
			return p.Below + own.Registration(name)
		}
	}
	if own.Changing != "" {
		all.Changing = p.Below + own.Changing
	}
	return all
}

// mine turns the path of an operation into that of the part; false if it is of another part.
func (p Part) mine(op *zkapi.Op) (mine bool) {
	op.Path, mine = p.Own(op.Path)
	return mine
}

// lanes draw the events of all parts.
func (t together) lanes() report.Lanes {
	all := report.Lanes{Kinds: map[record.Kind]report.Drawn{}, Participants: "The participants of several recipes", Sum: t.sum, Detail: t.detail}
	var searched []string
	for _, p := range t {
		maps.Copy(all.Kinds, p.Lanes.Kinds)
		for _, chart := range p.Lanes.Charts {
			chart.Colour = unused(chart.Colour, all.Charts)
			all.Charts = append(all.Charts, chart)
		}
		if p.Lanes.Searched != "" {
			searched = append(searched, p.Lanes.Searched)
		}
	}
	all.Searched = strings.Join(searched, ", ")
	return all
}

// unused is a colour that no chart has yet, and this one if it is free. Red is for what has failed.
func unused(wanted string, charts []report.Chart) string {
	for _, colour := range []string{wanted, "#9467bd", "#e08b00", "#17becf", "#8c564b", "#e377c2", "#7f7f7f"} {
		if !slices.ContainsFunc(charts, func(c report.Chart) bool { return c.Colour == colour }) {
			return colour
		}
	}
	return wanted
}

// detail is what the part says of an event to which its participant belongs.
func (t together) detail(e record.Event) []string {
	for _, p := range t {
		if _, mine := p.Portion.Name(e.Process); mine && p.Lanes.Detail != nil {
			return p.Lanes.Detail(e)
		}
	}
	return nil
}

// sum is a line for each part.
func (t together) sum(counts map[string]int) string {
	var lines []string
	for _, p := range t {
		own := map[string]int{}
		for name, n := range counts {
			if name, mine := strings.CutPrefix(name, p.Subject.Name+"/"); mine {
				own[name] = n
			}
		}
		line := fmt.Sprintf("%d %s", own[p.Objects], p.Things())
		if p.Lanes.Sum != nil {
			line = p.Lanes.Sum(own)
		}
		lines = append(lines, p.Subject.Name+": "+line)
	}
	return strings.Join(lines, "\n")
}
