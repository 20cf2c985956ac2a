package torture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// explained has a line for each recipe.
func (all recipes) explained() string {
	var b strings.Builder
	b.WriteString("Recipes:\n")
	for _, s := range all {
		fmt.Fprintf(&b, "  %-14s %s\n", s.Name, s.Explain)
	}
	if len(all) > 1 {
		b.WriteString("\nOther recipes have other options: give --recipe NAME --help.\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// The flags that only some recipes have, besides those of roles.
const (
	rateFlag    = "rate"
	holdersFlag = "holders"
)

// flagsOf are the flags that a recipe has and another may lack, with their help.
func flagsOf(s subject.Subject) map[string]string {
	flags := map[string]string{}
	for _, r := range s.Workload.Roles {
		flags[r.Flag()] = r.Explain
		if r.Submits {
			flags[rateFlag] = cmp.Or(s.Workload.Rate, s.Things()+" per second, from all "+r.Flag()+" together")
		}
		if r.Holds {
			flags[holdersFlag] = "how many of the " + r.Flag() + " only hold long-lived " + s.Things() + " and do no other work"
		}
	}
	return flags
}

// bindRoles adds the flags that depend on the recipe, for all recipes. The help shows
// those of one recipe, with its numbers; the others are there to be refused by name.
func (o *runOptions) bindRoles(f *pflag.FlagSet) {
	for _, s := range append(recipes{o.shown}, o.all...) {
		explained := flagsOf(s)
		for _, name := range slices.Sorted(maps.Keys(explained)) {
			if f.Lookup(name) != nil {
				continue
			}
			o.bindRole(f, s, name, explained[name])
			f.Lookup(name).Hidden = s.Name != o.shown.Name
		}
	}
}

func (o *runOptions) bindRole(f *pflag.FlagSet, s subject.Subject, name, help string) {
	switch name {
	case rateFlag:
		f.Float64Var(&o.Rate, name, harness.Defaults(s).Rate, help)
	case holdersFlag:
		f.IntVar(&o.Holders, name, 0, help)
	default:
		i := slices.IndexFunc(s.Workload.Roles, func(r subject.Role) bool { return r.Flag() == name })
		o.counts[name] = f.Int(name, s.Workload.Roles[i].Count, help)
	}
}

// chosen is the setup of the recipe that was chosen, with the flags that were given. A
// flag that the recipe does not have is an error.
func (o *runOptions) chosen(given func(option string) bool) (harness.Setup, error) {
	s, err := o.all.named(o.Recipe)
	if err != nil {
		return harness.Setup{}, err
	}
	setup, has := harness.Defaults(s), flagsOf(s)
	for _, other := range o.all {
		for _, name := range slices.Sorted(maps.Keys(flagsOf(other))) {
			if _, own := has[name]; !own && given(name) {
				return setup, exit.Misuse("--%s: the recipe %s does not have this option; it has --%s", name, s.Name, strings.Join(slices.Sorted(maps.Keys(has)), ", --"))
			}
		}
	}
	counts, rate := setup.Participants, setup.Rate
	setup.Config = o.Config
	setup.Recipe, setup.Participants = s.Name, counts
	if !given(rateFlag) {
		setup.Rate = rate
	}
	for _, r := range s.Workload.Roles {
		if given(r.Flag()) {
			counts[r.Name] = *o.counts[r.Flag()]
		}
	}
	return setup, nil
}
