package torture

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// validate names each subject that cannot be tortured, and why.
func (all recipes) validate() error {
	if len(all) == 0 {
		return exit.Misuse("there is no recipe: give torture.Main one subject at least")
	}
	var errs []error
	for i, s := range all {
		errs = append(errs, s.Validate())
		if s.Name == every {
			errs = append(errs, fmt.Errorf("a recipe has the name %q, which means all recipes: give the subject another Name", s.Name))
		}
		if slices.Index(all.names(), s.Name) < i {
			errs = append(errs, fmt.Errorf("two recipes have the name %q: give each subject a Name of its own", s.Name))
		}
	}
	return exit.With(exit.WrongUse, errors.Join(errs...))
}

// valueless refuses a --recipe that is followed by another option.
func valueless(args []string) error {
	if name := recipeIn(args); strings.HasPrefix(name, "-") {
		return exit.Misuse("--recipe needs a value: give the name of a recipe before %s", name)
	}
	return nil
}

// recipeIn is the recipe that arguments ask for; empty if they leave it to the default.
func recipeIn(args []string) string {
	for i, a := range args {
		if name, ok := strings.CutPrefix(a, "--recipe="); ok {
			return name
		}
		if a == "--recipe" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// every is the --recipe for all recipes at once.
const every = "all"

// named is the subject of that name; an empty one is the default. Several names, with commas
// between, are several recipes on one ensemble.
func (all recipes) named(name string) (subject.Subject, error) {
	if name == every && len(all) > 1 {
		return subject.Together(all...), nil
	}
	names := strings.Split(name, ",")
	var several recipes
	for _, one := range names {
		s, err := all.single(one)
		if err != nil {
			return s, err
		}
		if slices.Contains(several.names(), s.Name) {
			return s, fmt.Errorf("--recipe %q: %s is there twice: name each recipe once", name, s.Name)
		}
		several = append(several, s)
	}
	if len(several) == 1 {
		return several[0], nil
	}
	return subject.Together(several...), nil
}

// single is the subject of that name; an empty one is the default.
func (all recipes) single(name string) (subject.Subject, error) {
	at := slices.IndexFunc(all, func(s subject.Subject) bool { return name == "" || s.Name == name })
	if at < 0 {
		return subject.Subject{}, fmt.Errorf("--recipe %q: no recipe has this name; use one of: %s, or several of them, with commas between, or all", name, strings.Join(all.names(), ", "))
	}
	return all[at], nil
}

// formerly is the recipe of the runs that name none: there was no other one.
const formerly = "master-worker"

// ofRun is the subject of a stored run.
func (all recipes) ofRun(recipe string) (subject.Subject, error) {
	if recipe == "" {
		recipe = formerly
	}
	s, err := all.named(recipe)
	if err != nil {
		return s, exit.Misuse("the run used the recipe %q, which this command does not have; it has: %s", recipe, strings.Join(all.names(), ", "))
	}
	return s, nil
}

// names are the names of the recipes.
func (all recipes) names() []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return names
}
