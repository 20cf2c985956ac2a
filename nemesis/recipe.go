package nemesis

import (
	"context"
	"slices"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Znodes reads the znodes of a run. Paths begin below its namespace. A read is repeated
// until it is answered; the error is zkapi.ErrNoNode, or that of the context.
type Znodes interface {
	Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error)
	DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply // not repeated
}

// Recipe is what the nemesis must know of the recipe of a run. A recipe that lacks
// something leaves its field empty, and the faults that need it are refused.
type Recipe struct {
	Lacks []Role // the roles that no participant can have
	// Idle are the faults that would hardly ever take effect, because the participants do not
	// do what the fault waits for. It says after "the recipe has" what is missing: "no client
	// that creates znodes".
	Idle map[Kind]string
	// Leader finds who leads, and the session that holds the znode of the leader. The error
	// is zkapi.ErrNoNode if no participant leads.
	Leader func(ctx context.Context, z Znodes) (name string, session int64, err error)
	// Elects reports whether a part of a write that was applied makes its sender the leader.
	Elects func(part zkapi.Op) bool
	// Registration is the path of the ephemeral of a participant that works. nil: the session
	// of such a participant is its latest one.
	Registration func(name string) string
	// Held counts what each participant holds. nil: it is not known who is the busiest.
	Held func(ctx context.Context, z Znodes) (map[string]int, error)
	// Residents counts what each participant holds for as long as it can.
	Residents func(ctx context.Context, z Znodes) (map[string]int, error)
	// Assigns reports whether a part of a write that was applied hands something to a
	// participant.
	Assigns func(part zkapi.Op, to string) bool
	// Changing is the path of a znode whose children come and go all the time.
	Changing string
	// Owns reports whether a participant belongs to the recipe. nil: all of the run do.
	Owns func(process string) bool
	// Parts are the recipes of a run that has several. Each fault aims at one of them.
	Parts []Recipe
}

// Ask is what a fault asks of a recipe, beyond a target.
type Ask int

// The asks.
const (
	Elections   Ask = 1 << iota // Recipe.Elects
	Assignments                 // Recipe.Assigns
	LongLived                   // Recipe.Residents
	Changes                     // Recipe.Changing
)

// Refuses says why a recipe cannot have a fault, after "the recipe has"; it is empty if
// the recipe can.
func (r Recipe) Refuses(kind Kind) string {
	entry, known := Lookup(kind)
	if !known {
		return ""
	}
	for i, part := range r.Parts {
		if why := part.Refuses(kind); why == "" || i == len(r.Parts)-1 {
			return why
		}
	}
	if why := r.Idle[kind]; why != "" {
		return why
	}
	if roles := entry.rolesBut(r.Lacks); len(roles) == 0 {
		return "no " + string(entry.Roles[len(entry.Roles)-1])
	}
	for _, role := range entry.All {
		if slices.Contains(r.Lacks, role) {
			return "no " + string(role)
		}
	}
	for _, c := range []struct {
		ask Ask
		has bool
		why string
	}{
		{Elections, r.Elects != nil, "no election that the nemesis can see"}, {Assignments, r.Assigns != nil, "no assignments"},
		{LongLived, r.Residents != nil, "nothing that is held for long"}, {Changes, r.Changing != "", "no znode that changes often"},
	} {
		if entry.Asks&c.ask != 0 && !c.has {
			return c.why
		}
	}
	return ""
}

// rolesBut are the possible targets of a fault in a run whose participants lack some roles.
func (e Entry) rolesBut(lacking []Role) []Role {
	return slices.DeleteFunc(slices.Clone(e.Roles), func(r Role) bool { return slices.Contains(lacking, r) })
}

// partOf reports whether a write was applied and one of its parts, with its path below
// the namespace, fits.
func (j *Injector) partOf(x Exchange, fits func(part zkapi.Op) bool) bool {
	root := j.Settings().Namespace
	return x.Err == nil && slices.ContainsFunc(append([]zkapi.Op{x.Op}, x.Op.Ops...), func(part zkapi.Op) bool {
		if len(part.Path) < len(root) || part.Path[:len(root)] != root {
			return false
		}
		part.Path = part.Path[len(root):]
		return fits(part)
	})
}
